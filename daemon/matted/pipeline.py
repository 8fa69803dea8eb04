"""The chain: pixels, proxy, coarse alpha, alpha at native resolution, adjusted alpha.

Every client's request walks it. A stage is a function of what came before it and of its own frozen
options; for a picture that has a name the results are kept, so that asking again with one option changed
runs the chain from that stage only. Knows no HTTP and no files.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from matted.brushing import Brush, same_size
from matted.cache import Key, StageCache
from matted.config import Settings
from matted.errors import BadOption, Cancelled
from matted.imaging.picture import Picture
from matted.inference.catalogue import Catalogue, Model, load_catalogue
from matted.inference.predict import Coarse, Predictor
from matted.inference.prompt import Prompt
from matted.inference.prompter import Prompter
from matted.inference.refiner import Refiner
from matted.inference.sessions import Sessions
from matted.inference.weights import Weights
from matted.looks import Ask, Looks
from matted.matting.adjust import AdjustOptions, adjust
from matted.matting.fine import fine_upsample
from matted.matting.neural import neural_upsample
from matted.matting.planes import reduced
from matted.matting.subjects import Subjects
from matted.matting.triage import Triage, triage
from matted.matting.upsample import guided_upsample, upsample
from matted.notice import Notice
from matted.options import CoarseOptions, Limit, RefineOptions

Progress = Callable[[str, float], None]

Kept = TypeVar("Kept")
_OF_WHOLE_PICTURES = ("nothing-found", "several-subjects")


@dataclass(frozen=True, slots=True)
class Matte:
    """The result of the chain.

    `mask`: (H, W) uint8 for 8-bit pictures, uint16 for deeper ones; full scale is alpha 1.0.
    `times`: seconds of each stage that ran; kept stages do not appear.
    `confidence`: the probability, 0 to 1, that the model's answer is a good one; None if nobody said.
    """

    mask: npt.NDArray[Any]
    model: str
    provider: str
    warnings: tuple[Notice, ...] = ()
    times: dict[str, float] = field(default_factory=dict)
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class _Whole:
    """A matte at native resolution before any adjustment, and the key its own stages are kept under."""

    mask: npt.NDArray[Any]
    coarse: Coarse
    triage: Triage
    key: Key | None
    times: dict[str, float]

    def stage(self, name: str, *more: int | None) -> Key | None:
        return None if self.key is None else (*self.key, name, *more)

    def matte(self, mask: npt.NDArray[Any]) -> Matte:
        """`mask`, made of this, with all that is known of it."""
        told = (*self.coarse.notices, *self.triage.notices)
        if self.coarse.fell_back:
            told = (Notice("slower-device", self.coarse.fell_back), *told)
        coarse = self.coarse
        return Matte(mask, coarse.model, coarse.provider, told, self.times, self.triage.confidence)


class Pipeline:
    """The stages with what they need kept warm: the catalogue, the weights, the sessions, the cache."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalogue: Catalogue = load_catalogue(settings)
        self.weights = Weights(settings, self.catalogue)
        self.sessions = Sessions(settings)
        self.cache = StageCache(settings.cache_memory_mb * 2**20)
        self._predictor = Predictor(self.catalogue, self.weights, self.sessions)
        self._refiner = Refiner(self.catalogue, self.weights, self.sessions)
        prompter = Prompter(self.catalogue, self.weights, self.sessions)
        self._looks = Looks(self._predictor, prompter, self.cache)

    def matte(
        self,
        picture: Picture,
        coarse: CoarseOptions | None = None,
        refine: RefineOptions | None = None,
        *,
        prompt: Prompt | None = None,
        adjust: AdjustOptions | None = None,
        limit: Limit | None = None,
        side_px: int | None = None,
        key: str | None = None,
        progress: Progress = lambda _stage, _done: None,
        cancelled: threading.Event | None = None,
    ) -> Matte:
        """The matte of `picture` at the size of its pixels, or as a preview of at most `side_px` a side.

        `prompt`: what is wanted of the picture; everything else gets alpha 0.
        `key` names the picture's content: with it, stages are kept and found again. `progress` is called
        with a stage's name and how much of the whole is done, 0 to 1. Raises Cancelled once `cancelled` is
        set, BadOption, and what the model's loading and running raise.
        """
        whole = self._whole(picture, coarse, refine, prompt, key=key, progress=progress, cancelled=cancelled)
        mask = self._adjusted(whole, adjust or AdjustOptions(), limit, side_px, progress, cancelled)
        progress("done", 1.0)
        return whole.matte(mask)

    def refined(
        self,
        picture: Picture,
        brush: Brush,
        coarse: CoarseOptions | None = None,
        refine: RefineOptions | None = None,
        *,
        prompt: Prompt | None = None,
        adjust: AdjustOptions | None = None,
        limit: Limit | None = None,
        side_px: int | None = None,
        key: str | None = None,
        progress: Progress = lambda _stage, _done: None,
        cancelled: threading.Event | None = None,
    ) -> Matte:
        """The matte of `picture` as the strokes of `brush` correct it; otherwise as `matte`.

        The options say what was made, where `brush` does not hold it; where it does, the matte's `model` is
        "brush". The model of `coarse` looks around the strokes, if it is to look closer and can. What was
        adjusted is not adjusted again. `limit` also bounds what spreads. Raises BadOption where the planes
        are not of the picture's size, NotItsMask where what was painted cannot be told.
        """
        brush.check(picture)
        if limit is not None:
            same_size("limit", limit.mask.shape, brush.painted.shape)
        made = brush.made_for(picture)
        if made is not None:
            matte = Matte(made, "brush", "cpu")
        else:
            asked = partial(self.matte, picture, coarse, refine, prompt=prompt, adjust=adjust, limit=limit)
            matte = replace(asked(key=key, progress=progress, cancelled=cancelled), confidence=None)
        progress("brush", 0.85)
        matte = replace(matte, warnings=(*matte.warnings, *brush.notices(matte.mask)))
        started, times = time.perf_counter(), dict[str, float]()
        ask = self._ask(coarse or CoarseOptions(), key, lambda *_told: progress("look", 0.85), cancelled)
        mask = brush.correct(
            matte.mask,
            picture,
            edges=refine.level if refine is not None else "fast",
            limit=limit.mask if limit is not None else None,
            look=self._looks.around(picture, ask, times),
            cancelled=_stop(cancelled),
        )
        _check(cancelled)
        took = time.perf_counter() - started - sum(times.values())
        times = {stage: matte.times.get(stage, 0.0) + seconds for stage, seconds in times.items()}
        if side_px is not None and side_px < max(mask.shape):
            height, width = (max(1, round(side * side_px / max(mask.shape))) for side in mask.shape)
            mask = reduced(mask, width, height)
        progress("done", 1.0)
        return replace(matte, mask=mask, times=matte.times | times | {"brush": took})

    def subjects(
        self,
        picture: Picture,
        coarse: CoarseOptions | None = None,
        refine: RefineOptions | None = None,
        *,
        prompt: Prompt | None = None,
        key: str | None = None,
        progress: Progress = lambda _stage, _done: None,
        cancelled: threading.Event | None = None,
    ) -> tuple[Subjects, Matte]:
        """The subjects of `picture` and the matte they were found on; otherwise as `matte`."""
        whole = self._whole(picture, coarse, refine, prompt, key=key, progress=progress, cancelled=cancelled)
        found = self._subjects(whole)
        progress("done", 1.0)
        return found, whole.matte(whole.mask)

    def disagreement(
        self,
        picture: Picture,
        models: tuple[str, str],
        coarse: CoarseOptions | None = None,
        refine: RefineOptions | None = None,
        *,
        prompt: Prompt | None = None,
        key: str | None = None,
        progress: Progress = lambda _stage, _done: None,
        cancelled: threading.Event | None = None,
    ) -> Matte:
        """Where two models' mattes of `picture` differ: a mask of |a - b| at its size; otherwise as `matte`.

        `models`: their ids, or `auto` and the like; that of `coarse` does not count, nor does a prompt model,
        and each looks once, so that nothing but the models differs.
        Raises BadOption where both mean the same one.
        """
        prompt = replace(prompt, model="none") if prompt is not None else None
        names = [self._predictor.resolve(model).id for model in models]
        if names[0] == names[1]:
            raise BadOption(f"Both models are {names[0]}: choose two different ones to compare.")
        wholes = []
        for number, name in enumerate(names):
            wish = replace(coarse or CoarseOptions(), model=name, look="once")

            def told(stage: str, done: float, before: float = number / 2) -> None:
                progress(stage, before + done / 2)

            wholes.append(
                self._whole(picture, wish, refine, prompt, key=key, progress=told, cancelled=cancelled)
            )
        first, second = (whole.matte(whole.mask) for whole in wholes)
        times = {stage: first.times.get(stage, 0.0) + second.times.get(stage, 0.0) for stage in first.times}
        progress("done", 1.0)
        return Matte(
            cv2.absdiff(first.mask, second.mask),
            ", ".join(names),
            first.provider if first.provider == second.provider else f"{first.provider}, {second.provider}",
            tuple(dict.fromkeys((*first.warnings, *second.warnings))),
            second.times | times,
        )

    def _whole(
        self,
        picture: Picture,
        coarse: CoarseOptions | None,
        refine: RefineOptions | None,
        prompt: Prompt | None = None,
        *,
        key: str | None,
        progress: Progress,
        cancelled: threading.Event | None,
    ) -> "_Whole":
        """The chain up to native resolution."""
        coarse = coarse or CoarseOptions()
        refine = refine or RefineOptions()
        times: dict[str, float] = {}
        network = self._refiner.resolve() if refine.level == "neural" and not coarse.rembg else None
        ask = self._ask(coarse, key, progress, cancelled)
        found, coarse_key = self._looks.coarse(picture, ask, prompt)
        times |= found.times
        _check(cancelled)
        progress("edges", 0.8)
        alpha_key = (*coarse_key, "alpha", refine, network.id if network else None)
        mask = self.cache.get(alpha_key) if key is not None else None
        if mask is None:
            started = time.perf_counter()
            mask = self._refined(picture, found, refine, network, cancelled)
            _check(cancelled)
            times["edges"] = time.perf_counter() - started
            if key is not None:
                self.cache.put(alpha_key, mask, mask.nbytes)
        judged = self._kept(
            "triage",
            (*coarse_key, "triage") if key is not None else None,
            lambda: triage(found.alpha, picture.pixels, full_size=picture.full_size),
            times,
        )
        if prompt is not None:  # how many there are, or that there is none, is told in the prompt's own words
            told = tuple(one for one in judged.notices if one.code not in _OF_WHOLE_PICTURES)
            judged = replace(judged, notices=told)
        return _Whole(mask, found, judged, alpha_key if key is not None else None, times)

    def _ask(
        self,
        coarse: CoarseOptions,
        key: str | None,
        progress: Progress,
        cancelled: threading.Event | None,
    ) -> Ask:
        wish = coarse.model or self.settings.model
        return Ask(wish, coarse.rembg, coarse.look, coarse.keep_alive_s, key, progress, cancelled)

    def _adjusted(
        self,
        whole: "_Whole",
        options: AdjustOptions,
        limit: Limit | None,
        side_px: int | None,
        progress: Progress,
        cancelled: threading.Event | None,
    ) -> npt.NDArray[Any]:
        """The mask as asked for; of each size only the last one is kept, for sliders rest nowhere."""
        mask, times = whole.mask, whole.times
        scale = 1.0 if side_px is None else min(1.0, side_px / max(mask.shape))
        if scale < 1.0:
            height, width = (max(1, round(side * scale)) for side in mask.shape)
            slot = whole.stage("preview", side_px)
            mask = self._kept("preview", slot, lambda: reduced(whole.mask, width, height), times)
        if options.is_identity and limit is None:
            return mask
        progress("adjust", 0.88)
        slot, wish = whole.stage("adjusted", side_px), (options, limit.name if limit else None)
        held = self.cache.get(slot) if slot is not None else None
        if held is not None and held[0] == wish:
            return held[1]
        subjects = self._subjects(whole) if options.chooses else None
        started = time.perf_counter()
        made = adjust(
            mask,
            options.scaled(scale),
            subjects=subjects,
            limit=_limit(limit, whole.mask.shape, mask.shape) if limit is not None else None,
            cancelled=_stop(cancelled),
        )
        _check(cancelled)
        times["adjust"] = time.perf_counter() - started
        if slot is not None:
            self.cache.put(slot, (wish, made), made.nbytes)
        return made

    def _subjects(self, whole: "_Whole") -> Subjects:
        return self._kept("subjects", whole.stage("subjects"), lambda: Subjects.of(whole.mask), whole.times)

    def _kept(self, name: str, key: Key | None, make: Callable[[], Kept], times: dict[str, float]) -> Kept:
        """The result of the stage `name`, made and timed if it is not kept under `key`."""
        held: Kept | None = self.cache.get(key) if key is not None else None
        if held is not None:
            return held
        started = time.perf_counter()
        made = make()
        times[name] = time.perf_counter() - started
        if key is not None:
            self.cache.put(key, made, int(getattr(made, "nbytes", 0)))
        return made

    def check_model(self, model: str) -> None:
        """Raises what keeps a model from being used: UnknownModel, ModelNotInstalled and the like."""
        self.weights.path(self._predictor.resolve(model))

    def check_neural_edges(self) -> None:
        """Raises ModelNotInstalled where no model is there for them."""
        self._refiner.resolve()

    def load(self, model: str | None = None) -> None:
        """Opens a model without running it, e.g. while its first picture is being decoded."""
        self._predictor.load(model or self.settings.model)

    def warm(self, model: str | None = None) -> None:
        """Loads a model ahead of the first picture."""
        self._predictor.warm(model or self.settings.model)

    def close(self) -> None:
        """Ends what runs, drops every model and everything kept."""
        self.sessions.close()
        self.cache.clear()

    def _refined(
        self,
        picture: Picture,
        coarse: Coarse,
        refine: RefineOptions,
        network: Model | None,
        cancelled: threading.Event | None,
    ) -> npt.NDArray[Any]:
        if coarse.mask is not None:
            return coarse.mask
        depth = np.uint16 if picture.is_deep else np.uint8
        stop = _stop(cancelled)
        if network is not None:
            size = (picture.width, picture.height)
            ask = partial(self._refiner.alpha, picture, model=network, cancelled=cancelled)
            return neural_upsample(coarse.alpha, size, ask, depth, cancelled=stop)
        if refine.level == "none":
            return upsample(coarse.alpha, picture.width, picture.height, depth)
        place_edge = fine_upsample if refine.level == "fine" else guided_upsample
        return place_edge(coarse.alpha, picture.pixels, depth, cancelled=stop)


def _limit(limit: Limit, whole: tuple[int, ...], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """The limit for a mask of `shape`, which stands for a picture of the shape `whole`."""
    same_size("limit", limit.mask.shape, whole)
    return limit.mask if shape == whole else reduced(limit.mask, shape[1], shape[0])


def _stop(cancelled: threading.Event | None) -> Callable[[], bool]:
    return cancelled.is_set if cancelled is not None else lambda: False


def _check(cancelled: threading.Event | None) -> None:
    if cancelled is not None and cancelled.is_set():
        raise Cancelled("The cut-out was cancelled.")
