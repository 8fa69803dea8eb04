"""Backgrounds keep depth and profile, and the subject's soft edge brings nothing of the old one along."""

import imagecodecs
import numpy as np
import pytest

from known_composites import disc, hairy, over
from matted.compose.background import Background, parse_background
from matted.delivery import Delivery
from matted.errors import BadOption
from matted.imaging.picture import Picture
from scenes import delivered, disc_mask, on_ground

NOTHING = np.zeros((60, 80), np.uint8)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0)], ids=["black", "white", "red"])
def test_a_delivered_cut_out_has_no_fringe_by_default(colour: tuple[int, int, int]) -> None:
    scene = hairy()
    picture = Picture((scene.seen * 255 + 0.5).astype(np.uint8))
    truth = over(scene.foreground, scene.alpha, np.float32(colour) / 255) * 255
    background = Background("colour", colour)
    clean, _ = delivered(picture, scene.mask, Delivery(background=background))
    kept, _ = delivered(picture, scene.mask, Delivery(background=background, keep_colours=True))
    clean_error, kept_error = (np.abs(r.pixels - truth)[scene.soft].mean() for r in (clean, kept))
    assert clean_error < 0.25 * kept_error


def test_exact_where_the_matte_is_empty_or_full() -> None:
    scene = disc()
    pixels = (scene.seen * 255 + 0.5).astype(np.uint8)
    result, _ = delivered(Picture(pixels), scene.mask, Delivery(background=Background("colour", (9, 8, 7))))
    assert np.array_equal(result.pixels[scene.mask == 255], pixels[scene.mask == 255])
    assert (result.pixels[scene.mask == 0] == (9, 8, 7)).all()


@pytest.mark.parametrize("dtype", [np.uint16, np.float16, np.float32])
def test_deep_cut_outs_are_clean_and_deep(dtype: type) -> None:
    scene = disc()
    top = np.iinfo(dtype).max if dtype == np.uint16 else 1
    pixels = (scene.seen * top).astype(dtype)
    result, _ = delivered(Picture(pixels), scene.mask.astype(np.uint16) * 257, Delivery())
    assert result.pixels.dtype == dtype
    values = result.pixels.astype(np.float32) / top
    wrong = (values[..., :3] - scene.foreground) * scene.alpha[..., None]
    assert np.abs(wrong).max() < 0.03


def test_a_background_picture_is_converted_from_its_own_profile() -> None:
    wide = imagecodecs.cms_profile("adobergb")
    green = Picture(np.full((40, 40, 3), (0, 255, 0), np.uint8), icc=wide)
    half = Picture(np.full((40, 40, 3), (90, 160, 90), np.uint8), icc=wide)
    blank = Picture(np.zeros((60, 80, 3), np.uint8))
    for image in (green, half):
        result, _ = delivered(blank, NOTHING, Delivery(background=Background("image", image=image)))
        expected = imagecodecs.cms_transform(
            image.pixels, wide, imagecodecs.cms_profile("srgb"), colorspace="rgb", outcolorspace="rgb"
        )
        assert np.abs(result.pixels[30, 40].astype(int) - expected[0, 0]).max() <= 2


def test_a_deep_background_picture_keeps_its_depth_behind_a_deep_subject() -> None:
    ramp = np.linspace(20000, 20400, 320).astype(np.uint16)
    image = Picture(np.tile(ramp[None, :, None], (240, 1, 3)))
    blank = Picture(np.zeros((240, 320, 3), np.uint16))
    result, _ = delivered(
        blank, np.zeros((240, 320), np.uint16), Delivery(background=Background("image", image=image))
    )
    assert np.array_equal(result.pixels, image.pixels)


def test_a_translucent_background_picture_lies_on_white() -> None:
    half = Picture(np.full((30, 30, 4), (0, 0, 0, 128), np.uint8), has_alpha=True)
    result, _ = delivered(
        Picture(np.zeros((60, 80, 3), np.uint8)),
        NOTHING,
        Delivery(background=Background("image", image=half)),
    )
    assert np.abs(result.pixels.astype(int) - 127).max() <= 1


def test_a_blurred_background_goes_with_a_frame() -> None:
    mask = disc_mask(300, 300, (150, 150), 80)
    delivery = Delivery(preset="google", background=Background("blur"))
    result, _ = delivered(Picture(on_ground(mask)), mask, delivery)
    corner = result.pixels[2, 2].astype(int)
    assert np.abs(corner - (215, 205, 190)).max() < 25
    assert corner[0] - corner[1] < 60  # nothing of the red subject


def test_what_is_no_background_is_refused() -> None:
    for text in ("no-such-colour", "/no/such/file.png"):
        with pytest.raises(BadOption, match="neither"):
            parse_background(text, lambda _text: None)
