"""A prompt model of the catalogue: an encoder reads the picture once, a decoder answers each prompt.

Speaks the decoder contract of SAM ViT-B, which MobileSAM shares (segment_anything/utils/onnx.py and
scripts/export_onnx_model.py), and that of SAM 2, with two finer planes of features beside the embedding; what
an export calls them, the catalogue says. Joins the catalogue, the weights and the sessions, as `predict` does
for saliency models. Knows no cache and nothing of edges.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from matted.errors import ModelError, UnknownModel
from matted.imaging.picture import Picture
from matted.inference.catalogue import Catalogue, Model
from matted.inference.prepare import Alpha, Placement, activate, prepare
from matted.inference.prompt import Prompt
from matted.inference.sessions import Graph, Ran, Sessions
from matted.inference.weights import Weights

NONE = "none"
LOGITS_STEP = 4  # pixels of the encoder's canvas in one of the decoder's low-resolution logits
ALPHA_STEP = 2  # and in one of the alpha made of them: finer ones leave edge refinement too little to decide
POSITIVE, NEGATIVE, TOP_LEFT, BOTTOM_RIGHT, PADDING = 1.0, 0.0, 2.0, 3.0, -1.0  # the contract's labels
CERTAIN = 0.02  # alpha this near to 0 or 1 becomes 0 or 1: a sigmoid never reaches them


@dataclass(frozen=True, slots=True)
class Took:
    """How a run went, without what came out of it. Times in seconds, as in `Ran`."""

    provider: str
    fell_back: str | None
    load_s: float
    wait_s: float
    run_s: float

    @classmethod
    def of(cls, ran: Ran) -> "Took":
        """That of a run."""
        return cls(ran.provider, ran.fell_back, ran.load_s, ran.wait_s, ran.run_s)


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """What the encoder made of a picture of `size` (width, height) at `placement` on its canvas.

    `features`: what the decoder takes of it, by the decoder's names.
    """

    features: Mapping[str, npt.NDArray[Any]]
    placement: Placement
    size: tuple[int, int]
    ran: Took

    @property
    def nbytes(self) -> int:
        """Bytes of its features."""
        return sum(int(one.nbytes) for one in self.features.values())


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The decoder's answer: `logits` (h, w) float32 of the whole canvas, and the overlap it expects of it."""

    logits: Alpha
    expected: float
    ran: Took

    @property
    def nbytes(self) -> int:
        """Bytes of its logits."""
        return int(self.logits.nbytes)


class Prompter:
    """Runs the catalogue's prompt models."""

    def __init__(self, catalogue: Catalogue, weights: Weights, sessions: Sessions) -> None:
        self._catalogue = catalogue
        self._weights = weights
        self._sessions = sessions

    def resolve(self, wish: str | None) -> Model | None:
        """The prompt model of an id, or for None the first that is installed; None for "none" or if none is.

        Raises UnknownModel and, for an id, ModelNotInstalled, WeightsDamaged.
        """
        if wish == NONE:
            return None
        if wish is None:
            known = (model for model in self._catalogue.models() if model.kind == "prompt")
            return next((model for model in known if self._weights.installed(model)), None)
        model = self._catalogue.get(wish)
        if model.kind != "prompt":
            raise UnknownModel(f"{model.title} answers no boxes and clicks: choose a model made for them.")
        self._weights.path(model, "decoder")
        return model

    @property
    def cure(self) -> str:
        """What to say to someone whom a prompt model would have helped; empty if there is none to be had."""
        known = [model for model in self._catalogue.models() if model.kind == "prompt"]
        if not known or any(self._weights.installed(model) for model in known):
            return ""
        return f" (`matted models pull {known[0].id}` fetches a model made for boxes and clicks)"

    def encode(
        self,
        picture: Picture,
        model: Model,
        *,
        keep_alive_s: float | None = None,
        cancelled: threading.Event | None = None,
    ) -> Embedding:
        """Reads the picture, the slow half. Raises what `Sessions.run` raises."""
        tensor, placement = prepare(picture, model)
        graph = self._graph(model, "encoder", model.decoder.made_by)
        ran = self._sessions.run(graph, tensor, keep_alive_s=keep_alive_s, cancelled=cancelled)
        features = dict(zip(model.decoder.features, ran.outputs, strict=True))
        return Embedding(features, placement, (picture.width, picture.height), Took.of(ran))

    def decode(
        self,
        embedding: Embedding,
        prompt: Prompt,
        model: Model,
        *,
        before: Decoded | None = None,
        keep_alive_s: float | None = None,
        cancelled: threading.Event | None = None,
    ) -> Decoded:
        """Answers a prompt that says what is wanted; `before` is the answer to it before its last point.

        Raises what `Sessions.run` raises, and ModelError for an answer without usable numbers.
        """
        points, labels = _in_canvas(prompt, embedding)
        width, height = embedding.placement.width, embedding.placement.height
        small = [max(1, round(side / LOGITS_STEP)) for side in (height, width)]
        side = max(embedding.placement.canvas) // LOGITS_STEP
        mask = before.logits if before is not None else np.zeros((side, side), np.float32)
        feed = {
            **embedding.features,
            "point_coords": points[None],
            "point_labels": labels[None],
            "mask_input": mask[None, None],
            "has_mask_input": np.array([before is not None], np.float32),
        }
        if model.decoder.size != "none":  # of the enlarged masks, which nobody reads: as little as may be
            feed["orig_im_size"] = np.array(small, model.decoder.size)
        graph = self._graph(model, "decoder", (model.decoder.masks, model.decoder.expected))
        ran = self._sessions.run(graph, feed, keep_alive_s=keep_alive_s, cancelled=cancelled)
        masks, expected = ran.outputs
        if masks.ndim != 4 or expected.shape != masks.shape[:2] or not np.isfinite(masks).all():
            raise ModelError(f"{model.title} answered with something that is not a mask: try another model.")
        number = best(expected[0], len(labels))
        return Decoded(np.ascontiguousarray(masks[0, number]), float(expected[0, number]), Took.of(ran))

    def _graph(self, model: Model, role: str, outputs: tuple[str | int, ...]) -> Graph:
        return Graph(id=f"{model.id}/{role}", path=self._weights.path(model, role), outputs=outputs)


def best(expected: Sequence[float] | npt.NDArray[Any], count: int) -> int:
    """Which of the decoder's masks to take, by the overlap it expects of each, for `count` points.

    The rule of the authors' own export: of four masks the first is the answer to several points, where little
    is left to guess, and the others are the readings of one point or a box, of which the likeliest counts.
    `count` includes a box's corners or the padding point.
    """
    if len(expected) != 4:
        return int(np.argmax(expected))
    return 0 if count > 2 else 1 + int(np.argmax(expected[1:]))


def alpha_of(decoded: Decoded, embedding: Embedding) -> Alpha:
    """The answer as alpha: (h, w) float32 in [0, 1], covering exactly the picture's frame.

    Twice as fine as the logits, but no finer than the picture: they are interpolated before they become
    alpha, as the authors do, so that the edge is where they say.
    """
    placement, (width, height) = embedding.placement, embedding.size
    rows, columns = decoded.logits.shape
    canvas = max(placement.canvas)
    size = (
        min(max(1, round(placement.width / ALPHA_STEP)), width),
        min(max(1, round(placement.height / ALPHA_STEP)), height),
    )
    across, down = placement.width / size[0] * columns / canvas, placement.height / size[1] * rows / canvas
    left, top = placement.left * columns / canvas, placement.top * rows / canvas
    move = np.array([[across, 0, left + across / 2 - 0.5], [0, down, top + down / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    fine = cv2.warpAffine(decoded.logits, move, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    alpha = activate(np.asarray(fine, np.float32), "sigmoid")
    return np.clip((alpha - np.float32(CERTAIN)) / np.float32(1 - 2 * CERTAIN), 0, 1)


def _in_canvas(prompt: Prompt, embedding: Embedding) -> tuple[Alpha, Alpha]:
    """The contract's points (N, 2) and labels (N): points, then the box's corners or one of padding.

    The graph adds half a pixel to coordinates, which are the numbers of pixels to it; ours are lengths.
    """
    placement, (width, height) = embedding.placement, embedding.size
    scale = np.array([placement.width / width, placement.height / height])
    start = np.array([placement.left, placement.top]) - 0.5
    points = [(x, y) for x, y, _ in prompt.points]
    labels = [POSITIVE if wanted else NEGATIVE for _, _, wanted in prompt.points]
    if prompt.box is not None:
        points += [prompt.box[:2], prompt.box[2:]]
        labels += [TOP_LEFT, BOTTOM_RIGHT]
    placed = np.array(points, np.float64) * scale + start
    if prompt.box is None:
        placed = np.concatenate([placed, np.zeros((1, 2))])
        labels.append(PADDING)
    return placed.astype(np.float32), np.array(labels, np.float32)
