"""Which subjects a box or points mean, on alphas whose blocks are known."""

import numpy as np

from matted.matting.meant import meant_by_box, meant_by_points


def blocks() -> np.ndarray:
    """A large block left, a smaller one right, 200 x 100."""
    alpha = np.zeros((100, 200), np.float32)
    alpha[20:80, 20:90] = alpha[40:60, 140:170] = 1
    return alpha


def test_a_box_takes_what_lies_mostly_in_it():
    meant = meant_by_box(blocks(), (130, 30, 180, 70))
    assert meant.alpha[50, 150] == 1
    assert not meant.alpha[:, :100].any()


def test_a_box_a_little_too_tight_does_not_cut_off_the_edge():
    meant = meant_by_box(blocks(), (24, 24, 86, 76))
    assert meant.alpha[50, 21] > 0.4
    assert meant.alpha[21, 50] > 0.2
    assert meant.alpha[50, 25] == 1


def test_of_what_reaches_far_beyond_only_the_part_in_the_box_is_kept():
    meant = meant_by_box(np.ones((100, 200), np.float32), (50, 20, 100, 60))
    assert meant.alpha[40, 75] == 1
    assert not meant.alpha[:, 110:].any()
    assert not meant.alpha[70:].any()


def test_of_several_in_part_the_one_with_most_in_the_box_is_meant():
    meant = meant_by_box(blocks(), (60, 0, 145, 100))
    assert meant.alpha[50, 80] == 1
    assert not meant.alpha[:, 130:].any()


def test_a_box_around_both_means_both_and_a_point_takes_one_away():
    assert (meant_by_box(blocks(), (0, 0, 200, 100)).alpha == blocks()).all()
    meant = meant_by_box(blocks(), (0, 0, 200, 100), [(50.0, 50.0)])
    assert not meant.alpha[:, :100].any()
    assert meant.alpha[50, 150] == 1


def test_a_box_around_nothing_means_nothing():
    assert not meant_by_box(blocks(), (100, 0, 130, 30)).is_there
    assert not meant_by_box(np.zeros((100, 200), np.float32), (0, 0, 200, 100)).is_there


def test_points_take_the_subjects_they_are_on():
    meant = meant_by_points(blocks(), [(150.0, 50.0)], [])
    assert meant.alpha[50, 150] == 1
    assert not meant.alpha[:, :100].any()
    assert (meant_by_points(blocks(), [(150.0, 50.0), (30.0, 30.0)], []).alpha == blocks()).all()


def test_a_click_just_beside_an_edge_is_on_it_and_one_far_away_is_not():
    assert meant_by_points(blocks(), [(92.0, 50.0)], []).is_there
    assert not meant_by_points(blocks(), [(115.0, 50.0)], []).is_there


def test_points_that_are_not_wanted_drop_subjects():
    meant = meant_by_points(blocks(), [], [(50.0, 50.0)])
    assert not meant.alpha[:, :100].any()
    assert meant.alpha[50, 150] == 1


def test_a_wanted_and_an_unwanted_point_on_one_piece_are_said_to_be_joined():
    meant = meant_by_points(blocks(), [(30.0, 30.0)], [(150.0, 50.0), (80.0, 70.0)])
    assert meant.joined == (1,)
    assert meant.alpha[30, 30] == 1
