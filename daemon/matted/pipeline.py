"""The chain: pixels, proxy, coarse alpha, alpha at native resolution. Each stage with its own options.

Every client's request walks it. A stage is a function of what came before it and of its own frozen
options; for a picture that has a name the results are kept, so that asking again with one option changed
runs the chain from that stage only. Knows no HTTP and no files.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from matted.cache import StageCache
from matted.config import Settings
from matted.errors import BadOption, Cancelled
from matted.imaging.picture import Picture
from matted.inference.catalogue import Catalogue, Model, load_catalogue
from matted.inference.predict import Coarse, Predictor
from matted.inference.refiner import Refiner
from matted.inference.sessions import Sessions
from matted.inference.weights import Weights
from matted.matting.fine import fine_upsample
from matted.matting.neural import neural_upsample
from matted.matting.trimap import find_soft_area
from matted.matting.upsample import guided_upsample, upsample

Level = Literal["none", "fast", "fine", "neural"]
Progress = Callable[[str, float], None]

SMALL_SIDE_PX = 200  # below this on the shorter side edges have too few pixels to be judged
FOUND = 0.5  # the coarse alpha must reach this somewhere for a subject to be there


@dataclass(frozen=True, slots=True)
class CoarseOptions:
    """Which model looks at the picture.

    `model`: a catalogue id, `auto`, or `auto:people` and the like; None takes the settings' model.
    `rembg`: process as rembg does, where its steps differ from the model's authors', for comparisons.
    `keep_alive_s`: how long the model stays loaded after this use; None takes the settings' time.
    """

    model: str | None = None
    rembg: bool = False
    keep_alive_s: float | None = None


@dataclass(frozen=True, slots=True)
class RefineOptions:
    """How the coarse alpha is brought to native resolution.

    `level`: `none` interpolates; `fast` lets the colours on both sides place the edge; `fine` solves hair and
    fur along it at full resolution; `neural` asks the catalogue's matting model, where one is installed.
    """

    level: Level = "fast"

    def __post_init__(self) -> None:
        if self.level not in get_args(Level):
            raise BadOption(f"Edges can be {', '.join(get_args(Level))}, not {self.level!r}.")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person can act on. `code` is stable for programs, `sentence` is for the person."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Matte:
    """The result of the chain.

    `mask`: (H, W) uint8 for 8-bit pictures, uint16 for deeper ones; full scale is alpha 1.0.
    `times`: seconds of each stage that ran; kept stages do not appear.
    """

    mask: npt.NDArray[Any]
    model: str
    provider: str
    warnings: tuple[Notice, ...] = ()
    times: dict[str, float] = field(default_factory=dict)


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

    def matte(
        self,
        picture: Picture,
        coarse: CoarseOptions | None = None,
        refine: RefineOptions | None = None,
        *,
        key: str | None = None,
        progress: Progress = lambda _stage, _done: None,
        cancelled: threading.Event | None = None,
    ) -> Matte:
        """The matte of `picture` at the size of its pixels.

        `key` names the picture's content: with it, stages are kept and found again. `progress` is called
        with a stage's name and how much of the whole is done, 0 to 1. Raises Cancelled once `cancelled` is
        set, and what the model's loading and running raise.
        """
        coarse = coarse or CoarseOptions()
        refine = refine or RefineOptions()
        wish = coarse.model or self.settings.model
        times: dict[str, float] = {}
        network = self._refiner.resolve() if refine.level == "neural" and not coarse.rembg else None
        coarse_key = (key, "coarse", self._predictor.resolve(wish).id, coarse.rembg)
        found: Coarse | None = self.cache.get(coarse_key) if key is not None else None
        if found is None:
            found = self._predictor.coarse(
                picture,
                wish,
                rembg=coarse.rembg,
                keep_alive_s=coarse.keep_alive_s,
                progress=lambda stage, _done: progress(stage, 0.1 if stage == "proxy" else 0.2),
                cancelled=cancelled,
            )
            times |= found.times
            if key is not None:
                self.cache.put(coarse_key, found, found.alpha.nbytes)
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
        progress("done", 1.0)
        return Matte(mask, found.model, found.provider, _warnings(picture, found, refine), times)

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
        stop = cancelled.is_set if cancelled is not None else lambda: False
        if network is not None:
            size = (picture.width, picture.height)
            ask = partial(self._refiner.alpha, picture, model=network, cancelled=cancelled)
            return neural_upsample(coarse.alpha, size, ask, depth, cancelled=stop)
        if refine.level == "none":
            return upsample(coarse.alpha, picture.width, picture.height, depth)
        place_edge = fine_upsample if refine.level == "fine" else guided_upsample
        return place_edge(coarse.alpha, picture.pixels, depth, cancelled=stop)


def _warnings(picture: Picture, coarse: Coarse, refine: RefineOptions) -> tuple[Notice, ...]:
    found = []
    if coarse.fell_back:
        found.append(Notice("slower-device", coarse.fell_back))
    if float(coarse.alpha.max()) < FOUND:
        found.append(
            Notice("nothing-found", "No clear subject was found: choose another model or crop closer to it.")
        )
    elif (
        refine.level in ("fine", "neural") and coarse.mask is None and find_soft_area(coarse.alpha).is_notable
    ):
        found.append(
            Notice(
                "unsure-area",
                "A large area is neither subject nor background, as glass and veils are: it stays soft.",
            )
        )
    if min(picture.full_size) < SMALL_SIDE_PX:
        width, height = picture.full_size
        found.append(
            Notice("small-picture", f"At {width} x {height} px the edges stay rough: use a larger picture.")
        )
    return tuple(found)


def _check(cancelled: threading.Event | None) -> None:
    if cancelled is not None and cancelled.is_set():
        raise Cancelled("The cut-out was cancelled.")
