"""The strip writer's files are exact PNGs, whatever the size, the depth and the way the rows come."""

import io
import zlib
from itertools import pairwise

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from matted.imaging.deflate import join_adler
from matted.imaging.picture import Metadata
from matted.imaging.png_writer import PngStripWriter
from matted.imaging.read import read_picture


def written(pixels: np.ndarray, *, splits: tuple[int, ...] = (), compression: int = 1, **kept) -> bytes:
    height, width, channels = pixels.shape
    target = io.BytesIO()
    writer = PngStripWriter(
        target,
        width=width,
        height=height,
        channels=channels,
        dtype=pixels.dtype,
        compression=compression,
        **kept,
    )
    edges = [0, *sorted({s for s in splits if 0 < s < height}), height]
    kept_buffer = np.empty_like(pixels)
    for top, bottom in pairwise(edges):
        rows = kept_buffer[: bottom - top]
        rows[...] = pixels[top:bottom]
        writer.write(rows)  # the same buffer every time, as a caller with little memory would
        rows[...] = 0
    writer.close()
    return target.getvalue()


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    channels=st.sampled_from([1, 2, 3, 4]),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    splits=st.lists(st.integers(0, 70), max_size=6),
    compression=st.sampled_from([0, 1, 3, 6]),
    seed=st.integers(0, 2**16),
)
def test_any_size_and_split_decodes_to_the_same_pixels(
    width, height, channels, dtype, splits, compression, seed
):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)
    file = written(pixels, splits=tuple(splits), compression=compression)
    assert np.array_equal(imagecodecs.png_decode(file).reshape(pixels.shape), pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pillow_reads_the_same_pixels(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (130, 90, channels), np.uint8)
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(written(pixels, splits=(7, 64))))).reshape(pixels.shape), pixels
    )


def test_many_parallel_segments_join_into_one_stream():
    pixels = np.random.default_rng(0).integers(0, 256, (3000, 1500, 4), np.uint8)
    file = written(pixels, splits=tuple(range(0, 3000, 111)))
    assert file.count(b"IDAT") >= 9
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), pixels)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_joined_checksum_is_that_of_the_whole(first, second):
    joined = join_adler(zlib.adler32(first), zlib.adler32(second), len(second))
    assert joined == zlib.adler32(first + second)


def test_profile_and_metadata_come_back():
    icc = imagecodecs.cms_profile("adobergb")
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    kept = Metadata(exif.tobytes()[6:], b"<x:xmpmeta/>", b"\x1c\x02\x78\x00\x05Hello", (300.0, 150.0))
    picture = read_picture(written(np.zeros((4, 4, 3), np.uint8), icc=icc, metadata=kept), max_pixels=100)
    assert picture.icc == icc
    assert (picture.metadata.exif, picture.metadata.xmp, picture.metadata.iptc) == (
        kept.exif,
        kept.xmp,
        kept.iptc,
    )
    assert picture.metadata.dpi == pytest.approx((300, 150), rel=1e-4)


def test_pillow_understands_the_profile_and_the_exif():
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    icc = imagecodecs.cms_profile("srgb")
    file = written(np.zeros((4, 4, 3), np.uint8), icc=icc, metadata=Metadata(exif=exif.tobytes()[6:]))
    image = Image.open(io.BytesIO(file))
    assert image.info["icc_profile"] == icc
    assert image.getexif()[0x010F] == "A camera"


def test_missing_rows_are_an_error():
    writer = PngStripWriter(io.BytesIO(), width=3, height=3, channels=1, dtype=np.uint8)
    writer.write(np.zeros((2, 3, 1), np.uint8))
    with pytest.raises(ValueError, match="1 rows are missing"):
        writer.close()


@pytest.mark.parametrize("rows", [np.zeros((1, 4, 1), np.uint8), np.zeros((1, 3, 1), np.uint16)])
def test_rows_of_another_shape_or_depth_are_refused(rows):
    writer = PngStripWriter(io.BytesIO(), width=3, height=3, channels=1, dtype=np.uint8)
    with pytest.raises(ValueError, match="do not fit"):
        writer.write(rows)
    writer.abort()


def test_a_failing_disk_is_reported_from_the_threads():
    class Full(io.BytesIO):
        def write(self, data):
            if self.tell() > 100_000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    pixels = np.random.default_rng(0).integers(0, 256, (2000, 1000, 4), np.uint8)
    writer = PngStripWriter(Full(), width=1000, height=2000, channels=4, dtype=np.uint8)

    def write_all():
        for top in range(0, 2000, 100):
            writer.write(pixels[top : top + 100])
        writer.close()

    with pytest.raises(OSError, match="No space"):
        write_all()
    writer.abort()
