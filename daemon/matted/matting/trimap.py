"""Where alpha is known and where it is yet to be found: the trimap that a coarse alpha implies.

From the coarse alpha's own uncertainty and the size of its pixels in the picture. May import numpy and
OpenCV; knows nothing of what solves the unknown part.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from matted.matting.planes import Alpha, Mask, Plane, sampled

UNSURE = 0.03  # coarse alpha this far from 0 and 1 may lie on an edge
REACH = 1.0  # coarse pixels that an edge may lie beyond what the coarse alpha is unsure of
LARGE = 0.06  # of the coarse alpha's longer side: farther than this from anything sure, no edge is looked for


@dataclass(frozen=True, slots=True)
class SoftArea:
    """Where the model was unsure over a large area: glass, a veil, smoke.

    `weight`: (h, w) float32 in [0, 1] on the coarse alpha's grid: 1 where its own values are to be kept, with
    a soft rim. `share`: how much of the picture that is, 0 to 1.
    """

    weight: Plane
    share: float


def find_soft_area(alpha: Alpha) -> SoftArea:
    """The parts of `alpha` (h, w) float32 in [0, 1] that are soft by themselves, not as the rim of an edge.

    An unsure place counts when a disc of LARGE around it holds nothing sure; so do the unsure places of the
    same disc, for there the area goes on to its border.
    """
    radius = max(2, round(LARGE * max(alpha.shape)))
    unsure = ((alpha > UNSURE) & (alpha < 1 - UNSURE)).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    whole = cv2.morphologyEx(unsure, cv2.MORPH_OPEN, disc)
    if not whole.any():
        return SoftArea(np.zeros(alpha.shape, np.float32), 0.0)
    rim = max(1, radius // 2)
    weight = cv2.blur(whole.astype(np.float32), (2 * rim + 1, 2 * rim + 1)) * whole
    return SoftArea(weight, float(whole.mean()))


def unknown_band(alpha: Alpha, *, coarse_px: float) -> npt.NDArray[np.bool_]:
    """Where alpha is yet to be found: (h, w), from coarse alpha interpolated to any size (h, w).

    `coarse_px`: pixels of that size to one pixel of the model's. The band holds all that is unsure and REACH
    coarse pixels beyond, at least one pixel.
    """
    unsure = ((alpha > UNSURE) & (alpha < 1 - UNSURE)).astype(np.uint8)
    reach = max(1, round(REACH * coarse_px))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(unsure, disc), bool)


def trimap(alpha: Alpha, width: int, height: int) -> Mask:
    """The trimap of a coarse alpha (h, w) float32 in [0, 1] for a picture of that size.

    (height, width) uint8: 0 is surely outside, 255 surely inside, 128 unknown.
    """
    rows, columns = alpha.shape
    unknown = unknown_band(alpha, coarse_px=1.0)
    if width <= columns and height <= rows:
        unknown = cv2.resize(unknown.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0
        inside = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA) >= 0.5
        return _marked(unknown, inside)
    marks = np.empty((height, width), np.uint8)
    place = {"across": columns / width, "down": rows / height}
    for top in range(0, height, _ROWS):
        size = (width, min(_ROWS, height - top))
        near = sampled(unknown.astype(np.float32), size, **place, top=top) > 0
        marks[top : top + _ROWS] = _marked(near, sampled(alpha, size, **place, top=top) >= 0.5)
    return marks


_ROWS = 256


def _marked(unknown: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_]) -> Mask:
    return np.where(unknown, 128, np.where(inside, 255, 0)).astype(np.uint8)
