"""A matting network of the catalogue, run on parts of a picture: colours and a trimap in, alpha out.

Joins the catalogue, the weights and the sessions, as `predict` does for whole pictures. Knows no HTTP and
nothing of how a picture is cut into parts.
"""

import threading
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from matted.errors import ModelNotInstalled
from matted.imaging.colour import srgb_proxy
from matted.imaging.picture import Picture
from matted.inference.catalogue import Catalogue, Model
from matted.inference.prepare import Alpha, coarse_alpha, prepare_with_trimap
from matted.inference.sessions import Graph, Sessions
from matted.inference.weights import Weights


class Refiner:
    """Runs the catalogue's matting models."""

    def __init__(self, catalogue: Catalogue, weights: Weights, sessions: Sessions) -> None:
        self._catalogue = catalogue
        self._weights = weights
        self._sessions = sessions

    def resolve(self) -> Model:
        """The first matting model whose weights are here, in the catalogue's order.

        Raises ModelNotInstalled, saying how to get one, where there is none.
        """
        known = [model for model in self._catalogue.models() if model.kind == "matting"]
        for model in known:
            if self._weights.installed(model):
                return model
        cure = f": `matted models pull {known[0].id}` fetches {known[0].title}" if known else ""
        raise ModelNotInstalled(f"Neural edges need a matting model{cure}. Fine edges need none.")

    def alpha(
        self,
        picture: Picture,
        rows: slice,
        columns: slice,
        trimap: npt.NDArray[np.uint8],
        model: Model,
        *,
        cancelled: threading.Event | None = None,
    ) -> Alpha:
        """What `model` makes of a part of the picture: (h, w) float32 in [0, 1].

        `trimap`: (h, w) uint8 with 0, 128 (unknown) and 255. Raises what `Sessions.run` and `coarse_alpha`
        raise.
        """
        part = np.ascontiguousarray(picture.pixels[rows, columns])
        height, width = part.shape[:2]
        pixels = srgb_proxy(replace(picture, pixels=part, full_size=(width, height)), width, height)
        tensor, placement = prepare_with_trimap(pixels, trimap, model)
        graph = Graph(id=model.id, path=self._weights.path(model), outputs=(model.output.tensor,))
        (output,) = self._sessions.run(graph, tensor, cancelled=cancelled).outputs
        return coarse_alpha(output, model, placement)
