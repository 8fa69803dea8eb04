"""Routes of the main job: a picture in, a mask or a cut-out back.

Pictures come encoded or as raw planes, are uploaded once or sent along with the question. Heavy work
happens in the job's worker thread, never here.
"""

import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from matted.errors import UnsupportedPicture
from matted.imaging.encoding import FormatName
from matted.imaging.picture import Picture
from matted.service.answers import send, server_timing
from matted.service.context import SERVICE, Service
from matted.service.jobs import Job
from matted.service.metrics import METERS
from matted.service.receive import small_body
from matted.service.store import PictureStore
from matted.service.wire import (
    MAX_OPTIONS_BYTES,
    build_options,
    json_options,
    only_keys,
    planes_from_headers,
)

if TYPE_CHECKING:
    from matted.delivery import Delivery
    from matted.pipeline import CoarseOptions, Matte, Pipeline, RefineOptions

JSON = "application/json"
PLANES = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """What a cut-out's file shall be.

    `format`: png, tiff, webp, ...; null takes PNG, or TIFF where PNG would lose depth or colour space.
    `quality`: 1 to 100, for lossy formats. `background`: "blur", a colour such as "#f4f4f4", or null for
    transparency.
    """

    format: FormatName | None = None
    quality: int = 92
    background: str | None = None


@dataclass(frozen=True, slots=True)
class _Wish:
    """One request's options, checked."""

    coarse: "CoarseOptions"
    refine: "RefineOptions"
    delivery: "Delivery"


@dataclass(frozen=True, slots=True)
class _Made:
    """What the worker hands back: the answer's bytes, and what its headers say."""

    body: memoryview
    content_type: str
    headers: dict[str, str]
    matte: "Matte"
    times: dict[str, float]


async def upload(request: web.Request) -> web.Response:
    """POST /v1/pictures"""
    service = request.app[SERVICE]
    async with service.jobs.begin(request.headers.get("X-Matted-Job"), "upload") as job:
        name, picture, times = await _taken_in(request, service, job)
        store = PictureStore((await service.engine.get()).cache)
        picture = store.add(name, picture)
    request.app[METERS].took(times)
    headers = {"X-Matted-Job": job.name, "Server-Timing": server_timing(times)}
    return web.json_response(_facts(name, picture), status=201, headers=headers)


async def facts(request: web.Request) -> web.Response:
    """GET /v1/pictures/{picture}"""
    store = PictureStore((await request.app[SERVICE].engine.get()).cache)
    name = request.match_info["picture"]
    return web.json_response(_facts(name, store.get(name)))


async def forget(request: web.Request) -> web.Response:
    """DELETE /v1/pictures/{picture}"""
    store = PictureStore((await request.app[SERVICE].engine.get()).cache)
    store.drop(request.match_info["picture"])
    return web.Response(status=204)


async def mask(request: web.Request) -> web.StreamResponse:
    """POST /v1/pictures/{picture}/mask"""
    return await _of_uploaded(request, "mask")


async def cutout(request: web.Request) -> web.StreamResponse:
    """POST /v1/pictures/{picture}/cutout"""
    return await _of_uploaded(request, "cutout")


async def mask_at_once(request: web.Request) -> web.StreamResponse:
    """POST /v1/mask"""
    return await _of_sent(request, "mask")


async def cutout_at_once(request: web.Request) -> web.StreamResponse:
    """POST /v1/cutout"""
    return await _of_sent(request, "cutout")


async def _of_uploaded(request: web.Request, what: str) -> web.StreamResponse:
    service = request.app[SERVICE]
    name = request.match_info["picture"]
    async with service.jobs.begin(request.headers.get("X-Matted-Job"), what) as job:
        pipeline = await service.engine.get()
        wish = _wish(json_options(await small_body(request, MAX_OPTIONS_BYTES)), request, what)
        picture = PictureStore(pipeline.cache).get(name)
        return await _answered(request, job, picture, wish, key=name, before={})


async def _of_sent(request: web.Request, what: str) -> web.StreamResponse:
    service = request.app[SERVICE]
    async with service.jobs.begin(request.headers.get("X-Matted-Job"), what) as job:
        await service.engine.get()  # importing the chain here instead would hold the loop up
        wish = _wish(json_options(request.headers.get("X-Matted-Options", "")), request, what)
        _, picture, before = await _taken_in(request, service, job)
        return await _answered(request, job, picture, wish, key=None, before=before)


async def _taken_in(
    request: web.Request, service: Service, job: Job
) -> tuple[str, Picture, dict[str, float]]:
    """The picture in the request's body, its content name, and the seconds it took."""
    started = time.perf_counter()
    limit = service.settings.max_pixels
    kind = request.content_type
    if kind == PLANES:
        planes = planes_from_headers(request.headers, max_pixels=limit)
        received, name = await service.intake.exactly(request, planes.size, planes.declaration)
        times = {"receive": time.perf_counter() - started}
        if planes.format.blue_first:
            return name, await service.jobs.work(job, lambda: planes.picture(received)), times
        return name, planes.picture(received), times
    if not kind.startswith("image/"):
        raise UnsupportedPicture(
            f"Send a picture file as image/..., or raw pixels as {PLANES}; {kind} is neither."
        )
    received, name = await service.intake.anything(request)
    ended = time.perf_counter()
    job.progress("decode", 0.05)
    pipeline = await service.engine.get()
    picture = PictureStore(pipeline.cache).find(name)
    if picture is None:
        picture = await service.jobs.work(job, lambda: _decoded(received.data, limit))
    return name, picture, {"receive": ended - started, "decode": time.perf_counter() - ended}


def _decoded(encoded: memoryview, max_pixels: int) -> Picture:
    from matted.imaging.read import read_picture

    return read_picture(encoded, max_pixels=max_pixels)


def _wish(options: Mapping[str, Any], request: web.Request, what: str) -> _Wish:
    from matted.delivery import Delivery, parse_background
    from matted.pipeline import CoarseOptions, RefineOptions

    only_keys(options, ("coarse", "refine", "delivery"), "the request")
    form = build_options(DeliveryOptions, options.get("delivery", {}), "delivery")
    as_png = what == "mask" and "image/png" in request.headers.get("Accept", "")
    delivery = Delivery(
        what="mask" if what == "mask" else "cutout",
        background=parse_background(form.background) if form.background else None,
        format="png" if as_png else form.format,
        quality=form.quality,
    )
    return _Wish(
        build_options(CoarseOptions, options.get("coarse", {}), "coarse"),
        build_options(RefineOptions, options.get("refine", {}), "refine"),
        delivery,
    )


async def _answered(
    request: web.Request,
    job: Job,
    picture: Picture,
    wish: _Wish,
    *,
    key: str | None,
    before: dict[str, float],
) -> web.StreamResponse:
    service = request.app[SERVICE]
    pipeline = await service.engine.get()
    began = time.perf_counter()

    def made() -> _Made:
        return _make(pipeline, picture, wish, job, key=key)

    result = await service.jobs.work(job, made)
    times = before | {"queue": job.queued_s} | result.times
    times["total"] = sum(before.values()) + time.perf_counter() - began
    request.app[METERS].took(times)
    warnings = [{"code": n.code, "sentence": n.sentence} for n in result.matte.warnings]
    headers = result.headers | {
        "X-Matted-Job": job.name,
        "X-Matted-Model": result.matte.model,
        "X-Matted-Provider": result.matte.provider,
        "X-Matted-Warnings": json.dumps(warnings),
        "Server-Timing": server_timing(times),
    }
    return await send(request, result.body, content_type=result.content_type, headers=headers)


def _make(
    pipeline: "Pipeline",
    picture: Picture,
    wish: _Wish,
    job: Job,
    *,
    key: str | None,
) -> _Made:
    """The whole of a request's heavy work, in a worker thread."""
    from matted.delivery import deliver, format_for

    delivery = wish.delivery
    matte = pipeline.matte(
        picture, wish.coarse, wish.refine, key=key, progress=job.progress, cancelled=job.cancelled
    )
    height, width = matte.mask.shape
    headers = {"X-Matted-Width": str(width), "X-Matted-Height": str(height)}
    if delivery.what == "mask" and delivery.format is None:
        headers["X-Matted-Format"] = "gray8" if matte.mask.dtype.itemsize == 1 else "gray16"
        little = matte.mask.astype(matte.mask.dtype.newbyteorder("<"), order="C", copy=False)
        return _Made(little.data, PLANES, headers, matte, dict(matte.times))
    started = time.perf_counter()
    job.progress("encode", 0.9)
    target = io.BytesIO()
    deliver(picture, matte.mask, delivery, target)
    times = matte.times | {"encode": time.perf_counter() - started}
    media_type = f"image/{format_for(picture, delivery)}"
    return _Made(target.getbuffer(), media_type, headers, matte, times)


def _facts(name: str, picture: Picture) -> dict[str, Any]:
    return {"id": name, "width": picture.width, "height": picture.height}
