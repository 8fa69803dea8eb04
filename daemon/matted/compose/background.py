"""What lies behind a subject: a colour, a picture cropped to cover, or the blurred original.

Gives it as rows of sRGB in 8 or 16 bits, drawn as they are asked for. May import imaging; knows no file
format.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from matted.compose.blend import Rows, in_depth, unit
from matted.compose.resample import Placement, covering, enlarged, scaled_opaque
from matted.compose.style import parse_colour
from matted.errors import BadOption
from matted.imaging.colour import srgb_proxy, to_srgb8, to_srgb16
from matted.imaging.picture import Picture

BLUR_SHARE = 0.02  # blur radius of the `blur` background as a share of the longer side
BLUR_SIDE_PX = 512  # the blurred background has no detail: it is made at this size


@dataclass(frozen=True, slots=True)
class Background:
    """What lies behind the subject: a colour (sRGB), a picture, or the blurred original."""

    kind: Literal["colour", "image", "blur"]
    colour: tuple[int, int, int] = (255, 255, 255)
    image: Picture | None = None

    @property
    def is_gray(self) -> bool:
        """Whether a gray picture can hold it."""
        return self.kind == "colour" and len(set(self.colour)) == 1


def parse_background(text: str, read: Callable[[str], Picture | None] | None = None) -> Background:
    """`blur`, a colour (`white`, `#f4f4f4`, `rgb(0,128,0)`), or what `read` finds a picture for.

    Raises BadOption for anything else, and what `read` raises.
    """
    if text == "blur":
        return Background("blur")
    try:
        return Background("colour", parse_colour(text))
    except BadOption:
        pass
    image = read(text) if read is not None else None
    if image is not None:
        return Background("image", image=image)
    raise BadOption(
        f"The background {text!r} is neither a colour nor blur" + (" nor a picture." if read else ".")
    )


def behind(
    background: Background, picture: Picture, mask: Rows, place: Placement, dtype: npt.DTypeLike
) -> Callable[[slice], Rows]:
    """Rows of the canvas (n, W, 3) sRGB of `dtype` (uint8 or uint16); a colour as a single pixel (1, 1, 3).

    `mask`: (H, W) of the picture, which says what of it is no background.
    """
    if background.kind == "colour":
        pixel = in_depth(np.array([[background.colour]], np.uint8), dtype)
        return lambda _rows: pixel
    if background.image is not None:
        return _image(background.image, place, np.dtype(dtype))
    small = _blurred(picture, mask)
    size = (picture.width, picture.height)

    def blurred(rows: slice) -> Rows:
        return in_depth(enlarged(small, size, place, rows), dtype)

    return blurred


def _image(image: Picture, place: Placement, dtype: np.dtype[Any]) -> Callable[[slice], Rows]:
    size = (image.width, image.height)
    cover = covering(place.width, place.height, size)

    def srgb(rows: slice) -> Rows:
        colour = to_srgb8(image, rows) if dtype == np.uint8 else to_srgb16(image, rows)
        if not image.has_alpha:
            return colour
        weight = unit(image.pixels[rows][..., -1:])
        white = np.float32(np.iinfo(dtype).max)
        mixed: Rows = (white + weight * (colour.astype(np.float32) - white) + 0.5).astype(dtype)
        return mixed

    if cover.is_shift and cover.left == cover.top == 0:
        return srgb
    return lambda rows: scaled_opaque(srgb, size, cover, rows)


def _blurred(picture: Picture, mask: Rows) -> Rows:
    """The picture without its subject, blurred: the subject's colour must not glow around it.

    (h, w, 3) float32 in [0, 1], at most 512 px on the longer side.
    """
    scale = BLUR_SIDE_PX / max(picture.width, picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    colour = srgb_proxy(picture, *size).astype(np.float32)
    outside = 1 - unit(cv2.resize(mask, size, interpolation=cv2.INTER_AREA))
    sigma = BLUR_SHARE * BLUR_SIDE_PX
    amount = cv2.GaussianBlur(outside, (0, 0), sigma)
    narrow = cv2.GaussianBlur(colour * outside[..., None], (0, 0), sigma)
    wide_amount = cv2.GaussianBlur(outside, (0, 0), 8 * sigma)
    wide = cv2.GaussianBlur(colour * outside[..., None], (0, 0), 8 * sigma)
    filled = narrow + 1e-2 * wide
    return filled / np.maximum(amount + 1e-2 * wide_amount, 1e-6)[..., None] * np.float32(1 / 255)
