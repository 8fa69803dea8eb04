"""Shadows as soft layers below a subject: one that it casts, and one that was there in the picture.

A layer is a colour and, for each strip of the canvas, how strong it is. May import the resampling beside it;
how the natural shadow is found is in `contact`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from matted.compose.blend import Plane, Rows, unit
from matted.compose.resample import Placement, enlarged
from matted.compose.style import Shadow
from matted.imaging.srgb_curve import linear_light

_FINE_PX = 4.0  # deviation from which on the cast shadow is made at a reduced size
_STRIP_PIXELS = 1 << 20


@dataclass(frozen=True, slots=True)
class Layer:
    """A soft layer of one colour (sRGB). `rows`: its alpha (n, W) in [0, 1] for rows of the canvas."""

    colour: tuple[int, int, int]
    rows: Callable[[slice], Plane]


def cast(shadow: Shadow, alpha: Callable[[slice], Rows], place: Placement, *, linear: bool) -> Layer:
    """The shadow of a subject with `alpha` (rows of the canvas). `linear`: it is mixed in linear light."""
    longer = max(place.width, place.height)
    across, down = (longer * percent / 100 for percent in (shadow.right_percent, shadow.down_percent))
    spread = longer * shadow.blur_percent / 100
    strength = _strength(np.float32(shadow.opacity), linear=linear)
    draw = _reduced if spread >= _FINE_PX else _in_strips
    drawn = draw(alpha, place, spread, across, down)
    return Layer(shadow.srgb, lambda rows: drawn(rows) * strength)


def kept(opacity: Plane, size: tuple[int, int], place: Placement, *, linear: bool) -> Layer:
    """The natural shadow of a picture of `size`, `opacity` (h, w) reduced, as a black layer of the canvas."""
    amount = _strength(opacity, linear=linear)
    return Layer((0, 0, 0), lambda rows: enlarged(amount, size, place, rows))


def _strength(opacity: Any, *, linear: bool) -> npt.NDArray[Any]:
    """An opacity meant for sRGB's values as the one that looks the same in linear light."""
    return 1 - linear_light(1 - np.asarray(opacity, np.float32)) if linear else np.asarray(opacity)


def _reduced(
    alpha: Callable[[slice], Rows], place: Placement, spread: float, across: float, down: float
) -> Callable[[slice], Plane]:
    """A soft shadow has no detail: it is blurred at a fraction of the size and enlarged in strips."""
    factor = int(spread / 2)
    rows = max(1, _STRIP_PIXELS // (place.width * factor)) * factor
    parts = []
    for top in range(0, place.height, rows):
        strip = unit(alpha(slice(top, min(top + rows, place.height))))
        ragged = [(0, -length % factor) for length in strip.shape]
        strip = np.pad(strip, ragged, mode="edge") if any(after for _, after in ragged) else strip
        size = (strip.shape[1] // factor, strip.shape[0] // factor)
        parts.append(cv2.resize(strip, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0]))
    small = cv2.GaussianBlur(np.concatenate(parts), (0, 0), spread / factor, borderType=cv2.BORDER_REPLICATE)
    off = Placement(place.width, place.height, 1.0, across, down)
    covered = (small.shape[1] * factor, small.shape[0] * factor)
    return lambda rows: enlarged(small, covered, off, rows)


def _in_strips(
    alpha: Callable[[slice], Rows], place: Placement, spread: float, across: float, down: float
) -> Callable[[slice], Plane]:
    """A crisp shadow, from the rows it falls from."""
    margin = math.ceil(3 * spread) + 2

    def rows(wanted: slice) -> Plane:
        first = math.floor(wanted.start - down) - margin
        start = min(max(first, 0), place.height - 1)
        stop = min(max(math.ceil(wanted.stop - down) + margin, start + 1), place.height)
        strip = unit(alpha(slice(start, stop)))
        if spread > 0:
            strip = cv2.GaussianBlur(strip, (0, 0), spread, borderType=cv2.BORDER_REPLICATE)
        off = Placement(place.width, place.height, 1.0, across, down + start)
        return enlarged(strip, (strip.shape[1], strip.shape[0]), off, wanted)

    return rows
