"""Rows of a picture, or of a small plane, as they lie on a canvas of another size.

Each call makes one strip of the canvas from as many rows of the source as that needs. May import OpenCV and
the blending beside it; knows no colour space.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from matted.compose.blend import Plane, Rows, unit

RowSource = Callable[[slice], Rows]
_CUBIC_REACH = 2  # px on either side that cubic interpolation looks at


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture lies on a canvas of `width` x `height` pixels.

    `scale`: canvas pixels per pixel of the picture. `left`, `top`: where its top-left corner lies on it.
    """

    width: int
    height: int
    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0

    @property
    def is_shift(self) -> bool:
        """Whether pixels are only moved, by whole pixels: nothing has to be interpolated."""
        return self.scale == 1 and self.left.is_integer() and self.top.is_integer()

    def is_within(self, size: tuple[int, int]) -> bool:
        """Whether a picture of `size` (width, height) covers the whole canvas."""
        right, bottom = self.left + size[0] * self.scale, self.top + size[1] * self.scale
        return max(self.left, self.top) <= 0 and right >= self.width - 1e-6 and bottom >= self.height - 1e-6


def within(size: tuple[int, int], max_side_px: int | None) -> Placement:
    """A whole picture of `size` (width, height), reduced if its longer side has more than `max_side_px`.

    The longer side then has just that; a fraction of a pixel is cropped from the other.
    """
    if max_side_px is None or max(size) <= max_side_px:
        return Placement(*size)
    scale = max_side_px / max(size)
    width, height = (max(1, int(side * scale + 1e-6)) for side in size)
    return Placement(width, height, scale)


def covering(width: int, height: int, of: tuple[int, int]) -> Placement:
    """A picture of size `of` (width, height) as large as it must be to cover a canvas, its middle kept."""
    scale = max(width / of[0], height / of[1])
    return Placement(width, height, scale, (width - of[0] * scale) / 2, (height - of[1] * scale) / 2)


def moved(source: RowSource, size: tuple[int, int], place: Placement, rows: slice) -> Rows:
    """A shifted picture's rows of the canvas, value for value; 0 where the picture is not."""
    width, height = size
    left, top = int(place.left), int(place.top)
    first = min(max(rows.start - top, 0), height - 1)
    stop = min(max(rows.stop - top, first), height)
    strip = source(slice(first, max(stop, first + 1)))
    canvas = np.zeros((rows.stop - rows.start, place.width, *strip.shape[2:]), strip.dtype)
    across = slice(min(max(-left, 0), width), min(max(place.width - left, 0), width))
    begin = first + top - rows.start
    if 0 <= begin < len(canvas) and stop > first and across.stop > across.start:
        x = across.start + left
        part = strip[: stop - first, across]
        canvas[begin : begin + len(part), x : x + part.shape[1]] = part
    return canvas


def scaled_alpha(alpha: RowSource, size: tuple[int, int], place: Placement, rows: slice) -> Plane:
    """An alpha's rows of the canvas, float32 in [0, 1]; the surroundings are empty."""
    down = _needed(place, size[1], rows)
    cover = unit(alpha(down))[..., None]
    drawn = _drawn(cover, place, down.start, rows, border=_outside(place, size))
    return np.clip(drawn[..., 0], 0, 1)


def scaled(
    colour: RowSource, alpha: RowSource, size: tuple[int, int], place: Placement, rows: slice
) -> tuple[Rows, Plane]:
    """A translucent picture's rows of the canvas: colours in their own depth, alpha float32 in [0, 1].

    Colours count by their alpha, so that what cannot be seen does not bleed in. The surroundings are empty.
    """
    down = _needed(place, size[1], rows)
    strip, cover = colour(down), unit(alpha(down))
    weighted = np.dstack([strip.astype(np.float32) * cover[..., None], cover])
    drawn = _drawn(weighted, place, down.start, rows, border=_outside(place, size))
    found = drawn[..., -1]
    plain = drawn[..., :-1] / np.maximum(found, 1e-4)[..., None]
    return _as_before(plain, strip), np.clip(found, 0, 1)


def scaled_opaque(colour: RowSource, size: tuple[int, int], place: Placement, rows: slice) -> Rows:
    """An opaque picture's rows of the canvas, in their own depth; its border goes on outside it."""
    down = _needed(place, size[1], rows)
    strip = colour(down)
    return _as_before(
        _drawn(strip.astype(np.float32), place, down.start, rows, border=cv2.BORDER_REPLICATE), strip
    )


def enlarged(small: Rows, size: tuple[int, int], place: Placement, rows: slice) -> Rows:
    """Linear samples of floats (h, w) or (h, w, C) that stand for a whole picture of `size` (width, height).

    Its border goes on outside it.
    """
    across, down = small.shape[1] / size[0] / place.scale, small.shape[0] / size[1] / place.scale
    move = np.array(
        [
            [across, 0, (0.5 - place.left) * across - 0.5],
            [0, down, (rows.start + 0.5 - place.top) * down - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    drawn = (place.width, rows.stop - rows.start)
    strip: Rows = cv2.warpAffine(small, move, drawn, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return strip


def _outside(place: Placement, size: tuple[int, int]) -> int:
    """What is beyond a picture's border: nothing, unless that is beyond the canvas too."""
    return int(cv2.BORDER_REPLICATE if place.is_within(size) else cv2.BORDER_CONSTANT)


def _spread(place: Placement) -> float:
    """Standard deviation of the blur before pixels are left out: those of a pixel on the canvas."""
    return 0.5 * math.sqrt(max(0.0, 1 / place.scale**2 - 1))


def _needed(place: Placement, height: int, rows: slice) -> slice:
    margin = _CUBIC_REACH + math.ceil(3 * _spread(place))
    first = math.floor((rows.start + 0.5 - place.top) / place.scale - 0.5) - margin
    last = math.ceil((rows.stop - 0.5 - place.top) / place.scale - 0.5) + margin
    start = min(max(first, 0), height - 1)
    return slice(start, min(max(last + 1, start + 1), height))


def _drawn(strip: Rows, place: Placement, start: int, rows: slice, *, border: int) -> Rows:
    spread = _spread(place)
    if spread > 0:
        strip = cv2.GaussianBlur(strip, (0, 0), spread, borderType=border).reshape(strip.shape)
    step = 1 / place.scale
    move = np.array(
        [
            [step, 0, (0.5 - place.left) * step - 0.5],
            [0, step, (rows.start + 0.5 - place.top) * step - 0.5 - start],
        ]
    )
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (place.width, rows.stop - rows.start)
    drawn: Rows = cv2.warpAffine(strip, move, size, flags=flags, borderMode=border)
    return drawn.reshape(size[1], size[0], strip.shape[2])


def _as_before(values: Rows, like: Rows) -> Rows:
    """Floats in the depth of `like`, rounded and within its range; floats within the range of `like`."""
    if like.dtype.kind == "f":
        return np.clip(values, np.nanmin(like), np.nanmax(like)).astype(like.dtype)
    return (np.clip(values, 0, np.iinfo(like.dtype).max) + 0.5).astype(like.dtype)
