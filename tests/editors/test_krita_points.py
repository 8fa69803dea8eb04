"""Pointing in the docker's preview in real Krita: what is clicked is in the mask, the rest is not."""

import numpy as np
import pytest
from PIL import Image

from editors.played import Played

pytestmark = [
    pytest.mark.timeout(600),  # the first of them starts Krita and plays every case
    pytest.mark.usefixtures("its_engine"),
]

LEFT, RIGHT = (145, 210), (460, 200)
CASES = (
    *("pointed", "unwanted", "boxed", "beyond", "taken_back", "followed", "layers", "nothing", "hurried"),
    "closer",
    "mouse",
)


def discs(plane: np.ndarray) -> tuple[int, int]:
    """A mask at the middle of the left and of the right disc."""
    return int(plane[LEFT[1], LEFT[0]]), int(plane[RIGHT[1], RIGHT[0]])


def at(point: list[float], place: tuple[int, int]) -> bool:
    """Whether a point lies where it was meant, as near as the docker's small preview allows."""
    return abs(point[0] - place[0]) <= 2 and abs(point[1] - place[1]) <= 2


def test_a_click_on_one_of_two_shows_it_and_writes_nothing(played: Played):
    facts = played.of("pointed")
    [point] = facts["prompt"]["points"]
    assert at(point, RIGHT)
    assert point[2] == 1
    assert facts["seen"] == [0, 255]
    assert (facts["before"], facts["no step"], facts["told"]) == ([], True, "")


def test_cut_out_makes_the_mask_of_what_was_clicked(played: Played):
    facts = played.of("pointed")
    mask = played.plane("pointed", played.two)
    assert np.array_equal(mask, played.expected(played.two, prompt=facts["prompt"]))
    assert discs(mask) == (0, 255)


def test_a_pointed_cut_out_is_one_step_to_undo_and_redo(played: Played):
    facts = played.of("pointed")
    assert (facts["undone"], facts["redone"]) == ([], ["Matted"])
    assert np.array_equal(played.plane("pointed-redone", played.two), played.plane("pointed", played.two))


@pytest.mark.parametrize("how", ["right button", "alt", "shift"])
def test_what_is_not_wanted_goes_and_the_rest_stays(played: Played, how: str):
    facts = played.of("unwanted")[how]
    [point] = facts["prompt"]["points"]
    assert at(point, RIGHT)
    assert point[2] == 0
    assert facts["seen"] == [255, 0]


def test_cut_out_leaves_out_what_is_not_wanted(played: Played):
    played.of("unwanted")
    assert discs(played.plane("unwanted", played.two)) == (255, 0)


def test_a_drag_in_any_direction_is_a_box(played: Played):
    facts = played.of("boxed")
    left, top, right, bottom = facts["prompt"]["box"]
    assert at([left, top], (40, 100))
    assert at([right, bottom], (250, 330))
    assert facts["seen"] == [255, 0]
    mask = played.plane("boxed", played.two)
    assert np.array_equal(mask, played.expected(played.two, prompt=facts["prompt"]))
    assert discs(mask) == (255, 0)


def test_points_lie_right_on_a_layer_that_begins_outside_of_the_canvas(played: Played):
    facts = played.of("beyond")
    [point] = facts["prompt"]["points"]
    assert at(point, RIGHT)
    assert facts["seen"] == [0, 255]
    expected = np.zeros((500, 700), np.uint8)
    expected[150:, :500] = played.expected(played.two, prompt=facts["prompt"])[:350, 100:]
    assert np.array_equal(played.alpha("beyond"), expected)


def test_points_move_with_their_layer(played: Played):
    facts = played.of("beyond")
    assert facts["moved"] == facts["prompt"]


def test_points_stay_where_they_were_on_a_layer_that_grew(played: Played):
    facts = played.of("beyond")
    [before], [after] = facts["moved"]["points"], facts["grown"]["points"]
    assert after == [before[0] + 20, before[1] + 10, 1]


def test_points_are_taken_back_one_by_one_or_all(played: Played):
    facts = played.of("taken_back")
    assert facts["buttons before"] == [False, False]
    assert facts["both"] == [255, 255]
    prompt, seen = facts["one"]
    assert len(prompt["points"]) == 1
    assert at(prompt["points"][0], LEFT)
    assert seen == [255, 0]
    assert facts["none"] == [None, True]


def test_a_mask_that_is_there_follows_within_its_step(played: Played):
    facts = played.of("followed")
    assert (facts["same step"], facts["masks"]) == (True, ["Matted"])
    mask = played.plane("followed", played.two)
    assert np.array_equal(mask, played.expected(played.two, prompt=facts["prompt"]))
    assert discs(mask) == (255, 0)
    assert np.array_equal(played.plane("followed-cleared", played.two), played.expected(played.two))


def test_after_undo_a_click_is_only_looked_at(played: Played):
    facts = played.of("followed")
    assert facts["undone"] == []
    assert facts["after undo"] == [[], [0, 255], ""]


def test_every_layer_has_points_of_its_own(played: Played):
    facts = played.of("layers")
    assert facts["copy"] is None
    prompt, seen = facts["layer"]
    assert at(prompt["points"][0], LEFT)
    assert seen == [255, 0]
    assert discs(played.plane("layers-layer", played.two)) == (255, 0)
    assert discs(played.plane("layers-copy", played.two)) == (0, 255)


def test_where_nothing_is_found_a_sentence_says_so_and_nothing_is_written(played: Played):
    facts = played.of("nothing")
    assert facts["shown"]
    assert "Nothing that stands out was found there" in facts["told"]
    assert "Nothing that stands out was found there" in facts["told then"]
    assert facts["masks"] == []


def test_a_selection_elsewhere_leaves_nothing_and_a_sentence_says_so(played: Played):
    told, then, masks = played.of("nothing")["selected elsewhere"]
    assert told == then == "Nothing of what was pointed at is left within the selection."
    assert masks == []


def test_a_later_click_takes_the_place_of_one_that_is_not_answered(played: Played):
    facts = played.of("hurried")
    assert len(facts["prompt"]["points"]) == 1
    assert at(facts["prompt"]["points"][0], RIGHT)
    assert facts["seen"] == [0, 255]


def test_the_answer_to_the_earlier_click_is_never_shown(played: Played):
    assert played.of("hurried")["answers"] == 1


def test_the_real_pointer_points(played: Played):
    facts = played.of("mouse")
    prompt, seen = facts["clicked"]
    assert at(prompt["points"][0], RIGHT)
    assert seen == [0, 255]
    prompt, seen = facts["right-clicked"]
    assert at(prompt["points"][1], LEFT)
    assert prompt["points"][1][2] == 0
    assert seen == [0, 255]
    prompt, seen = facts["dragged"]
    assert at(prompt["box"][:2], (40, 100))
    assert at(prompt["box"][2:], (250, 330))
    assert seen == [255, 0]


def test_the_preview_can_be_pointed_at_in_a_window_of_its_own(played: Played):
    facts = played.of("mouse")
    prompt, _ = facts["apart"]
    [point] = prompt["points"]
    assert abs(point[0] - RIGHT[0]) <= 1
    assert abs(point[1] - RIGHT[1]) <= 1
    assert facts["back"]
    assert discs(played.plane("mouse", played.two)) == (255, 0)


@pytest.mark.parametrize("depth", ["U8", "U16"])
def test_closer_by_the_layers_own_pixels_are_seen(played: Played, depth: str):
    facts = played.of("closer")[depth]
    left, top, width, height = facts["part"]
    assert left < RIGHT[0] < left + width
    assert top < RIGHT[1] < top + height
    assert facts["size"]
    assert facts["worst"] <= 1


@pytest.mark.parametrize("depth", ["U8", "U16"])
def test_looking_closer_changes_nothing(played: Played, depth: str):
    assert played.of("closer")[depth]["untouched"] == [True, 2]


def test_a_click_closer_by_is_nearer_to_what_was_meant(played: Played):
    prompt, seen = played.of("closer")["clicked"]
    [point] = prompt["points"]
    assert abs(point[0] - RIGHT[0]) <= 0.5
    assert abs(point[1] - RIGHT[1]) <= 0.5
    assert seen == [0, 255]


def test_the_real_wheel_goes_closer_to_what_is_under_the_pointer(played: Played):
    left, top, width, height = played.of("mouse")["wheel"]
    assert width < 600
    assert left < RIGHT[0] < left + width
    assert top < RIGHT[1] < top + height


def test_the_dots_are_seen_on_the_screen(played: Played):
    played.of("mouse")
    before = np.asarray(Image.open(played.shots["near"]).convert("RGB")).astype(int)
    after = np.asarray(Image.open(played.shots["points"]).convert("RGB")).astype(int)
    for colour in ((31, 143, 77), (196, 59, 46)):
        there = [(np.abs(shot - colour).max(-1) <= 2).sum() for shot in (before, after)]
        assert there[1] - there[0] > 20
