"""Shadows: cast where they are asked to be, kept where they were, and none made up."""

import numpy as np
import pytest

from matted.compose.background import Background
from matted.compose.contact import contact_shadow
from matted.compose.style import Shadow
from matted.delivery import Delivery
from matted.errors import BadOption
from matted.imaging.picture import Picture
from scenes import delivered, disc_mask, foot_shadow, on_ground

WHITE = Background("colour", (255, 255, 255))
MASK = disc_mask(300, 400, (120, 180), 60)
PICTURE = Picture(on_ground(MASK))
HARD = Shadow(right_percent=10, down_percent=5, blur_percent=0, opacity=0.5)


def test_a_hard_shadow_is_the_subject_moved() -> None:
    result, _ = delivered(PICTURE, MASK, Delivery(background=WHITE, shadow=HARD))
    moved = disc_mask(300, 400, (140, 220), 60)
    only = (moved == 255) & (MASK == 0)
    assert np.abs(result.pixels[only].astype(int) - 128).max() <= 1
    assert (result.pixels[(moved == 0) & (MASK == 0)] == 255).all()


@pytest.mark.parametrize("blur_percent", [0.5, 2.0, 6.0])
def test_a_soft_shadow_keeps_its_weight_and_its_place(blur_percent: float) -> None:
    shadow = Shadow(right_percent=10, down_percent=5, blur_percent=blur_percent, opacity=0.5)
    wide = Picture(np.zeros((600, 800, 3), np.uint8))
    mask = disc_mask(600, 800, (280, 350), 40)
    result, _ = delivered(wide, mask, Delivery(shadow=shadow, format="png"))
    alpha = result.pixels[..., 3].astype(float) / 255
    share = mask / 255
    cast = (alpha - share) / np.maximum(1 - share, 1e-3)
    cast[share > 0.5] = 0
    y, x = np.mgrid[0:600, 0:800]
    away = np.hypot(y - 320, x - 430)  # the middle of the shadow
    assert cast[away > 40 + 4 * 8 * blur_percent].max() < 0.01
    assert (result.pixels[..., :3] == 0).all()
    if blur_percent == 2.0:
        assert cast[315:325, 425:435].mean() == pytest.approx(
            0.5 * (1 - np.exp(-(40**2) / (2 * 16**2))), abs=0.03
        )


def test_the_subject_itself_is_untouched_by_its_shadow() -> None:
    with_shadow, _ = delivered(PICTURE, MASK, Delivery(shadow=Shadow()))
    without, _ = delivered(PICTURE, MASK, Delivery())
    full = MASK == 255
    assert np.array_equal(with_shadow.pixels[full], without.pixels[full])
    assert (with_shadow.pixels[..., 3] >= without.pixels[..., 3]).all()


def test_a_transparent_shadow_looks_on_white_as_if_cast_there() -> None:
    free, _ = delivered(PICTURE, MASK, Delivery(shadow=Shadow(colour="#102040")))
    there, _ = delivered(PICTURE, MASK, Delivery(shadow=Shadow(colour="#102040"), background=WHITE))
    alpha = free.pixels[..., 3:] / 255
    on_white = free.pixels[..., :3] * alpha + 255 * (1 - alpha)
    assert np.abs(on_white - there.pixels).max() <= 2


def test_a_gray_picture_with_a_black_shadow_stays_gray_and_with_a_blue_one_does_not() -> None:
    gray = Picture(on_ground(MASK)[..., :1].copy(), space="gray")
    assert delivered(gray, MASK, Delivery(shadow=Shadow()))[0].space == "gray"
    assert delivered(gray, MASK, Delivery(shadow=Shadow(colour="blue")))[0].space == "rgb"


def test_in_linear_light_a_shadow_looks_as_dark() -> None:
    mask = MASK.astype(np.uint16) * 257
    shadow = Shadow(right_percent=10, down_percent=5, blur_percent=0, opacity=0.5)
    linear = Picture(np.full((300, 400, 3), 0.5, np.float32), linear=True)
    result, _ = delivered(linear, mask, Delivery(shadow=shadow, background=WHITE))
    light = float(result.pixels[140, 270, 0])
    assert 1.055 * light ** (1 / 2.4) - 0.055 == pytest.approx(0.5, abs=0.01)


def test_the_natural_shadow_is_kept_about_as_dark_as_it_was() -> None:
    shade = foot_shadow(MASK)
    picture = Picture(on_ground(MASK, shade))
    found = contact_shadow(picture, MASK)
    assert found is not None
    outside = (MASK == 0) & (shade > 0.1)
    assert np.abs(found - shade)[outside].mean() < 0.05
    assert found[:100, 300:].max() < 0.02  # the even ground stays clean
    result, notices = delivered(picture, MASK, Delivery(background=WHITE, keep_shadow=True))
    assert notices == ()
    darkness = 1 - result.pixels[..., 0] / 255
    assert np.abs(darkness - shade)[outside].mean() < 0.05
    assert (result.pixels[10:20, 10:20] == 255).all()


def test_the_kept_shadow_goes_on_below_the_soft_edge() -> None:
    shade = foot_shadow(MASK, strength=0.6)
    found = contact_shadow(Picture(on_ground(MASK, shade)), MASK)
    assert found is not None
    edge = (MASK > 20) & (MASK < 235) & (shade > 0.25)
    assert np.abs(found - shade)[edge].mean() < 0.15


@pytest.mark.parametrize("noise", [1.0, 4.0])
def test_without_a_shadow_none_is_made_up(noise: float) -> None:
    picture = Picture(on_ground(MASK, noise=noise))
    assert contact_shadow(picture, MASK) is None
    plain, _ = delivered(picture, MASK, Delivery(background=WHITE))
    kept, notices = delivered(picture, MASK, Delivery(background=WHITE, keep_shadow=True))
    assert [notice.code for notice in notices] == ["no-shadow-found"]
    assert np.array_equal(plain.pixels, kept.pixels)


def test_an_uneven_ground_or_no_subject_gives_no_shadow() -> None:
    random = np.random.default_rng(3)
    busy = np.kron(random.integers(20, 240, (30, 40, 3)), np.ones((10, 10, 1))).astype(np.uint8)
    assert contact_shadow(Picture(busy), MASK) is None
    assert contact_shadow(PICTURE, np.zeros_like(MASK)) is None
    assert contact_shadow(PICTURE, np.full_like(MASK, 255)) is None


def test_a_dark_patch_that_is_no_shadow_is_left_out() -> None:
    shade = np.zeros(MASK.shape, np.float32)
    shade[220:260, 330:370] = 0.6  # beside the subject, not joined to it
    assert contact_shadow(Picture(on_ground(MASK, shade)), MASK) is None
    stained = on_ground(MASK, foot_shadow(MASK, strength=0.0))
    blue = foot_shadow(MASK, strength=0.8)[..., None] * np.array([1.0, 0.6, 0.0])
    stained = (stained * (1 - blue)).astype(np.uint8)  # another hue: a stain, not a shadow
    found = contact_shadow(Picture(stained), MASK)
    assert found is None or found[(MASK == 0)].max() < 0.2


@pytest.mark.parametrize(
    "wrong", [{"blur_percent": -1}, {"opacity": 2}, {"right_percent": 90}, {"colour": "no such"}]
)
def test_a_shadow_out_of_range_is_refused(wrong: dict) -> None:
    with pytest.raises(BadOption):
        Shadow(**wrong)
