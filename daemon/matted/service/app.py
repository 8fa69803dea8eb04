"""The application: the parts of the service put together. `make_app` builds it and nothing else does.

Knows every part of the service; must not know sockets, signals or files (`daemon` does).
"""

import os

from aiohttp import web

from matted.config import Settings
from matted.service.answers import problems
from matted.service.context import SERVICE, Service, noted_use
from matted.service.engine import Engine
from matted.service.guard import IDENTITY, PAGE_DOORS, Identity, guard
from matted.service.jobs import Jobs
from matted.service.metrics import METERS, Meters, counted
from matted.service.page import routes as page
from matted.service.page.doors import Doors
from matted.service.receive import BufferPool, Intake
from matted.service.routes import table

WORKERS = 2  # one decodes or encodes while the other's model uses all cores
SPARE_BUFFERS_BYTES = 512 << 20


def make_app(settings: Settings, engine: Engine, identity: Identity) -> web.Application:
    """The daemon's application. `engine` may still be on its way; `identity` names the port it will have."""
    app = web.Application(middlewares=[counted, problems, page.told_in_a_page, guard, noted_use])
    app[IDENTITY] = identity
    app[PAGE_DOORS] = Doors()
    app[page.PAGE] = page.make_page(settings)
    app[METERS] = Meters()
    app[SERVICE] = Service(
        settings=settings,
        engine=engine,
        jobs=Jobs(
            workers=min(WORKERS, os.cpu_count() or 1),
            queue_length=settings.queue_length,
            timeout_s=settings.job_timeout_s,
        ),
        intake=Intake(settings.max_upload_mb << 20, BufferPool(SPARE_BUFFERS_BYTES)),
    )
    app.add_routes(table())
    app.add_routes(page.table())
    app.on_response_prepare.append(_headers)
    app.on_response_prepare.append(page.secured)
    app.cleanup_ctx.append(page.living)
    return app


async def _headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "Matted"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
