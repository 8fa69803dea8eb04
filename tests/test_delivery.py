"""What is written: the right pixels, at the input's depth and profile, on every kind of background."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matted.compose.background import Background, parse_background
from matted.delivery import Delivery, deliver, format_for
from matted.errors import BadOption
from matted.imaging.picture import Metadata, Picture
from matted.imaging.read import read_picture


def colours(height: int = 70, width: int = 90, dtype: type = np.uint8, channels: int = 3) -> np.ndarray:
    """Random pixels of the type's whole range."""
    random = np.random.default_rng(3)
    if np.issubdtype(dtype, np.floating):
        return random.random((height, width, channels)).astype(dtype)
    return random.integers(0, np.iinfo(dtype).max + 1, (height, width, channels)).astype(dtype)


def ramp(height: int = 70, width: int = 90, dtype: type = np.uint8) -> np.ndarray:
    """A mask from 0 at the left to full scale at the right."""
    row = np.linspace(0, np.iinfo(dtype).max, width).round().astype(dtype)
    return np.tile(row, (height, 1))


def written(picture: Picture, mask: np.ndarray, delivery: Delivery) -> Picture:
    """Delivered and read again."""
    target = io.BytesIO()
    deliver(picture, mask, delivery, target)
    return read_picture(target.getvalue(), max_pixels=10**6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_cut_out_keeps_every_visible_colour_exactly(dtype: type) -> None:
    pixels, mask = colours(dtype=dtype), ramp(dtype=dtype)
    result = written(Picture(pixels), mask, Delivery(keep_colours=True))
    assert result.pixels.dtype == dtype
    assert np.array_equal(result.pixels[..., 3], mask)
    seen = mask > 0
    assert np.array_equal(result.pixels[..., :3][seen], pixels[seen])
    assert (result.pixels[..., :3][~seen] == 0).all()


def test_a_gray_picture_stays_gray() -> None:
    pixels, mask = colours(channels=1), ramp()
    result = written(Picture(pixels, space="gray"), mask, Delivery())
    assert (result.space, result.has_alpha) == ("gray", True)
    assert np.array_equal(result.pixels[..., 1], mask)


def test_transparency_that_was_there_stays() -> None:
    pixels = colours(channels=4)
    pixels[..., 3] = 128
    result = written(Picture(pixels, has_alpha=True), np.full((70, 90), 255, np.uint8), Delivery())
    assert (result.pixels[..., 3] == 128).all()
    half = written(Picture(pixels, has_alpha=True), np.full((70, 90), 128, np.uint8), Delivery())
    assert (half.pixels[..., 3] == round(128 * 128 / 255)).all()


def test_the_mask_alone_is_gray_and_exact() -> None:
    mask = ramp(dtype=np.uint16)
    result = written(Picture(colours(dtype=np.uint16)), mask, Delivery(what="mask"))
    assert (result.space, result.has_alpha) == ("gray", False)
    assert np.array_equal(result.pixels[..., 0], mask)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_on_a_colour_each_pixel_is_the_exact_mixture(dtype: type) -> None:
    pixels, mask = colours(dtype=dtype), ramp(dtype=dtype)
    result = written(
        Picture(pixels), mask, Delivery(background=parse_background("#ff8000"), keep_colours=True)
    )
    top = np.iinfo(dtype).max
    share = (mask / top)[..., None]
    expected = pixels * share + np.array([255, 128, 0]) * (top / 255) * (1 - share)
    assert result.has_alpha is False
    assert np.abs(result.pixels - expected).max() <= 1


def test_on_white_nothing_of_the_old_background_is_left() -> None:
    result = written(
        Picture(colours()), np.zeros((70, 90), np.uint8), Delivery(background=parse_background("white"))
    )
    assert (result.pixels == 255).all()


def test_a_background_picture_covers_and_is_centred(tmp_path: Path) -> None:
    wide = np.zeros((50, 200, 3), np.uint8)
    wide[:, :50], wide[:, 50:150], wide[:, 150:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    background = parse_background(
        str(tmp_path / "wide.png"), lambda text: read_picture(Path(text), max_pixels=10**6)
    )
    result = written(
        Picture(colours(100, 100)), np.zeros((100, 100), np.uint8), Delivery(background=background)
    )
    assert (result.pixels[50, 5:95] == (0, 255, 0)).all()


def test_the_blurred_background_holds_nothing_of_the_subject() -> None:
    pixels = np.full((200, 200, 3), (20, 160, 40), np.uint8)
    pixels[60:140, 60:140] = (250, 0, 0)
    mask = np.zeros((200, 200), np.uint8)
    mask[60:140, 60:140] = 255
    result = written(Picture(pixels), mask, Delivery(background=Background("blur"))).pixels
    assert (result[60:140, 60:140] == (250, 0, 0)).all()
    outside = result[mask == 0].astype(int)
    assert np.abs(outside - (20, 160, 40)).max() <= 3


def test_profile_and_metadata_travel() -> None:
    from PIL import ImageCms

    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    metadata = Metadata(xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", dpi=(240.0, 240.0))
    result = written(Picture(colours(), icc=icc, metadata=metadata), ramp(), Delivery())
    assert result.icc == icc
    assert result.metadata.xmp == metadata.xmp
    assert result.metadata.dpi == pytest.approx((240.0, 240.0), abs=0.1)


@pytest.mark.parametrize(
    ("space", "dtype", "expected"),
    [
        ("rgb", np.uint8, "png"),
        ("gray", np.uint16, "png"),
        ("rgb", np.float32, "tiff"),
        ("cmyk", np.uint8, "tiff"),
        ("lab", np.uint16, "tiff"),
    ],
)
def test_the_format_by_itself_loses_nothing(space: str, dtype: type, expected: str) -> None:
    channels = {"gray": 1, "rgb": 3, "cmyk": 4, "lab": 3}[space]
    picture = Picture(colours(dtype=dtype, channels=channels), space=space)  # type: ignore[arg-type]
    assert format_for(picture, Delivery()) == expected
    mask = ramp(dtype=np.uint8 if dtype == np.uint8 else np.uint16)
    result = written(picture, mask, Delivery(keep_colours=True))
    seen = mask > 0
    assert (result.space, result.pixels.dtype) == (space, dtype)
    assert np.array_equal(result.pixels[..., :-1][seen], picture.pixels[seen])


def test_what_a_format_cannot_hold_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadOption, match="transparent"):
        deliver(Picture(colours()), ramp(), Delivery(format="jpeg"), io.BytesIO())
    with pytest.raises(BadOption, match="background"):
        Delivery(what="mask", background=Background("blur"))
    with pytest.raises(BadOption, match="neither"):
        parse_background("no-such-colour")


def test_a_jpeg_on_a_colour_is_8_bit_and_near() -> None:
    pixels = np.full((64, 64, 3), 30000, np.uint16)
    mask = np.full((64, 64), 65535, np.uint16)
    result = written(Picture(pixels), mask, Delivery(format="jpeg", background=parse_background("white")))
    assert result.pixels.dtype == np.uint8
    assert np.abs(result.pixels.astype(int) - round(30000 / 257)).max() <= 2


def test_linear_light_without_a_profile_is_written_so_that_it_looks_the_same() -> None:
    gray = Picture(np.full((64, 64, 3), 0.2140, np.float32), linear=True)  # mid-gray as linear light
    mask = np.full((64, 64), 65535, np.uint16)
    deep = written(gray, mask, Delivery(format="png"))
    assert deep.pixels.dtype == np.uint16
    assert deep.linear or deep.icc is not None
    flat = written(gray, mask, Delivery(format="jpeg", background=parse_background("white")))
    assert flat.icc is None
    assert np.abs(flat.pixels.astype(int) - 127).max() <= 2


def test_a_deep_space_that_png_lacks_keeps_its_depth_as_rgb() -> None:
    picture = Picture(colours(dtype=np.uint16, channels=3), space="lab")
    result = written(picture, np.full((70, 90), 65535, np.uint16), Delivery(format="png"))
    assert (result.space, result.pixels.dtype) == ("rgb", np.uint16)


def test_a_gray_picture_on_a_colour_becomes_coloured_and_on_white_stays_gray() -> None:
    picture, nothing = Picture(colours(channels=1), space="gray"), np.zeros((70, 90), np.uint8)
    red = written(picture, nothing, Delivery(background=parse_background("red")))
    assert (red.pixels == (255, 0, 0)).all()
    white = written(picture, nothing, Delivery(background=parse_background("white")))
    assert white.space == "gray"
    assert (white.pixels == 255).all()


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint16), (16, np.uint8)])
@pytest.mark.parametrize("what", ["cutout", "mask"])
def test_another_depth_is_written_when_asked_for(bits: int, dtype: type, what: str) -> None:
    mask = ramp(dtype=dtype)
    result = written(Picture(colours(dtype=dtype)), mask, Delivery(what=what, bits=bits))
    assert result.pixels.dtype == np.dtype(f"u{bits // 8}")
    expected = np.rint(mask / np.iinfo(dtype).max * (2**bits - 1))
    assert np.abs(result.pixels[..., -1] - expected).max() <= 1


def test_a_depth_that_the_format_lacks_is_refused() -> None:
    with pytest.raises(BadOption, match="JPEG file cannot hold 16 bits"):
        Delivery(format="jpeg", bits=16)


@pytest.mark.parametrize("what", ["cutout", "mask"])
def test_a_larger_result_is_reduced_to_the_longest_side(what: str) -> None:
    picture = Picture(np.full((70, 91, 3), 90, np.uint8))
    result = written(picture, np.full((70, 91), 255, np.uint8), Delivery(what=what, max_side_px=40))
    assert (result.width, result.height) == (40, 30)
    assert (result.pixels[..., -1] == 255).all()  # a subject that the border cuts off stays cut off there
    if what == "cutout":
        assert (result.pixels[..., :3] == 90).all()


def test_hidden_colours_do_not_bleed_into_a_reduced_edge() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, :32] = (200, 10, 10)
    pixels[:, 32:] = (0, 255, 0)
    mask = np.zeros((64, 64), np.uint8)
    mask[:, :32] = 255
    result = written(Picture(pixels), mask, Delivery(max_side_px=21, keep_colours=True)).pixels
    seen = result[..., 3] > 0
    assert (np.abs(result[..., :3][seen].astype(int) - (200, 10, 10)) <= 2).all()


def test_a_smaller_one_stays_as_it_is() -> None:
    picture = Picture(colours())
    small = written(picture, ramp(), Delivery(max_side_px=90))
    assert np.array_equal(small.pixels, written(picture, ramp(), Delivery()).pixels)


def test_the_longest_side_holds_for_a_preset_too() -> None:
    result = written(Picture(colours()), ramp(), Delivery(preset="amazon", max_side_px=1000))
    assert max(result.width, result.height) == 1000
    with pytest.raises(BadOption, match="1000 px or more"):
        Delivery(preset="amazon", max_side_px=999)
