"""What a prompt may be, by itself and in a picture of a given size."""

import math

import pytest

from matted.errors import BadOption
from matted.inference.prompt import Prompt


def test_wanted_and_unwanted_points_are_told_apart():
    prompt = Prompt(points=((1, 2, 1), (3, 4, 0), (5, 6, 1)))
    assert (prompt.wanted, prompt.unwanted) == (((1, 2), (5, 6)), ((3, 4),))
    assert prompt.says_what
    assert not Prompt(points=((3, 4, 0),)).says_what


@pytest.mark.parametrize("box", [(math.nan, 0, 5, 5), (0, 0, math.inf, 5)])
def test_a_box_that_is_no_number_is_refused(box):
    with pytest.raises(BadOption, match="four numbers"):
        Prompt(box)


def test_a_point_that_is_no_number_is_refused():
    with pytest.raises(BadOption, match="must be numbers"):
        Prompt(points=((math.nan, 1, 1),))


def test_a_box_is_clipped_to_the_picture():
    assert Prompt((-10, 5, 300, 50)).within(200, 100).box == (0, 5, 200, 50)


@pytest.mark.parametrize("box", [(200, 0, 300, 50), (-50, 0, 0, 50), (0, -9, 50, -1), (0, 100, 50, 101)])
def test_a_box_beside_the_picture_is_refused(box):
    with pytest.raises(BadOption, match="lies outside the picture of 200 x 100 pixels"):
        Prompt(box).within(200, 100)


def test_a_box_of_which_next_to_nothing_is_in_the_picture_is_refused():
    with pytest.raises(BadOption, match="too small"):
        Prompt((-50, 0, 2, 50)).within(200, 100)


def test_a_tiny_picture_may_be_boxed_whole():
    assert Prompt((0, 0, 2, 2)).within(2, 2).box == (0, 0, 2, 2)


@pytest.mark.parametrize("point", [(201, 5, 1), (5, -1, 0)])
def test_a_point_beside_the_picture_is_refused(point):
    with pytest.raises(BadOption, match="lies outside the picture of 200 x 100 pixels"):
        Prompt(points=(point,)).within(200, 100)
