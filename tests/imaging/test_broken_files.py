"""Every broken, hostile or foreign file ends in one sentence, never in a crash, a bomb or half a picture."""

import io
import os
import resource
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from matted.errors import PictureError, PictureTooLarge, UnreadablePicture, UnsupportedPicture
from matted.imaging.read import read_header, read_picture

LIMIT = 10**7


def photo(channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.kron(rng.integers(0, 256, (30, 40, channels), np.uint8), np.ones((2, 2, 1), np.uint8))


def by_pillow(kind: str, **options) -> bytes:
    target = io.BytesIO()
    image = Image.fromarray(photo())
    (image.quantize(64) if kind == "GIF" else image).save(target, kind, **options)
    return target.getvalue()


def by_tifffile(**options) -> bytes:
    target = io.BytesIO()
    tifffile.imwrite(target, photo(), photometric="rgb", **options)
    return target.getvalue()


FILES = {
    "jpeg": by_pillow("JPEG"),
    "progressive": by_pillow("JPEG", progressive=True),
    "png": by_pillow("PNG"),
    "webp": by_pillow("WEBP"),
    "bmp": by_pillow("BMP"),
    "gif": by_pillow("GIF"),
    "avif": by_pillow("AVIF"),
    "tiff": by_tifffile(),
    "tiff-deflate": by_tifffile(compression="zlib", rowsperstrip=16),
    "tiff-tiles": by_tifffile(compression="zlib", tile=(16, 16)),
}


def sentence_for(file: bytes) -> str:
    """What is said of a file; empty when it is a picture. Anything but a PictureError fails the test."""
    try:
        read_picture(file, max_pixels=LIMIT)
    except PictureError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_refused_not_shown_in_part(kind, share):
    file = FILES[kind]
    with pytest.raises(UnreadablePicture, match=r"^[^\n]+\.$"):
        read_picture(file[: int(len(file) * share)], max_pixels=LIMIT)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(sorted(FILES)),
    places=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8
    ),
    near_the_start=st.booleans(),
)
def test_flipped_bytes_give_a_picture_or_a_sentence(kind, places, near_the_start):
    file = bytearray(FILES[kind])
    reach = min(len(file), 400) if near_the_start else len(file)
    for place, value in places:
        file[int(place * reach)] = value
    assert "\n" not in sentence_for(file)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"Dear customer, here are the photos.\n", "text file"),
        ("Gr\u00fc\u00dfe aus K\u00f6ln, die Bilder sind anbei.".encode(), "text file"),
        (b"\0" * 4096, "zeros"),
        (b"<html><body>404</body></html>", "web page"),
        (b"%PDF-1.7\n", "PDF"),
        (b"8BPS\0\1", "Photoshop"),
        (b"PK\x03\x04 mimetype", "ZIP"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video"),
        (bytes(range(128, 256)), "not a kind"),
    ],
)
def test_what_is_no_picture_is_named(content, says):
    with pytest.raises(PictureError, match=says):
        read_header(content)


def test_the_name_in_a_suffix_is_not_believed(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(FILES["png"])
    assert read_header(path).format == "png"


@pytest.mark.parametrize("kind", ["folder", "missing", "pipe"])
def test_a_path_without_a_file_is_a_sentence(kind, tmp_path):
    path = tmp_path / "picture.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(UnreadablePicture, match=r"picture\.png"):
        read_picture(path, max_pixels=LIMIT)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *extra: bytes, rows: bytes = b"") -> bytes:
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + b"".join(extra)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def jpeg_of(width: int, height: int) -> bytes:
    file = bytearray(FILES["jpeg"])
    at = file.index(b"\xff\xc0")
    file[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(file)


def bmp_of(width: int, height: int) -> bytes:
    return FILES["bmp"][:18] + struct.pack("<ii", width, height) + FILES["bmp"][26:]


def gif_of(width: int, height: int) -> bytes:
    return FILES["gif"][:6] + struct.pack("<HH", width, height) + FILES["gif"][10:]


def tiff_of(width: int, height: int) -> bytes:
    target = io.BytesIO()
    tifffile.imwrite(target, photo(), photometric="rgb")
    file = bytearray(target.getvalue())
    count = struct.unpack_from("<H", file, 8)[0]
    for i in range(count):
        at = 10 + 12 * i
        tag = struct.unpack_from("<H", file, at)[0]
        if tag in (256, 257):
            struct.pack_into("<HII", file, at + 2, 4, 1, width if tag == 256 else height)
    return bytes(file)


@pytest.mark.parametrize("make", [png, jpeg_of, bmp_of, gif_of, tiff_of])
def test_more_pixels_than_the_limit_are_refused_from_the_header(make):
    with pytest.raises(PictureTooLarge, match="megapixels"):
        read_picture(make(60_000, 50_000), max_pixels=300_000_000)


@pytest.mark.parametrize("make", [png, jpeg_of, bmp_of, tiff_of])
def test_a_size_of_nothing_is_refused(make):
    with pytest.raises(UnreadablePicture):
        read_picture(make(0, 50), max_pixels=LIMIT)


def test_absurd_channels_are_refused_from_the_header():
    target = io.BytesIO()
    tifffile.imwrite(
        target, np.zeros((4, 4, 300), np.float64), photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(PictureTooLarge, match="GiB"):
        read_picture(target.getvalue(), max_pixels=16)


def bomb() -> bytes:
    return zlib.compress(b"\0" * 300_000_000, 9)


@pytest.mark.parametrize(
    "chunk",
    [
        lambda: png_chunk(b"iCCP", b"x\0\0" + bomb()),
        lambda: png_chunk(b"zTXt", b"Raw profile type exif\0\0" + bomb()),
        lambda: png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb()),
    ],
    ids=["profile", "text", "xmp"],
)
def test_bloated_metadata_is_left_out_and_the_picture_still_read(chunk):
    file = png(2, 1, chunk(), rows=b"\0abcdef")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    picture = read_picture(file, max_pixels=LIMIT)
    assert picture.pixels.tobytes() == b"abcdef"
    assert picture.icc is None
    assert picture.metadata.xmp is None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # KiB


def test_a_strip_that_inflates_beyond_its_picture_is_no_bomb():
    target = io.BytesIO()
    tifffile.imwrite(target, photo(), photometric="rgb", compression="zlib")
    file = bytearray(target.getvalue())
    with tifffile.TiffFile(io.BytesIO(file)) as tiff:
        page = tiff.pages[0]
        at = page.tags[273].valueoffset, page.tags[279].valueoffset
    inflating = bomb()
    assert page.tags[273].count == 1
    struct.pack_into("<I", file, at[0], len(file))
    struct.pack_into("<I", file, at[1], len(inflating))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "\n" not in sentence_for(bytes(file) + inflating)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_thousands_of_progressive_scans_are_refused():
    file = FILES["progressive"]
    at = file.index(b"\xff\xda")
    length = 2 + int.from_bytes(file[at + 2 : at + 4], "big")
    empty_scan = file[at : at + length]
    with pytest.raises(UnreadablePicture, match="scans"):
        read_picture(file[:at] + empty_scan * 2000 + file[at:], max_pixels=LIMIT)


def test_a_chain_of_tiff_pages_that_loops_ends():
    file = bytearray(by_tifffile())
    first = struct.unpack_from("<I", file, 4)[0]
    count = struct.unpack_from("<H", file, first)[0]
    struct.pack_into("<I", file, first + 2 + 12 * count, first)
    assert read_picture(file, max_pixels=LIMIT).pixels.shape == (60, 80, 3)


def test_a_lossless_jpeg_says_what_to_do():
    file = bytearray(FILES["jpeg"])
    file[file.index(b"\xff\xc0") + 1] = 0xC3
    with pytest.raises(UnsupportedPicture, match="PNG or TIFF"):
        read_picture(file, max_pixels=LIMIT)


@pytest.mark.parametrize("as_source", [bytes, bytearray, memoryview])
def test_any_kind_of_buffer_will_do(as_source):
    for kind, file in FILES.items():
        assert read_picture(as_source(file), max_pixels=LIMIT).pixels.shape == (60, 80, 3), kind


@pytest.mark.parametrize("kind", FILES)
def test_a_file_and_its_bytes_give_the_same(kind, tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(FILES[kind])
    one, other = (read_picture(source, max_pixels=LIMIT) for source in (path, FILES[kind]))
    assert np.array_equal(one.pixels, other.pixels)
    assert read_header(path).format == one.format
