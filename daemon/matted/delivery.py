"""The end of the chain: a picture and its matte become a file (mask, cut-out, cut-out on a background).

Works in strips of rows, so that a cut-out of the whole picture is never in memory, and keeps the
picture's own depth, space, profile and metadata wherever the file's format can hold them. Knows imaging,
no model and no HTTP.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ImageColor

from matted.errors import BadOption
from matted.imaging.colour import srgb_proxy, to_srgb8, to_srgb16
from matted.imaging.encoding import FORMATS, Encoding, FormatFacts, FormatName
from matted.imaging.from_srgb import from_srgb8
from matted.imaging.picture import Picture, Space
from matted.imaging.profile import profile_of
from matted.imaging.write import open_writer

Rows = npt.NDArray[Any]

STRIP_BYTES = 4 * 2**20  # of the widest strip: large enough for threads to pay, small beside any picture
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


@dataclass(frozen=True, slots=True)
class Delivery:
    """What to make of a matte.

    `what`: the mask alone (gray) or the cut-out. `format`: a name in `imaging.encoding.FORMATS`; None takes
    PNG, or TIFF where PNG cannot hold the picture's space or depth. `quality`: 1 to 100, for lossy formats.
    """

    what: Literal["mask", "cutout"] = "cutout"
    background: Background | None = None
    format: FormatName | None = None
    quality: int = 92

    def __post_init__(self) -> None:
        if self.what not in ("mask", "cutout"):
            raise BadOption(f"A mask or a cutout can be made, not {self.what!r}.")
        if self.format is not None and self.format not in FORMATS:
            raise BadOption(f"{self.format!r} cannot be written; {', '.join(FORMATS)} can.")
        if not 1 <= self.quality <= 100:
            raise BadOption(f"Quality goes from 1 to 100, not {self.quality}.")
        if self.what == "mask" and self.background is not None:
            raise BadOption("A mask has no background: ask for the cut-out instead.")


def parse_background(text: str, read: Callable[[Path], Picture] | None = None) -> Background:
    """`blur`, a colour (`white`, `#f4f4f4`, `rgb(0,128,0)`) or, if `read` is given, a picture's path.

    Raises BadOption for anything else, and what `read` raises.
    """
    if text == "blur":
        return Background("blur")
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
        return Background("colour", (red, green, blue))
    except ValueError:
        pass
    if read is not None and Path(text).exists():
        return Background("image", image=read(Path(text)))
    raise BadOption(
        f"The background {text!r} is neither a colour nor blur" + (" nor a picture." if read else ".")
    )


def format_for(picture: Picture, delivery: Delivery) -> FormatName:
    """The file format that `deliver` will write."""
    if delivery.format is not None:
        return delivery.format
    if delivery.what == "mask":
        return "png"
    plain = picture.space in ("gray", "rgb") and picture.pixels.dtype.kind == "u"
    return "png" if plain else "tiff"


def deliver(picture: Picture, mask: Rows, delivery: Delivery, target: BinaryIO) -> None:
    """Writes `delivery` of `picture` with its `mask` (H, W; uint8 or uint16) to `target`.

    Where the mask is 0 the cut-out's colour is 0 too: nobody sees it, and files are half the size.
    Raises BadOption when the format cannot hold it (a JPEG has no transparency), OutputFailed.
    """
    name = format_for(picture, delivery)
    if delivery.what == "mask":
        _write(
            _Sheet(lambda rows: mask[rows][..., None], mask.dtype, "gray"), picture, name, delivery, target
        )
        return
    _write(_sheet(picture, mask, delivery.background, name), picture, name, delivery, target)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Rows to be written, and what they are."""

    rows: Callable[[slice], Rows]
    dtype: np.dtype[Any]
    space: Space
    has_alpha: bool = False
    icc: bytes | None = None


def _write(sheet: _Sheet, picture: Picture, name: FormatName, delivery: Delivery, target: BinaryIO) -> None:
    height, width = picture.height, picture.width
    first = sheet.rows(slice(0, 1))
    writer = open_writer(
        target,
        width=width,
        height=height,
        channels=first.shape[2],
        dtype=sheet.dtype,
        space=sheet.space,
        has_alpha=sheet.has_alpha,
        encoding=Encoding(name, quality=delivery.quality),
        icc=sheet.icc,
        metadata=picture.metadata,
    )
    step = max(1, STRIP_BYTES // first.nbytes)
    try:
        for rows in _strips(height, step):
            writer.write(sheet.rows(rows))
        writer.close()
    except BaseException:
        writer.abort()
        raise


def _strips(height: int, step: int) -> Iterator[slice]:
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


def _sheet(picture: Picture, mask: Rows, background: Background | None, name: FormatName) -> _Sheet:
    """The cut-out in the deepest form that both the picture has and the format holds.

    `native` is the picture's own space and profile; sRGB stands in for it where the format or the background
    does not allow that, and where 8 bits of linear light would show steps.
    """
    dtype = _depth(picture.pixels.dtype, FORMATS[name])
    native = picture.space in FORMATS[name].spaces
    if background is not None:
        native = native and (picture.space == "rgb" or (picture.space == "gray" and background.is_gray))
    if picture.linear and picture.icc is None and dtype == np.uint8:
        native = False
    if not native and dtype.kind == "f":
        dtype = np.dtype(np.uint16)
    space: Space = picture.space if native else "rgb"
    icc = profile_of(picture) if native else None

    def colour(rows: slice) -> Rows:
        if native:
            return in_depth(picture.pixels[rows][..., : picture.colour_channels], dtype)
        return to_srgb8(picture, rows) if dtype == np.uint8 else to_srgb16(picture, rows)

    def alpha(rows: slice) -> Rows:
        whole = mask[rows]
        if picture.has_alpha:
            own = in_depth(picture.pixels[rows][..., -1], whole.dtype)
            whole = in_depth(_unit(whole) * _unit(own), whole.dtype)
        return whole

    if background is None:
        return _Sheet(lambda rows: _transparent(colour(rows), alpha(rows)), dtype, space, True, icc)
    srgb = _behind(picture, mask, background)

    def behind(rows: slice) -> Rows:
        plain = srgb(rows)
        if native:
            plain = from_srgb8(plain, space=space, icc=picture.icc, linear=picture.linear)
        return in_depth(plain, dtype)

    return _Sheet(lambda rows: _over(colour(rows), alpha(rows), behind(rows)), dtype, space, False, icc)


def _depth(dtype: np.dtype[Any], holds: FormatFacts) -> np.dtype[Any]:
    """The depth nearest to a picture's own that a format holds."""
    if dtype.kind == "f" and holds.floats:
        return dtype
    return np.dtype(np.uint16 if dtype != np.uint8 and 16 in holds.bits else np.uint8)


def _transparent(colour: Rows, alpha: Rows) -> Rows:
    out = np.empty((*colour.shape[:2], colour.shape[2] + 1), colour.dtype)
    deep = in_depth(alpha, colour.dtype)
    if out.dtype == np.uint8 and out.shape[2] == 4:
        cv2.cvtColor(colour, cv2.COLOR_RGB2RGBA, dst=out)
        out[..., 3] = deep
        whole = out.view(np.uint32)[..., 0]
        np.multiply(whole, deep != 0, out=whole)
        return out
    np.multiply(colour, (deep != 0)[..., None], out=out[..., :-1])
    out[..., -1] = deep
    return out


def _over(colour: Rows, alpha: Rows, behind: Rows) -> Rows:
    """`colour` over `behind` by `alpha`, all of the same depth but alpha."""
    weight = _unit(alpha)
    if colour.dtype == np.uint8 and colour.shape[2] == 3:
        behind = np.ascontiguousarray(np.broadcast_to(behind, colour.shape))
        blended: Rows = cv2.blendLinear(np.ascontiguousarray(colour), behind, weight, 1 - weight)
        return blended
    mixed: Rows = behind + weight[..., None] * (colour.astype(np.float32) - behind)
    return (mixed + 0.5 if colour.dtype.kind == "u" else mixed).astype(colour.dtype)


def _behind(picture: Picture, mask: Rows, background: Background) -> Callable[[slice], Rows]:
    """The background as rows of 8-bit sRGB; a colour as a single pixel."""
    if background.kind == "colour":
        pixel = np.array([[background.colour]], np.uint8)
        return lambda _rows: pixel
    width, height = picture.width, picture.height
    if background.image is not None:
        whole = _covering(background.image, width, height)
        return lambda rows: whole[rows]
    small = _blurred(picture, mask)
    return lambda rows: _enlarged_rows(small, width, height, rows)


def _covering(image: Picture, width: int, height: int) -> npt.NDArray[np.uint8]:
    """`image` scaled to cover width x height, its middle kept: (height, width, 3) sRGB."""
    scale = max(width / image.width, height / image.height)
    across, down = max(width, round(image.width * scale)), max(height, round(image.height * scale))
    left, top = (across - width) // 2, (down - height) // 2
    return srgb_proxy(image, across, down)[top : top + height, left : left + width]


def _blurred(picture: Picture, mask: Rows) -> Rows:
    """The picture without its subject, blurred: the subject's colour must not glow around it."""
    scale = BLUR_SIDE_PX / max(picture.width, picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    colour = srgb_proxy(picture, *size).astype(np.float32)
    outside = 1 - _unit(cv2.resize(mask, size, interpolation=cv2.INTER_AREA))
    sigma = BLUR_SHARE * BLUR_SIDE_PX
    amount = cv2.GaussianBlur(outside, (0, 0), sigma)
    narrow = cv2.GaussianBlur(colour * outside[..., None], (0, 0), sigma)
    wide_amount = cv2.GaussianBlur(outside, (0, 0), 8 * sigma)
    wide = cv2.GaussianBlur(colour * outside[..., None], (0, 0), 8 * sigma)
    filled = narrow + 1e-2 * wide
    return filled / np.maximum(amount + 1e-2 * wide_amount, 1e-6)[..., None]


def _enlarged_rows(small: Rows, width: int, height: int, rows: slice) -> npt.NDArray[np.uint8]:
    sy, sx = small.shape[0] / height, small.shape[1] / width
    move = np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, (rows.start + 0.5) * sy - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (width, rows.stop - rows.start)
    strip = cv2.warpAffine(small, move, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    rounded: npt.NDArray[np.uint8] = np.clip(strip + 0.5, 0, 255).astype(np.uint8)
    return rounded


def in_depth(values: Rows, dtype: npt.DTypeLike) -> Rows:
    """Pixel values of one depth in another: integers span their range, floats have 1.0 as white."""
    dtype = np.dtype(dtype)
    if values.dtype == dtype:
        return values
    if values.dtype == np.uint8 and dtype == np.uint16:
        return values.astype(np.uint16) * np.uint16(257)
    if dtype.kind == "f":
        return _unit(values).astype(dtype)
    top = np.iinfo(dtype).max
    return (np.clip(np.nan_to_num(_unit(values)), 0, 1) * top + 0.5).astype(dtype)


def _unit(values: Rows) -> Rows:
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    return values.astype(np.float32) * np.float32(1 / np.iinfo(values.dtype).max)
