"""Camera raw: upright, in the camera's white balance, at 16 bits; a clear sentence without the extra."""

import io
import sys

import numpy as np
import pytest
import tifffile

from matted.errors import UnreadablePicture, UnsupportedPicture
from matted.imaging.read import read_header, read_picture

LIMIT = 10**7
# XYZ (D65) -> camera for a camera whose primaries are those of sRGB, as DNG's ColorMatrix1 wants it.
COLOUR_MATRIX = [3.2405, -1.5371, -0.4985, -0.9693, 1.8760, 0.0416, 0.0556, -0.2040, 1.0572]
GREENISH = (0.5, 1.0, 0.8)  # what this camera sees of a neutral gray


def rationals(numbers) -> tuple[int, ...]:
    return tuple(part for number in numbers for part in (round(number * 10000), 10000))


def dng(orientation: int = 1, *, height: int = 96, width: int = 128) -> bytes:
    """A DNG of a neutral gray whose upper left quarter is brighter, as the sensor sees it: RGGB, 14 bits."""
    level = np.full((height, width), 3000.0)
    level[: height // 2, : width // 2] = 9000
    red, green, blue = GREENISH
    level[0::2, 0::2] *= red
    level[0::2, 1::2] *= green
    level[1::2, 0::2] *= green
    level[1::2, 1::2] *= blue
    target = io.BytesIO()
    tifffile.imwrite(
        target,
        level.round().astype(np.uint16),
        photometric=32803,
        extratags=[
            (271, "s", 0, "Matted", True),
            (272, "s", 0, "Test", True),
            (274, "H", 1, orientation, True),
            (33421, "H", 2, (2, 2), True),
            (33422, "B", 4, (0, 1, 1, 2), True),
            (50706, "B", 4, (1, 4, 0, 0), True),
            (50708, "s", 0, "Matted Test", True),
            (50714, "H", 1, 0, True),
            (50717, "H", 1, 16383, True),
            (50721, "2i", 9, rationals(COLOUR_MATRIX), True),
            (50728, "2I", 3, rationals(GREENISH), True),
            (50778, "H", 1, 21, True),
        ],
    )
    return target.getvalue()


def test_developed_to_16_bits_with_the_cameras_white_balance():
    picture = read_picture(dng(), max_pixels=LIMIT)
    assert (picture.format, picture.space, picture.pixels.dtype) == ("raw", "rgb", np.uint16)
    middle = picture.pixels[20:30, 20:40].mean((0, 1))
    assert np.ptp(middle) / middle.mean() < 0.03  # neutral although the sensor saw green


def test_turned_once():
    upright = read_picture(dng(6), max_pixels=LIMIT)
    header = read_header(dng(6))
    assert (upright.width, upright.height) == (header.width, header.height) == (96, 128)
    quarters = [
        upright.pixels[y : y + 40, x : x + 30].mean() for y, x in ((10, 10), (10, 56), (76, 10), (76, 56))
    ]
    assert int(np.argmax(quarters)) == 1  # the bright corner moves from upper left to upper right


def test_a_proxy_may_be_developed_at_half_size():
    picture = read_picture(dng(), max_pixels=LIMIT, min_side=40)
    assert (picture.width, picture.height, picture.full_size) == (64, 48, (128, 96))


def test_metadata_is_kept():
    exif = read_picture(dng(8), max_pixels=LIMIT).metadata.exif
    assert exif is not None
    assert b"Matted" in exif


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(UnsupportedPicture, match=r'pip install "matted\[raw\]"'):
        read_picture(dng(), max_pixels=LIMIT)


@pytest.mark.parametrize(
    "head", [b"FUJIFILMCCD-RAW 0201", b"II\x1a\0\0\0HEAPCCDR", b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom"]
)
def test_a_broken_raw_file_is_a_sentence(head):
    with pytest.raises((UnreadablePicture, UnsupportedPicture), match=r"\.$"):
        read_picture(head + bytes(2000), max_pixels=LIMIT)


def test_a_truncated_raw_file_is_refused():
    file = dng(height=400, width=600)
    with pytest.raises(UnreadablePicture):
        read_picture(file[: len(file) // 2], max_pixels=LIMIT)
