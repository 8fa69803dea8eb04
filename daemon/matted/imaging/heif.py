"""HEIC in, at 8 bits or, where the file has 10 or 12, at 16. Runs only in `decoder_process`.

May import pi-heif. libheif turns the picture itself, so the EXIF orientation must not be applied again.
Source: ISO/IEC 23008-12.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pi_heif

from matted.errors import UnreadablePicture
from matted.imaging import metadata as meta
from matted.imaging.header import Layout
from matted.imaging.picture import Metadata, Picture, Space
from matted.imaging.pillow import BROKEN
from matted.imaging.profile import matching_profile, profile_of_primaries
from matted.imaging.samples import unpremultiply
from matted.imaging.source import Opened

_WIDE_PRIMARIES = (9, 11, 12)  # BT.2020, DCI-P3, Display P3 (ITU-T H.273)
_HDR_CURVES = (16, 18)  # PQ and HLG: no curve of an ICC profile for SDR


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
            icc=matching_profile(_profile(self.image.info), space),
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


def _profile(info: dict[str, Any]) -> bytes | None:
    """The embedded profile, or one made of the colour primaries the file declares where these are not
    sRGB's."""
    embedded: bytes | None = info.get("icc_profile")
    declared = info.get("nclx_profile") or {}
    if embedded or declared.get("color_primaries") not in _WIDE_PRIMARIES:
        return embedded
    if declared.get("transfer_characteristics") in _HDR_CURVES:
        return None
    points = [declared[f"color_primary_{c}_{a}"] for c in ("red", "green", "blue", "white") for a in "xy"]
    return profile_of_primaries(tuple(points[:6]), (points[6], points[7]))


def _heif_metadata(info: dict[str, Any]) -> Metadata:
    exif = meta.strip_exif_prefix(info.get("exif") or b"")
    blocks = (
        block for block in info.get("metadata", ()) if block.get("content_type") == "application/rdf+xml"
    )
    xmp = info.get("xmp") or next((block["data"] for block in blocks), None)
    return Metadata(exif=meta.upright_exif(exif), xmp=meta.upright_xmp(xmp), dpi=meta.exif_dpi(exif))


def _damaged(opened: Opened) -> UnreadablePicture:
    return UnreadablePicture(f"{opened.name} is damaged or cut off: copy or export it again.")
