"""Parts of pictures and where their alpha belongs: to a fraction of a pixel, for any size and place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matted.imaging.picture import Picture
from matted.inference.crops import MOST_SIDE_PX, Frame, laid, plane_shape


def test_a_frame_has_its_margin_and_stays_in_the_picture():
    assert Frame.around((100, 100, 200, 150), (400, 300), 0.1) == Frame(90, 95, 210, 155)
    assert Frame.around((0, 250, 50, 300), (400, 300), 0.5) == Frame(0, 225, 75, 300)


def test_a_small_frame_at_the_border_is_moved_not_cut():
    assert Frame.around((2, 2, 4, 4), (400, 300), 0, 32) == Frame(0, 0, 32, 32)
    assert Frame.around((399, 299, 399, 299), (400, 300), 0, 32) == Frame(368, 268, 400, 300)
    assert Frame.around((5, 5, 6, 6), (20, 10), 0, 32) == Frame(0, 0, 20, 10)


def test_a_part_of_a_picture_keeps_what_the_picture_is():
    pixels = np.arange(4 * 6 * 2, dtype=np.uint16).reshape(4, 6, 2)
    part = Frame(1, 2, 5, 4).cut(Picture(pixels, space="gray", has_alpha=True, icc=b"profile"))
    assert np.array_equal(part.pixels, pixels[2:4, 1:5])
    assert (part.space, part.has_alpha, part.icc, part.full_size) == ("gray", True, b"profile", (4, 2))


def test_a_plane_is_as_fine_as_the_finest_look_but_no_finer_than_the_picture():
    look = np.zeros((320, 320), np.float32)
    assert plane_shape((4000, 2000), [(look, Frame(0, 0, 4000, 2000)), (look, Frame(0, 0, 1000, 500))]) == (
        1280,
        1280,
    )
    assert plane_shape((400, 300), [(look, Frame(0, 0, 100, 100))]) == (300, 400)
    assert max(plane_shape((9000, 9000), [(look, Frame(0, 0, 200, 200))])) == MOST_SIDE_PX


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(40, 900), st.integers(40, 900)),
    side=st.integers(20, 90),
    corner=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    share=st.tuples(st.floats(0.2, 1), st.floats(0.2, 1)),
    rows=st.integers(30, 400),
)
def test_a_part_lands_where_it_was_taken(size, side, corner, share, rows):
    """A look whose values are the picture's own coordinates shows any shift."""
    width, height = (max(8, int(n * s)) for n, s in zip(size, share, strict=True))
    left, top = (int((n - m) * c) for n, m, c in zip(size, (width, height), corner, strict=True))
    frame = Frame(left, top, left + width, top + height)
    across = (np.arange(side, dtype=np.float32) + 0.5) * width / side + left
    look = np.broadcast_to(across / size[0], (side, side)).copy()
    shape = (rows, rows)
    (down, right), values = laid(look, frame, size, shape)
    assert values.shape == (down.stop - down.start, right.stop - right.start)
    centres = (np.arange(right.start, right.stop) + 0.5) / rows
    step = max(width / side, size[0] / rows) / size[0]
    inside = (centres > left / size[0] + 1.5 * step) & (centres < (left + width) / size[0] - 1.5 * step)
    assert (
        np.abs(values[:, inside] - centres[inside]).max(initial=0) < step / 12
    )  # OpenCV places to 1/32 pixel


@pytest.mark.parametrize("side", [1, 7])
def test_a_part_smaller_than_a_pixel_of_the_plane_still_lands(side):
    (down, right), values = laid(np.ones((side, side), np.float32), Frame(3, 3, 5, 5), (1000, 1000), (64, 64))
    assert values.shape == (down.stop - down.start, right.stop - right.start) == (1, 1)
