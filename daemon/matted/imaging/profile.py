"""Colour profiles as bytes: what space one is for, and one for linear light. Knows no file format.

Sources: ICC.1:2010 section 7.2, IEC 61966-2-1 (sRGB).
"""

import imagecodecs
import numpy as np

from matted.imaging.picture import Picture, Space
from matted.imaging.srgb_curve import linear_light

_SIGNATURES: dict[Space, bytes] = {"gray": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK", "lab": b"Lab "}
_HEADER_BYTES = 128
_CURVE_STEPS = 1024
_D65 = (0.3127, 0.3290, 1.0)
_SRGB_PRIMARIES = (0.64, 0.33, 1.0, 0.30, 0.60, 1.0, 0.15, 0.06, 1.0)  # x, y, Y of red, green, blue


def matching_profile(icc: bytes | None, space: Space) -> bytes | None:
    """The profile when it is one for pixels of this space, else None: a wrong one would only do harm."""
    if icc is None or len(icc) <= _HEADER_BYTES or icc[16:20] != _SIGNATURES[space] or icc[36:40] != b"acsp":
        return None
    return icc


def profile_of_primaries(corners: tuple[float, ...], white: tuple[float, float]) -> bytes:
    """An RGB profile with sRGB's curve. `corners`: x, y of red, green and blue; `white`: x, y."""
    light = linear_light(np.linspace(0, 1, _CURVE_STEPS))
    red_x, red_y, green_x, green_y, blue_x, blue_y = corners
    made: bytes = imagecodecs.cms_profile(
        "rgb",
        whitepoint=(*white, 1.0),
        primaries=(red_x, red_y, 1.0, green_x, green_y, 1.0, blue_x, blue_y, 1.0),
        transferfunction=np.rint(light * 65535).astype(np.uint16),
    )
    return made


def srgb_profile(space: Space) -> bytes:
    """sRGB for files that must not leave it unsaid; for gray, its curve alone."""
    if space == "gray":
        curve = np.rint(linear_light(np.linspace(0, 1, _CURVE_STEPS)) * 65535).astype(np.uint16)
        gray: bytes = imagecodecs.cms_profile("gray", transferfunction=curve)
        return gray
    colour: bytes = imagecodecs.cms_profile("srgb")
    return colour


def profile_of(picture: Picture) -> bytes | None:
    """The profile that says what a picture's numbers mean: its own, or for linear light without one a made
    one.

    None where neither is needed: the numbers are sRGB, or plain ink, or Lab.
    """
    if picture.icc is not None or not picture.linear:
        return picture.icc
    if picture.space == "gray":
        gray: bytes = imagecodecs.cms_profile("gray", gamma=1.0)
        return gray
    colour: bytes = imagecodecs.cms_profile("rgb", whitepoint=_D65, primaries=_SRGB_PRIMARIES, gamma=1.0)
    return colour
