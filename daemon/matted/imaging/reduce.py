"""Shrinking a picture by whole blocks, in its own space and depth, without a full-size copy.

May import OpenCV and the picture; knows no colour profile and no model.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from matted.imaging.picture import Picture, Pixels, Space

_CHUNK_PIXELS = 1 << 20
_STRIP_BYTES = 16 << 20
_MOSTLY_MIXED = 0.15  # above this share of blocks, compositing every pixel in a row is quicker
_LAB_OFFSET = np.array([0, 128, 128], np.float32)
_LAB16_TOP = np.array([65535, 255 * 256, 255 * 256], np.float32)
_LAB_SPAN = np.array([100, 255, 255], np.float32)


@dataclass(frozen=True, slots=True)
class Reduced:
    """A shrunken picture without alpha.

    `values`: (h, w, C) in the picture's own space; uint8 for 8-bit pictures, else float32 in [0, 1] (integers
    over their maximum, floats clipped, lab in its ICC encoding). `extent`: (x, y) size of the picture in
    these pixels; a fraction where the last column or row averages a partial block.
    """

    values: Pixels
    extent: tuple[float, float]


def reduce_over_white(picture: Picture, least: tuple[int, int]) -> Reduced:
    """Average blocks of whole pixels down to a size of at least `least` (width, height), over white.

    The blocks are as large as possible; 1 x 1 where the picture is smaller than that already.
    """
    fx, fy = (max(1, side // want) for side, want in zip((picture.width, picture.height), least, strict=True))
    means = _block_means(picture.pixels, fx, fy)
    if picture.has_alpha:
        means = _over_white(means, picture, fx, fy)
    return Reduced(unit_range(means, picture.space), (picture.width / fx, picture.height / fy))


def unit_range(values: Pixels, space: Space) -> Pixels:
    """uint8 as it is; anything deeper as float32 in [0, 1], lab floats in the ICC encoding."""
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        top = _LAB16_TOP if space == "lab" else np.float32(65535)
        return np.minimum(values.astype(np.float32) / top, 1)
    floats = np.nan_to_num(values.astype(np.float32, copy=False), nan=0.0, posinf=1e6, neginf=-1e6)
    if space == "lab":
        floats = (floats + _LAB_OFFSET) / _LAB_SPAN
    return np.clip(floats, 0.0, 1.0)


def white(space: Space, dtype: npt.DTypeLike) -> npt.NDArray[np.float32]:
    """The colour of white paper in a space, in the units of `dtype`, one value per colour channel."""
    kind = np.dtype(dtype)
    top = float(np.iinfo(kind).max) if kind.kind == "u" else 1.0
    if space == "cmyk":
        return np.zeros(4, np.float32)
    if space == "lab":
        neutral = (top + 1) / 2
        return np.array([top, neutral, neutral] if kind.kind == "u" else [100, 0, 0], np.float32)
    return np.full(1 if space == "gray" else 3, top, np.float32)


def _block_means(pixels: Pixels, fx: int, fy: int) -> Pixels:
    if pixels.dtype == np.float16:
        return np.concatenate([_block_means(s.astype(np.float32), fx, fy) for s in _strips(pixels, fy)])
    if fx == fy == 1:
        return pixels
    height, width, channels = pixels.shape
    rows, columns = height // fy, width // fx
    means = np.empty((-(-height // fy), -(-width // fx), channels), pixels.dtype)
    for out_y, in_y in ((slice(0, rows), slice(0, rows * fy)), (slice(rows, None), slice(rows * fy, None))):
        for out_x, in_x in (
            (slice(0, columns), slice(0, columns * fx)),
            (slice(columns, None), slice(columns * fx, None)),
        ):
            target, part = means[out_y, out_x], pixels[in_y, in_x]
            if target.size:
                size = (target.shape[1], target.shape[0])
                target[...] = cv2.resize(part, size, interpolation=cv2.INTER_AREA).reshape(target.shape)
    return means


def _over_white(means: Pixels, picture: Picture, fx: int, fy: int) -> Pixels:
    """Colours over white: exact for blocks of one alpha, recomputed pixel by pixel where a block is mixed."""
    top = np.iinfo(means.dtype).max if means.dtype.kind == "u" else 1
    alpha = means[..., -1]
    paper = white(picture.space, picture.pixels.dtype)
    colours = np.ascontiguousarray(means[..., :-1])
    colours[alpha <= 0] = paper.astype(means.dtype)
    mixed = (alpha > 0) & (alpha < top)
    if mixed.mean() > _MOSTLY_MIXED:
        return np.concatenate(
            [_block_means(_flattened(s, paper), fx, fy) for s in _strips(picture.pixels, fy)]
        )
    ys, xs = np.nonzero(mixed)
    step = max(1, _CHUNK_PIXELS // (fx * fy))
    for start in range(0, len(ys), step):
        y, x = ys[start : start + step], xs[start : start + step]
        colours[y, x] = _composited_blocks(picture.pixels, y, x, (fx, fy), paper)
    return colours


def _flattened(pixels: Pixels, paper: npt.NDArray[np.float32]) -> Pixels:
    """Every pixel over `paper`, without its alpha."""
    is_integer = pixels.dtype.kind == "u"
    flat = pixels[..., :-1].astype(np.float32)
    opaque = np.iinfo(pixels.dtype).max if is_integer else 1
    flat -= paper
    flat *= np.clip(pixels[..., -1:].astype(np.float32) / np.float32(opaque), 0, 1)
    flat += paper
    return np.rint(flat, out=flat).astype(pixels.dtype) if is_integer else flat


def _composited_blocks(
    pixels: Pixels,
    ys: npt.NDArray[np.intp],
    xs: npt.NDArray[np.intp],
    block: tuple[int, int],
    paper: npt.NDArray[np.float32],
) -> Pixels:
    fx, fy = block
    height, width, _ = pixels.shape
    rows = ys[:, None, None] * fy + np.arange(fy)[:, None]
    columns = xs[:, None, None] * fx + np.arange(fx)
    inside = (rows < height) & (columns < width)
    full = pixels[np.minimum(rows, height - 1), np.minimum(columns, width - 1)].astype(np.float32)
    is_integer = pixels.dtype.kind == "u"
    alpha = full[..., -1:] / np.iinfo(pixels.dtype).max if is_integer else np.clip(full[..., -1:], 0, 1)
    flat = paper + (full[..., :-1] - paper) * alpha
    means: Pixels = (flat * inside[..., None]).sum((1, 2)) / inside.sum((1, 2))[:, None]
    return np.rint(means).astype(pixels.dtype) if is_integer else means


def _strips(pixels: Pixels, multiple: int) -> Iterator[Pixels]:
    row_bytes = pixels.shape[1] * pixels.shape[2] * 4
    rows = max(1, _STRIP_BYTES // (row_bytes * multiple)) * multiple
    for top in range(0, pixels.shape[0], rows):
        yield pixels[top : top + rows]
