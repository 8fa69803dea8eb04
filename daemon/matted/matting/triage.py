"""How far a matte can be trusted, and what about it a person should know: a confidence and plain warnings.

Everything is read off the coarse alpha and the picture's colours, both reduced to a few hundred pixels, so
it costs a few milliseconds whatever the picture's size and the model's. The confidence is a logistic
function of a few measures; its constants are in `calibration`, which `tests/bench/triage.py` writes. Knows
numpy and OpenCV only, no model by name.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from matted.matting.calibration import CONSTANT, MEASURES, REVIEW_BELOW
from matted.matting.planes import reduced
from matted.matting.subjects import Subjects
from matted.notice import Notice

Alpha = npt.NDArray[np.float32]
Colour = npt.NDArray[Any]

SIDE = 256  # px; a larger coarse alpha is reduced to it, so that models of all sizes are judged alike
SMALL_SIDE_PX = 200  # below this on the shorter side edges have too few pixels to be judged
FOUND = 0.5  # the coarse alpha must reach this somewhere for a subject to be there
LOW_CONTRAST = 0.15  # mean distance of the colours on both sides of the edge, of the way from black to white
BORDER_SHARE = 0.02  # of one side of the picture: what covers more of it is cut off there
UNSURE_SHARE = 0.3  # of the subject that is neither inside nor outside: the limit of 95 % of good mattes
WINDOW = 5  # pixels of the reduced alpha around the edge in which colours are compared


@dataclass(frozen=True, slots=True)
class Triage:
    """`confidence`: the probability, 0 to 1, that the matte is a good one. `notices`: what to know of it."""

    confidence: float
    notices: tuple[Notice, ...] = ()


def triage(alpha: Alpha, colour: Colour, *, full_size: tuple[int, int]) -> Triage:
    """Judges a coarse `alpha` (h, w), float32 in [0, 1], of a picture.

    colour: (H, W, C), uint8, uint16, float16 or float32 (1.0 is white); its first three channels count, or
    the first where there are one or two. full_size: (width, height) of the picture in its file.
    """
    alpha = _judged(alpha)
    found = measures(alpha, colour)
    trust = confidence(found) if found["peak"] >= FOUND else 0.0
    return Triage(trust, tuple(_notices(found, alpha, full_size, trust)))


def confidence(found: Mapping[str, float]) -> float:
    """The logistic function of the calibrated measures among `found`, 0 to 1."""
    score = CONSTANT + sum(
        weight * (found[name] - middle) / spread for name, (middle, spread, weight) in MEASURES.items()
    )
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def measures(alpha: Alpha, colour: Colour) -> dict[str, float]:
    """What can be said of an alpha (h, w) and its picture (H, W, C) in numbers, `alpha` reduced to SIDE.

    peak: the highest alpha. inside: the mean of alpha from one half on. unsure: what is neither inside nor
    outside, as a share of the subject. share: decimal logarithm of the subject's share of the picture.
    steepness: how fast alpha changes across its edge, per pixel. contrast: distance of the colours on both
    sides of the edge, 0 to 1. drawn: how much stronger the picture's own edges are there than elsewhere, as
    a logarithm. border: the share of the picture's frame that is covered. scattered: the share of the
    subject outside its largest piece. ragged: the share of its convex hull that it leaves. aside: how far
    its middle is from the picture's, in half diagonals.
    """
    alpha = _judged(alpha)
    rows, columns = alpha.shape
    solid = (alpha >= FOUND).astype(np.uint8)
    area = float(alpha.sum()) + 1e-6
    edge = cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).view(bool)
    guide = _reduced(colour, columns, rows)
    frame = np.concatenate([solid[0], solid[-1], solid[1:-1, 0], solid[1:-1, -1]])
    y, x = np.indices(alpha.shape, np.float32)
    off = math.hypot(
        float((alpha * x).sum()) / area - (columns - 1) / 2, float((alpha * y).sum()) / area - (rows - 1) / 2
    )
    return {
        "peak": float(alpha.max()),
        "inside": float(alpha[solid.view(bool)].mean()) if solid.any() else 0.0,
        "unsure": float((4 * alpha * (1 - alpha)).sum()) / area,
        "share": math.log10(max(area / alpha.size, 1e-4)),
        "steepness": _mean(_steepness(alpha), edge),
        "contrast": _contrast(alpha, guide, edge),
        "drawn": _drawn(guide, edge),
        "border": float(frame.mean()),
        "scattered": _scattered(solid),
        "ragged": _ragged(solid),
        "aside": off / (math.hypot(rows, columns) / 2),
    }


def _judged(alpha: Alpha) -> Alpha:
    rows, columns = alpha.shape
    return np.asarray(reduced(alpha, min(columns, SIDE), min(rows, SIDE)), np.float32)


def _notices(
    found: Mapping[str, float],
    alpha: Alpha,
    full_size: tuple[int, int],
    trust: float,
) -> list[Notice]:
    told = []
    if found["peak"] < FOUND:
        told.append(
            Notice("nothing-found", "No clear subject was found: choose another model or crop closer to it.")
        )
    if min(full_size) < SMALL_SIDE_PX:
        width, height = full_size
        told.append(
            Notice("small-picture", f"At {width} x {height} px the edges stay rough: use a larger picture.")
        )
    if found["peak"] < FOUND:
        return told
    if found["contrast"] < LOW_CONTRAST:
        told.append(
            Notice(
                "low-contrast",
                "Subject and background look much alike along the edge: check it, and correct it by hand.",
            )
        )
    sides = _cut_off(alpha)
    if sides:
        told.append(
            Notice(
                "touches-border",
                f"The subject reaches the {_listed(sides)} of the picture: use a wider crop if there is one.",
            )
        )
    count = len(Subjects.of(alpha).all)
    if count > 1:
        told.append(
            Notice("several-subjects", f"{count} subjects were found: choose which to keep, if not all.")
        )
    if found["unsure"] > UNSURE_SHARE:
        told.append(
            Notice(
                "unsure-area",
                "A large part is neither clearly inside nor outside, such as glass, veil or haze, and stays "
                "soft: check it, or try another model.",
            )
        )
    if trust < REVIEW_BELOW:
        told.append(
            Notice("low-confidence", "The result is doubtful: look at it, and try another model or crop.")
        )
    return told


def _cut_off(alpha: Alpha) -> list[str]:
    lines = {"left": alpha[:, 0], "top": alpha[0], "right": alpha[:, -1], "bottom": alpha[-1]}
    return [name for name, line in lines.items() if float((line >= FOUND).mean()) > BORDER_SHARE]


def _listed(names: list[str]) -> str:
    sides = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{sides} edge{'s' if len(names) > 1 else ''}"


def _reduced(colour: Colour, columns: int, rows: int) -> Alpha:
    """(rows, columns, C) in [0, 1], C 1 or 3; nearly averaged: every so many pixels of a large picture."""
    step = max(1, min(colour.shape[0] // (2 * rows), colour.shape[1] // (2 * columns)))
    some = np.ascontiguousarray(colour[::step, ::step, : 3 if colour.shape[2] >= 3 else 1])
    full = float(np.iinfo(some.dtype).max) if some.dtype.kind == "u" else 1.0
    if some.dtype.kind != "u":
        some = np.clip(np.nan_to_num(some.astype(np.float32)), 0, 1)
    small = cv2.resize(some, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
    return (small * np.float32(1 / full)).reshape(rows, columns, -1)


def _steepness(plane: Alpha) -> Alpha:
    """How much a plane changes per pixel."""
    return np.asarray(
        cv2.magnitude(
            cv2.Sobel(plane, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8),
            cv2.Sobel(plane, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8),
        )
    )


def _contrast(alpha: Alpha, guide: Alpha, edge: npt.NDArray[np.bool_]) -> float:
    """Mean distance along the edge between the colours surely inside and surely outside near it."""

    def side(weight: Alpha) -> tuple[Alpha, Alpha]:
        amount = np.asarray(cv2.blur(weight, (WINDOW, WINDOW)), np.float32)
        colours = np.asarray(cv2.blur(guide * weight[..., None], (WINDOW, WINDOW)), np.float32)
        colours = colours.reshape(guide.shape)
        colours /= np.maximum(amount, np.float32(1e-6))[..., None]
        return amount, colours

    inside, colour_in = side(np.clip(alpha * 4 - 3, 0, 1))
    outside, colour_out = side(np.clip(1 - alpha * 4, 0, 1))
    seen = edge & (inside > 0.02) & (outside > 0.02)
    apart = np.sqrt(((colour_in - colour_out) ** 2).mean(axis=2))
    return _mean(apart, seen)


def _drawn(guide: Alpha, edge: npt.NDArray[np.bool_]) -> float:
    steep = _steepness(guide.mean(axis=2))
    return math.log((_mean(steep, edge) + 1e-3) / (float(steep.mean()) + 1e-3))


def _scattered(solid: npt.NDArray[np.uint8]) -> float:
    count, pieces = cv2.connectedComponents(solid, connectivity=8)
    if count < 2:
        return 0.0
    areas = np.bincount(np.asarray(pieces).ravel())[1:]
    return 1 - float(areas.max() / areas.sum())


def _ragged(solid: npt.NDArray[np.uint8]) -> float:
    places = cv2.findNonZero(solid)
    if places is None:
        return 0.0
    hull = np.zeros_like(solid)
    cv2.fillConvexPoly(hull, cv2.convexHull(places), 1)
    return 1 - float(solid.sum()) / float(hull.sum())


def _mean(plane: Alpha, where: npt.NDArray[np.bool_]) -> float:
    return float(plane[where].mean()) if where.any() else 0.0
