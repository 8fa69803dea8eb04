"""What Photoshop keeps beside a picture's pixels: profile, metadata, resolution and who wrote the file.

Pure bytes; knows neither layers nor the file around them. Source: Adobe Photoshop File Formats Specification
(2019), image resources.
"""

import struct

from matted.imaging.picture import Metadata

_IPTC, _RESOLUTION, _ICC, _VERSION_INFO, _EXIF, _XMP = 1028, 1005, 1039, 1057, 1058, 1060


def image_resources(icc: bytes | None, metadata: Metadata) -> bytes:
    """All resources of a PSD."""
    found = b""
    if metadata.iptc:
        found += _resource(_IPTC, metadata.iptc)
    if metadata.dpi:
        across, down = (min(round(value * 65536), 2**32 - 1) for value in metadata.dpi)
        found += _resource(_RESOLUTION, struct.pack(">IHHIHH", across, 1, 1, down, 1, 1))
    if icc:
        found += _resource(_ICC, icc)
    found += version_info()
    if metadata.exif:
        found += _resource(_EXIF, metadata.exif)
    if metadata.xmp:
        found += _resource(_XMP, metadata.xmp)
    return found


def version_info() -> bytes:
    """The resource that names us, and says that the merged picture is a real one."""
    who = unicode_text("Matted")
    return _resource(_VERSION_INFO, struct.pack(">IB", 1, 1) + who + who + struct.pack(">I", 1))


def unicode_text(text: str) -> bytes:
    """The number of UTF-16 units, and the units."""
    encoded = text.encode("utf-16-be")
    return struct.pack(">I", len(encoded) // 2) + encoded


def _resource(number: int, content: bytes) -> bytes:
    pad = b"\0" * (len(content) % 2)
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + pad
