"""Routes of the models: what there is, download with progress, unload, remove.

Waiting for disks and networks happens in errand threads, so that cut-outs keep their workers.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from matted.service.answers import EventStream, event_content
from matted.service.context import SERVICE
from matted.service.jobs import Event, Job
from matted.service.receive import small_body
from matted.service.wire import MAX_OPTIONS_BYTES, json_options, only_keys

if TYPE_CHECKING:
    from matted.inference.catalogue import Model
    from matted.inference.sessions import LoadedModel
    from matted.pipeline import Pipeline

_TELL_EVERY_S = 0.1


async def catalogue(request: web.Request) -> web.Response:
    """GET /v1/models"""
    service = request.app[SERVICE]
    pipeline = await service.engine.get()
    found = await service.jobs.errand(lambda: _catalogue_content(pipeline))
    return web.json_response({"default": service.settings.model, "models": found})


async def pull(request: web.Request) -> web.StreamResponse:
    """POST /v1/models/{model}/pull"""
    from matted.errors import BadOption

    service = request.app[SERVICE]
    options = json_options(await small_body(request, MAX_OPTIONS_BYTES))
    only_keys(options, ("accept_licence",), "the request")
    accept = options.get("accept_licence", False)
    if not isinstance(accept, bool):
        raise BadOption("The option accept_licence must be true or false.")
    pipeline = await service.engine.get()
    model = pipeline.catalogue.get(request.match_info["model"])
    stream = EventStream(request)
    async with service.jobs.begin(request.headers.get("X-Matted-Job"), "pull", timed=False) as job:
        told = _Told(job)
        work = asyncio.ensure_future(
            service.jobs.errand(
                lambda: pipeline.weights.pull(
                    model, accept_licence=accept, progress=told, cancelled=job.cancelled
                )
            )
        )
        try:
            async for event in _until(work, job):
                await stream.send(event_content(event))
            await work
        except Exception as error:
            if not stream.begun:
                raise
            await stream.send(_failure(error))
        else:
            await stream.send(event_content(Event("done", "download", 1.0)))
    return await stream.end()
