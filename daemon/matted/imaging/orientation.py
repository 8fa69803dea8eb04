"""Turning pixels upright: the eight EXIF orientations as array operations. Knows no file format."""

import cv2
import numpy as np

from matted.imaging.picture import Pixels

_TRANSPOSABLE_BYTES = (1, 2, 3, 4, 6, 8, 12, 16)  # pixel sizes OpenCV can transpose


def turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Pixels (H, W, C) as they are meant to be seen. `orientation`: 1..8 as in EXIF tag 0x0112.

    Flips happen in place; 5..8 swap width and height and return a new array. C-contiguous.
    """
    if orientation in (5, 6, 7, 8):
        pixels = _transposed(pixels)
    horizontal = orientation in (2, 3, 6, 7)
    vertical = orientation in (3, 4, 7, 8)
    if horizontal or vertical:
        _flip(pixels, horizontal=horizontal, vertical=vertical)
    return pixels


def _transposed(pixels: Pixels) -> Pixels:
    height, width, channels = pixels.shape
    if channels * pixels.dtype.itemsize not in _TRANSPOSABLE_BYTES:
        return np.ascontiguousarray(pixels.transpose(1, 0, 2))
    turned = np.empty((width, height, channels), pixels.dtype)
    cv2.transpose(_for_opencv(pixels), dst=_for_opencv(turned))
    return turned


def _flip(pixels: Pixels, *, horizontal: bool, vertical: bool) -> None:
    code = -1 if horizontal and vertical else int(horizontal)
    image = _for_opencv(pixels)
    cv2.flip(image, code, dst=image)


def _for_opencv(pixels: Pixels) -> Pixels:
    return pixels.view(np.uint16) if pixels.dtype == np.float16 else pixels
