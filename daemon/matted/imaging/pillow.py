"""What Pillow reads: WebP, BMP, the first frame of a GIF, AVIF at 8 bits; and pixels out of its images.

May import Pillow, each plugin by name: Pillow's own recognition would bring in formats nobody asked for.
"""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.WebPImagePlugin import WebPImageFile

from matted.errors import PictureTooLarge, UnreadablePicture
from matted.imaging import metadata as meta
from matted.imaging.header import Layout
from matted.imaging.orientation import turn_upright
from matted.imaging.picture import Metadata, Picture, Pixels, Space
from matted.imaging.profile import matching_profile
from matted.imaging.source import MemoryReader, Opened

_STRIP_BYTES = 4 << 20
_MODES = {"L", "LA", "RGB", "RGBA"}
_GRAY_MODES = {"1", "L", "LA", "I;16", "I", "F"}
# All that Pillow's plugins raise for broken files.
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    RuntimeError,
    struct.error,
)

Plugin = Callable[[io.BufferedReader], ImageFile]
_PLUGINS: dict[str, Plugin] = {"webp": WebPImageFile, "bmp": BmpImageFile, "gif": GifImageFile}


@dataclass(frozen=True, slots=True)
class PillowFile:
    """A file whose header a Pillow plugin has parsed."""

    opened: Opened
    format: str
    layout: Layout
    image: ImageFile = field(repr=False)

    def decode(self, *, min_side: int | None = None) -> Picture:  # noqa: ARG002 - these are never decoded smaller
        """At 8 bits; palettes become RGB, or RGBA where they know transparency. Raises UnreadablePicture."""
        name = self.opened.name
        try:
            self.image.load()
        except Image.DecompressionBombError as error:
            raise PictureTooLarge(f"{name} holds frames larger than it says: save it again.") from error
        except BROKEN as error:
            raise UnreadablePicture(f"{name} is damaged or cut off: copy or export it again.") from error
        plain = in_plain_mode(self.image)
        space: Space = "gray" if plain.mode in _GRAY_MODES else "rgb"
        pixels = pillow_pixels(plain)
        plain.close()
        return Picture(
            turn_upright(pixels, self.layout.orientation),
            space=space,
            has_alpha=plain.mode in ("LA", "RGBA"),
            icc=matching_profile(self.image.info.get("icc_profile"), space),
            metadata=pillow_metadata(self.image, self.layout.orientation),
            format=self.format,
        )


def open_by_pillow(opened: Opened, format_name: str) -> PillowFile:
    """Parse the header of a WebP, BMP or GIF. Raises UnreadablePicture."""
    image = parse_by_pillow(opened, _PLUGINS[format_name])
    width, height = image.size
    return PillowFile(opened, format_name, Layout(width, height, pillow_orientation(image)), image)


def parse_by_pillow(opened: Opened, plugin: Plugin) -> ImageFile:
    """The image with its header read and no pixel decoded. Raises UnreadablePicture."""
    try:
        return plugin(io.BufferedReader(MemoryReader(opened.data())))
    except Image.DecompressionBombError as error:
        raise PictureTooLarge(f"{opened.name} has more pixels than can be read: make it smaller.") from error
    except BROKEN as error:
        raise UnreadablePicture(f"{opened.name} is damaged or cut off: copy or export it again.") from error


def pillow_orientation(image: ImageFile) -> int:
    """EXIF orientation 1..8 of a parsed image."""
    return meta.exif_orientation(meta.strip_exif_prefix(image.info.get("exif", b"")))


def pillow_metadata(image: ImageFile, orientation: int) -> Metadata:
    """What a plugin has found besides pixels, made to fit upright pixels."""
    exif = meta.strip_exif_prefix(image.info.get("exif", b""))
    xmp = image.info.get("xmp")
    dpi = image.info.get("dpi")
    found = meta.sane_dpi(float(dpi[0]), float(dpi[1])) if dpi else None
    return Metadata(
        exif=meta.upright_exif(exif),
        xmp=meta.upright_xmp(xmp if isinstance(xmp, bytes) else None),
        dpi=meta.turned_dpi(found or meta.exif_dpi(exif), orientation),
    )


def in_plain_mode(image: Image.Image) -> Image.Image:
    """The image as L, LA, RGB or RGBA."""
    if image.mode in _MODES and "transparency" not in image.info:
        return image
    if image.mode in ("P", "PA", "RGBX", "L", "RGB"):
        return image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    return image.convert("L" if image.mode in _GRAY_MODES else "RGB")


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
