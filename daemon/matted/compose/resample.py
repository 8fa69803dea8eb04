"""Rows of a picture, or of a small plane, as they lie on a canvas of another size.

Each call makes one strip of the canvas from as many rows of the source as that needs. May import OpenCV,
the blending beside it and the threads of `matting.tiles`; knows no colour space.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from matted.compose.blend import Plane, Rows, unit
from matted.matting.tiles import in_parallel

RowSource = Callable[[slice], Rows]
_CUBIC_REACH = 2  # px on either side that cubic interpolation looks at
_BLUR_REACH = 4  # deviations on either side that OpenCV's blur of floats looks at
_CHUNK_PIXELS = 2**20  # of the picture for a chunk of the canvas: enough for a thread to be worth its start


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
    border = _outside(place, size)
    drawn = _in_chunks([alpha], size, place, rows, lambda cover: unit(cover)[..., None], border)
    return np.clip(drawn[..., 0], 0, 1)


def scaled(
    colour: RowSource, alpha: RowSource, size: tuple[int, int], place: Placement, rows: slice
) -> tuple[Rows, Plane]:
    """A translucent picture's rows of the canvas: colours in their own depth, alpha float32 in [0, 1].

    Colours count by their alpha, so that what cannot be seen does not bleed in. The surroundings are empty.
    """
    strip = colour(_needed(place.top, place, size[1], rows))
    border = _outside(place, size)
    drawn = _in_chunks([lambda _rows: strip, alpha], size, place, rows, _weighted, border)
    found = drawn[..., -1]
    plain = drawn[..., :-1] / np.maximum(found, 1e-4)[..., None]
    return _as_before(plain, strip), np.clip(found, 0, 1)


def scaled_opaque(colour: RowSource, size: tuple[int, int], place: Placement, rows: slice) -> Rows:
    """An opaque picture's rows of the canvas, in their own depth; its border goes on outside it."""
    strip = colour(_needed(place.top, place, size[1], rows))
    drawn = _in_chunks(
        [lambda _rows: strip], size, place, rows, lambda part: part.astype(np.float32), cv2.BORDER_REPLICATE
    )
    return _as_before(drawn, strip)


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


def _factor(place: Placement) -> int:
    """The side of the blocks of pixels that are averaged first: so many that a little is left to do."""
    return max(1, int(0.8 / place.scale))


def _spread(place: Placement) -> float:
    """Deviation of the blur before pixels are left out, in blocks: of a canvas pixel's, less the block's."""
    block = _factor(place)
    return math.sqrt(max(0.0, (1 / place.scale**2 - 1) / 4 - (block**2 - 1) / 12)) / block


def _needed(offset: float, place: Placement, length: int, part: slice) -> slice:
    """The pixels that the canvas's `part` of rows or columns needs of `length`; it starts with a block."""
    block = _factor(place)
    margin = (_CUBIC_REACH + math.ceil(_BLUR_REACH * _spread(place))) * block
    first = math.floor((part.start + 0.5 - offset) / place.scale - 0.5) - margin
    last = math.ceil((part.stop - 0.5 - offset) / place.scale - 0.5) + margin
    start = min(max(first, 0), length - 1) // block * block
    return slice(start, min(max(-(-(last + 1) // block) * block, start + 1), length))


def _in_chunks(
    sources: Sequence[RowSource],
    size: tuple[int, int],
    place: Placement,
    rows: slice,
    prepared: Callable[..., Plane],
    border: int,
) -> Plane:
    """Rows of the canvas (n, W, C), a few at a time on all cores: only floats of a few are in memory.

    `prepared` makes floats (h, w, C) of the parts of the sources that are needed, in the picture's pixels.
    """
    whole = _needed(place.top, place, size[1], rows)
    across = _needed(place.left, place, size[0], slice(0, place.width))
    strips = [source(whole)[:, across] for source in sources]
    pixels = (across.stop - across.start) / place.scale
    step = max(1, int(_CHUNK_PIXELS / max(pixels, 1)))
    chunks = [slice(top, min(top + step, rows.stop)) for top in range(rows.start, rows.stop, step)]

    def draw(chunk: slice) -> Plane:
        down = _needed(place.top, place, size[1], chunk)
        parts = [strip[down.start - whole.start : down.stop - whole.start] for strip in strips]
        return _drawn(prepared(*parts), place, (down.start, across.start), chunk, border=border)

    return np.concatenate(in_parallel(draw, chunks))


def _weighted(colour: Rows, alpha: Rows) -> Plane:
    cover = unit(alpha)
    both = np.empty((*cover.shape, colour.shape[2] + 1), np.float32)
    np.multiply(colour, cover[..., None], out=both[..., :-1])
    both[..., -1] = cover
    return both


def _drawn(part: Plane, place: Placement, start: tuple[int, int], rows: slice, *, border: int) -> Plane:
    """Rows of the canvas from a part (h, w, C) of the picture that begins at `start` (row, column)."""
    channels, block, spread = part.shape[2], _factor(place), _spread(place)
    if block > 1:
        below, beside = (-length % block for length in part.shape[:2])
        if below or beside:
            mode: Literal["edge", "constant"] = "edge" if border == cv2.BORDER_REPLICATE else "constant"
            part = np.pad(part, ((0, below), (0, beside), (0, 0)), mode=mode)
        small = (part.shape[1] // block, part.shape[0] // block)
        part = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
    if spread > 0:
        part = cv2.GaussianBlur(part, (0, 0), spread, borderType=border)
    step = 1 / place.scale / block
    move = np.array(
        [
            [step, 0, (0.5 - place.left) * step - 0.5 - start[1] / block],
            [0, step, (rows.start + 0.5 - place.top) * step - 0.5 - start[0] / block],
        ]
    )
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (place.width, rows.stop - rows.start)
    part = part.reshape(*part.shape[:2], channels)
    drawn = [
        cv2.warpAffine(part[..., four : four + 4], move, size, flags=flags, borderMode=border)
        for four in range(0, channels, 4)  # more at once it cannot take
    ]
    return np.dstack(drawn)


def _as_before(values: Rows, like: Rows) -> Rows:
    """Floats in the depth of `like`, rounded and within its range; floats within the range of `like`."""
    if like.dtype.kind == "f":
        return np.clip(values, np.nanmin(like), np.nanmax(like)).astype(like.dtype)
    return (np.clip(values, 0, np.iinfo(like.dtype).max) + 0.5).astype(like.dtype)
