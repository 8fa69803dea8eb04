"""Arithmetic on masks agrees with numpy's, pixel by pixel."""

from types import ModuleType

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

bytes_of = st.binary(min_size=1, max_size=300)


def test_strokes_stay_and_the_rest_is_made_anew(planes: ModuleType):
    @given(bytes_of, st.integers(0, 2**32 - 1))
    def check(made: bytes, seed: int) -> None:
        random = np.random.default_rng(seed)
        before = random.integers(0, 256, len(made), np.uint8)
        painted = np.where(random.random(len(made)) < 0.5, before, random.integers(0, 256, len(made)))
        painted = painted.astype(np.uint8)
        expected = np.where(painted != before, painted, np.frombuffer(made, np.uint8))
        assert planes.with_strokes(made, before.tobytes(), painted.tobytes()) == expected.tobytes()

    check()


def test_long_planes_are_worked_on_in_pieces(planes: ModuleType):
    size = 1_300_000
    before, painted = bytearray(size), bytearray(size)
    painted[700_000], painted[-1] = 9, 8
    found = planes.with_strokes(bytes([5]) * size, bytes(before), bytes(painted))
    assert (found[700_000], found[-1], found[0], found.count(5)) == (9, 8, 5, size - 2)


def test_a_guide_keeps_removes_and_marks(planes: ModuleType):
    mask = bytes([10, 20, 30, 40, 50])
    gray = bytes([255, 0, 128, 255, 128])
    alpha = bytes([255, 255, 255, 0, 20])
    painted, unsure = planes.marked(mask, gray, alpha)
    assert list(painted) == [255, 0, 30, 40, 50]
    assert list(unsure) == [0, 0, 255, 0, 0]


def test_the_lesser_of_two_planes(planes: ModuleType):
    assert planes.lesser(bytes([3, 200, 7]), bytes([255, 100, 255])) == bytes([3, 100, 7])


def test_a_small_plane_is_made_of_the_nearest_pixels(planes: ModuleType):
    plane = np.arange(48, dtype=np.uint8).reshape(6, 8)
    assert planes.smaller(plane.tobytes(), 8, 6, 4, 3) == plane[1::2, 1::2].tobytes()
    assert planes.smaller(plane.tobytes(), 8, 6, 1, 1) == bytes([plane[3, 4]])
