"""The page's routes: its two doors, its files, the state, thumbnails, and the four things it may ask for.

Who may ask is `guard`'s: every request below `VIEW` has a session when it gets here. May import the parts of
the page; must not know how pictures are cut.
"""

import asyncio
import hashlib
import html
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiohttp import web

from matted.config import Settings, config_path
from matted.errors import BadOption
from matted.service.context import SERVICE, Handler
from matted.service.guard import COOKIE, DOORS, IDENTITY, PAGE_DOORS, VIEW, session_of
from matted.service.page.doors import PageClosed, TicketUsed
from matted.service.page.dropping import checked_name, put
from matted.service.page.folders import MOST_SHOWN, Folders
from matted.service.page.peer import is_another_user
from matted.service.page.thumbnails import LARGE_PX, SIDE_PX, Thumbnails

_FIRST_SHOWN = 60
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows, of one application. `shrinking`: where thumbnails are made."""

    folders: Folders
    thumbnails: Thumbnails
    shrinking: ThreadPoolExecutor


PAGE = web.AppKey("page", Page)


def table() -> list[web.RouteDef]:
    """The page's routes."""
    picture = VIEW + "/folders/{folder:[0-9]{1,6}}/pictures"
    one = picture + "/{picture:[0-9]{1,12}}"
    return [
        web.get("/", closed, allow_head=False),
        web.get("/open", open_page, allow_head=False),
        web.get(VIEW + "/", page, allow_head=False),
        web.get(VIEW + "/{file:(?:page|beside|closer|dropping)\\.js|page\\.css}", part, allow_head=False),
        web.get(VIEW + "/state", state, allow_head=False),
        web.get(one + "/{which:before|after}", thumbnail, allow_head=False),
        web.post(one + "/accept", accept),
        web.post(one + "/retry", retry),
        web.post(picture, drop),
    ]


async def living(app: web.Application) -> AsyncIterator[None]:
    """The page's parts, for the application's life; a `cleanup_ctx`."""
    yield
    app[PAGE].shrinking.shutdown(wait=False, cancel_futures=True)


def make_page(settings: Settings) -> Page:
    """The page's parts."""
    shrinking = ThreadPoolExecutor(2, thread_name_prefix="matted-page")
    return Page(Folders(settings.watch), Thumbnails(settings.max_pixels), shrinking)


async def secured(_request: web.Request, response: web.StreamResponse) -> None:
    """Told of every answer of the daemon: no browser may run, frame, refer from or share any of it."""
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"


@web.middleware
async def told_in_a_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A person whose page is closed reads one sentence; programs get the problem."""
    try:
        return await handler(request)
    except PageClosed as error:
        if request.path not in DOORS and "text/html" not in request.headers.get("Accept", ""):
            raise
        text = _file("closed.html").replace("{sentence}", html.escape(str(error)))
        return web.Response(status=error.status, text=text, content_type="text/html")


async def ticket(request: web.Request) -> web.Response:
    """POST /v1/tickets"""
    doors = request.app[PAGE_DOORS]
    return web.json_response({"path": f"/open?ticket={doors.ticket()}"}, status=201)


async def closed(_request: web.Request) -> web.Response:
    """GET /"""
    raise PageClosed("Matted's page is opened by a link of its own. Run `matted open`.")


async def open_page(request: web.Request) -> web.Response:
    """GET /open"""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if peer and is_another_user(peer[1], request.app[IDENTITY].port):
        raise TicketUsed("This link was followed by another user of this computer. Run `matted open` again.")
    session = request.app[PAGE_DOORS].redeem(request.query.get("ticket", ""))
    place = VIEW.format(view=session.view)
    answer = web.Response(status=303, headers={"Location": f"{place}/"})
    answer.set_cookie(COOKIE, session.cookie, path=place, httponly=True, samesite="Strict")
    return answer


async def page(request: web.Request) -> web.Response:
    """GET /page/{view}/"""
    text = _file("index.html").replace("{key}", html.escape(session_of(request).key))
    text = text.replace("{config}", html.escape(str(config_path())))
    return web.Response(text=text, content_type="text/html")


async def part(request: web.Request) -> web.Response:
    """GET /page/{view}/page.js and the parts it imports, page.css"""
    name = request.match_info["file"]
    kind = "text/javascript" if name.endswith(".js") else "text/css"
    return web.Response(text=_file(name), content_type=kind)


async def state(request: web.Request) -> web.Response:
    """GET /page/{view}/state"""
    service = request.app[SERVICE]
    asked = request.query.get("limit", str(_FIRST_SHOWN))
    if not (asked.isascii() and asked.isdigit() and 0 < len(asked) < 6):
        raise BadOption("The limit is a whole number.")
    troubles = {} if service.watches is None else dict(service.watches.troubles)
    folders = await asyncio.to_thread(request.app[PAGE].folders.state, min(int(asked), MOST_SHOWN), troubles)
    text = json.dumps({"ready": service.engine.pipeline is not None, "folders": folders})
    mark = f'"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'
    if request.headers.get("If-None-Match") == mark:
        return web.Response(status=304, headers={"ETag": mark})
    return web.Response(text=text, content_type="application/json", headers={"ETag": mark})


async def thumbnail(request: web.Request) -> web.Response:
    """GET .../pictures/{picture}/before and after"""
    shown, (folder, picture) = request.app[PAGE], _numbers(request)
    side_px = LARGE_PX if "large" in request.query else SIDE_PX

    def make() -> bytes:
        if request.match_info["which"] == "before":
            return shown.thumbnails.of(shown.folders.source(folder, picture), side_px)
        return shown.thumbnails.first(shown.folders.results(folder, picture), side_px)

    made = await asyncio.wrap_future(shown.shrinking.submit(make))
    return web.Response(body=made, content_type="image/webp")


async def accept(request: web.Request) -> web.Response:
    """POST .../pictures/{picture}/accept"""
    sentence = await asyncio.to_thread(request.app[PAGE].folders.accept, *_numbers(request))
    return web.json_response({"sentence": sentence})


async def retry(request: web.Request) -> web.Response:
    """POST .../pictures/{picture}/retry"""
    sentence = await asyncio.to_thread(request.app[PAGE].folders.retry, *_numbers(request))
    return web.json_response({"sentence": sentence})


async def drop(request: web.Request) -> web.Response:
    """POST .../folders/{folder}/pictures"""
    folder = request.app[PAGE].folders.path(int(request.match_info["folder"]))
    name = checked_name(request.query.get("name", ""))
    intake = request.app[SERVICE].intake
    with intake.promise() as promise:
        received = await intake.anything(request, promise)
        path: Path = await asyncio.to_thread(put, folder, name, received.data)
    content: dict[str, Any] = {"name": path.name, "sentence": f"{path.name} is in the folder."}
    return web.json_response(content, status=201)


def _numbers(request: web.Request) -> tuple[int, int]:
    return int(request.match_info["folder"]), int(request.match_info["picture"])


def _file(name: str) -> str:
    return files("matted.service.page").joinpath(name).read_text("utf-8")
