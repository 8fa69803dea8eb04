"""PNG in: chunks, metadata and pixels at 8 or 16 bits. May import imagecodecs; knows no other format.

Source: the PNG specification, third edition (W3C, 2025). Compressed text and profiles are inflated only up to
a limit.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import imagecodecs

from matted.errors import UnreadablePicture
from matted.imaging import metadata as meta
from matted.imaging.header import Layout
from matted.imaging.orientation import turn_upright
from matted.imaging.picture import Metadata, Picture, Space
from matted.imaging.profile import matching_profile
from matted.imaging.source import Opened

_CHANNELS = {
    0: 1,
    2: 3,
    3: 4,
    4: 2,
    6: 4,
}  # colour type -> channels after decoding; a palette may turn into RGBA
_MAX_INFLATED = 32 << 20  # no honest profile or text is longer
_MAX_CHUNK = 64 << 20
_MAX_CHUNKS = 1_000_000
_LINEAR_GAMMA = 100_000


@dataclass(frozen=True, slots=True)
class PngFile:
    """A PNG whose chunks besides the pixels are parsed."""

    opened: Opened
    layout: Layout
    icc: bytes | None
    linear: bool
    metadata: Metadata

    def decode(self, *, min_side: int | None = None) -> Picture:  # noqa: ARG002 - a PNG cannot be decoded smaller
        """At 8 or 16 bits; palettes become RGB(A), fewer bits are spread to 8. Raises UnreadablePicture."""
        data: Any = self.opened.data()
        try:
            pixels = imagecodecs.png_decode(data)
        except (imagecodecs.PngError, ValueError) as error:
            reason = "cut off" if "too small" in str(error) else f"damaged ({error})"
            raise UnreadablePicture(f"{self.opened.name} is {reason}: copy or export it again.") from error
        pixels = pixels.reshape(self.layout.height, self.layout.width, -1)
        channels = pixels.shape[2]
        space: Space = "gray" if channels <= 2 else "rgb"
        return Picture(
            turn_upright(pixels, self.layout.orientation),
            space=space,
            has_alpha=channels in (2, 4),
            icc=matching_profile(self.icc, space),
            metadata=self.metadata,
            format="png",
            linear=self.linear,
        )


def open_png(opened: Opened) -> PngFile:
    """Read IHDR and the metadata chunks, skipping the pixels. Raises UnreadablePicture."""
    found = _Found()
    size: tuple[int, int, int, int] | None = None
    for kind, body in _chunks(opened.file, opened.name):
        if kind == b"IHDR" and len(body) == 13:
            size = struct.unpack(">IIBB", body[:10])
        else:
            found.take(kind, body)
    if size is None or size[3] not in _CHANNELS or size[2] not in (1, 2, 4, 8, 16):
        raise UnreadablePicture(f"{opened.name} is a PNG with a broken header: copy or export it again.")
    width, height, bits, colour_type = size
    orientation = meta.exif_orientation(found.exif)
    return PngFile(
        opened,
        Layout(width, height, orientation, _CHANNELS[colour_type] * (2 if bits == 16 else 1)),
        found.icc,
        found.gamma == _LINEAR_GAMMA and not found.icc and not found.srgb,
        Metadata(
            exif=meta.upright_exif(found.exif),
            xmp=meta.upright_xmp(found.xmp),
            iptc=found.iptc,
            dpi=meta.turned_dpi(found.dpi or meta.exif_dpi(found.exif), orientation),
        ),
    )


class _Found:
    def __init__(self) -> None:
        self.icc: bytes | None = None
        self.exif: bytes | None = None
        self.xmp: bytes | None = None
        self.iptc: bytes | None = None
        self.dpi: tuple[float, float] | None = None
        self.gamma = 0
        self.srgb = False

    def take(self, kind: bytes, body: bytes) -> None:
        """Keep what a chunk holds; a broken or bloated one is skipped."""
        match kind:
            case b"iCCP":
                self.icc = self.icc or _inflated(body.partition(b"\0")[2][1:])
            case b"sRGB":
                self.srgb = True
            case b"gAMA" if len(body) == 4:
                self.gamma = int.from_bytes(body, "big")
            case b"eXIf":
                self.exif = meta.strip_exif_prefix(body)
            case b"pHYs" if len(body) == 9 and body[8] == 1:
                x, y = struct.unpack(">II", body[:8])
                self.dpi = meta.sane_dpi(x * 0.0254, y * 0.0254)
            case b"iTXt":
                self._international_text(body)
            case b"tEXt" | b"zTXt":
                self._text(body, compressed=kind == b"zTXt")

    def _international_text(self, body: bytes) -> None:
        keyword, _, rest = body.partition(b"\0")
        if keyword != b"XML:com.adobe.xmp" or len(rest) < 2:
            return
        text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        self.xmp = self.xmp or (_inflated(text) if rest[0] else text)

    def _text(self, body: bytes, *, compressed: bool) -> None:
        keyword, _, text = body.partition(b"\0")
        if not keyword.startswith(b"Raw profile type "):  # how EXIF and IPTC were kept before eXIf existed
            return
        block = _raw_profile(_inflated(text[1:]) if compressed else text)
        match keyword.removeprefix(b"Raw profile type "):
            case b"exif" | b"APP1" if block and not self.exif and not block.startswith(b"http"):
                self.exif = meta.strip_exif_prefix(block)
            case b"iptc" | b"8bim" if block:
                self.iptc = meta.iptc_from_photoshop(block) or (block if block[:1] == b"\x1c" else None)


def _inflated(packed: bytes) -> bytes | None:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(packed, _MAX_INFLATED)
    except zlib.error:
        return None
    return text if inflater.eof else None


def _raw_profile(text: bytes | None) -> bytes | None:
    parts = re.match(rb"\s*\w+\s+(\d+)\s(.*)", text or b"", re.DOTALL)
    if parts is None:
        return None
    try:
        block = bytes.fromhex("".join(parts[2].decode("ascii").split()))
    except ValueError:
        return None
    return block if len(block) == int(parts[1]) else None


def _chunks(file: BinaryIO, name: str) -> Iterator[tuple[bytes, bytes]]:
    """All chunks but the pixels'; metadata may stand behind them. Stops quietly where the file ends."""
    file.seek(8)
    for _ in range(_MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        length = int.from_bytes(head[:4], "big")
        if head[4:] == b"IDAT" or length > _MAX_CHUNK:
            file.seek(length + 4, 1)
            continue
        body = file.read(length)
        if len(body) == length:
            yield head[4:], body
        file.seek(4, 1)
    raise UnreadablePicture(f"{name} has more than a million chunks: save it again with another program.")
