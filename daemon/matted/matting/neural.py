"""Level `neural`: a trimap matting network's answer at native resolution, tile by tile.

Chooses the tiles, joins their answers and restores what is known. May import numpy, OpenCV and this folder;
the network is a function it is given, so it knows no ONNX and no colour profile.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from matted.matting.planes import Alpha, Mask, Plane, full_scale, quantised, sampled
from matted.matting.trimap import SoftArea, find_soft_area, trimap
from matted.matting.upsample import upsample

TILE = 512  # px; what ViTMatte was trained on, and what graphs with fixed position tables expect
OVERLAP = 64  # px of two neighbours in which one answer fades into the other's

Network = Callable[[slice, slice, Mask], Alpha]
"""Rows, columns and the trimap there (h, w) -> alpha (h, w) float32 in [0, 1]."""


def neural_upsample(
    alpha: Alpha,
    size: tuple[int, int],
    network: Network,
    dtype: npt.DTypeLike = np.uint8,
    *,
    soft: SoftArea | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Mask:
    """Coarse `alpha` brought to `size` (width, height) by a matting network, along its edge.

    The network sees every tile that has something unknown in it, with the trimap the coarse alpha implies;
    known pixels stay exactly 0 and full scale.

    alpha: (h, w) float32 in [0, 1]. soft: where the coarse alpha's own values are to be kept; found here if
    not given. Returns (height, width) of `dtype` (uint8 or uint16). Raises what `network` raises; stops
    early, with whatever there is, once `cancelled()` is true.
    """
    width, height = size
    mask = upsample(alpha, width, height, dtype)
    marks = trimap(alpha, width, height)
    soft = soft or find_soft_area(alpha)
    place = {"across": alpha.shape[1] / width, "down": alpha.shape[0] / height}
    for top in _starts(height):
        for left in _starts(width):
            rows, columns = slice(top, min(top + TILE, height)), slice(left, min(left + TILE, width))
            unknown = marks[rows, columns] == 128
            if cancelled() or not unknown.any():
                continue
            found: Plane = np.clip(network(rows, columns, marks[rows, columns]), 0, 1)
            if soft.share:
                there = (columns.stop - left, rows.stop - top)
                keep = sampled(soft.weight, there, **place, left=left, top=top)
                found = found + keep * (sampled(alpha, there, **place, left=left, top=top) - found)
            here = mask[rows, columns]
            before = here.astype(np.float32) / full_scale(dtype)
            faded = before + _fade(top, left, found.shape) * (found - before)
            here[unknown] = quantised(faded, dtype)[unknown]
    mask[marks == 0] = 0
    mask[marks == 255] = full_scale(dtype)
    return mask


def _starts(length: int) -> list[int]:
    """Where tiles begin: each overlaps the one before by OVERLAP or more, the last ends with the picture."""
    if length <= TILE:
        return [0]
    return [*range(0, length - TILE, TILE - OVERLAP), length - TILE]


def _fade(top: int, left: int, shape: tuple[int, ...]) -> Plane:
    """How much of a tile's own answer counts: it rises from the sides where other tiles have been."""

    def rise(start: int, length: int) -> Plane:
        steps = (np.arange(length, dtype=np.float32) + np.float32(0.5)) / np.float32(OVERLAP)
        return np.clip(steps, 0.0 if start else 1.0, 1.0)

    return rise(top, shape[0])[:, None] * rise(left, shape[1])
