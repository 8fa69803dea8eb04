"""Whether a mask is another one with paint on it, told by what a brush leaves alone: the soft edge.

A brush covers broadly or lays a plain gray; two mattes of one picture differ in soft values all along a thin
edge. May import numpy, OpenCV and this folder; knows no colour and no solver.
"""

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from matted.matting.planes import Mask, Plane, full_scale, in_depth
from matted.matting.strokes import HARD, ROUNDING
from matted.matting.tiles import in_parallel, strips

Origin = Literal["painted", "anew", "other"]

LEAST_PX = 64  # of soft edge: less is no evidence
OTHER_SHARE = 0.2  # of the soft edge that differs with no brush to explain it: tests/bench/origin.py
OTHER_REST = 0.5  # and of what no brush explains, differing or not
LEFT_SHARE = 0.02  # of the soft edge as it was: less is nothing
GRAY_SHARE = 0.5  # of the soft edge under a plain gray: it was painted for a second look, not over
GRID = 2048  # px; the longer side of what breadths are measured on
BROAD = 1.5  # half widths of the soft edge: broader differences are a brush's
BROAD_PX = 2.0  # of the grid, and so much more

Marked = npt.NDArray[np.uint8]  # 255 where something holds, else 0


def origin_of(made: Mask, painted: Plane) -> Origin:
    """What `painted` (H, W), of any depth, is to `made` (H, W) uint8 or uint16, both of one size.

    "painted": `made` with paint on it. "other": another matte, for the two differ where both are soft, along
    most of the edge, though no broad stroke and no plain gray lies there. "anew": nothing of the edge is
    left, nor gray in its place; all was painted over, or the two have nothing to do with each other.
    """
    parts = in_parallel(
        lambda rows: _counts(made[rows], in_depth(painted[rows], made.dtype)), strips(made.shape)
    )
    edge, both, other = (sum(counts) for counts in zip(*parts, strict=True))
    if edge < LEAST_PX:
        return "painted"
    if other >= max(LEAST_PX, OTHER_SHARE * edge, OTHER_REST * both):
        left = in_depth(painted, made.dtype)
        explained = cv2.bitwise_not(cv2.bitwise_or(_plain(left), _broad(made, left)))
        soft, differs = cv2.bitwise_and(_soft(made), _soft(left)), _different(made, left)
        unexplained = cv2.countNonZero(cv2.bitwise_and(cv2.bitwise_and(soft, differs), explained))
        rest = both - other + unexplained
        if unexplained >= max(LEAST_PX, OTHER_SHARE * edge, OTHER_REST * rest):
            return "other"
    if both - other >= LEFT_SHARE * edge:
        return "painted"
    left = in_depth(painted, made.dtype)
    gray = cv2.countNonZero(cv2.bitwise_and(cv2.bitwise_and(_soft(made), _soft(left)), _plain(left)))
    return "painted" if gray >= GRAY_SHARE * edge else "anew"


def _counts(made: Mask, left: Mask) -> tuple[int, int, int]:
    """How many pixels are soft in `made`, in both, and in both with another value."""
    edge = _soft(made)
    both = cv2.bitwise_and(edge, _soft(left))
    other = cv2.bitwise_and(both, _different(made, left))
    return cv2.countNonZero(edge), cv2.countNonZero(both), cv2.countNonZero(other)


def _soft(mask: Mask) -> Marked:
    full = full_scale(mask.dtype)
    low, high = float(np.ceil(HARD * full)), float(np.floor((1 - HARD) * full))
    return _marked(mask, low, high)


def _marked(plane: Plane, low: float, high: float) -> Marked:
    """Where a plane's values lie from `low` to `high`."""
    return np.asarray(cv2.inRange(np.ascontiguousarray(plane), low, high), np.uint8)


def _different(made: Mask, left: Mask) -> Marked:
    apart = cv2.absdiff(np.ascontiguousarray(made), left)
    full = full_scale(made.dtype)
    return _marked(apart, float(np.floor(ROUNDING * full) + 1), full)


def _plain(left: Mask) -> Marked:
    """Where a value is that of all its neighbours."""
    window = np.ones((3, 3), np.uint8)
    apart = cv2.subtract(cv2.dilate(left, window), cv2.erode(left, window))
    return _marked(apart, 0, float(np.floor(ROUNDING * full_scale(left.dtype))))


def _broad(made: Mask, left: Mask) -> Marked:
    """Where the two differ in a breadth that only a brush has, compared with the soft edge's own."""
    rows, columns = made.shape
    factor = max(1.0, max(rows, columns) / GRID)
    size = max(1, round(columns / factor)), max(1, round(rows / factor))
    edge, differs = (
        np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        for plane in (_soft(made), _different(made, left))
    )
    within = _depth(edge)[edge > 0]
    deep = float(np.median(within)) if len(within) else 0.5  # on average a quarter of the edge's width
    radius = BROAD * 2 * deep + BROAD_PX
    away = cv2.distanceTransform((_depth(differs) < radius).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
    broad = (away <= BROAD * radius).view(np.uint8) * np.uint8(255)
    return np.asarray(cv2.resize(broad, (columns, rows), interpolation=cv2.INTER_NEAREST))


def _depth(marked: Marked) -> Plane:
    """How far each marked place is from one that is not."""
    return np.asarray(cv2.distanceTransform(np.pad(marked, 1), cv2.DIST_L2, cv2.DIST_MASK_3)[1:-1, 1:-1])
