"""Who may talk to the daemon: programs of this user on this computer, and nobody else.

A web page can make a browser send requests to the loopback address, and by DNS rebinding even read the
answers; so the `Host` must be ours, an `Origin` must be absent or ours, and everything that is not public
needs the token. Knows nothing of pictures.
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

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PUBLIC = frozenset({f"/{WIRE}/health", f"/{WIRE}/identity", f"/{WIRE}/openapi.json"})


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


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets a request through that is addressed to us, sent by no web page, and carries the token."""
    identity = request.app[IDENTITY]
    host = request.headers.get("Host", "").lower()
    if host not in identity.hosts:
        raise ForeignHost("Matted answers only requests addressed to this computer (127.0.0.1 or localhost).")
    origin = request.headers.get("Origin")
    if origin is not None and origin not in {f"http://{name}" for name in identity.hosts}:
        raise ForeignOrigin("Web pages may not talk to Matted.")
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise ForeignOrigin("Web pages may not talk to Matted.")
    if request.path not in PUBLIC and not _has_token(request, identity.token):
        raise TokenMissing("The request lacks the token from Matted's runtime file.")
    return await handler(request)


def _has_token(request: web.Request, token: str) -> bool:
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {token}".encode())
