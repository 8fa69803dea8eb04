"""Pixels out of Pillow images without a second full-size copy. Knows no file format."""

import numpy as np
from PIL import Image

from matted.imaging.picture import Pixels

_STRIP_BYTES = 4 << 20


def pillow_pixels(image: Image.Image) -> Pixels:
    """(H, W, C) uint8 of an 8-bit image (L, LA, RGB, RGBA, CMYK), copied strip by strip.

    Pillow's own storage (4 bytes a pixel) and the result are all that is alive; `np.asarray` would hold a
    third copy.
    """
    width, height = image.size
    channels = len(image.getbands())
    pixels = np.empty((height, width, channels), np.uint8)
    rows = max(1, _STRIP_BYTES // max(1, width * channels))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = np.asarray(image.crop((0, top, width, bottom)))
        pixels[top:bottom] = strip.reshape(bottom - top, width, channels)
    return pixels
