"""EXIF, XMP, IPTC and resolution as they stand in files: what to read from them and what to change.

The only change ever made is Orientation, set to 1 because pixels are turned upright when read. May import
`ifd`; knows no file format. Sources: EXIF 2.32, the XMP specification part 3, IPTC-IIM 4.2, Photoshop file
format.
"""

import io
import re
import struct

from matted.imaging.ifd import BrokenDirectoryError, Directory, DirectoryReader, pack_directory

ORIENTATION = 0x0112
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
EXIF_IFD, GPS_IFD = 0x8769, 0x8825
_IPTC_RESOURCE = 0x0404
_MAX_BLOCK = 64 << 20  # no block of metadata is longer

# Tags of a picture's first directory that belong into an EXIF block; the rest describe how the pixels are
# stored.
_DESCRIPTIVE = frozenset(
    {0x010E, 0x010F, 0x0110, ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, 0x0131, 0x0132, 0x013B}
    | {0x8298, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F, 0x4746, 0x4749}
)


def strip_exif_prefix(block: bytes) -> bytes:
    """The TIFF structure of an EXIF block, without the `Exif\\0\\0` some containers put before it."""
    return block[6:] if block.startswith(b"Exif\0") else block


def exif_orientation(exif: bytes | None) -> int:
    """Orientation 1..8 of a TIFF structure; 1 where there is none or it is broken."""
    entry = _first_directory(exif).get(ORIENTATION)
    value = entry.integer() if entry else 1
    return value if 1 <= value <= 8 else 1


def upright_exif(exif: bytes | None) -> bytes | None:
    """The same block with Orientation 1; None where the block is missing or broken beyond use."""
    directory = _first_directory(exif)
    if not exif or not directory:
        return None
    entry = directory.get(ORIENTATION)
    if entry is None or not entry.raw:
        return exif
    raw = (1).to_bytes(len(entry.raw), "little" if entry.order == "<" else "big")
    return exif[: entry.at] + raw + exif[entry.at + len(entry.raw) :]


_XMP_ORIENTATION = re.compile(
    rb"(tiff:Orientation\s*=\s*[\"']\s*|<tiff:Orientation[^>]*>\s*)\d+(?=\s*[\"'<])", re.ASCII
)


def upright_xmp(xmp: bytes | None) -> bytes | None:
    """The same packet with tiff:Orientation 1, its length unchanged (values are one digit)."""
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp) if xmp else None


def exif_dpi(exif: bytes | None) -> tuple[float, float] | None:
    """(x, y) pixels per inch from a TIFF structure, None where absent or without a unit."""
    return directory_dpi(_first_directory(exif))


def directory_dpi(directory: Directory) -> tuple[float, float] | None:
    """(x, y) pixels per inch of a directory, None where absent or without a unit."""
    x, y = directory.get(X_RESOLUTION), directory.get(Y_RESOLUTION)
    unit_entry = directory.get(RESOLUTION_UNIT)
    unit = unit_entry.integer() if unit_entry else 2
    if x is None or y is None or unit not in (2, 3):
        return None
    scale = 1.0 if unit == 2 else 2.54
    return sane_dpi(_first(x.numbers()) * scale, _first(y.numbers()) * scale)


def sane_dpi(x: float, y: float) -> tuple[float, float] | None:
    """(x, y) when both are believable resolutions, else None."""
    return (x, y) if 1 <= x <= 100_000 and 1 <= y <= 100_000 else None


def turned_dpi(dpi: tuple[float, float] | None, orientation: int) -> tuple[float, float] | None:
    """The resolution after the orientation is applied: axes swap for 5..8."""
    return (dpi[1], dpi[0]) if dpi and orientation > 4 else dpi


def exif_from_tiff(reader: DirectoryReader, directory: Directory) -> bytes | None:
    """An EXIF block made of what a TIFF file's first directory tells about the picture, Orientation 1."""
    entries = {tag: value for tag, value in directory.items() if tag in _DESCRIPTIVE}
    children = {tag: read_child(reader, directory, tag) for tag in (EXIF_IFD, GPS_IFD)}
    present = {tag: child for tag, child in children.items() if child}
    if not present and not entries.keys() - {ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT}:
        return None
    block = b"II*\0\x08\0\0\0" + pack_directory(entries, 8, children=present)
    return upright_exif(block)


def exif_directories(exif: bytes) -> tuple[Directory, dict[int, Directory]]:
    """An EXIF block's descriptive entries and its EXIF and GPS directories, ready for another TIFF."""
    try:
        reader = DirectoryReader(io.BytesIO(exif))
        first, _ = reader.read(reader.first)
    except (BrokenDirectoryError, struct.error):
        return {}, {}
    children = {tag: read_child(reader, first, tag) for tag in (EXIF_IFD, GPS_IFD)}
    return (
        {tag: value for tag, value in first.items() if tag in _DESCRIPTIVE},
        {tag: child for tag, child in children.items() if child},
    )


def read_child(reader: DirectoryReader, directory: Directory, tag: int) -> Directory:
    """The directory a tag points to, empty where there is none or it is broken."""
    entry = directory.get(tag)
    if entry is None:
        return {}
    try:
        return reader.read(entry.integer())[0]
    except (BrokenDirectoryError, struct.error):
        return {}


def iptc_from_photoshop(resources: bytes) -> bytes | None:
    """The IPTC-IIM records inside Photoshop image resources (`8BIM` blocks), None where there are none."""
    at = 0
    while resources[at : at + 4] == b"8BIM" and at + 12 <= len(resources):
        kind, name_length = struct.unpack(">HB", resources[at + 4 : at + 7])
        at += 6 + (name_length + 2) // 2 * 2
        size = int.from_bytes(resources[at : at + 4], "big")
        body = resources[at + 4 : at + 4 + size]
        if kind == _IPTC_RESOURCE and len(body) == size:
            return body
        at += 4 + (size + 1) // 2 * 2
    return None


def photoshop_from_iptc(iptc: bytes) -> bytes:
    """One Photoshop image resource holding the IPTC-IIM records."""
    pad = b"\0" * (len(iptc) % 2)
    return b"8BIM" + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(iptc)) + iptc + pad


def _first_directory(exif: bytes | None) -> Directory:
    if not exif or len(exif) > _MAX_BLOCK:
        return {}
    try:
        reader = DirectoryReader(io.BytesIO(exif))
        return reader.read(reader.first)[0]
    except (BrokenDirectoryError, struct.error):
        return {}


def _first(numbers: tuple[float, ...]) -> float:
    return numbers[0] if numbers else 0.0
