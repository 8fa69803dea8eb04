"""TIFF in every variety: read to the values a Picture promises, and what is written comes back the same."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from matted.errors import UnsupportedPicture
from matted.imaging.encoding import Encoding
from matted.imaging.picture import COLOUR_CHANNELS, Metadata, Picture
from matted.imaging.read import read_picture
from matted.imaging.write import open_writer

LIMIT = 10**6
RNG = np.random.default_rng(8)
DTYPES = [np.uint8, np.uint16, np.float16, np.float32]


def values(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    if np.dtype(dtype).kind == "f":
        return RNG.random(shape).astype(dtype)
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def stored(pixels: np.ndarray, **options) -> bytes:
    target = io.BytesIO()
    tifffile.imwrite(target, pixels, **options)
    return target.getvalue()


def read(encoded: bytes) -> Picture:
    return read_picture(encoded, max_pixels=LIMIT)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_rgb_of_every_depth_and_layout(dtype, channels, byteorder, planar, compression):
    pixels = values((20, 30, channels), dtype)
    encoded = stored(
        np.ascontiguousarray(np.moveaxis(pixels, 2, 0)) if planar == "separate" else pixels,
        photometric="rgb",
        planarconfig=planar,
        byteorder=byteorder,
        compression=compression,
        extrasamples=["unassalpha"] if channels == 4 else None,
    )
    picture = read(encoded)
    assert picture.pixels.dtype == np.dtype(dtype)
    assert picture.pixels.dtype.isnative
    assert picture.has_alpha == (channels == 4)
    assert np.array_equal(picture.pixels, pixels)


@pytest.mark.parametrize("tile", [(16, 16), (32, 48)])
def test_tiles(tile):
    pixels = values((50, 70, 3), np.uint16)
    assert np.array_equal(
        read(stored(pixels, photometric="rgb", tile=tile, compression="zlib")).pixels, pixels
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_and_gray_with_alpha(dtype):
    gray, graya = values((9, 7), dtype), values((9, 7, 2), dtype)
    one = read(stored(gray, photometric="minisblack"))
    other = read(stored(graya, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]))
    assert (one.space, one.has_alpha, other.space, other.has_alpha) == ("gray", False, "gray", True)
    assert np.array_equal(one.pixels[..., 0], gray)
    assert np.array_equal(other.pixels, graya)


@pytest.mark.parametrize("dtype", DTYPES)
def test_min_is_white_is_inverted(dtype):
    gray = values((9, 7), dtype)
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    found = read(stored(gray, photometric="miniswhite")).pixels[..., 0]
    assert np.array_equal(found, (top - gray).astype(dtype))


@pytest.mark.parametrize(("bits", "mode"), [(1, "1"), (8, "P")])
def test_few_bits_and_palettes_look_like_in_pillow(bits, mode):
    image = Image.fromarray(values((40, 41, 3), np.uint8)).convert(mode)
    target = io.BytesIO()
    image.save(target, "TIFF")
    expected = np.asarray(image.convert("L" if bits == 1 else "RGB")).reshape(40, 41, -1)
    assert np.array_equal(read(target.getvalue()).pixels, expected)


@pytest.mark.parametrize("bits", [2, 4, 10, 12, 14])
def test_odd_depths_span_the_whole_range(bits):
    ramp = np.linspace(0, 2**bits - 1, 64).round().astype(np.uint8 if bits < 8 else np.uint16).reshape(1, 64)
    found = read(stored(ramp, photometric="minisblack", bitspersample=bits)).pixels
    top = 255 if bits < 8 else 65535
    assert (found.min(), found.max()) == (0, top)
    assert np.abs(found[..., 0] - np.round(ramp / (2**bits - 1) * top)).max() <= 1


def test_palettes_with_16_bit_colours_keep_them():
    table = RNG.integers(0, 65536, (3, 256)).astype(np.uint16)
    indices = values((9, 9), np.uint8)
    found = read(stored(indices, photometric="palette", colormap=table)).pixels
    assert np.array_equal(found, table.T[indices])


@pytest.mark.parametrize("has_alpha", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ink(dtype, has_alpha):
    pixels = values((12, 10, 4 + has_alpha), dtype)
    picture = read(
        stored(
            pixels,
            photometric="separated",
            planarconfig="contig",
            extrasamples=["unassalpha"] if has_alpha else None,
        )
    )
    assert (picture.space, picture.has_alpha) == ("cmyk", has_alpha)
    assert np.array_equal(picture.pixels, pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_signed_lab_becomes_offset_lab(dtype):
    half = 1 << (8 * np.dtype(dtype).itemsize - 1)
    signed = np.array([[[5, 0, 0], [200, 10, half + 3]]], dtype)  # a, b as two's complement
    found = read(stored(signed, photometric="cielab")).pixels
    assert found.tolist() == [[[5, half, half], [200, half + 10, 3]]]


def test_icc_lab_16_reaches_full_white():
    pixels = np.array([[[0xFF00, 0x8000, 0x8000], [0, 0x8000, 0x8000]]], np.uint16)
    found = read(stored(pixels, photometric="icclab")).pixels
    assert found[..., 0].tolist() == [[65535, 0]]
    assert found[0, 0, 1:].tolist() == [0x8000, 0x8000]


@pytest.mark.parametrize("dtype", DTYPES)
def test_associated_alpha_is_made_straight(dtype):
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    straight = values((64, 64, 4), dtype).astype(float)
    straight[:8, :, 3] = 0
    straight[8:16, :, 3] = top
    straight[16:, :, 3] = np.maximum(straight[16:, :, 3], top / 3)
    multiplied = straight.copy()
    multiplied[..., :3] *= straight[..., 3:] / top
    if np.dtype(dtype).kind == "u":
        multiplied = multiplied.round()
    found = read(stored(multiplied.astype(dtype), photometric="rgb", extrasamples=["assocalpha"])).pixels
    seen = straight[..., 3] > 0
    tolerance = {np.uint8: 2, np.uint16: 2, np.float16: 3e-3, np.float32: 1e-5}[dtype]
    assert np.abs(found[seen].astype(float) - straight[seen]).max() <= tolerance
    assert not found[:8, :, :3].any()


def test_other_extra_channels_are_left_out():
    pixels = values((8, 9, 5), np.uint8)
    picture = read(stored(pixels, photometric="rgb", extrasamples=["unassalpha", "unspecified"]))
    assert picture.has_alpha
    assert np.array_equal(picture.pixels, pixels[..., :4])
    plain = read(stored(pixels, photometric="rgb", extrasamples=["unspecified", "unspecified"]))
    assert not plain.has_alpha
    assert np.array_equal(plain.pixels, pixels[..., :3])


def test_the_first_full_page_is_the_picture():
    target = io.BytesIO()
    with tifffile.TiffWriter(target) as tiff:
        tiff.write(np.zeros((4, 4, 3), np.uint8), photometric="rgb", subfiletype=1)  # a thumbnail
        tiff.write(np.full((20, 30, 3), 9, np.uint8), photometric="rgb")
        tiff.write(np.full((40, 30, 3), 7, np.uint8), photometric="rgb")
    assert read(target.getvalue()).pixels.shape == (20, 30, 3)


def test_big_tiff():
    pixels = values((8, 9, 3), np.uint16)
    assert np.array_equal(read(stored(pixels, photometric="rgb", bigtiff=True)).pixels, pixels)


@pytest.mark.parametrize("compression", ["jpeg", "webp", "zstd", "packbits", "lzma"])
def test_compressions(compression):
    pixels = np.kron(values((4, 4, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    encoded = stored(pixels, photometric="rgb", compression=compression)
    assert np.abs(read(encoded).pixels.astype(int) - pixels).mean() < 25


def test_floats_without_a_profile_are_linear_light():
    pixels = values((4, 4, 3), np.float32)
    assert read(stored(pixels, photometric="rgb")).linear
    profile = imagecodecs.cms_profile("srgb")
    assert not read(stored(pixels, photometric="rgb", iccprofile=profile)).linear


def test_double_floats_become_single():
    assert read(stored(values((4, 4, 3), np.float64), photometric="rgb")).pixels.dtype == np.float32


def test_signed_samples_say_what_to_do():
    with pytest.raises(UnsupportedPicture, match="8 or 16 bits"):
        read(stored(np.zeros((4, 4, 3), np.int16), photometric="rgb"))


def written(pixels: np.ndarray, space: str, *, has_alpha: bool, compression: int = 1, **kept) -> bytes:
    height, width, channels = pixels.shape
    target = io.BytesIO()
    writer = open_writer(
        target,
        width=width,
        height=height,
        channels=channels,
        dtype=pixels.dtype,
        space=space,
        has_alpha=has_alpha,
        encoding=Encoding("tiff", compression=compression),
        **kept,
    )
    for top in range(0, height, 13):
        rows = pixels[top : top + 13].copy()
        writer.write(rows)
        rows[...] = 0
    writer.close()
    return target.getvalue()


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    space=st.sampled_from(["gray", "rgb", "cmyk", "lab"]),
    has_alpha=st.booleans(),
    dtype=st.sampled_from(DTYPES),
    compression=st.sampled_from([0, 1, 6]),
)
def test_everything_written_comes_back(size, space, has_alpha, dtype, compression):
    pixels = values((*size, COLOUR_CHANNELS[space] + has_alpha), dtype)
    picture = read(written(pixels, space, has_alpha=has_alpha, compression=compression))
    assert (picture.space, picture.has_alpha, picture.pixels.dtype) == (space, has_alpha, np.dtype(dtype))
    assert np.array_equal(picture.pixels, pixels)


def test_many_strips_are_read_by_others_too():
    pixels = values((2000, 700, 4), np.uint16)
    encoded = written(pixels, "rgb", has_alpha=True)
    with tifffile.TiffFile(io.BytesIO(encoded)) as tiff:
        page = tiff.pages[0]
        assert page.extrasamples == (2,)
        assert len(page.dataoffsets) > 8
        assert np.array_equal(page.asarray(), pixels)
    rgb8 = values((600, 700, 3), np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(written(rgb8, "rgb", has_alpha=False)))), rgb8)


def test_profile_and_metadata_come_back():
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8769)[0x9003] = "2026:11:21 10:00:00"
    exif.get_ifd(0x8825)[1] = "N"
    icc = imagecodecs.cms_profile("adobergb")
    kept = Metadata(exif.tobytes()[6:], b"<x:xmpmeta/>", b"\x1c\x02\x78\x00\x05Hello", (300.0, 150.0))
    encoded = written(values((9, 9, 3), np.uint8), "rgb", has_alpha=False, icc=icc, metadata=kept)
    picture = read(encoded)
    assert picture.icc == icc
    assert (picture.metadata.xmp, picture.metadata.iptc) == (kept.xmp, kept.iptc)
    assert picture.metadata.dpi == pytest.approx((300, 150))
    seen = Image.open(io.BytesIO(encoded)).getexif()
    assert seen[0x010F] == "A camera"
    assert seen.get_ifd(0x8769)[0x9003] == "2026:11:21 10:00:00"
    assert seen.get_ifd(0x8825)[1] == "N"


def test_exif_of_a_tiff_becomes_an_exif_block():
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8769)[0x9003] = "2026:11:21 10:00:00"
    encoded = written(
        values((9, 9, 3), np.uint8), "rgb", has_alpha=False, metadata=Metadata(exif.tobytes()[6:])
    )
    block = Image.Exif()
    block.load(read(encoded).metadata.exif)
    assert block[0x010F] == "A camera"
    assert block.get_ifd(0x8769)[0x9003] == "2026:11:21 10:00:00"
    assert 0x0100 not in block  # how the pixels were stored is not copied


def test_a_target_that_cannot_seek_gets_the_file_too():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    pixels = values((30, 30, 3), np.uint8)
    target = Pipe()
    writer = open_writer(
        target,
        width=30,
        height=30,
        channels=3,
        dtype=np.uint8,
        space="rgb",
        has_alpha=False,
        encoding=Encoding("tiff"),
    )
    writer.write(pixels)
    writer.close()
    assert np.array_equal(read(target.getvalue()).pixels, pixels)


def test_uncompressed_ycbcr_says_what_to_do():
    encoded = bytearray(stored(values((8, 8, 3), np.uint8), photometric="rgb"))
    count = struct.unpack_from("<H", encoded, 8)[0]
    for at in range(10, 10 + 12 * count, 12):
        if struct.unpack_from("<H", encoded, at)[0] == 262:
            struct.pack_into("<H", encoded, at + 8, 6)
    with pytest.raises(UnsupportedPicture, match="ordinary TIFF"):
        read(bytes(encoded))
