"""What a brush stroke does and leaves alone: it holds, spreads to the colour's edge, and no farther."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matted.matting.brush import REACH, brush_refine

PART = (slice(40, 120), slice(110, 180))  # of the object, which the mask misses
EDGES = ("none", "fast", "fine")


def scene(noise: float = 4.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An orange object on a blue ground (160, 300, 3), its true mask, and one that misses its right half."""
    truth = np.zeros((160, 300), np.uint8)
    truth[40:120, 40:180] = 255
    colour = np.where(truth[..., None] > 0, (210, 140, 60), (40, 70, 150)).astype(np.float32)
    colour = cv2.GaussianBlur(colour, (0, 0), 0.7)
    colour += np.random.default_rng(3).normal(0, noise, colour.shape)
    made = truth.copy()
    made[:, 110:] = 0
    return np.clip(colour, 0, 255).astype(np.uint8), truth, made


def stroke(made: np.ndarray, value: int, *, soft: bool = False) -> np.ndarray:
    """`made` with a stroke of a brush of 24 px across the middle of what it misses."""
    cover = np.zeros(made.shape, np.float32)
    cv2.line(cover, (125, 80), (165, 80), 1.0, 24)
    if soft:
        cover = np.minimum(1, 1.3 * cv2.GaussianBlur(cover, (0, 0), 4))
    return (made + cover * (value - made.astype(np.float32)) + 0.5).astype(np.uint8)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("edges", EDGES)
def test_white_brings_the_whole_part_to_its_edge(edges, soft):
    colour, truth, made = scene()
    found = brush_refine(made, stroke(made, 255, soft=soft), colour, edges=edges)
    missed = np.abs(truth.astype(int) - made) > 0
    assert (found[missed] > 200).mean() > 0.95
    assert np.abs(found.astype(float) - truth).sum() < 0.06 * np.abs(made.astype(float) - truth).sum()


def test_black_takes_the_whole_left_over_piece():
    colour, _, made = scene()
    ground = np.zeros_like(made)
    ground[PART] = 255  # here the object is what shall go
    found = brush_refine(ground, stroke(ground, 0), colour)
    assert (found[45:115, 120:175] < 30).mean() > 0.97
    assert made.any()


@pytest.mark.parametrize("value", [255, 0])
def test_there_is_no_dent_of_the_brushs_shape(value):
    colour, truth, made = scene()
    before = made if value else truth
    wanted = truth if value else made
    wall = colour.copy()
    if not value:
        wall[40:120, 110:180] = (90, 160, 60)  # a left-over piece of another colour
    found = brush_refine(before, stroke(before, value), wall)
    across = found[80, 100:230].astype(int) - wanted[80, 100:230]
    assert (np.abs(across) > 20).sum() <= 4  # at the edge's soft pixels


@pytest.mark.parametrize("edges", EDGES)
def test_far_from_the_strokes_nothing_changes(edges):
    colour, _, made = scene()
    made = cv2.GaussianBlur(made, (0, 0), 3)
    painted = stroke(made, 255)
    found = brush_refine(made, painted, colour, edges=edges)
    distance = cv2.distanceTransform((painted == made).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    far = distance > REACH * max(made.shape) + 2
    assert far.any()
    assert np.array_equal(found[far], made[far])


def test_a_like_coloured_thing_across_a_strong_edge_stays():
    colour, _, made = scene()
    colour[30:130, 215:290] = (210, 140, 60)
    found = brush_refine(made, stroke(made, 255), colour)
    assert not found[:, 200:].any()


def test_what_the_mask_has_right_on_the_objects_other_side_stays():
    colour, truth, made = scene()
    made[:, 30:50] = (cv2.GaussianBlur(truth, (0, 0), 4))[:, 30:50]
    found = brush_refine(made, stroke(made, 255), colour)
    assert np.array_equal(found[:, :60], made[:, :60])


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    height=st.integers(1, 50),
    width=st.integers(1, 50),
    deep=st.booleans(),
    channels=st.sampled_from((1, 3)),
    edges=st.sampled_from(EDGES),
)
def test_strokes_hold_on_any_picture_and_any_mask(seed, height, width, deep, channels, edges):
    random = np.random.default_rng(seed)
    dtype = np.uint16 if deep else np.uint8
    top = int(np.iinfo(dtype).max)
    colour = random.integers(0, top + 1, (height, width, channels)).astype(dtype)
    made = random.choice([0, top, top // 3], (height, width)).astype(dtype)
    painted = made.copy()
    marks = random.random((height, width))
    painted[marks > 0.8], painted[marks < 0.1], painted[(marks > 0.5) & (marks < 0.55)] = top, 0, top // 2
    guide = (random.random((height, width)) > 0.9).astype(np.uint8)
    found = brush_refine(made, painted, colour, guide=guide, edges=edges)
    assert (found.shape, found.dtype) == (made.shape, made.dtype)
    changed = np.abs(painted.astype(int) - made) > top // 100
    assert (found[changed & (painted == top)] == top).all()
    assert (found[changed & (painted == 0)] == 0).all()


@pytest.mark.parametrize("edges", EDGES)
def test_nothing_painted_changes_nothing(edges):
    colour, _, made = scene()
    blurred = cv2.GaussianBlur(made, (0, 0), 5)
    assert brush_refine(blurred, blurred, colour, edges=edges) is blurred


def test_a_constant_picture_keeps_the_stroke_and_what_was_there():
    made = np.zeros((80, 120), np.uint8)
    made[:, :40] = 255
    painted = made.copy()
    painted[30:50, 60:90] = 255
    found = brush_refine(made, painted, np.full((80, 120, 3), 90, np.uint8))
    assert (found[:, :40] == 255).all()
    assert (found[30:50, 60:90] == 255).all()


def test_the_same_strokes_again_change_nothing():
    colour, _, made = scene()
    once = brush_refine(made, stroke(made, 255), colour)
    twice = brush_refine(once, stroke(once, 255), colour)
    assert np.abs(twice.astype(float) - once).mean() < 0.5


def test_rounds_from_the_same_beginning_settle():
    colour, _, made = scene()
    once = brush_refine(made, stroke(made, 255), colour)
    again = brush_refine(made, once, colour)
    third = brush_refine(made, again, colour)
    assert np.abs(again.astype(float) - once).mean() < 1.0
    assert np.abs(third.astype(float) - again).mean() <= np.abs(again.astype(float) - once).mean() + 0.1


@pytest.mark.parametrize("axis", [0, 1])
def test_a_mirrored_picture_is_corrected_alike(axis):
    colour, _, made = scene()
    painted = stroke(made, 255)
    found = brush_refine(made, painted, colour)
    mirrored = brush_refine(*(np.ascontiguousarray(np.flip(one, axis)) for one in (made, painted, colour)))
    assert np.abs(np.flip(mirrored, axis).astype(float) - found).mean() < 1.0


def test_deep_pictures_are_corrected_as_8_bit_ones():
    colour, _, made = scene()
    painted = stroke(made, 255)
    deep = brush_refine(made.astype(np.uint16) * 257, painted, colour.astype(np.uint16) * 257)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - brush_refine(made, painted, colour)).mean() < 0.5


@pytest.mark.parametrize("how", ["gray paint", "a guide"])
def test_where_the_person_is_unsure_the_colours_decide(how):
    colour, truth, _ = scene()
    made = truth.copy()
    made[40:120, 165:200] = 255 if how == "a guide" else 0
    painted, guide = made.copy(), np.zeros_like(made)
    if how == "a guide":
        guide[35:125, 160:205] = 1
    else:
        painted[35:125, 160:205] = 128
    found = brush_refine(made, painted, colour, guide=guide)
    looked = np.zeros(made.shape, bool)
    looked[35:125, 160:205] = True
    assert np.abs(found.astype(float) - truth)[50:110, 165:200].mean() < 12
    assert np.array_equal(found[~looked], made[~looked])


def test_what_spreads_stays_below_the_limit_but_strokes_hold():
    colour, _, made = scene()
    limit = np.zeros_like(made)
    limit[:, :150] = 255
    found = brush_refine(made, stroke(made, 255), colour, limit=limit)
    assert found[45:115, 115:148].min() > 200
    assert found[80, 160] == 255
    assert not found[:65, 152:].any()
    assert np.array_equal(found[:, :100], made[:, :100])


def test_once_cancelled_the_mask_is_given_back_as_it_was():
    colour, _, made = scene()
    assert np.array_equal(brush_refine(made, stroke(made, 255), colour, cancelled=lambda: True), made)


def far_apart() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two scenes 700 px apart: colours, the true mask, one that misses parts of both, strokes on those."""
    colour, truth, made = scene()
    between = np.repeat(colour[:, -1:], 700, axis=1)
    none = np.zeros((160, 700), np.uint8)
    painted = stroke(made, 255)
    return (
        np.hstack([colour, between, colour]),
        np.hstack([truth, none, truth]),
        np.hstack([made, none, made]),
        np.hstack([painted, none, painted]),
    )


def test_strokes_far_apart_each_bring_their_own_part():
    colour, truth, made, painted = far_apart()
    found = brush_refine(made, painted, colour)
    missed = np.abs(truth.astype(int) - made) > 0
    assert (found[missed] > 200).mean() > 0.95
    assert np.array_equal(found[:, 400:900], made[:, 400:900])


def test_a_stroke_is_not_undone_by_one_of_the_other_kind_far_away():
    colour, _, made, painted = far_apart()
    made[60:100, 1120:1140] = 255
    painted[:, 700:] = made[:, 700:]
    painted[70:90, 1124:1136] = 0
    found = brush_refine(made, painted, colour)
    assert (found[45:115, 115:175] > 200).mean() > 0.95
    assert not found[70:90, 1124:1136].any()


def test_a_model_that_sees_the_object_there_brings_what_colours_do_not_tell():
    colour, truth, made = scene()
    colour[:] = np.random.default_rng(0).integers(60, 200, colour.shape)  # nothing to go by
    alpha = truth.astype(np.float32) / 255
    painted = stroke(made, 255)
    blind = brush_refine(made, painted, colour)
    seeing = brush_refine(made, painted, colour, look=lambda rows, columns: alpha[rows, columns])
    wrong = [np.abs(found.astype(float) - truth).sum() for found in (blind, seeing)]
    assert wrong[1] < 0.8 * wrong[0]


def test_a_model_that_cannot_be_asked_changes_nothing():
    colour, _, made = scene()
    painted = stroke(made, 255)
    found = brush_refine(made, painted, colour, look=lambda *_place: None)
    assert np.array_equal(found, brush_refine(made, painted, colour))
