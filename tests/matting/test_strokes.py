"""What counts as paint: hard cores, soft fringes, gray, a guide; and what is only rounding."""

import numpy as np
import pytest

from matted.matting.strokes import find_strokes, in_depth

MADE = np.tile(np.linspace(0, 255, 40).astype(np.uint8), (30, 1))


def painted(rows: slice, columns: slice, value: int) -> np.ndarray:
    left = MADE.copy()
    left[rows, columns] = value
    return left


def test_nothing_painted_is_no_stroke():
    assert find_strokes(MADE, MADE) is None
    assert find_strokes(MADE, MADE, np.zeros_like(MADE)) is None


@pytest.mark.parametrize("step", [-1, 1])
def test_rounding_is_no_stroke(step):
    moved = np.clip(MADE.astype(int) + step, 0, 255).astype(np.uint8)
    assert find_strokes(MADE, moved) is None


def test_a_deep_mask_that_went_through_8_bits_has_no_stroke():
    deep = np.tile(np.arange(0, 65535, 997, np.uint16), (5, 1))
    assert find_strokes(deep, (deep / 257 + 0.5).astype(np.uint8)) is None


def test_white_and_black_are_hard_and_gray_is_unsure():
    left = painted(slice(5, 10), slice(3, 8), 255)
    left[12:15, 30:35] = 0
    left[20:22, 3:6] = 128
    found = find_strokes(MADE, left)
    assert (found.rows, found.columns) == (slice(5, 22), slice(3, 35))
    assert (found.keep.sum(), found.remove.sum(), found.unsure.sum()) == (25, 15, 6)
    assert found.keep[0, 0]
    assert found.remove[7, 27]
    assert found.unsure[15, 0]


def test_only_the_core_of_a_soft_stroke_is_hard():
    made = np.zeros((9, 9), np.uint8)
    left = made.copy()
    left[3:6, 3:6] = 120
    left[4, 4] = 255
    found = find_strokes(made, left)
    assert (found.keep.sum(), found.unsure.sum()) == (1, 8)


def test_a_guide_is_unsure_but_where_a_stroke_is():
    guide = np.zeros_like(MADE)
    guide[4:8, 2:6] = 7
    found = find_strokes(MADE, painted(slice(5, 6), slice(3, 4), 255), guide)
    assert (found.keep.sum(), found.unsure.sum()) == (1, 15)


def test_a_guide_over_white_is_no_stroke():
    white = np.full((6, 6), 255, np.uint8)
    found = find_strokes(white, white, (white > 0).astype(np.float32))
    assert (found.keep.any(), found.remove.any(), found.unsure.all()) == (False, False, True)


def test_planes_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match="one size"):
        find_strokes(MADE, MADE[1:])


def test_depths_change_without_loss_of_full_scale():
    bytes_ = np.array([[0, 128, 255]], np.uint8)
    assert in_depth(bytes_, np.dtype(np.uint16)).tolist() == [[0, 128 * 257, 65535]]
    assert in_depth(np.array([[np.nan, 0.5, 2.0]], np.float32), np.dtype(np.uint8)).tolist() == [
        [0, 128, 255]
    ]


def test_strokes_far_apart_are_groups_of_their_own_and_lose_nothing():
    made = np.zeros((60, 200), np.uint8)
    left = made.copy()
    left[10:14, 5:30], left[40:44, 20:24], left[30:35, 170:190] = 255, 128, 255
    whole = find_strokes(made, left)
    groups = whole.apart(60)
    assert len(groups) == 2
    together = np.zeros(made.shape, int)
    for group in groups:
        together[group.rows, group.columns] += group.keep | group.remove | group.unsure
    assert np.array_equal(together, (left > 0).astype(int))


def test_strokes_near_each_other_stay_one_group():
    made = np.zeros((60, 200), np.uint8)
    left = made.copy()
    left[10:14, 5:30], left[30:35, 60:80] = 255, 200
    whole = find_strokes(made, left)
    assert whole.apart(60) == [whole]
