"""Level fine: hair found at full resolution, what is known kept, no trace of tiles, any picture."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matted.matting.fine import fine_upsample
from matted.matting.trimap import trimap
from matted.matting.upsample import guided_upsample, upsample


def hairy(height: int, width: int, *, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A disc with thin hairs on a backdrop of another colour: truth (H, W) and colour (H, W, 3)."""
    random = np.random.default_rng(seed)
    figure = np.zeros((2 * height, 2 * width), np.uint8)
    centre, radius = (width, height), int(min(height, width) * 0.5)
    cv2.circle(figure, centre, radius, 255, -1)
    for angle in random.uniform(0, 2 * np.pi, 160):
        length = radius * random.uniform(1.05, 1.3)
        tip = (int(centre[0] + length * np.cos(angle)), int(centre[1] + length * np.sin(angle)))
        cv2.line(figure, centre, tip, 255, 2, cv2.LINE_AA)
    truth = cv2.resize(figure, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    inside = np.dstack([150 + x / width * 40, 90 + y / height * 30, 60 + 0 * x])
    outside = np.dstack([60 + y / height * 30, 120 + x / width * 40, 170 + 0 * x])
    colour = outside + truth[..., None] * (inside - outside) + random.normal(0, 2, (height, width, 3))
    return truth, np.clip(colour + 0.5, 0, 255).astype(np.uint8)


def coarse_of(truth: np.ndarray, side: int = 80) -> np.ndarray:
    """What a model at low resolution would say: reduced and a little blurred."""
    return cv2.GaussianBlur(cv2.resize(truth, (side, side), interpolation=cv2.INTER_AREA), (0, 0), 1)


def off(mask: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(mask / np.iinfo(mask.dtype).max - truth).sum())


def test_hair_comes_back() -> None:
    truth, colour = hairy(700, 900)
    coarse = coarse_of(truth)
    fine, fast = fine_upsample(coarse, colour), guided_upsample(coarse, colour)
    assert off(fine, truth) < 0.4 * off(fast, truth)
    assert off(fine, truth) < 0.2 * off(upsample(coarse, 900, 700), truth)


@pytest.mark.parametrize("dtype", [np.uint16, np.float16, np.float32])
def test_deeper_pictures_give_the_same_alpha(dtype: type) -> None:
    truth, colour = hairy(600, 600)
    deep = colour.astype(np.uint16) * 257 if dtype == np.uint16 else (colour / 255).astype(dtype)
    coarse = coarse_of(truth)
    mask = fine_upsample(coarse, deep, np.uint16)
    assert mask.dtype == np.uint16
    assert np.abs(mask / 65535 - fine_upsample(coarse, colour) / 255).mean() < 2e-3


def test_a_fourth_channel_changes_nothing() -> None:
    truth, colour = hairy(600, 600)
    more = np.dstack([colour, np.full((600, 600), 7, np.uint8)])
    coarse = coarse_of(truth)
    assert np.array_equal(fine_upsample(coarse, more), fine_upsample(coarse, colour))


def test_a_gray_picture_is_solved_too() -> None:
    truth, colour = hairy(600, 600)
    coarse = coarse_of(truth)
    gray = np.ascontiguousarray(colour[..., 2:])
    assert off(fine_upsample(coarse, gray), truth) < 0.6 * off(guided_upsample(coarse, gray), truth)


def test_known_pixels_stay_known() -> None:
    truth, colour = hairy(1100, 900)
    coarse = coarse_of(truth)
    mask, marks = fine_upsample(coarse, colour), trimap(coarse, 900, 1100)
    away = cv2.erode((marks != 128).astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    assert np.array_equal(mask[away], marks[away])
    assert (marks == 128).mean() < 0.4


@pytest.mark.parametrize("tile", [64, 128, 1024])
def test_the_size_of_tiles_leaves_no_trace(tile: int) -> None:
    truth, colour = hairy(1100, 900)
    coarse = coarse_of(truth)
    usual, other = (
        fine_upsample(coarse, colour, np.uint16),
        fine_upsample(coarse, colour, np.uint16, tile=tile),
    )
    difference = np.abs(usual.astype(int) - other)
    assert difference.max() <= 0.002 * 65535
    assert difference.mean() < 1


def test_the_number_of_threads_changes_nothing() -> None:
    truth, colour = hairy(1100, 900)
    coarse = coarse_of(truth)
    assert np.array_equal(fine_upsample(coarse, colour, workers=1), fine_upsample(coarse, colour, workers=4))


@pytest.mark.parametrize("turn", [np.flipud, np.fliplr], ids=["upside down", "mirrored"])
def test_a_flipped_picture_has_the_flipped_alpha(turn: Callable[[np.ndarray], np.ndarray]) -> None:
    truth, colour = hairy(1024, 1536)
    coarse = coarse_of(truth)
    mask = fine_upsample(coarse, colour)
    flipped = fine_upsample(np.ascontiguousarray(turn(coarse)), np.ascontiguousarray(turn(colour)))
    assert np.abs(turn(flipped).astype(int) - mask).mean() < 0.02
    assert np.abs(turn(flipped).astype(int) - mask).max() <= 8


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_one_colour_keeps_the_coarse_edge(value: int) -> None:
    truth, _ = hairy(600, 600)
    coarse = coarse_of(truth)
    mask = fine_upsample(coarse, np.full((600, 600, 3), value, np.uint8))
    plain = upsample(coarse, 600, 600)
    assert np.abs(mask.astype(int) - plain).mean() < 8


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_where_nothing_is_unsure_nothing_is_solved(value: float) -> None:
    colour = np.random.default_rng(3).integers(0, 256, (90, 70, 3), np.uint8)
    assert np.unique(fine_upsample(np.full((20, 20), value, np.float32), colour)).tolist() == [value * 255]


def test_a_large_soft_area_keeps_its_values() -> None:
    coarse = np.zeros((100, 100), np.float32)
    coarse[20:80, 20:80] = 0.4
    colour = np.random.default_rng(4).integers(0, 256, (600, 600, 3), np.uint8)
    mask = fine_upsample(coarse, colour)
    middle = mask[200:400, 200:400] / 255
    assert np.abs(middle - 0.4).mean() < 0.03


def test_a_cancelled_job_stops() -> None:
    truth, colour = hairy(1100, 900)
    coarse = coarse_of(truth)
    asked = []

    def stop() -> bool:
        asked.append(True)
        return True

    mask = fine_upsample(coarse, colour, cancelled=stop)
    assert mask.shape == truth.shape
    assert off(mask, truth) > off(fine_upsample(coarse, colour), truth)
    assert asked


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 1100),
    channels=st.sampled_from([1, 2, 3, 4]),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float16, np.float32]),
    side=st.integers(1, 40),
    seed=st.integers(0, 2**16),
)
def test_any_picture_gives_a_mask_of_its_own_size(
    height: int, width: int, channels: int, dtype: type, side: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 4
    colour = (rng.random((height, width, channels)) * top).astype(dtype)
    coarse = rng.random((side, side)).astype(np.float32)
    with np.errstate(all="raise", under="ignore"):
        mask = fine_upsample(coarse, colour)
    assert mask.shape == (height, width)
