"""Routes of the models: what there is, download with progress, unload, remove.

Waiting for disks and networks happens in errand threads, so that cut-outs keep their workers.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from aiohttp import web

from matted.errors import BadOption, MattedError
from matted.service.answers import EventStream, event_content
from matted.service.context import SERVICE
from matted.service.jobs import Event, Job
from matted.service.receive import small_body
from matted.service.wire import MAX_OPTIONS_BYTES, json_options, only_keys

if TYPE_CHECKING:
    from matted.inference.sessions import LoadedModel
    from matted.pipeline import Pipeline

_TELL_EVERY_S = 0.1
_log = logging.getLogger(__name__)


async def catalogue(request: web.Request) -> web.Response:
    """GET /v1/models"""
    service = request.app[SERVICE]
    pipeline = await service.engine.get()
    found = await service.jobs.errand(lambda: _catalogue_content(pipeline))
    return web.json_response({"default": service.settings.model, "models": found})


async def pull(request: web.Request) -> web.StreamResponse:
    """POST /v1/models/{model}/pull"""
    service = request.app[SERVICE]
    accept = await _accepted(request)
    pipeline = await service.engine.get()
    model = pipeline.catalogue.get(request.match_info["model"])
    stream = EventStream(request)
    async with service.jobs.begin(request.headers.get("X-Matted-Job"), "pull", timed=False) as job:
        told = _Told(job)

        def download() -> None:
            pipeline.weights.pull(model, accept_licence=accept, progress=told, cancelled=job.cancelled)

        work = asyncio.ensure_future(service.jobs.errand(download))
        try:
            async for event in _events_until(work, job):
                await stream.send(event_content(event))
            work.result()
        except Exception as error:
            if not stream.begun:
                raise  # nothing was said yet: it can still be a plain problem
            failed = Event("failed", "download", job.event.fraction, _known(error))
            job.publish(failed)
            await stream.send(event_content(failed))
        else:
            await stream.send(event_content(Event("done", "download", 1.0)))
        finally:
            work.cancel()
    return await stream.end()


async def unload(request: web.Request) -> web.Response:
    """POST /v1/models/{model}/unload"""
    service = request.app[SERVICE]
    pipeline = await service.engine.get()
    model = pipeline.catalogue.get(request.match_info["model"])
    await service.jobs.errand(lambda: pipeline.sessions.unload(model.id))
    return web.Response(status=204)


async def remove(request: web.Request) -> web.Response:
    """DELETE /v1/models/{model}"""
    service = request.app[SERVICE]
    pipeline = await service.engine.get()
    model = pipeline.catalogue.get(request.match_info["model"])

    def work() -> None:
        pipeline.sessions.unload(model.id)
        pipeline.weights.remove(model)

    await service.jobs.errand(work)
    return web.Response(status=204)


def loaded_content(model: "LoadedModel") -> dict[str, Any]:
    """A loaded model as it stands on the wire."""
    return {
        "id": model.id,
        "provider": model.provider,
        "memory_bytes": model.bytes,
        "idle_s": round(model.idle_s, 1),
        "expires_s": None if model.expires_s is None else round(model.expires_s, 1),
    }


def _catalogue_content(pipeline: "Pipeline") -> list[dict[str, Any]]:
    loaded = {one.id.partition("/")[0] for one in pipeline.sessions.loaded()}
    return [
        {
            "id": model.id,
            "title": model.title,
            "kind": model.kind,
            "good_for": list(model.good_for),
            "licence": model.licence,
            "commercial": model.commercial,
            "size": model.size,
            "installed": pipeline.weights.installed(model),
            "loaded": model.id in loaded,
        }
        for model in pipeline.catalogue.models()
    ]


async def _accepted(request: web.Request) -> bool:
    options = json_options(await small_body(request, MAX_OPTIONS_BYTES))
    only_keys(options, ("accept_licence",), "the request")
    accept = options.get("accept_licence", False)
    if not isinstance(accept, bool):
        raise BadOption("The option accept_licence must be true or false.")
    return accept


def _known(error: Exception) -> MattedError:
    if isinstance(error, MattedError):
        return error
    _log.error("a download failed unexpectedly", exc_info=error)
    return MattedError("The download failed unexpectedly; Matted's log says more.")


async def _events_until(work: "asyncio.Future[None]", job: Job) -> AsyncIterator[Event]:
    """Where the job stands, at every change until `work` is done."""
    while not work.done():
        change = asyncio.ensure_future(job.changed())
        await asyncio.wait({work, change}, return_when=asyncio.FIRST_COMPLETED)
        change.cancel()
        if not work.done():
            yield job.event


class _Told:
    """A download's progress, passed on to its job now and then; called in the download's thread."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last < _TELL_EVERY_S and done != total:
            return
        self._last = now
        share = min(done / total, 1.0) if total else 0.0  # the catalogue need not know the size
        self._job.tell(Event("running", "download", share, done=done, total=total))
