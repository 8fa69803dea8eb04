"""WebP, JPEG and AVIF out: formats whose encoders want the whole picture at once.

May import Pillow and simplejpeg. Profile, EXIF, XMP and resolution go where each format keeps them. Sources:
EXIF 2.32 section 4.7, ICC.1:2010 annex B.4, XMP specification part 3 (JPEG's marker segments).
"""

import io
import struct
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import simplejpeg
from PIL import Image

from matted.imaging.encoding import Encoding, FormatName
from matted.imaging.metadata import photoshop_from_iptc
from matted.imaging.picture import Metadata, Pixels
from matted.imaging.profile import matching_profile

_SEGMENT_BYTES = 65533  # the longest body of a JPEG marker segment
_FINE_QUALITY = 90  # from here on colour is kept at full resolution
_WEBP_EFFORT = 2  # of 0..6
_AVIF_SPEED = 8  # of 0..10, 10 being the fastest
_PILLOW_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}

Encode = Callable[[Pixels, Encoding, bytes | None, Metadata], bytes]


class WholeWriter:
    """Gathers rows (n, width, channels) uint8 and encodes them in `close`."""

    def __init__(
        self,
        target: BinaryIO,
        *,
        width: int,
        height: int,
        channels: int,
        encoding: Encoding,
        icc: bytes | None = None,
        metadata: Metadata | None = None,
    ) -> None:
        self._target = target
        self._pixels: Pixels = np.empty((height, width, channels), np.uint8)
        self._filled = 0
        self._encoding, self._icc, self._metadata = encoding, icc, metadata or Metadata()

    def write(self, rows: Pixels) -> None:
        """Take the next rows; they may be changed by the caller afterwards."""
        whole = self._pixels
        if (
            rows.dtype != np.uint8
            or rows.shape[1:] != whole.shape[1:]
            or self._filled + len(rows) > len(whole)
        ):
            raise ValueError(f"rows of shape {rows.shape} and {rows.dtype} do not fit the picture")
        whole[self._filled : self._filled + len(rows)] = rows
        self._filled += len(rows)

    def close(self) -> None:
        """Encode and write. Raises ValueError when rows are missing."""
        if self._filled < len(self._pixels):
            raise ValueError(f"{len(self._pixels) - self._filled} rows are missing")
        encode = _ENCODERS[self._encoding.format]
        self._target.write(encode(self._pixels, self._encoding, self._icc, self._metadata))
        self.abort()

    def abort(self) -> None:
        """Let go of the rows."""
        self._pixels = np.empty((0, 0, 0), np.uint8)


def encode_jpeg(pixels: Pixels, encoding: Encoding, icc: bytes | None, metadata: Metadata) -> bytes:
    """Gray or RGB (H, W, 1 or 3) as a JPEG; colour subsampled only below quality 90."""
    is_gray = pixels.shape[2] == 1
    subsampling = "Gray" if is_gray else "444" if encoding.quality >= _FINE_QUALITY else "420"
    plain = simplejpeg.encode_jpeg(pixels, encoding.quality, "GRAY" if is_gray else "RGB", subsampling)
    end_of_jfif = 4 + int.from_bytes(plain[4:6], "big")
    jfif = bytearray(plain[:end_of_jfif])
    if metadata.dpi:
        jfif[13:18] = struct.pack(">BHH", 1, *(min(65535, round(value)) for value in metadata.dpi))
    return bytes(jfif) + b"".join(_jpeg_segments(icc, metadata)) + plain[end_of_jfif:]


def _jpeg_segments(icc: bytes | None, metadata: Metadata) -> list[bytes]:
    bodies: list[tuple[int, bytes]] = []
    if metadata.exif:
        bodies.append((0xE1, b"Exif\0\0" + metadata.exif))
    if metadata.xmp:
        bodies.append((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + metadata.xmp))
    if metadata.iptc:
        bodies.append((0xED, b"Photoshop 3.0\0" + photoshop_from_iptc(metadata.iptc)))
    if icc:
        room = _SEGMENT_BYTES - 14
        parts = [icc[i : i + room] for i in range(0, len(icc), room)]
        if len(parts) < 256:
            count = len(parts)
            bodies += [(0xE2, b"ICC_PROFILE\0" + bytes([i, count]) + part) for i, part in enumerate(parts, 1)]
    return [
        struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
        for marker, body in bodies
        if len(body) <= _SEGMENT_BYTES
    ]


def encode_webp(pixels: Pixels, encoding: Encoding, icc: bytes | None, metadata: Metadata) -> bytes:
    """Gray or RGB with or without alpha as a WebP; gray becomes RGB, which is all WebP knows."""
    target = io.BytesIO()
    _rgb_image(pixels).save(
        target,
        "WEBP",
        quality=encoding.quality,
        lossless=encoding.lossless,
        method=0 if encoding.lossless else _WEBP_EFFORT,
        icc_profile=_if_rgb(icc),
        exif=metadata.exif or b"",
        xmp=metadata.xmp or b"",
    )
    return target.getvalue()


def encode_avif(pixels: Pixels, encoding: Encoding, icc: bytes | None, metadata: Metadata) -> bytes:
    """Gray or RGB with or without alpha as an 8-bit AVIF; gray becomes RGB."""
    target = io.BytesIO()
    _rgb_image(pixels).save(
        target,
        "AVIF",
        quality=encoding.quality,
        speed=_AVIF_SPEED,
        subsampling="4:4:4" if encoding.quality >= _FINE_QUALITY else "4:2:0",
        icc_profile=_if_rgb(icc),
        exif=metadata.exif or b"",
        xmp=metadata.xmp or b"",
    )
    return target.getvalue()


def _rgb_image(pixels: Pixels) -> Image.Image:
    height, width, channels = pixels.shape
    image = Image.frombuffer(_PILLOW_MODES[channels], (width, height), pixels)
    return image if channels >= 3 else image.convert("RGBA" if channels == 2 else "RGB")


def _if_rgb(icc: bytes | None) -> bytes | None:
    return matching_profile(icc, "rgb")


_ENCODERS: dict[FormatName, Encode] = {"jpeg": encode_jpeg, "webp": encode_webp, "avif": encode_avif}
