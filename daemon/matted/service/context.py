"""What every route needs, in one object held by the application. No module state.

Knows the parts of the service, not the routes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from matted.config import Settings
from matted.service.engine import Engine
from matted.service.jobs import Jobs
from matted.service.receive import Intake

if TYPE_CHECKING:
    from matted.service.watching import Watches

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Service:
    """The running daemon's parts. `last_used`: time.monotonic() of the last request with a token.

    `watches`: the folders being watched, once the engine is there; None when there are none.
    """

    settings: Settings
    engine: Engine
    jobs: Jobs
    intake: Intake
    watches: "Watches | None" = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    last_used: float = field(default_factory=time.monotonic)

    def idle_s(self) -> float:
        """Seconds since somebody used the daemon; 0 while a job is active."""
        return 0.0 if self.jobs.active or self.jobs.running else time.monotonic() - self.last_used


SERVICE = web.AppKey("service", Service)


@web.middleware
async def noted_use(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Notes that the daemon is being used, at both ends of a request. Watching it is no use."""
    service = request.app[SERVICE]
    looks = ("/metrics", "/v1/health", "/v1/identity", "/v1/status")
    used = request.path not in looks and not request.path.startswith("/page/")
    if used:
        service.last_used = time.monotonic()
    try:
        return await handler(request)
    finally:
        if used:
            service.last_used = time.monotonic()
