"""What the daemon answers: problems (RFC 9457), raw planes without copies, server-sent events, stage times.

Knows aiohttp and the errors; must not know where results come from.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from aiohttp import web

from matted.errors import MattedError
from matted.service.jobs import Event

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PROBLEM = "application/problem+json"
_PIECE = 1 << 20  # an answer goes out in pieces of this size, so that the loop can serve others between
_log = logging.getLogger(__name__)


def problem(error: MattedError, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """`error` as problem details; the last part of its type is the error's slug."""
    return _problem(error.status, error.slug, str(error), headers or {})


def _problem(status: int, slug: str, sentence: str, headers: Mapping[str, str]) -> web.Response:
    body = {
        "type": f"urn:matted:problem:{slug}",
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": sentence,
    }
    more = dict(headers)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        more.setdefault("Retry-After", "1")
    if status == HTTPStatus.UNAUTHORIZED:
        more.setdefault("WWW-Authenticate", "Bearer")
    return web.Response(
        status=status, reason=slug, body=json.dumps(body).encode(), content_type=PROBLEM, headers=more
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure becomes a problem; nothing returns a stack trace."""
    try:
        return await handler(request)
    except (ConnectionError, asyncio.CancelledError):
        raise  # the client is gone: there is nobody to answer
    except Exception as error:
        answer = _explained(request, error)
        if request.transport is None or request.transport.is_closing():
            raise ConnectionResetError("the answer was broken off") from error
        return answer


def _explained(request: web.Request, error: Exception) -> web.Response:
    if isinstance(error, MattedError):
        return problem(error)
    path = request.path[:200]
    if isinstance(error, web.HTTPNotFound):
        sentence = f"There is nothing at {path}: /v1/openapi.json tells what there is."
        return _problem(404, "not-found", sentence, {})
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        sentence = f"{request.method} does not exist at {path}; {allowed} does."
        return _problem(405, "method-not-allowed", sentence, {"Allow": allowed})
    if isinstance(error, web.HTTPException):
        slug = error.reason.lower().replace(" ", "-")
        return _problem(error.status, slug, f"The request was refused: {error.reason}.", {})
    reference = secrets.token_hex(4)
    _log.error("unexpected failure %s in %s %s", reference, request.method, path, exc_info=error)
    sentence = f"Matted failed unexpectedly; its log says more under the reference {reference}."
    return _problem(500, "failed", sentence, {"X-Matted-Reference": reference})


async def send(
    request: web.Request, body: memoryview, *, content_type: str, headers: Mapping[str, str]
) -> web.StreamResponse:
    """`body` as the answer, without copying it as a whole."""
    flat = body.cast("B")
    response = web.StreamResponse(headers=headers)
    response.content_type = content_type
    response.content_length = len(flat)
    with _whole_or_broken_off(request):
        await response.prepare(request)
        for start in range(0, len(flat), _PIECE):
            await response.write(flat[start : start + _PIECE])
        await response.write_eof()
    return response


@contextmanager
def _whole_or_broken_off(request: web.Request) -> Iterator[None]:
    """Of an answer that was begun, only the connection's end can still say that it failed."""
    try:
        yield
    except BaseException:
        if request.transport is not None:
            request.transport.abort()
        raise


def server_timing(seconds: Mapping[str, float]) -> str:
    """Stage times as a Server-Timing header: `model;dur=215.4, edges;dur=80.1` in milliseconds."""
    return ", ".join(f"{stage};dur={1000 * value:.1f}" for stage, value in seconds.items())


class EventStream:
    """A response of server-sent events, begun with the first one sent."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response: web.StreamResponse | None = None

    @property
    def begun(self) -> bool:
        """Whether anything was sent."""
        return self._response is not None

    async def send(self, content: Mapping[str, Any]) -> None:
        """One event with `content` as its JSON data."""
        with _whole_or_broken_off(self._request):
            if self._response is None:
                self._response = web.StreamResponse()
                self._response.content_type = "text/event-stream"
                await self._response.prepare(self._request)
            await self._response.write(b"data: " + json.dumps(content).encode() + b"\n\n")

    async def end(self) -> web.StreamResponse:
        """The finished response; something must have been sent."""
        assert self._response is not None
        await self._response.write_eof()
        return self._response


def event_content(event: Event) -> dict[str, Any]:
    """An event as it stands on the wire."""
    content: dict[str, Any] = {
        "state": event.state,
        "stage": event.stage,
        "fraction": round(event.fraction, 4),
    }
    if event.done or event.total:
        content |= {"done": event.done, "total": event.total}
    if event.error is not None:
        content |= {"slug": event.error.slug, "detail": str(event.error)}
    return content
