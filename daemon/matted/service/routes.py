"""The table of routes, and the small handlers: health, identity, status, jobs, metrics, shutdown.

The main job's handlers are in `pictures`, the models' in `models`. `openapi.json` beside this file
describes all of them; a test holds the two together. The page has a table of its own, in `page`.
"""

import time
from importlib.resources import files
from typing import Any

import psutil
from aiohttp import web

from matted.errors import MattedError
from matted.service import models, pictures
from matted.service.answers import EventStream, event_content
from matted.service.context import SERVICE, Service
from matted.service.guard import IDENTITY
from matted.service.metrics import CONTENT_TYPE, METERS
from matted.service.page.routes import ticket


class UnknownJob(MattedError):
    """No job of that name is being worked on, or was a moment ago."""

    status, slug = 404, "unknown-job"


def table() -> list[web.RouteDef]:
    """All routes of the daemon."""
    return [
        web.get("/v1/health", health, allow_head=False),
        web.get("/v1/identity", identity, allow_head=False),
        web.get("/v1/openapi.json", openapi, allow_head=False),
        web.get("/v1/status", status, allow_head=False),
        web.get("/v1/models", models.catalogue, allow_head=False),
        web.post("/v1/models/{model}/pull", models.pull),
        web.post("/v1/models/{model}/unload", models.unload),
        web.delete("/v1/models/{model}", models.remove),
        web.post("/v1/pictures", pictures.upload),
        web.get("/v1/pictures/{picture}", pictures.facts, allow_head=False),
        web.delete("/v1/pictures/{picture}", pictures.forget),
        web.post("/v1/pictures/{picture}/mask", pictures.mask),
        web.post("/v1/pictures/{picture}/cutout", pictures.cutout),
        web.post("/v1/pictures/{picture}/foreground", pictures.foreground),
        web.post("/v1/pictures/{picture}/subjects", pictures.subjects),
        web.post("/v1/pictures/{picture}/refine", pictures.refine),
        web.post("/v1/pictures/{picture}/disagreement", pictures.disagreement),
        web.post("/v1/mask", pictures.mask_at_once),
        web.post("/v1/cutout", pictures.cutout_at_once),
        web.post("/v1/foreground", pictures.foreground_at_once),
        web.post("/v1/subjects", pictures.subjects_at_once),
        web.post("/v1/disagreement", pictures.disagreement_at_once),
        web.get("/v1/jobs/{job}/events", job_events, allow_head=False),
        web.delete("/v1/jobs/{job}", cancel_job),
        web.post("/v1/tickets", ticket),
        web.get("/metrics", metrics, allow_head=False),
        web.post("/v1/shutdown", shutdown),
    ]


async def health(request: web.Request) -> web.Response:
    """GET /v1/health"""
    who = request.app[IDENTITY]
    ready = request.app[SERVICE].engine.pipeline is not None
    return web.json_response({"status": "ok", "ready": ready, "version": who.version})


async def identity(request: web.Request) -> web.Response:
    """GET /v1/identity"""
    who = request.app[IDENTITY]
    proof = who.proof(request.query.get("nonce", ""))
    return web.json_response({"proof": proof, "pid": who.pid, "version": who.version})


async def openapi(_request: web.Request) -> web.Response:
    """GET /v1/openapi.json"""
    text = files("matted.service").joinpath("openapi.json").read_text("utf-8")
    return web.Response(text=text, content_type="application/json")


async def status(request: web.Request) -> web.Response:
    """GET /v1/status"""
    service, who = request.app[SERVICE], request.app[IDENTITY]
    pipeline = service.engine.pipeline
    found: dict[str, Any] = {
        "version": who.version,
        "pid": who.pid,
        "port": who.port,
        "ready": pipeline is not None,
        "up_s": round(time.monotonic() - who.began, 1),
        "idle_s": round(service.idle_s(), 1),
        "idle_exit_s": service.settings.idle_exit_s,
        "memory_bytes": psutil.Process().memory_info().rss,
        "jobs": {"active": service.jobs.active, "running": service.jobs.running},
        "kept_bytes": pipeline.cache.held_bytes if pipeline else 0,
        "models": [models.loaded_content(one) for one in pipeline.sessions.loaded()] if pipeline else [],
        "fallbacks": pipeline.sessions.fallbacks() if pipeline else [],
    }
    return web.json_response(found)


async def job_events(request: web.Request) -> web.StreamResponse:
    """GET /v1/jobs/{job}/events"""
    stream = EventStream(request)
    async for event in request.app[SERVICE].jobs.watch(request.match_info["job"]):
        await stream.send(event_content(event))
    if not stream.begun:
        raise _unknown_job(request)
    return await stream.end()


async def cancel_job(request: web.Request) -> web.Response:
    """DELETE /v1/jobs/{job}"""
    job = request.app[SERVICE].jobs.get(request.match_info["job"])
    if job is None:
        raise _unknown_job(request)
    job.stop()
    return web.Response(status=204)


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics"""
    gauges = _gauges(request.app[SERVICE])
    return web.Response(
        body=request.app[METERS].text(gauges).encode(), headers={"Content-Type": CONTENT_TYPE}
    )


async def shutdown(request: web.Request) -> web.Response:
    """POST /v1/shutdown"""
    request.app[SERVICE].stop.set()
    return web.Response(status=202)


def _unknown_job(request: web.Request) -> UnknownJob:
    return UnknownJob(f"There is no job {request.match_info['job'][:64]!r} (any more).")


def _gauges(service: Service) -> dict[str, tuple[str, float]]:
    pipeline = service.engine.pipeline
    return {
        "ready": ("1 once the engine can work.", float(pipeline is not None)),
        "jobs_active": ("Jobs admitted and not ended.", service.jobs.active),
        "jobs_running": ("Worker threads in use.", service.jobs.running),
        "receiving_bytes": ("Bytes of uploads under way.", service.intake.under_way_bytes),
        "spare_buffer_bytes": ("Receive buffers waiting to be used again.", service.intake.pool.free_bytes),
        "kept_bytes": ("Pictures and stages kept.", pipeline.cache.held_bytes if pipeline else 0),
        "models_loaded": ("Models in memory.", len(pipeline.sessions.loaded()) if pipeline else 0),
        "resident_memory_bytes": ("Resident memory of the daemon.", psutil.Process().memory_info().rss),
    }
