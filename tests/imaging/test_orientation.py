"""EXIF orientation is applied exactly once, in every format that carries it, and is 1 in what is kept."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from matted.imaging.metadata import exif_orientation
from matted.imaging.orientation import turn_upright
from matted.imaging.read import read_header, read_picture

LIMIT = 10**6
# What a viewer does to the stored pixels for each orientation: independent of the code under test.
AS_SEEN = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


def blocks(channels: int = 3) -> np.ndarray:
    """A 24 x 32 picture whose four corners differ, in 8-pixel blocks that survive JPEG."""
    rng = np.random.default_rng(5)
    small = rng.integers(0, 256, (3, 4, channels), np.uint8)
    return np.kron(small, np.ones((8, 8, 1), np.uint8))


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010F] = "A camera"
    return block


def stored_by_pillow(kind: str, pixels: np.ndarray, orientation: int) -> bytes:
    target = io.BytesIO()
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    Image.fromarray(pixels).save(target, kind, exif=exif(orientation), **options)
    return target.getvalue()


def stored_as_tiff(pixels: np.ndarray, orientation: int) -> bytes:
    target = io.BytesIO()
    tifffile.imwrite(target, pixels, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    return target.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_applied_once(kind, orientation):
    pixels = blocks()
    encoded = (
        stored_as_tiff(pixels, orientation) if kind == "TIFF" else stored_by_pillow(kind, pixels, orientation)
    )
    seen = AS_SEEN[orientation](pixels)

    picture = read_picture(encoded, max_pixels=LIMIT)

    assert picture.pixels.shape == seen.shape
    assert picture.pixels.flags.c_contiguous
    assert np.abs(picture.pixels.astype(int) - seen).max() <= (6 if kind == "JPEG" else 0)


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_kept_exif_says_upright_and_nothing_else_changes(kind, orientation):
    kept = read_picture(stored_by_pillow(kind, blocks(), orientation), max_pixels=LIMIT).metadata.exif
    assert kept is not None
    assert exif_orientation(kept) == 1
    assert Image.open(io.BytesIO(_jpeg_with(kept))).getexif()[0x010F] == "A camera"


def test_header_gives_the_upright_size():
    header = read_header(stored_by_pillow("JPEG", blocks(), 6))
    assert (header.width, header.height) == (24, 32)


def test_avif_rotation_is_applied_once():
    pixels = np.kron(np.arange(12, dtype=np.uint8).reshape(3, 4, 1) * 20, np.ones((8, 8, 3), np.uint8))
    picture = read_picture(stored_by_pillow("AVIF", pixels, 6), max_pixels=LIMIT)
    assert np.abs(picture.pixels.astype(int) - AS_SEEN[6](pixels)).mean() < 4


def test_orientation_in_xmp_follows():
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/><tiff:Orientation>8</tiff:Orientation>'
    target = io.BytesIO()
    Image.fromarray(blocks()).save(target, "WEBP", xmp=xmp)
    kept = read_picture(target.getvalue(), max_pixels=LIMIT).metadata.xmp
    assert kept == xmp.replace(b'"6"', b'"1"').replace(b">8<", b">1<")


def test_resolution_turns_with_the_picture():
    target = io.BytesIO()
    Image.fromarray(blocks()).save(target, "JPEG", exif=exif(6), dpi=(300, 150))
    assert read_picture(target.getvalue(), max_pixels=LIMIT).metadata.dpi == (150, 300)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_depth_and_channel_count_turns(orientation, channels, dtype):
    pixels = np.arange(5 * 7 * channels).reshape(5, 7, channels).astype(dtype)
    assert np.array_equal(turn_upright(pixels.copy(), orientation), AS_SEEN[orientation](pixels))


def test_a_nonsense_orientation_counts_as_upright():
    assert np.array_equal(
        read_picture(stored_by_pillow("PNG", blocks(), 77), max_pixels=LIMIT).pixels, blocks()
    )


def _jpeg_with(block: bytes) -> bytes:
    target = io.BytesIO()
    Image.fromarray(blocks()).save(target, "JPEG", exif=b"Exif\0\0" + block)
    return target.getvalue()


def test_turbojpeg_and_pillow_agree_on_a_turned_photo():
    encoded = stored_by_pillow("JPEG", blocks(), 8)
    assert np.array_equal(
        read_picture(encoded, max_pixels=LIMIT).pixels, np.rot90(imagecodecs.jpeg8_decode(encoded), 1)
    )
