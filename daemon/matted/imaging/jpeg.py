"""JPEG in: markers, metadata and pixels. May import simplejpeg and Pillow; knows no other format.

Sources: ITU-T T.81 annex B (markers), EXIF 2.32 section 4.7, ICC.1:2010 annex B.4, XMP specification part 3.
"""

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import simplejpeg
from PIL.JpegImagePlugin import JpegImageFile

from matted.errors import UnreadablePicture, UnsupportedPicture
from matted.imaging import metadata as meta
from matted.imaging.header import Layout
from matted.imaging.orientation import turn_upright
from matted.imaging.picture import Metadata, Picture, Pixels, Space
from matted.imaging.pillow import pillow_pixels
from matted.imaging.profile import matching_profile
from matted.imaging.source import MemoryReader, Opened

_SOF = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_SPACES: dict[int, Space] = {1: "gray", 3: "rgb", 4: "cmyk"}
_DECODABLE_SOF = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive
_MAX_SCANS = 512  # a progressive file has about ten; thousands are made to burn time
# libjpeg's warnings after which all pixels are right: sloppy encoders, not damage
_HARMLESS = re.compile(
    r"\b\d{1,2} extraneous bytes|JFIF revision|Adobe color transform|Invalid SOS parameters"
)


@dataclass(frozen=True, slots=True)
class JpegFile:
    """A JPEG whose markers up to the first scan are parsed."""

    opened: Opened
    layout: Layout
    components: int
    progressive: bool
    icc: bytes | None
    metadata: Metadata

    def decode(self, *, min_side: int | None = None) -> Picture:
        """RGB and gray by turbojpeg, scaled by its DCT when `min_side` allows; CMYK and YCCK by Pillow.

        Raises UnreadablePicture for damaged or truncated data.
        """
        data, name = self.opened.data(), self.opened.name
        if self.progressive and sum(1 for _ in re.finditer(b"\xff\xda", data)) > _MAX_SCANS:
            raise UnreadablePicture(f"{name} has far too many scans to be a real photo: save it again.")
        space = _SPACES[self.components]
        if space == "cmyk":
            pixels = _decode_by_pillow(data, "CMYK", name)
        else:
            pixels = _decode(data, "GRAY" if space == "gray" else "RGB", min_side or 0, name)
        return Picture(
            turn_upright(pixels, self.layout.orientation),
            space=space,
            icc=matching_profile(self.icc, space),
            metadata=self.metadata,
            format="jpeg",
            full_size=self.layout.upright(),
        )


def open_jpeg(opened: Opened) -> JpegFile:
    """Parse the markers up to the first scan. Raises UnreadablePicture or UnsupportedPicture."""
    name = opened.name
    frame: tuple[int, int, int, int, int] | None = None
    exif = xmp = photoshop = b""
    profile: dict[int, bytes] = {}
    dpi: tuple[float, float] | None = None
    for marker, body in _segments(opened.file, name):
        if marker in _SOF and len(body) >= 6:
            frame = (marker, *struct.unpack(">BHHB", body[:6]))
        elif marker == 0xE0 and body.startswith(b"JFIF\0"):
            dpi = dpi or _jfif_dpi(body)
        elif marker == 0xE1 and body.startswith(b"Exif\0"):
            exif = exif or meta.strip_exif_prefix(body)
        elif marker == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            xmp = xmp or body[29:]
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
            profile[body[12]] = body[14:]
        elif marker == 0xED and body.startswith(b"Photoshop 3.0\0"):
            photoshop += body[14:]
    if frame is None:
        raise UnreadablePicture(f"{name} is cut off before its picture begins: copy or export it again.")
    kind, precision, height, width, components = frame
    if kind not in _DECODABLE_SOF or precision != 8 or components not in (1, 3, 4):
        raise UnsupportedPicture(
            f"{name} is a JPEG of a rare kind (lossless, arithmetic or {precision}-bit): "
            "save it as PNG or TIFF."
        )
    orientation = meta.exif_orientation(exif)
    return JpegFile(
        opened,
        Layout(width, height, orientation, components),
        components,
        kind == 0xC2,
        b"".join(profile[i] for i in sorted(profile)) or None,
        Metadata(
            exif=meta.upright_exif(exif),
            xmp=meta.upright_xmp(xmp),
            iptc=meta.iptc_from_photoshop(photoshop),
            dpi=meta.turned_dpi(dpi or meta.exif_dpi(exif), orientation),
        ),
    )


def _decode(data: memoryview, colours: str, min_side: int, name: str) -> Pixels:
    try:
        pixels: Pixels = simplejpeg.decode_jpeg(
            data, colours, min_height=min_side, min_width=min_side, min_factor=1
        )
        return pixels
    except ValueError as error:
        if not _HARMLESS.search(str(error)):
            raise UnreadablePicture(
                f"{name} is damaged or cut off ({_reason(error)}): copy or export it again."
            ) from error
    return _decode_by_pillow(data, "L" if colours == "GRAY" else "RGB", name)


def _decode_by_pillow(data: memoryview, mode: str, name: str) -> Pixels:
    with io.BufferedReader(MemoryReader(data)) as file:
        try:
            image = JpegImageFile(file)
            image.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise UnreadablePicture(f"{name} is damaged or cut off: copy or export it again.") from error
        return pillow_pixels(image if image.mode == mode else image.convert(mode))


def _segments(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    file.seek(2)
    while True:
        lead = file.read(1)
        while lead == b"\xff":  # any number of fill bytes may stand before a marker
            lead = file.read(1)
        if not lead or lead == b"\xda":
            return
        marker = lead[0]
        if marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD9:
            continue
        length = int.from_bytes(file.read(2), "big")
        body = file.read(max(0, length - 2))
        if len(body) != length - 2:
            raise UnreadablePicture(f"{name} is cut off before its picture begins: copy or export it again.")
        yield marker, body


def _jfif_dpi(body: bytes) -> tuple[float, float] | None:
    if len(body) < 12:
        return None
    unit, x, y = struct.unpack(">BHH", body[7:12])
    scale = {1: 1.0, 2: 2.54}.get(unit)
    return meta.sane_dpi(x * scale, y * scale) if scale else None


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".").removeprefix("Corrupt JPEG data: ") or "decoding failed"
