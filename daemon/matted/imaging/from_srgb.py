"""From sRGB into a picture's own space and profile, for what is put behind a subject.

The way back from `colour`. May import LittleCMS (through imagecodecs); knows no file format and no model.
"""

from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from matted.imaging.srgb_curve import encoded, linear_light

_SRGB = imagecodecs.cms_profile("srgb")
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Rec. 709, as sRGB


def from_srgb(
    colours: npt.NDArray[Any], *, space: str, icc: bytes | None = None, linear: bool = False
) -> npt.NDArray[Any]:
    """Colours (h, w, 3) uint8 or uint16 sRGB as (h, w, C) of `space` (`rgb` or `gray`).

    In the same depth, converted to the profile if there is a usable one; float32 linear light if `linear`.
    """
    if linear and icc is None:
        light = _light(colours)
        return light if space == "rgb" else _gray(light)
    if icc is not None:
        converted = _by_profile(colours, space, icc)
        if converted is not None:
            return converted
    if space == "rgb":
        return colours
    top = np.iinfo(colours.dtype).max
    return np.rint(encoded(_gray(_light(colours))) * top).astype(colours.dtype)


def _by_profile(colours: npt.NDArray[Any], space: str, icc: bytes) -> npt.NDArray[Any] | None:
    try:
        converted: npt.NDArray[Any] = imagecodecs.cms_transform(
            np.ascontiguousarray(colours),
            _SRGB,
            icc,
            colorspace="rgb",
            outcolorspace=space,
            outdtype=colours.dtype,
        )
    except (imagecodecs.CmsError, ValueError):
        return None
    return converted.reshape(colours.shape[0], colours.shape[1], -1)


def _gray(light: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    gray: npt.NDArray[Any] = light @ _LUMINANCE
    return gray[..., None]


def _light(colours: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return linear_light(colours.astype(np.float32) / np.float32(np.iinfo(colours.dtype).max))
