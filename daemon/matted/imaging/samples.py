"""Sample values of every kind turned into the ones a `Picture` holds, in place where that is possible.

Pure arithmetic on arrays; knows no file format.
"""

import numpy as np
import numpy.typing as npt

from matted.errors import UnsupportedPicture
from matted.imaging.picture import Pixels, Space

_STRIP_PIXELS = 1 << 20
_ICC_LAB_WHITE = 0xFF00  # L* 100 in the 16-bit encoding of version 2 profiles


def in_supported_depth(samples: Pixels, bits: int, name: str) -> Pixels:
    """Samples as uint8, uint16, float16 or float32. `bits`: how many of an integer sample are used.

    1, 2 and 4 bits are spread over 8; 10, 12 and 14 over 16; 32 are cut to 16; float64 becomes float32.
    Raises UnsupportedPicture for signed and complex samples.
    """
    kind = samples.dtype.kind
    if kind == "b":
        return samples.astype(np.uint8) * np.uint8(255)
    if kind == "f":
        depth = samples.dtype.newbyteorder("=")
        return samples.astype(depth if depth.itemsize <= 4 else np.float32, copy=False)
    if kind != "u":
        raise UnsupportedPicture(
            f"{name} has signed or complex samples: save it with 8 or 16 bits per channel."
        )
    if bits in (8, 16):
        return samples.astype(samples.dtype.newbyteorder("="), copy=False)
    if bits < 8:
        return (samples.astype(np.uint16) * 255 // (2**bits - 1)).astype(np.uint8)
    if bits < 16:
        return ((samples.astype(np.uint32) * 65535 + 2 ** (bits - 1)) // (2**bits - 1)).astype(np.uint16)
    return (samples >> (bits - 16)).astype(np.uint16)


def looked_up(indices: Pixels, table: npt.NDArray[np.uint16]) -> Pixels:
    """Palette indices (H, W) to RGB (H, W, 3): uint8 unless the table (3, n) really has more than 8 bits."""
    colours: Pixels = table
    if table.max(initial=0) < 256:  # some old programs wrote 8-bit tables
        colours = table.astype(np.uint8)
    elif np.array_equal(table, (table >> 8) * 257) or not (table & 0xFF).any():
        colours = (table >> 8).astype(np.uint8)
    clipped = np.minimum(indices, colours.shape[1] - 1)
    return np.ascontiguousarray(colours.T)[clipped]


def invert(pixels: Pixels, colours: int) -> None:
    """Swap black and white of the first `colours` channels, in place."""
    part = pixels[..., :colours]
    if pixels.dtype.kind == "u":
        np.invert(part, out=part)
    else:
        np.subtract(1, part, out=part)


def cielab_to_icc(pixels: Pixels) -> None:
    """Lab with signed a and b (TIFF's CIELab) to a and b offset by the half range, in place; floats stay."""
    if pixels.dtype.kind == "u":
        pixels[..., 1:3] ^= pixels.dtype.type(1 << (8 * pixels.dtype.itemsize - 1))


def icclab16_to_lab16(pixels: Pixels) -> None:
    """L of the version 2 ICC encoding (0xFF00 is 100) spread over the whole range, in place."""
    for top in range(0, len(pixels), max(1, _STRIP_PIXELS // pixels.shape[1])):
        strip = pixels[top : top + max(1, _STRIP_PIXELS // pixels.shape[1]), :, 0]
        spread = strip.astype(np.uint32) * 65535 // _ICC_LAB_WHITE
        strip[...] = np.minimum(spread, 65535)


def unpremultiply(pixels: Pixels, space: Space) -> None:
    """Associated (premultiplied) alpha, last channel, to straight alpha, in place, strip by strip.

    Fully transparent pixels keep colour 0. Lab is divided around its neutral point.
    """
    is_integer = pixels.dtype.kind == "u"
    top = np.float32(np.iinfo(pixels.dtype).max) if is_integer else np.float32(1)
    neutral = np.float32(0)
    if space == "lab" and is_integer:
        neutral = (top + 1) / 2
    rows = max(1, _STRIP_PIXELS // pixels.shape[1])
    for start in range(0, len(pixels), rows):
        strip = pixels[start : start + rows]
        alpha = strip[..., -1:].astype(np.float32)
        if (alpha >= top).all():
            continue
        scale = np.divide(top, alpha, out=np.zeros_like(alpha), where=alpha > 0)
        colours = strip[..., :-1].astype(np.float32)
        if neutral:
            colours[..., 1:] -= neutral
        colours *= scale
        if neutral:
            colours[..., 1:] += neutral
        strip[..., :-1] = np.rint(np.clip(colours, 0, top)) if is_integer else colours
