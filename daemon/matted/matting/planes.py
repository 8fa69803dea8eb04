"""Planes of numbers and how one grid's pixels are read on another's: what every method here stands on.

Pixel centres lie at half-integers, so that what is enlarged never shifts and tiles of it fit seamlessly. May
import numpy and OpenCV; knows no method.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Alpha = npt.NDArray[np.float32]
Mask = npt.NDArray[Any]  # uint8 or uint16
Plane = npt.NDArray[Any]  # float32; what adjusts a matte takes it as a mask, too, 1.0 at full scale
Colour = npt.NDArray[Any]  # (H, W, C) at any depth


def full_scale(dtype: npt.DTypeLike) -> float:
    """What stands for alpha 1.0 and for full colour: 255, 65535, or 1 in planes of floats."""
    dtype = np.dtype(dtype)
    return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0


def unit(colour: Colour) -> Plane:
    """Colours as float32 in [0, 1]; what is not a number becomes 0."""
    if colour.dtype.kind == "u":
        return np.multiply(colour, np.float32(1.0 / full_scale(colour.dtype)), dtype=np.float32)
    return np.clip(np.nan_to_num(colour.astype(np.float32)), 0.0, 1.0)


def level(dtype: npt.DTypeLike, alpha: float) -> float:
    """`alpha` in the numbers of a plane of `dtype`."""
    return alpha * full_scale(dtype)


def quantised(alpha: Plane, dtype: npt.DTypeLike) -> Mask:
    """Alpha in the nearest steps of a stored mask: (h, w) uint8 or uint16; floats are clipped alone."""
    return stored(alpha * np.float32(full_scale(dtype)), dtype)


def stored(values: Plane, dtype: npt.DTypeLike) -> Mask:
    """Values in the numbers of a plane of `dtype` already, rounded and clipped into its range."""
    dtype = np.dtype(dtype)
    if dtype.kind == "u":
        return np.clip(values + np.float32(0.5), 0, full_scale(dtype)).astype(dtype)
    return np.clip(values, 0, 1).astype(dtype)


def in_depth(plane: Mask, dtype: npt.DTypeLike) -> Mask:
    """A plane (h, w) of any depth at another, its full scale kept; what is not a number becomes 0."""
    if plane.dtype == dtype:
        return np.ascontiguousarray(plane)
    scale = np.float32(full_scale(dtype) / full_scale(plane.dtype))
    values = np.multiply(plane, scale, dtype=np.float32)
    return stored(np.nan_to_num(values) if plane.dtype.kind == "f" else values, dtype)


def reduced(plane: Mask, width: int, height: int) -> Mask:
    """A plane of any depth averaged to a smaller size; itself if it has that size."""
    if plane.shape == (height, width):
        return plane
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))


def sampled(
    plane: Plane, size: tuple[int, int], *, across: float, down: float, left: float = 0, top: float = 0
) -> Plane:
    """`size` (width, height) linear samples of `plane`, `across` and `down` of its pixels apart.

    The first sample is the centre of the pixel (`left`, `top`) of the finer grid; tiles of it fit seamlessly.
    """
    move = np.array([[across, 0, (left + 0.5) * across - 0.5], [0, down, (top + 0.5) * down - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(plane, move, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def averaged(colour: Colour, rows: slice, columns: slice, factor: int) -> Plane:
    """A part of the picture averaged over blocks of `factor` x `factor`: (C, h, w) float32 in [0, 1].

    colour: (H, W, C), uint8, uint16, float16 or float32; its first three channels count, or the first where
    there are one or two. `rows`, `columns`: pixels of the reduced picture, within ceil(H / factor) and
    ceil(W / factor). A block cut by the picture's right or bottom edge is filled with its last pixels.
    """
    channels = 3 if colour.shape[2] >= 3 else 1
    window = colour[rows.start * factor : rows.stop * factor, columns.start * factor : columns.stop * factor]
    if window.dtype.kind == "f":
        window = unit(window)
    below = (rows.stop - rows.start) * factor - window.shape[0]
    beside = (columns.stop - columns.start) * factor - window.shape[1]
    if below or beside:
        window = np.pad(window, ((0, below), (0, beside), (0, 0)), mode="edge")
    if factor > 1:
        size = (columns.stop - columns.start, rows.stop - rows.start)
        window = cv2.resize(np.ascontiguousarray(window), size, interpolation=cv2.INTER_AREA)
        window = window.reshape(size[1], size[0], -1)
    return np.stack([unit(window[..., channel]) for channel in range(channels)])
