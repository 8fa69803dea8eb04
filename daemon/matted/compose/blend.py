"""Pixel values of one depth in another, and one layer over another. Imports numpy and OpenCV alone."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[
    Any
]  # (n, W) or (n, W, C) of any depth: integers span their range, floats have 1.0 as white
Plane = npt.NDArray[Any]  # float32 (n, W) in [0, 1]


def unit(values: Rows) -> Rows:
    """Values as float32 with full scale at 1; floats as they are."""
    if values.dtype.kind == "f":
        return values.astype(np.float32, copy=False)
    return values.astype(np.float32) * np.float32(1 / np.iinfo(values.dtype).max)


def in_depth(values: Rows, dtype: npt.DTypeLike) -> Rows:
    """Pixel values of one depth in another: integers span their range, floats have 1.0 as white."""
    dtype = np.dtype(dtype)
    if values.dtype == dtype:
        return values
    if values.dtype == np.uint8 and dtype == np.uint16:
        return values.astype(np.uint16) * np.uint16(257)
    if dtype.kind == "f":
        return unit(values).astype(dtype)
    top = np.iinfo(dtype).max
    return (np.clip(np.nan_to_num(unit(values)), 0, 1) * top + 0.5).astype(dtype)


def transparent(colour: Rows, alpha: Rows) -> Rows:
    """`colour` (n, W, C) and `alpha` (n, W) as one, in the depth of `colour`; 0 where it cannot be seen."""
    out = np.empty((*colour.shape[:2], colour.shape[2] + 1), colour.dtype)
    deep = in_depth(alpha, colour.dtype)
    if out.dtype == np.uint8 and out.shape[2] == 4:
        cv2.cvtColor(np.ascontiguousarray(colour), cv2.COLOR_RGB2RGBA, dst=out)
        out[..., 3] = deep
        whole = out.view(np.uint32)[..., 0]
        np.multiply(whole, deep != 0, out=whole)
        return out
    np.multiply(colour, (deep != 0)[..., None], out=out[..., :-1])
    out[..., -1] = deep
    return out


def over(colour: Rows, alpha: Rows, behind: Rows) -> Rows:
    """`colour` over `behind` by `alpha` (n, W): colours of one depth, either may be a single pixel."""
    weight = unit(alpha)
    if colour.dtype == np.uint8 and colour.shape[2] == 3:
        size = (*weight.shape, 3)
        front, back = (np.ascontiguousarray(np.broadcast_to(layer, size)) for layer in (colour, behind))
        blended: Rows = cv2.blendLinear(front, back, weight, 1 - weight)
        return blended
    mixed: Rows = behind + weight[..., None] * (colour.astype(np.float32) - behind)
    return (mixed + 0.5 if colour.dtype.kind == "u" else mixed).astype(colour.dtype)


def with_shade(colour: Rows, alpha: Rows, shade: Rows, amount: Plane) -> tuple[Rows, Rows]:
    """A translucent layer with a shadow below it, as one translucent layer: its colour and its alpha.

    `shade`: the shadow's colour, a single pixel in the depth of `colour`; `amount`: its alpha. Where the
    amount is 0 both stay as they were, to the last bit.
    """
    shaded = amount > 0
    if not shaded.any():
        return colour, alpha
    front = unit(alpha)
    below = amount * (1 - front)
    whole = front + below
    share = (front / np.maximum(whole, np.finfo(np.float32).tiny))[..., None]
    mixed = shade + share * (colour.astype(np.float32) - shade)
    mixed = (mixed + 0.5 if colour.dtype.kind == "u" else mixed).astype(colour.dtype)
    deep = in_depth(alpha, colour.dtype)
    return np.where(shaded[..., None], mixed, colour), np.where(shaded, in_depth(whole, colour.dtype), deep)
