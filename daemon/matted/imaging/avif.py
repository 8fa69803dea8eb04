"""AVIF in, at 8 bits through Pillow or, where the file has 10 or 12, at 16 through imagecodecs.

May import both. How to turn the picture, Pillow tells as an EXIF orientation. Source: AV1 Image File Format
1.1, AV1 Codec ISO Media File Format Binding 1.2 (av1C).
"""

from dataclasses import dataclass
from typing import Any

import imagecodecs
from PIL.AvifImagePlugin import AvifImageFile

from matted.errors import UnreadablePicture
from matted.imaging.header import Layout
from matted.imaging.orientation import turn_upright
from matted.imaging.picture import Metadata, Picture, Pixels, Space
from matted.imaging.pillow import PillowFile, parse_by_pillow, pillow_metadata, pillow_orientation
from matted.imaging.profile import matching_profile
from matted.imaging.samples import in_supported_depth
from matted.imaging.source import Opened

_HIGH_BITDEPTH, _TWELVE_BIT = 0x40, 0x20  # of the third byte of an av1C box


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
            raise UnreadablePicture(
                f"{self.opened.name} is damaged or cut off: copy or export it again."
            ) from error
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
