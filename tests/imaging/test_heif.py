"""HEIC and AVIF: right way up, at their own depth, with profile and metadata."""

from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from matted.errors import PictureError
from matted.imaging.colour import to_srgb8
from matted.imaging.read import read_header, read_picture

PICTURES = Path(__file__).parent / "pictures"
LIMIT = 10**6


def scene() -> np.ndarray:
    y, x = np.mgrid[0:48, 0:64]
    return np.stack([x * 4, y * 5, 255 - x * 2 - y * 2], axis=-1)


def test_heic_is_turned_once_and_keeps_its_description():
    picture = read_picture(PICTURES / "turned.heic", max_pixels=LIMIT)
    assert np.abs(picture.pixels - np.rot90(scene(), -1)).mean() < 3
    assert picture.icc is not None
    assert picture.icc[36:] == imagecodecs.cms_profile("adobergb")[36:]  # before that stands the date
    assert picture.metadata.xmp == b"<x:xmpmeta/>"
    assert picture.metadata.exif is not None
    assert b"A camera" in picture.metadata.exif
    assert (picture.width, picture.height) == (48, 64)


def test_heic_header_gives_the_upright_size():
    header = read_header(PICTURES / "turned.heic")
    assert (header.format, header.width, header.height) == ("heif", 48, 64)


def test_heic_alpha():
    picture = read_picture(PICTURES / "alpha.heic", max_pixels=LIMIT)
    assert picture.has_alpha
    assert np.abs(picture.pixels[..., 3].astype(int) - 100).max() <= 2
    assert np.abs(picture.pixels[..., :3] - scene()).mean() < 3


def test_declared_primaries_become_a_profile():
    picture = read_picture(PICTURES / "display-p3.heic", max_pixels=LIMIT)
    assert picture.icc is not None
    gray, red = np.full((1, 1, 3), 128, np.uint8), np.array([[[200, 30, 30]]], np.uint8)
    assert np.abs(to_srgb8(replace(picture, pixels=gray), slice(0, 1)).astype(int) - 128).max() <= 1
    assert (
        to_srgb8(replace(picture, pixels=red), slice(0, 1))[0, 0, 0] > 210
    )  # P3's red is redder than sRGB's


def test_ten_bits_become_sixteen_with_full_white():
    picture = read_picture(PICTURES / "ten-bit.heic", max_pixels=LIMIT)
    assert picture.pixels.dtype == np.uint16
    assert np.abs(picture.pixels / 257 - scene()).mean() < 2
    low_bits = picture.pixels & 63
    assert low_bits.any()  # spread over the range, not shifted up


def test_gray_heic():
    picture = read_picture(PICTURES / "gray.heic", max_pixels=LIMIT)
    assert picture.space == "gray"
    assert np.abs(picture.pixels[..., 0] - scene()[..., 0]).mean() < 3


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("channels", [3, 4])
def test_deep_avif_becomes_sixteen_bits(bits, channels):
    top = 2**bits - 1
    pixels = np.full((48, 64, channels), top // 2, np.uint16)
    pixels[..., :3] = np.round(scene() / 255 * top)
    picture = read_picture(imagecodecs.avif_encode(pixels, level=100, bitspersample=bits), max_pixels=LIMIT)
    assert (picture.format, picture.pixels.dtype, picture.has_alpha) == ("avif", np.uint16, channels == 4)
    assert np.abs(picture.pixels[..., :3] / 257 - scene()).mean() < 2
    assert picture.pixels[0, 0, 2] == 65535


def test_8_bit_avif():
    encoded = imagecodecs.avif_encode(scene().astype(np.uint8), level=100)
    picture = read_picture(encoded, max_pixels=LIMIT)
    assert picture.pixels.dtype == np.uint8
    assert np.abs(picture.pixels - scene()).mean() < 2


@pytest.mark.parametrize("name", ["turned.heic", "ten-bit.heic"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_truncated_heic_is_refused(name, share):
    file = (PICTURES / name).read_bytes()
    with pytest.raises(PictureError, match=r"\.$"):
        read_picture(file[: int(len(file) * share)], max_pixels=LIMIT)
