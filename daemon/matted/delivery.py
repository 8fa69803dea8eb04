"""The end of the chain: a picture and its matte become a file (mask, cut-out, cut-out on a background).

Works in strips of rows, so that a cut-out of the whole picture is never in memory, and keeps the
picture's own depth, space, profile and metadata wherever the file's format can hold them. What a cut-out is
put together from is in `compose`. Knows imaging, no model and no HTTP.
"""

from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

import numpy as np

from matted.compose.background import Background
from matted.compose.blend import Rows, in_depth
from matted.compose.frame import Frame, preset_named
from matted.compose.resample import scaled_alpha, within
from matted.compose.scene import Scene, Sheet, arrange
from matted.compose.style import Shadow
from matted.errors import BadOption
from matted.imaging.encoding import FORMATS, Encoding, FormatFacts, FormatName
from matted.imaging.picture import Picture
from matted.imaging.profile import srgb_profile
from matted.imaging.write import check_holds, open_writer
from matted.matting.tiles import ahead
from matted.notice import Notice

MOST_SIDE_PX = 300_000  # the longest side that any of the formats can hold
STRIP_BYTES = 4 * 2**20  # of the widest strip: large enough for threads to pay, small beside any picture


@dataclass(frozen=True, slots=True)
class Delivery:
    """What to make of a matte.

    `what`: the mask alone (gray) or the cut-out. `format`: a name in `imaging.encoding.FORMATS`; None takes
    PNG, or TIFF where PNG cannot hold the picture's space or depth; `psd` and `layered-tiff` have layers, see
    `compose.stack`. `quality`: 1 to 100, for lossy formats. `bits`: 8 or 16 per channel instead of the
    picture's own. `max_side_px`: a result with a longer side is reduced to that.

    For cut-outs: `background`: None is transparent, or the preset's colour. `keep_colours`: the soft edge
    keeps the old background's tint instead of being freed of it. `shadow`: one the subject casts.
    `keep_shadow`: the natural one is kept where it stands out. `preset`: a name in `compose.frame.PRESETS`.
    """

    what: Literal["mask", "cutout"] = "cutout"
    background: Background | None = None
    format: FormatName | None = None
    quality: int = 92
    keep_colours: bool = False
    shadow: Shadow | None = None
    keep_shadow: bool = False
    preset: str | None = None
    bits: Literal[8, 16] | None = None
    max_side_px: int | None = None

    def __post_init__(self) -> None:
        if self.what not in ("mask", "cutout"):
            raise BadOption(f"A mask or a cutout can be made, not {self.what!r}.")
        if self.format is not None and self.format not in FORMATS:
            raise BadOption(f"{self.format!r} cannot be written; {', '.join(FORMATS)} can.")
        if not 1 <= self.quality <= 100:
            raise BadOption(f"Quality goes from 1 to 100, not {self.quality}.")
        if self.max_side_px is not None and not 1 <= self.max_side_px <= MOST_SIDE_PX:
            raise BadOption(f"The longest side goes from 1 to {MOST_SIDE_PX} px, not {self.max_side_px}.")
        self._check_bits()
        self._check_frame()
        if self.what == "mask":
            if self.format is not None and FORMATS[self.format].layered:
                shown = FORMATS[self.format].title
                raise BadOption(f"A {shown} file holds the cut-out with its mask: ask for that.")
            for name, wish in (
                ("background", self.background),
                ("shadow", self.shadow or self.keep_shadow),
                ("preset", self.preset),
            ):
                if wish:
                    raise BadOption(f"A mask has no {name}: ask for the cut-out instead.")

    def _check_bits(self) -> None:
        if self.bits not in (None, 8, 16):
            raise BadOption(f"Results have 8 or 16 bits per channel, not {self.bits}.")
        if self.bits and self.format and self.bits not in FORMATS[self.format].bits:
            raise BadOption(f"A {FORMATS[self.format].title} file cannot hold {self.bits} bits per channel.")

    def _check_frame(self) -> None:
        if self.preset is None:
            return
        least = preset_named(self.preset).frame.min_px
        if self.max_side_px is not None and self.max_side_px < least:
            raise BadOption(
                f"The preset {self.preset} asks for {least} px or more, which is beyond the longest side of "
                f"{self.max_side_px} px: raise that or choose another preset."
            )

    @property
    def frame(self) -> Frame | None:
        """The canvas of the preset; None keeps the picture's own."""
        if self.preset is None:
            return None
        frame = preset_named(self.preset).frame
        return replace(frame, max_px=min(frame.max_px, self.max_side_px or frame.max_px))

    @property
    def ground(self) -> Background | None:
        """What lies behind the subject, the preset counted in."""
        if self.background is None and self.preset is not None:
            return Background("colour", preset_named(self.preset).colour)
        return self.background


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was written: the size of its picture in pixels, and what the person should know of it."""

    width: int
    height: int
    notices: tuple[Notice, ...] = ()


def format_for(picture: Picture, delivery: Delivery) -> FormatName:
    """The file format that `deliver` will write."""
    if delivery.format is not None:
        return delivery.format
    if delivery.what == "mask":
        return "png"
    plain = picture.space in ("gray", "rgb") and picture.pixels.dtype.kind == "u"
    return "png" if plain else "tiff"


def deliver(picture: Picture, mask: Rows, delivery: Delivery, target: BinaryIO) -> Delivered:
    """Writes `delivery` of `picture` with its `mask` (H, W; uint8 or uint16) to `target`.

    Where the mask is 0 a transparent cut-out's colour is
    0 too: nobody sees it, and files are half the size. Raises BadOption when the format cannot hold it (a
    JPEG has no transparency), OutputFailed.
    """
    name = format_for(picture, delivery)
    if delivery.what == "mask":
        sheet = _mask_alone(mask, delivery, FORMATS[name])
        _write(sheet, picture, name, delivery, target)
        return Delivered(sheet.width, sheet.height)
    scene, notices = arrange(
        picture,
        mask,
        FORMATS[name],
        background=delivery.ground,
        shadow=delivery.shadow,
        keep_shadow=delivery.keep_shadow,
        frame=delivery.frame,
        keep_colours=delivery.keep_colours,
        max_side_px=delivery.max_side_px,
        bits=delivery.bits,
    )
    if FORMATS[name].layered:
        _write_layers(scene, picture, name, delivery, target)
    else:
        _write(scene.sheet(), picture, name, delivery, target)
    return Delivered(scene.place.width, scene.place.height, notices)


def _mask_alone(mask: Rows, delivery: Delivery, holds: FormatFacts) -> Sheet:
    """The mask as gray rows, in its own depth where nothing else is asked for and the format holds it."""
    size = (mask.shape[1], mask.shape[0])
    place = within(size, delivery.max_side_px)
    deep = mask.dtype == np.uint16 if delivery.bits is None else delivery.bits == 16
    dtype = np.dtype(np.uint16 if deep and 16 in holds.bits else np.uint8)

    def rows(wanted: slice) -> Rows:
        own = mask[wanted] if place.is_shift else scaled_alpha(lambda part: mask[part], size, place, wanted)
        return in_depth(own, dtype)[..., None]

    return Sheet(rows, place.width, place.height, dtype, "gray")


def _write(sheet: Sheet, picture: Picture, name: FormatName, delivery: Delivery, target: BinaryIO) -> None:
    first = sheet.rows(slice(0, 1))
    writer = open_writer(
        target,
        width=sheet.width,
        height=sheet.height,
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
        for rows in ahead(sheet.rows, _strips(sheet.height, step)):
            writer.write(rows)
        writer.close()
    except BaseException:
        writer.abort()
        raise


def _write_layers(
    scene: Scene, picture: Picture, name: FormatName, delivery: Delivery, target: BinaryIO
) -> None:
    from matted.compose.stack import stack
    from matted.imaging.layered_tiff import write_layered_tiff
    from matted.imaging.psd_layers import PsdCanvas
    from matted.imaging.psd_writer import write_psd

    sheet, form = scene.sheet(), scene.form
    size = {"width": sheet.width, "height": sheet.height}
    check_holds(name, **size, dtype=form.dtype, space=form.space, has_alpha=True)
    icc = form.icc or srgb_profile(form.space)  # untagged, Krita takes 16 bits for linear light
    canvas = PsdCanvas(sheet.width, sheet.height, form.dtype, form.space, icc, picture.metadata)
    layers = stack(scene, keep_colours=delivery.keep_colours)
    write = write_psd if name == "psd" else write_layered_tiff
    write(target, canvas, layers, sheet.rows, has_alpha=sheet.has_alpha)


def _strips(height: int, step: int) -> list[slice]:
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]
