"""Who may talk to the daemon: programs of this user on this computer, and nobody else.

A web page can make a browser send requests to the loopback address, and by DNS rebinding even read the
answers; so the `Host` must be ours, an `Origin` must be absent or ours, and everything that is not public
needs the token, or, for the page of the watched folders, the session of a browser that was given a ticket.
Knows nothing of pictures.
"""

import hmac
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from matted import __version__
from matted.client import HOST, WIRE, Runtime, identity_proof
from matted.errors import BadOption, MattedError
from matted.service.page.doors import Doors, PageForged, Session

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PUBLIC = frozenset({f"/{WIRE}/health", f"/{WIRE}/identity", f"/{WIRE}/openapi.json"})
DOORS = frozenset({"/", "/open"})  # where a browser comes in; they give nothing away without a ticket
VIEW = "/page/{view}"  # every route that begins so needs the session of that path
COOKIE = "matted-page"
KEY_HEADER = "X-Matted-Page"


class ForeignHost(MattedError):
    """The request was addressed to a name that is not this computer's loopback."""

    status, slug = 403, "foreign-host"


class ForeignOrigin(MattedError):
    """A web page sent the request."""

    status, slug = 403, "foreign-origin"


class TokenMissing(MattedError):
    """No token, or not the one in the runtime file."""

    status, slug = 401, "token-missing"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this daemon is. `token` never leaves it; `began` is a time.monotonic() value."""

    token: str
    port: int
    pid: int = field(default_factory=os.getpid)
    version: str = __version__
    began: float = field(default_factory=time.monotonic)

    @property
    def runtime(self) -> Runtime:
        """What the runtime file says."""
        return Runtime(self.port, self.token, self.pid, self.version)

    @property
    def hosts(self) -> frozenset[str]:
        """The values of `Host` that mean this daemon."""
        return frozenset(f"{name}:{self.port}" for name in (HOST, "localhost", "[::1]"))

    def proof(self, nonce: str) -> str:
        """The answer to a client's nonce. Raises BadOption."""
        if not (32 <= len(nonce) <= 128 and all(c in "0123456789abcdef" for c in nonce)):
            raise BadOption("The nonce must be 32 to 128 hexadecimal digits.")
        return identity_proof(self.token, nonce, self.port)


IDENTITY = web.AppKey("identity", Identity)
PAGE_DOORS = web.AppKey("doors", Doors)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets a request through that is addressed to us, sent by no foreign web page, and carries the token.

    One to the page has its session's cookie instead, and to change anything the page's own key and origin.
    """
    identity = request.app[IDENTITY]
    host = request.headers.get("Host", "").lower()
    if host not in identity.hosts:
        raise ForeignHost("Matted answers only requests addressed to this computer (127.0.0.1 or localhost).")
    origin = request.headers.get("Origin")
    if origin is not None and origin not in {f"http://{name}" for name in identity.hosts}:
        raise ForeignOrigin("Web pages may not talk to Matted.")
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise ForeignOrigin("Web pages may not talk to Matted.")
    if _is_of_the_page(request):
        _check_change(request, session_of(request), host)
    elif request.path not in PUBLIC | DOORS and not _has_token(request, identity.token):
        raise TokenMissing("The request lacks the token from Matted's runtime file.")
    return await handler(request)


def _is_of_the_page(request: web.Request) -> bool:
    """Whether the route that will answer is one of the page's, however its path was written."""
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical.startswith(VIEW + "/")


def session_of(request: web.Request) -> Session:
    """The session that a request to the page has. Raises PageClosed."""
    return request.app[PAGE_DOORS].session(request.match_info["view"], request.cookies.get(COOKIE, ""))


def _check_change(request: web.Request, session: Session, host: str) -> None:
    """Raises PageForged when something else than the page itself asks for a change."""
    if request.method == "GET":
        return
    if request.headers.get("Origin") != f"http://{host}":
        raise PageForged("Only the page itself may ask for changes, so nothing was done.")
    request.app[PAGE_DOORS].check_key(session, request.headers.get(KEY_HEADER, ""))


def _has_token(request: web.Request, token: str) -> bool:
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {token}".encode())
