"""Every output format: pixels, profile and metadata come back; what a format cannot hold is refused."""

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from matted.errors import BadOption
from matted.imaging.encoding import FORMATS, Encoding, format_of_suffix
from matted.imaging.picture import COLOUR_CHANNELS, Metadata
from matted.imaging.read import read_picture
from matted.imaging.write import check_holds, open_writer

LIMIT = 10**6
FLAT = [name for name, facts in FORMATS.items() if not facts.layered]


def scene(channels: int) -> np.ndarray:
    y, x = np.mgrid[0:48, 0:64]
    planes = [x * 4, y * 5, 255 - x * 2 - y * 2, np.where(x < 32, 255, y * 5)]
    return np.stack(planes if channels == 4 else planes[:channels], axis=-1).astype(np.uint8)


def written(
    pixels: np.ndarray, encoding: Encoding, *, space: str = "rgb", has_alpha: bool = False, **kept
) -> bytes:
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
        encoding=encoding,
        **kept,
    )
    for top in range(0, height, 7):
        rows = pixels[top : top + 7].copy()
        writer.write(rows)
        rows[...] = 0
    writer.close()
    return target.getvalue()


@pytest.mark.parametrize("name", FLAT)
def test_colours_come_back(name):
    picture = read_picture(written(scene(3), Encoding(name, quality=97)), max_pixels=LIMIT)
    assert picture.format == name
    assert np.abs(picture.pixels.astype(int) - scene(3)).mean() < (
        2.5 if name in ("jpeg", "webp", "avif") else 1e-9
    )


@pytest.mark.parametrize("name", [name for name in FLAT if FORMATS[name].alpha])
def test_alpha_comes_back(name):
    picture = read_picture(written(scene(4), Encoding(name, quality=97), has_alpha=True), max_pixels=LIMIT)
    assert picture.has_alpha
    assert np.abs(picture.pixels[..., 3].astype(int) - scene(4)[..., 3]).mean() < 1


def test_lossless_webp_is_exact_where_it_can_be_seen():
    picture = read_picture(
        written(scene(4), Encoding("webp", lossless=True), has_alpha=True), max_pixels=LIMIT
    )
    seen = scene(4)[..., 3] > 0
    assert np.array_equal(picture.pixels[seen], scene(4)[seen])


@pytest.mark.parametrize("name", FLAT)
def test_profile_exif_and_xmp_come_back(name):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    icc = imagecodecs.cms_profile("adobergb")
    kept = Metadata(exif=exif.tobytes()[6:], xmp=b"<x:xmpmeta/>")
    picture = read_picture(written(scene(3), Encoding(name), icc=icc, metadata=kept), max_pixels=LIMIT)
    assert picture.icc == icc
    assert picture.metadata.xmp == kept.xmp
    assert picture.metadata.exif is not None
    assert b"A camera" in picture.metadata.exif


@pytest.mark.parametrize(
    ("name", "has_alpha"),
    [("webp", False), ("webp", True), ("avif", False), ("avif", True), ("jpeg", False)],
)
def test_gray_is_written_by_formats_that_know_only_colour(name, has_alpha):
    pixels = scene(4)[..., [0, 3]] if has_alpha else scene(1)
    icc = imagecodecs.cms_profile("gray", gamma=2.2)
    file = written(np.ascontiguousarray(pixels), Encoding(name), space="gray", has_alpha=has_alpha, icc=icc)
    picture = read_picture(file, max_pixels=LIMIT)
    assert np.abs(picture.pixels[..., 0].astype(int) - pixels[..., 0]).mean() < 3


@pytest.mark.parametrize(
    ("name", "dtype", "space", "has_alpha", "says"),
    [
        ("jpeg", np.uint8, "rgb", True, "transparent"),
        ("png", np.uint8, "cmyk", False, "TIFF"),
        ("png", np.float32, "rgb", False, "floating"),
        ("webp", np.uint16, "rgb", False, "16 bits"),
        ("avif", np.uint8, "lab", False, "LAB"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(name, dtype, space, has_alpha, says):
    pixels = np.zeros((8, 8, COLOUR_CHANNELS[space] + has_alpha), dtype)
    with pytest.raises(BadOption, match=says):
        written(pixels, Encoding(name), space=space, has_alpha=has_alpha)


def test_a_side_too_long_for_webp_is_refused():
    with pytest.raises(BadOption, match="16383"):
        written(np.zeros((1, 20_000, 3), np.uint8), Encoding("webp"))


def test_a_side_too_long_for_a_layered_tiff_sends_to_psd():
    with pytest.raises(BadOption, match=r"A layered TIFF file is at most 30000 .*choose PSD"):
        check_holds("layered-tiff", width=30_001, height=1, dtype=np.uint8, space="rgb", has_alpha=True)


@pytest.mark.parametrize(
    "options", [{"quality": 0}, {"quality": 101}, {"compression": 10}, {"format": "bmp"}]
)
def test_bad_options_are_refused(options):
    with pytest.raises(BadOption):
        Encoding(**options)


def test_channels_that_contradict_the_space_are_a_mistake():
    with pytest.raises(ValueError, match="4 channels are not rgb"):
        written(np.zeros((8, 8, 4), np.uint8), Encoding("png"))


def test_suffixes_name_formats():
    assert [format_of_suffix(Path(name)) for name in ("a.PNG", "a.tif", "a.jpeg", "a.bmp")] == [
        "png",
        "tiff",
        "jpeg",
        None,
    ]


@pytest.mark.parametrize("name", ["png", "tiff"])
def test_a_deep_mask_keeps_its_depth(name):
    mask = np.random.default_rng(0).integers(0, 65536, (20, 30)).astype(np.uint16)
    data = written(mask[..., None], Encoding(name), space="gray")
    assert np.array_equal(read_picture(data, max_pixels=LIMIT).pixels[..., 0], mask)


@pytest.mark.parametrize("name", FLAT)
def test_missing_rows_are_an_error(name):
    writer = open_writer(
        io.BytesIO(),
        width=4,
        height=4,
        channels=3,
        dtype=np.uint8,
        space="rgb",
        has_alpha=False,
        encoding=Encoding(name),
    )
    writer.write(np.zeros((3, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="missing"):
        writer.close()
