"""Routes of the main job: a picture in; a mask, a cut-out, clean colours or the list of its subjects back.

Pictures come encoded or as raw planes, are uploaded once or sent along with the question. Heavy work
happens in the job's worker thread, never here.
"""

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from matted.compose.style import Shadow
from matted.errors import BadOption, UnsupportedPicture
from matted.imaging.encoding import FORMATS, FormatName
from matted.imaging.picture import Picture
from matted.service.adjusting import KEYS, Adjusting, adjusting_of, subjects_answer
from matted.service.answers import send, server_timing
from matted.service.brushing import brush_of
from matted.service.context import SERVICE, Service
from matted.service.foreground import ForegroundOptions
from matted.service.jobs import Job
from matted.service.made import PLANES, Made, clean_layer, headers_of, raw_mask, size_of, told
from matted.service.metrics import METERS
from matted.service.prompting import Compared, compared_of, prompt_of
from matted.service.receive import Hash, Promise, small_body
from matted.service.store import PictureStore
from matted.service.wire import (
    MAX_OPTIONS_BYTES,
    build_options,
    json_options,
    only_keys,
    planes_from_headers,
)

if TYPE_CHECKING:
    from matted.brushing import Brush
    from matted.delivery import Delivery
    from matted.inference.prompt import Prompt
    from matted.options import CoarseOptions, RefineOptions
    from matted.pipeline import Pipeline

_FORMS = {  # the key that says of what form the answer shall be, by what is asked for
    "mask": ("delivery",),
    "refine": ("delivery",),
    "cutout": ("delivery",),
    "foreground": ("foreground",),
    "subjects": (),
    "disagreement": ("models",),
}
_UPLOADED = "picture:"  # before the id of an uploaded picture that shall be a background


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """What a cut-out's file shall be.

    `format`: png, tiff, webp, ...; null takes PNG, or TIFF where PNG would lose depth or colour space.
    `quality`: 1 to 100, for lossy formats. `background`: "blur", a colour such as "#f4f4f4", "picture:ID" for
    one that was uploaded, or null for transparency (or the preset's colour). The others as in `Delivery`;
    `bits` and `max_side_px` change files only, not raw masks.
    """

    format: FormatName | None = None
    quality: int = 92
    background: str | None = None
    keep_colours: bool = False
    shadow: Shadow | None = None
    keep_shadow: bool = False
    preset: str | None = None
    bits: Literal[8, 16] | None = None
    max_side_px: int | None = None


@dataclass(frozen=True, slots=True)
class _Wish:
    """One request's options, checked."""

    coarse: "CoarseOptions"
    refine: "RefineOptions"
    prompt: "Prompt | None"
    adjusting: Adjusting
    brush: "Brush | None"
    answer: "Delivery | ForegroundOptions | Compared | None"  # None: the list of subjects


@dataclass(frozen=True, slots=True)
class _Sent:
    """A picture as it came: `open` makes it one, in a worker thread."""

    open: Callable[[], Picture]
    receive_s: float


async def upload(request: web.Request) -> web.Response:
    """POST /v1/pictures"""
    service = request.app[SERVICE]
    async with service.jobs.begin(request.headers.get("X-Matted-Job"), "upload") as job:
        with service.intake.promise() as promise:
            hashed = Hash()
            sent = await _received(request, service, promise, hashed=hashed)
            name = hashed.hexdigest()
            store = PictureStore((await service.engine.get()).cache)
            began = time.perf_counter()
            picture = store.find(name)
            if picture is None:
                picture = store.add(name, await service.jobs.work(job, sent.open))
    times = {"receive": sent.receive_s, "decode": time.perf_counter() - began}
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


async def subjects(request: web.Request) -> web.StreamResponse:
    """POST /v1/pictures/{picture}/subjects"""
    return await _of_uploaded(request, "subjects")


async def refine(request: web.Request) -> web.StreamResponse:
    """POST /v1/pictures/{picture}/refine"""
    return await _of_uploaded(request, "refine")


async def disagreement(request: web.Request) -> web.StreamResponse:
    """POST /v1/pictures/{picture}/disagreement"""
    return await _of_uploaded(request, "disagreement")


async def disagreement_at_once(request: web.Request) -> web.StreamResponse:
    """POST /v1/disagreement"""
    return await _of_sent(request, "disagreement")


async def mask_at_once(request: web.Request) -> web.StreamResponse:
    """POST /v1/mask"""
    return await _of_sent(request, "mask")


async def cutout_at_once(request: web.Request) -> web.StreamResponse:
    """POST /v1/cutout"""
    return await _of_sent(request, "cutout")


async def foreground(request: web.Request) -> web.StreamResponse:
    """POST /v1/pictures/{picture}/foreground"""
    return await _of_uploaded(request, "foreground")


async def foreground_at_once(request: web.Request) -> web.StreamResponse:
    """POST /v1/foreground"""
    return await _of_sent(request, "foreground")


async def subjects_at_once(request: web.Request) -> web.StreamResponse:
    """POST /v1/subjects"""
    return await _of_sent(request, "subjects")


async def _of_uploaded(request: web.Request, what: str) -> web.StreamResponse:
    service = request.app[SERVICE]
    name = request.match_info["picture"]
    async with service.jobs.begin(request.headers.get("X-Matted-Job"), what) as job:
        pipeline = await service.engine.get()
        store = PictureStore(pipeline.cache)
        wish = _wish(json_options(await small_body(request, MAX_OPTIONS_BYTES)), request, what, store)
        picture = store.get(name)
        made = await service.jobs.work(job, lambda: _make(pipeline, picture, wish, job, key=name))
        return await _answered(request, job, made, {})


async def _of_sent(request: web.Request, what: str) -> web.StreamResponse:
    service = request.app[SERVICE]
    async with service.jobs.begin(request.headers.get("X-Matted-Job"), what) as job:
        pipeline = await service.engine.get()  # importing the chain here instead would hold the loop up
        options = json_options(request.headers.get("X-Matted-Options", ""))
        wish = _wish(options, request, what, PictureStore(pipeline.cache))
        with service.intake.promise() as promise:
            sent = await _received(request, service, promise)

            def work() -> Made:  # in one turn, so that no more pictures are decoded than are worked on
                started = time.perf_counter()
                job.progress("decode", 0.0)
                picture = sent.open()
                opened = time.perf_counter()
                made = _make(pipeline, picture, wish, job, key=None)
                return replace(made, times={"decode": opened - started} | made.times)

            made = await service.jobs.work(job, work)
            return await _answered(request, job, made, {"receive": sent.receive_s})


async def _received(
    request: web.Request, service: Service, promise: Promise, *, hashed: Hash | None = None
) -> _Sent:
    """The picture in the request's body, not opened yet. `hashed` is fed what makes its name."""
    started = time.perf_counter()
    limit = service.settings.max_pixels
    kind = request.content_type
    if kind == PLANES:
        planes = planes_from_headers(request.headers, max_pixels=limit)
        if hashed is not None:
            hashed.update(planes.declaration)
        received = await service.intake.exactly(request, promise, planes.size, hashed=hashed)
        return _Sent(lambda: planes.picture(received), time.perf_counter() - started)
    if not kind.startswith("image/"):
        raise UnsupportedPicture(
            f"Send a picture file as image/..., or raw pixels as {PLANES}; {kind} is neither."
        )
    encoded = await service.intake.anything(request, promise, hashed=hashed)
    return _Sent(lambda: _decoded(encoded.data, limit), time.perf_counter() - started)


def _decoded(encoded: memoryview, max_pixels: int) -> Picture:
    from matted.imaging.read import read_picture

    return read_picture(encoded, max_pixels=max_pixels)


def _wish(options: Mapping[str, Any], request: web.Request, what: str, store: PictureStore) -> _Wish:
    from matted.options import CoarseOptions, RefineOptions

    only_keys(options, ("coarse", "refine", *KEYS[what], *_FORMS[what]), "the request")
    return _Wish(
        build_options(CoarseOptions, options.get("coarse", {}), "coarse"),
        build_options(RefineOptions, options.get("refine", {}), "refine"),
        prompt_of(options),
        adjusting_of(options, store),
        brush_of(options, store) if what == "refine" else None,
        _answer(options, request, what, store),
    )


def _answer(
    options: Mapping[str, Any], request: web.Request, what: str, store: PictureStore
) -> "Delivery | ForegroundOptions | Compared | None":
    if what == "subjects":
        return None
    if what == "disagreement":
        return compared_of(options)
    if what == "foreground":
        return build_options(ForegroundOptions, options.get("foreground", {}), "foreground")
    return _delivery(
        build_options(DeliveryOptions, options.get("delivery", {}), "delivery"), request, what, store
    )


def _delivery(form: DeliveryOptions, request: web.Request, what: str, store: PictureStore) -> "Delivery":
    from matted.compose.background import parse_background
    from matted.delivery import Delivery

    def uploaded(text: str) -> Picture | None:
        return store.get(text[len(_UPLOADED) :]) if text.startswith(_UPLOADED) else None

    is_mask = what in ("mask", "refine")
    as_png = is_mask and "image/png" in request.headers.get("Accept", "")
    if is_mask and not as_png and form.format is None and (form.bits or form.max_side_px):
        raise BadOption("A raw mask has the picture's size and depth: ask for a format to change them.")
    return Delivery(
        what="mask" if is_mask else "cutout",
        background=parse_background(form.background, uploaded) if form.background else None,
        format="png" if as_png else form.format,
        quality=form.quality,
        keep_colours=form.keep_colours,
        shadow=form.shadow,
        keep_shadow=form.keep_shadow,
        preset=form.preset,
        bits=form.bits,
        max_side_px=form.max_side_px,
    )


async def _answered(
    request: web.Request, job: Job, made: Made, before: Mapping[str, float]
) -> web.StreamResponse:
    times = {**before, "queue": job.queued_s, **made.times, "total": time.monotonic() - job.began}
    request.app[METERS].took(times)
    headers = made.headers | {"X-Matted-Job": job.name, "Server-Timing": server_timing(times)}
    return await send(request, made.body, content_type=made.content_type, headers=headers)


def _make(
    pipeline: "Pipeline",
    picture: Picture,
    wish: _Wish,
    job: Job,
    *,
    key: str | None,
) -> Made:
    """The whole of a request's heavy work, in a worker thread."""
    from matted.delivery import deliver, format_for

    answer, adjusting = wish.answer, wish.adjusting
    if answer is None:
        found, matte = pipeline.subjects(
            picture,
            wish.coarse,
            wish.refine,
            prompt=wish.prompt,
            key=key,
            progress=job.progress,
            cancelled=job.cancelled,
        )
        body = subjects_answer(picture, found, matte)
        return Made(body, "application/json", headers_of(picture, matte), dict(matte.times))
    if isinstance(answer, Compared):
        matte = pipeline.disagreement(
            picture,
            answer.models,
            wish.coarse,
            wish.refine,
            prompt=wish.prompt,
            key=key,
            progress=job.progress,
            cancelled=job.cancelled,
        )
        return raw_mask(picture, matte)
    if isinstance(answer, ForegroundOptions) and answer.alpha == "own":
        return clean_layer(picture, None)
    of_picture = partial(pipeline.matte, picture)
    if wish.brush is not None:
        of_picture = partial(pipeline.refined, picture, wish.brush)
    matte = of_picture(
        wish.coarse,
        wish.refine,
        prompt=wish.prompt,
        adjust=adjusting.adjust,
        limit=adjusting.limit,
        side_px=adjusting.side_px,
        key=key,
        progress=job.progress,
        cancelled=job.cancelled,
    )
    if isinstance(answer, ForegroundOptions):
        return clean_layer(picture, matte)
    if answer.what == "mask" and answer.format is None:
        return raw_mask(picture, matte)
    headers = headers_of(picture, matte)
    started = time.perf_counter()
    job.progress("encode", 0.9)
    target = io.BytesIO()
    if adjusting.side_px is not None:  # of a preview only its mask is there
        picture = Picture(matte.mask[..., None], space="gray")
    written = deliver(picture, matte.mask, answer, target)
    headers |= size_of(written.width, written.height)
    headers["X-Matted-Warnings"] = told((*matte.warnings, *written.notices))
    times = matte.times | {"encode": time.perf_counter() - started}
    return Made(target.getbuffer(), FORMATS[format_for(picture, answer)].media_type, headers, times)


def _facts(name: str, picture: Picture) -> dict[str, Any]:
    return {"id": name, "width": picture.width, "height": picture.height}
