"""Foreground colour: no fringe on any background, exact outside the edge, alike in every depth and tile."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from known_composites import Composite, disc, hairy, over
from matted.matting import foreground
from matted.matting.foreground import Foreground, estimate_foreground

BLACK, WHITE, RED = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (1.0, 0.0, 0.0))


def bytes_of(values: np.ndarray) -> np.ndarray:
    """[0, 1] as uint8."""
    return (values * 255 + 0.5).astype(np.uint8)


def error_over(scene: Composite, colour: np.ndarray, behind: np.ndarray) -> float:
    """Mean difference in the soft edge, in 8-bit levels, to the true foreground over `behind`."""
    found, truth = over(colour, scene.alpha, behind), over(scene.foreground, scene.alpha, behind)
    return float(np.abs(found - truth)[scene.soft].mean() * 255)


@pytest.mark.parametrize("scene", [hairy(), disc()], ids=["hair", "disc"])
@pytest.mark.parametrize("behind", [BLACK, WHITE, RED], ids=["black", "white", "red"])
def test_no_fringe_of_the_old_background_on_a_new_one(scene: Composite, behind: tuple[float, ...]) -> None:
    seen = bytes_of(scene.seen)
    plain = np.broadcast_to(np.float32(behind), scene.foreground.shape)
    clean = estimate_foreground(seen, scene.mask) / np.float32(255)
    kept = error_over(scene, seen / np.float32(255), plain)
    assert error_over(scene, clean, plain) < 0.25 * kept


@pytest.mark.parametrize("scene", [hairy(), disc()], ids=["hair", "disc"])
def test_over_its_own_background_the_picture_comes_back(scene: Composite) -> None:
    seen = bytes_of(scene.seen)
    clean = estimate_foreground(seen, scene.mask) / np.float32(255)
    back = over(clean, scene.alpha, scene.background)
    assert np.abs(back - scene.seen)[scene.soft].mean() * 255 < 3
    assert abs((back - scene.seen)[scene.soft].mean()) * 255 < 1  # neither darker nor lighter


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_in_every_depth_the_colour_is_found_and_sure_pixels_stay_exact(dtype: type, channels: int) -> None:
    scene = disc(channels=channels)
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    seen = (scene.seen * top).astype(dtype)
    clean = estimate_foreground(seen, scene.mask)
    assert clean.dtype == dtype
    assert np.array_equal(clean[~scene.soft], seen[~scene.soft])
    wrong = (clean.astype(np.float32) / top - scene.foreground) * scene.alpha[..., None]
    assert np.abs(wrong).max() < 0.03


def test_light_beyond_white_stays_in_proportion() -> None:
    scene = disc()
    once = estimate_foreground(scene.seen, scene.mask)
    brighter = estimate_foreground(scene.seen * np.float32(40), scene.mask)
    assert np.abs(brighter / 40 - once).max() < 1e-4


def test_missing_and_infinite_values_stay_where_they_are() -> None:
    scene = disc()
    seen = scene.seen.copy()
    seen[0, 0], seen[80, 80] = np.nan, np.inf
    clean = estimate_foreground(seen, scene.mask)
    assert np.isnan(clean[0, 0]).all()
    assert np.isinf(clean[80, 80]).all()
    assert np.isfinite(clean[scene.soft]).all()


@pytest.mark.parametrize("mask_dtype", [np.uint8, np.uint16])
def test_a_hard_mask_gives_back_the_picture_itself(mask_dtype: type) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (300, 500, 3)).astype(np.uint8)
    mask = np.zeros((300, 500), mask_dtype)
    mask[50:200, 100:400] = np.iinfo(mask_dtype).max
    assert np.shares_memory(Foreground(pixels, mask).rows(slice(0, 300)), pixels)


@pytest.mark.parametrize("step", [1, 37, 174, 1000])
def test_strips_of_any_height_give_the_same(step: int) -> None:
    scene = hairy(300)
    seen = bytes_of(scene.seen)
    whole = estimate_foreground(seen, scene.mask).astype(int)
    parts = Foreground(seen, scene.mask)
    rows = [parts.rows(slice(top, min(top + step, 300))) for top in range(0, 300, step)]
    assert np.abs(np.concatenate(rows).astype(int) - whole).max() <= 1


def test_the_size_of_tiles_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = hairy(400)
    seen = bytes_of(scene.seen)
    monkeypatch.setattr(foreground, "GRID_SIDE", 60)  # cells of 8 px, as in a large picture
    usual = estimate_foreground(seen, scene.mask).astype(int)
    monkeypatch.setattr(foreground, "TILE", 64)
    assert np.abs(estimate_foreground(seen, scene.mask).astype(int) - usual).max() <= 1


def test_a_mirrored_picture_gives_the_mirrored_colours() -> None:
    scene = hairy(256)
    seen = bytes_of(scene.seen)
    straight = estimate_foreground(seen, scene.mask).astype(int)
    mirrored = estimate_foreground(seen[:, ::-1].copy(), scene.mask[:, ::-1].copy())[:, ::-1].astype(int)
    assert np.abs(straight - mirrored).max() <= 1


def test_what_is_transparent_already_is_neither_changed_nor_learnt_from() -> None:
    scene = disc()
    seen = bytes_of(scene.seen)
    seen[:, :40] = (0, 0, 255)  # colours nobody sees
    opacity = np.full(scene.mask.shape, 255, np.uint8)
    opacity[:, :40] = 0
    clean = estimate_foreground(seen, scene.mask, opacity=opacity)
    assert np.array_equal(clean[:, :40], seen[:, :40])
    wrong = (clean / np.float32(255) - scene.foreground) * scene.alpha[..., None]
    assert np.abs(wrong[:, 40:]).max() < 0.03


def test_an_alpha_that_reaches_too_far_brings_less_background_in() -> None:
    scene = disc()
    seen, wide = bytes_of(scene.seen), cv2.GaussianBlur(scene.mask, (0, 0), 3)
    share, soft = wide[..., None] / 255, (wide > 0) & (wide < 255)
    kept = np.abs(share * (seen / 255 - scene.foreground))[soft].mean()
    clean = np.abs(share * (estimate_foreground(seen, wide) / 255 - scene.foreground))[soft].mean()
    assert clean < 0.6 * kept


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40), width=st.integers(1, 40), level=st.integers(0, 255), seed=st.integers(0, 99)
)
def test_any_size_and_any_alpha_stays_within_range(height: int, width: int, level: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    mask = np.full((height, width), level, np.uint8)
    clean = estimate_foreground(pixels, mask)
    assert clean.shape == pixels.shape
    if level in (0, 255):
        assert np.array_equal(clean, pixels)


def test_a_constant_picture_stays_constant() -> None:
    pixels = np.full((90, 120, 3), (12, 200, 90), np.uint8)
    mask = np.random.default_rng(2).integers(0, 256, (90, 120)).astype(np.uint8)
    assert np.abs(estimate_foreground(pixels, mask).astype(int) - pixels).max() <= 1


def test_blocks_that_are_sure_as_a_whole_are_learnt_from_like_all_others() -> None:
    scene = disc(side=600)
    noise = np.random.default_rng(1).normal(0, 0.2, scene.seen.shape)
    seen = bytes_of(np.clip(scene.seen + noise, 0, 1))
    opaque = np.full(scene.mask.shape, 255, np.uint8)  # with it, every pixel is weighed by itself
    one_by_one = estimate_foreground(seen, scene.mask, opacity=opaque)
    found = estimate_foreground(seen, scene.mask)
    assert np.abs(found.astype(int) - one_by_one).max() <= 1
