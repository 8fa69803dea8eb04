"""Subjects are told apart, measured, ordered; their mattes add up to the whole."""

import numpy as np
import pytest
from hypothesis import given, settings

from matted.matting.subjects import Subjects
from matting.shapes import DTYPES, as_dtype, disc, planes


def two(height: int = 400, width: int = 600) -> np.ndarray:
    """A large disc left, a smaller one right."""
    big = disc(height, width, x=180, y=200, radius=120)
    return np.maximum(big, disc(height, width, x=460, y=210, radius=80))


@pytest.mark.parametrize("dtype", DTYPES)
def test_two_subjects_are_told_apart_the_larger_first(dtype: type) -> None:
    found = Subjects.of(as_dtype(two(), dtype))
    first, second = found.all
    assert (first.number, second.number) == (1, 2)
    assert np.abs(np.subtract(first.box, (60, 80, 300, 320))).max() <= 1
    assert np.abs(np.subtract(second.box, (380, 130, 540, 290))).max() <= 1
    assert first.area_px == pytest.approx(np.pi * 120**2, rel=0.01)
    assert second.share == pytest.approx(np.pi * 80**2 / 240_000, rel=0.01)
    assert first.confidence > 0.95
    assert first.at == pytest.approx((180, 200), abs=3)


def test_boxes_are_in_the_pictures_own_pixels() -> None:
    large = np.kron(two(), np.ones((6, 6), np.float32))  # 3600 x 2400
    assert np.abs(np.subtract(Subjects.of(large).all[0].box, (360, 480, 1800, 1920))).max() <= 12


def test_a_point_names_the_subject_at_it_or_nearest_to_it() -> None:
    found = Subjects.of(two())
    assert [found.at(x, y) for x, y in [(180, 200), (460, 210), (310, 200), (599, 0), (-50, 9999)]] == [
        *(1, 2, 1, 2, 1)
    ]


def test_small_parts_belong_to_the_subject_beside_them() -> None:
    alpha = two()
    alpha[150:160, 305:315] = 1  # beside the larger one
    found = Subjects.of(alpha)
    assert len(found.all) == 2
    assert found.matte(alpha, (1,))[155, 310] == 1


def test_a_soft_link_makes_a_smaller_piece_a_part_but_not_an_equal_one() -> None:
    alpha = two()
    alpha[195:205, 290:390] = np.maximum(alpha[195:205, 290:390], 0.3)
    assert len(Subjects.of(alpha).all) == 2  # nearly half as large: somebody else
    linked = np.maximum(disc(400, 600, x=180, y=200, radius=150), disc(400, 600, x=460, y=210, radius=50))
    assert len(Subjects.of(linked).all) == 2
    linked[195:205, 290:430] = np.maximum(linked[195:205, 290:430], 0.3)
    assert len(Subjects.of(linked).all) == 1


@pytest.mark.parametrize("value", [0.0, 0.4])
def test_without_a_clear_subject_there_is_none(value: float) -> None:
    found = Subjects.of(np.full((50, 70), value, np.float32))
    assert found.all == ()
    assert found.at(10, 10) == found.largest() == 0


def test_the_largest_within_a_limit() -> None:
    found = Subjects.of(two())
    limit = np.zeros((400, 600), np.uint8)
    assert found.largest() == 1
    assert found.largest(limit) == 0
    limit[:, 350:] = 255
    assert found.largest(limit) == 2


def test_a_crowd_is_counted_up_to_a_bound_and_nobody_is_lost() -> None:
    alpha = np.zeros((600, 600), np.float32)
    for y in range(10, 590, 40):
        for x in range(10, 590, 40):
            alpha[y : y + 20, x : x + 20] = 1
    found = Subjects.of(alpha)
    assert len(found.all) == 64
    assert np.array_equal(found.matte(alpha, tuple(range(1, 65))), alpha)


@given(planes(60))
@settings(max_examples=40, deadline=None)
def test_the_mattes_of_all_subjects_add_up_to_the_whole(alpha: np.ndarray) -> None:
    found = Subjects.of(alpha)
    numbers = [subject.number for subject in found.all]
    assert numbers == list(range(1, len(numbers) + 1))
    areas = [subject.area_px for subject in found.all]
    assert areas == sorted(areas, reverse=True)
    for subject in found.all:
        left, top, right, bottom = subject.box
        assert 0 <= left < right <= alpha.shape[1]
        assert 0 <= top < bottom <= alpha.shape[0]
        assert 0 <= subject.confidence <= 1
        assert found.at(*subject.at) == subject.number
    if found.all:
        parts = [found.matte(alpha, (number,)) for number in numbers]
        assert np.array_equal(np.sum(parts, axis=0).astype(alpha.dtype), alpha)


def test_a_preview_is_divided_as_the_whole_is() -> None:
    large = np.kron(two(), np.ones((4, 4), np.float32))
    found = Subjects.of(large)
    part = found.matte(two(), (2,))
    assert not part[:, :320].any()
    assert np.array_equal(part[:, 340:], two()[:, 340:])
