"""Islands and holes go by their exact size, across strips and at any depth; the rest stays to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matted.matting.pieces import drop_islands, fill_holes
from matting.shapes import DTYPES, as_dtype, disc, planes


def blocks(*sizes: int) -> np.ndarray:
    """Rows of squares of these sides, 1 on 0, each alone."""
    alpha = np.zeros((sum(sizes) + 30 * (len(sizes) + 1), max(sizes) + 60), np.float32)
    top = 30
    for side in sizes:
        alpha[top : top + side, 30 : 30 + side] = 1
        top += side + 30
    return alpha


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("pixels", "left"), [(0, 3), (1, 3), (25, 3), (26, 2), (100, 2), (101, 1), (10**6, 0)]
)
def test_islands_of_fewer_pixels_go(dtype: type, pixels: int, left: int) -> None:
    made = drop_islands(as_dtype(blocks(5, 10, 40), dtype), pixels)
    assert [int(made[32, 32] > 0), int(made[67, 32] > 0), int(made[110, 32] > 0)].count(1) == left


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("pixels", "left"), [(0, 3), (1, 3), (25, 3), (26, 2), (101, 1), (10**6, 0)])
def test_holes_of_fewer_pixels_are_filled(dtype: type, pixels: int, left: int) -> None:
    made = fill_holes(as_dtype(1 - blocks(5, 10, 40), dtype), pixels)
    assert [int(made[32, 32] == 0), int(made[67, 32] == 0), int(made[110, 32] == 0)].count(1) == left


def test_what_touches_the_frame_is_no_hole() -> None:
    alpha = np.ones((60, 60), np.float32)
    alpha[:4, 10:14] = alpha[30:33, :5] = alpha[20:24, 55:] = alpha[57:, 40:43] = 0
    assert np.array_equal(fill_holes(alpha, 10**6), alpha)


def test_corners_join_islands_but_not_holes() -> None:
    alpha = np.zeros((40, 40), np.float32)
    alpha[10:14, 10:14] = alpha[14:18, 14:18] = 1
    assert np.array_equal(drop_islands(alpha, 20), alpha)
    holes = 1 - alpha
    assert (fill_holes(holes, 20) == 1).all()


def test_a_piece_that_many_strips_share_is_one() -> None:
    alpha = np.zeros((3000, 900), np.uint8)
    alpha[5:2995, 450] = 255  # 2990 pixels, through every strip
    alpha[5:2995:2, 200] = 255
    alpha[6:2995:2, 201] = 255  # a diagonal chain
    alpha[1000:1004, 700:704] = 255
    made = drop_islands(alpha, 2990)
    assert np.array_equal(made[:, 150:500], alpha[:, 150:500])
    assert not made[:, 600:].any()
    assert not drop_islands(alpha, 2991).any()


def test_the_softness_around_a_piece_goes_with_it_and_its_neighbours_stays() -> None:
    big, small = disc(200, 300, x=90, y=100, radius=60), disc(200, 300, x=200, y=100, radius=12)
    haze = np.full((200, 300), 0.03, np.float32)
    alpha = np.maximum(np.maximum(big, small), haze)
    made = drop_islands(alpha, 1000)
    beside = (np.hypot(*(np.mgrid[0:200, 0:300] - np.array([100, 200])[:, None, None])) < 15) & (big < 0.05)
    assert not made[beside].any()
    assert np.array_equal(made[:, :150], alpha[:, :150])
    soft_hole = np.clip(1.2 - disc(200, 300, x=90, y=100, radius=6), 0, 1)
    soft_hole[95:105, 80] = 0.8
    assert (fill_holes(soft_hole, 1000)[90:110, 84:96] == 1).all()


def test_a_soft_bridge_makes_it_no_island() -> None:
    alpha = np.zeros((60, 100), np.float32)
    alpha[20:40, 10:30] = alpha[28:32, 60:64] = 1
    alpha[30, 30:60] = 0.1
    assert np.array_equal(drop_islands(alpha, 100), alpha)


@given(planes(60), st.integers(0, 60), st.sampled_from([drop_islands, fill_holes]))
@settings(max_examples=40, deadline=None)
def test_once_is_as_good_as_twice_and_nothing_else_changes(alpha: np.ndarray, pixels: int, change) -> None:
    before = alpha.copy()
    once = change(alpha, pixels)
    assert np.array_equal(alpha, before)
    assert (once.dtype, once.shape) == (alpha.dtype, alpha.shape)
    end = 0 if change is drop_islands else (1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max)
    assert (once[once != alpha] == end).all()
    assert np.array_equal(change(once, pixels), once)
