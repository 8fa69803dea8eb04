"""HEIC and AVIF in, at 8 bits or, where the file has 10 or 12, at 16.

May import pi-heif, Pillow's AVIF plugin and imagecodecs. Both formats say how to turn the picture: libheif
does it itself, for AVIF Pillow tells it as an EXIF orientation. Source: ISO/IEC 23008-12, AV1 Codec ISO Media
File Format.
"""

from dataclasses import dataclass, field
from typing import Any

import imagecodecs
import numpy as np
import pi_heif
from PIL.AvifImagePlugin import AvifImageFile

from matted.errors import UnreadablePicture
from matted.imaging import metadata as meta
from matted.imaging.header import Layout
from matted.imaging.orientation import turn_upright
from matted.imaging.picture import Metadata, Picture, Pixels, Space
from matted.imaging.pillow import BROKEN, PillowFile, parse_by_pillow, pillow_metadata, pillow_orientation
from matted.imaging.profile import matching_profile
from matted.imaging.samples import in_supported_depth, unpremultiply
from matted.imaging.source import Opened

_HIGH_BITDEPTH, _TWELVE_BIT = 0x40, 0x20  # of the third byte of an av1C box


@dataclass(frozen=True, slots=True)
class HeifFile:
    """A HEIC whose boxes libheif has parsed."""

    opened: Opened
    layout: Layout
    image: Any = field(repr=False)

    def decode(self, *, min_side: int | None = None) -> Picture:  # noqa: ARG002 - never decoded smaller
        """8 bits, or 16 where the file has more. Raises UnreadablePicture."""
        try:
            decoded = np.asarray(self.image)
        except BROKEN as error:
            raise _damaged(self.opened) from error
        pixels = np.array(decoded.reshape(*decoded.shape[:2], -1))
        if pixels.dtype == np.uint16:
            pixels |= pixels >> np.uint16(self.image.info.get("bit_depth", 10))
        space: Space = "gray" if pixels.shape[2] <= 2 else "rgb"
        has_alpha = pixels.shape[2] in (2, 4)
        if has_alpha and self.image.premultiplied_alpha:
            unpremultiply(pixels, space)
        return Picture(
            pixels,
            space=space,
            has_alpha=has_alpha,
            icc=matching_profile(self.image.info.get("icc_profile"), space),
            metadata=_heif_metadata(self.image.info),
            format="heif",
        )


def open_heif(opened: Opened) -> HeifFile:
    """Parse the boxes of a HEIC. Raises UnreadablePicture."""
    try:
        image = pi_heif.open_heif(bytes(opened.data()), convert_hdr_to_8bit=False)
        width, height = image.size
    except BROKEN as error:
        raise _damaged(opened) from error
    return HeifFile(opened, Layout(width, height, bytes_per_pixel=8 if "16" in image.mode else 4), image)


@dataclass(frozen=True, slots=True)
class DeepAvifFile:
    """An AVIF of 10 or 12 bits, which Pillow would cut to 8."""

    opened: Opened
    layout: Layout
    bits: int
    icc: bytes | None
    metadata: Metadata

    def decode(self, *, min_side: int | None = None) -> Picture:  # noqa: ARG002 - never decoded smaller
        """At 16 bits. Raises UnreadablePicture."""
        data: Any = self.opened.data()
        try:
            decoded: Pixels = imagecodecs.avif_decode(data, index=0)
        except (imagecodecs.AvifError, ValueError) as error:
            raise _damaged(self.opened) from error
        samples = decoded.reshape(self.layout.height, self.layout.width, -1)
        pixels = in_supported_depth(samples, self.bits, self.opened.name)
        space: Space = "gray" if pixels.shape[2] <= 2 else "rgb"
        return Picture(
            turn_upright(pixels, self.layout.orientation),
            space=space,
            has_alpha=pixels.shape[2] in (2, 4),
            icc=matching_profile(self.icc, space),
            metadata=self.metadata,
            format="avif",
        )


def open_avif(opened: Opened) -> PillowFile | DeepAvifFile:
    """Parse the boxes of an AVIF. Raises UnreadablePicture."""
    image = parse_by_pillow(opened, AvifImageFile)
    width, height = image.size
    orientation = pillow_orientation(image)
    bits = _bits(opened.head(64 * 1024))
    if bits == 8:
        return PillowFile(opened, "avif", Layout(width, height, orientation), image)
    return DeepAvifFile(
        opened,
        Layout(width, height, orientation, 8),
        bits,
        image.info.get("icc_profile"),
        pillow_metadata(image, orientation),
    )


def _bits(head: bytes) -> int:
    at = head.find(b"av1C")
    if at < 0 or at + 7 > len(head) or not head[at + 6] & _HIGH_BITDEPTH:
        return 8
    return 12 if head[at + 6] & _TWELVE_BIT else 10


def _heif_metadata(info: dict[str, Any]) -> Metadata:
    exif = meta.strip_exif_prefix(info.get("exif") or b"")
    blocks = (
        block for block in info.get("metadata", ()) if block.get("content_type") == "application/rdf+xml"
    )
    xmp = info.get("xmp") or next((block["data"] for block in blocks), None)
    return Metadata(exif=meta.upright_exif(exif), xmp=meta.upright_xmp(xmp), dpi=meta.exif_dpi(exif))


def _damaged(opened: Opened) -> UnreadablePicture:
    return UnreadablePicture(f"{opened.name} is damaged or cut off: copy or export it again.")
