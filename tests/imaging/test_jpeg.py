"""JPEG: exact pixels, smaller decoding on request, everything kept, tolerance for harmless sloppiness."""

import io

import imagecodecs
import numpy as np
import pytest
import simplejpeg
from PIL import Image

from matted.errors import UnreadablePicture
from matted.imaging.encoding import Encoding
from matted.imaging.picture import Metadata
from matted.imaging.read import read_picture
from matted.imaging.whole_writer import encode_jpeg

LIMIT = 10**8


def photo(height: int = 120, width: int = 160, channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(2)
    return np.kron(
        rng.integers(0, 256, (height // 8, width // 8, channels), np.uint8), np.ones((8, 8, 1), np.uint8)
    )


def by_pillow(image: Image.Image, **options) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", **options)
    return target.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 100}])
def test_the_same_pixels_as_pillow(mode, options):
    encoded = by_pillow(Image.fromarray(photo()).convert(mode), **options)
    expected = np.asarray(Image.open(io.BytesIO(encoded))).reshape(120, 160, -1)
    assert np.array_equal(read_picture(encoded, max_pixels=LIMIT).pixels, expected)


def test_ink_is_stored_as_ink():
    encoded = by_pillow(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), quality=100)
    picture = read_picture(encoded, max_pixels=LIMIT)
    assert picture.space == "cmyk"
    assert np.abs(picture.pixels[0, 0].astype(int) - (255, 0, 0, 0)).max() <= 2


def test_a_proxy_may_be_decoded_smaller():
    encoded = simplejpeg.encode_jpeg(photo(1600, 2400), 90)
    picture = read_picture(encoded, max_pixels=LIMIT, min_side=320)
    assert 320 <= min(picture.width, picture.height) < 640
    assert picture.full_size == (2400, 1600)


def test_the_full_size_turns_with_the_picture():
    exif = Image.Exif()
    exif[0x0112] = 6
    encoded = by_pillow(Image.fromarray(photo(800, 1600)), exif=exif)
    picture = read_picture(encoded, max_pixels=LIMIT, min_side=100)
    assert picture.full_size == (800, 1600)
    assert picture.height > picture.width


def test_profile_exif_xmp_iptc_and_resolution_come_back():
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    icc = imagecodecs.cms_profile("adobergb") + b"\0" * 150_000  # several segments
    kept = Metadata(exif.tobytes()[6:], b"<x:xmpmeta/>", b"\x1c\x02\x78\x00\x05Hello", (300.0, 150.0))
    encoded = encode_jpeg(photo(), Encoding("jpeg", quality=95), icc, kept)
    picture = read_picture(encoded, max_pixels=LIMIT)
    assert picture.icc == icc
    assert picture.metadata == kept
    seen = Image.open(io.BytesIO(encoded))
    assert seen.info["icc_profile"] == icc
    assert seen.info["dpi"] == (300, 150)
    assert seen.getexif()[0x010F] == "A camera"


def test_metadata_too_long_for_a_segment_does_not_break_the_file():
    kept = Metadata(xmp=b"<x:xmpmeta>" + b" " * 70_000 + b"</x:xmpmeta>")
    encoded = encode_jpeg(photo(), Encoding("jpeg"), None, kept)
    assert read_picture(encoded, max_pixels=LIMIT).metadata.xmp is None


def test_fine_quality_keeps_colour_at_full_resolution():
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, ::2] = (255, 0, 0)
    pixels[:, 1::2] = (0, 0, 255)
    found = read_picture(
        encode_jpeg(pixels, Encoding("jpeg", quality=98), None, Metadata()), max_pixels=LIMIT
    )
    assert np.abs(found.pixels.astype(int) - pixels).mean() < 8


def test_bytes_behind_the_end_do_no_harm():
    encoded = by_pillow(Image.fromarray(photo()))
    expected = read_picture(encoded, max_pixels=LIMIT).pixels
    assert np.array_equal(read_picture(encoded + b"motion photo" * 999, max_pixels=LIMIT).pixels, expected)


def test_a_few_stray_bytes_do_no_harm():
    encoded = by_pillow(Image.fromarray(photo()), restart_marker_blocks=10)
    expected = read_picture(encoded, max_pixels=LIMIT).pixels
    at = encoded.index(b"\xff\xd0", 600)
    sloppy = encoded[:at] + b"\x12\x34\x56" + encoded[at:]
    assert np.array_equal(read_picture(sloppy, max_pixels=LIMIT).pixels, expected)


def test_a_hole_in_the_middle_is_refused():
    encoded = by_pillow(Image.fromarray(photo()), restart_marker_blocks=10)
    a, b = (encoded.index(marker, 600) for marker in (b"\xff\xd1", b"\xff\xd4"))
    with pytest.raises(UnreadablePicture, match="damaged or cut off"):
        read_picture(encoded[:a] + encoded[b:], max_pixels=LIMIT)


def test_fill_bytes_between_segments_are_skipped():
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    encoded = by_pillow(Image.fromarray(photo()), exif=exif)
    padded = encoded[:2] + b"\xff\xff\xff" + encoded[2:]
    assert read_picture(padded, max_pixels=LIMIT).metadata.exif == exif.tobytes()[6:]
