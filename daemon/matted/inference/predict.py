"""From a picture to its coarse alpha: proxy, model, and the model's own geometry undone.

Joins the catalogue (what a model wants), the weights (where it is) and the sessions (who runs it).
Knows no HTTP and nothing of edges.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from matted.errors import Cancelled, UnknownModel
from matted.imaging.picture import Picture
from matted.inference.catalogue import Catalogue, Model, Precision
from matted.inference.prepare import coarse_alpha, prepare, rembg_mask
from matted.inference.sessions import Graph, LoadedModel, Sessions
from matted.inference.weights import Weights
from matted.notice import Notice


@dataclass(frozen=True, slots=True)
class Coarse:
    """What a model said of a picture.

    `alpha`: (h, w) float32 in [0, 1], covering exactly the picture's frame at the model's resolution.
    `mask`: (H, W) uint8 at the picture's own size, only in the rembg compatibility mode, where the
    enlargement belongs to what is compared. `fell_back`: a sentence when a slower provider than the wanted
    one ran. `times`: seconds of each stage.
    """

    alpha: npt.NDArray[np.float32]
    model: str
    provider: str
    fell_back: str | None
    times: dict[str, float]
    mask: npt.NDArray[np.uint8] | None = None
    notices: tuple[Notice, ...] = ()


class Predictor:
    """Runs the catalogue's saliency models on pictures."""

    def __init__(self, catalogue: Catalogue, weights: Weights, sessions: Sessions) -> None:
        self._catalogue = catalogue
        self._weights = weights
        self._sessions = sessions

    def resolve(self, wish: str) -> Model:
        """The model meant by an id, `auto` or `auto:people`. Raises UnknownModel."""
        if wish == "auto" or wish.startswith("auto:"):
            return self._catalogue.choose(wish, self._weights.installed)
        model = self._catalogue.get(wish)
        if model.kind != "saliency":
            raise UnknownModel(f"{model.title} does not cut out by itself: choose a model for cutting out.")
        return model

    def load(self, wish: str) -> None:
        """Opens a model without running it, e.g. while its first picture is being decoded."""
        self._sessions.load(self._graph(self.resolve(wish)))

    def warm(self, wish: str, *, keep_alive_s: float | None = None) -> LoadedModel:
        """Loads a model ahead of the first picture. Raises what `coarse` raises."""
        return self._sessions.warm(self._graph(self.resolve(wish)), keep_alive_s=keep_alive_s)

    def coarse(
        self,
        picture: Picture,
        wish: str,
        *,
        rembg: bool = False,
        keep_alive_s: float | None = None,
        progress: Callable[[str, float], None] = lambda _stage, _done: None,
        cancelled: threading.Event | None = None,
    ) -> Coarse:
        """The coarse alpha of `picture`.

        Raises UnknownModel, ModelNotInstalled, WeightsDamaged, ProviderFailed, OutOfMemory, Cancelled.
        """
        model = self.resolve(wish)
        graph = self._graph(model)
        started = time.perf_counter()
        progress("proxy", 0.0)
        tensor, placement = prepare(picture, model, rembg=rembg)
        if cancelled is not None and cancelled.is_set():
            raise Cancelled("The cut-out was cancelled.")
        prepared = time.perf_counter()
        progress("model", 0.0)
        ran = self._sessions.run(graph, tensor, keep_alive_s=keep_alive_s, cancelled=cancelled)
        finished = time.perf_counter()
        (output,) = ran.outputs
        alpha = coarse_alpha(output, model, placement, rembg=rembg)
        mask = rembg_mask(output, model, (picture.width, picture.height)) if rembg else None
        times = {"proxy": prepared - started, "load": ran.load_s, "wait": ran.wait_s, "model": ran.run_s}
        times["alpha"] = time.perf_counter() - finished
        return Coarse(alpha, model.id, ran.provider, ran.fell_back, times, mask)

    def _graph(self, model: Model) -> Graph:
        return Graph(
            id=model.id,
            path=self._weights.path(model),
            outputs=(model.output.tensor,),
            fp16=self._variant(model, "fp16"),
        )

    def _variant(self, model: Model, precision: Precision) -> Path | None:
        """The file of the same network at another precision, when it is on this computer."""
        variant = self._catalogue.variant(model, precision)
        if variant is None or not self._weights.installed(variant):
            return None
        return self._weights.path(variant)
