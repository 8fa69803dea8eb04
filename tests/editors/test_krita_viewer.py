"""Pointing in the docker's preview, in PyQt5 and PyQt6, on plain screens and on sharper ones."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from editors.editor import INSIDE
from editors.room import Room
from matted import client


@pytest.fixture(scope="module", params=["PyQt5", "PyQt6"])
def pyqt(request: pytest.FixtureRequest) -> str:
    """Krita 5's, and Krita 6's."""
    return str(request.param)


@pytest.fixture(scope="module", params=["1", "2"], ids=["plain", "sharp"])
def found(request: pytest.FixtureRequest, pyqt: str, room: Room, root: Path) -> dict[str, Any]:
    """What the preview made of clicks and drags."""
    desk = room.desk / f"viewer-{pyqt}-{request.param}"
    desk.mkdir()
    shutil.copytree(root / "plugins/krita", desk / "plugin")
    shutil.copy(str(client.__file__), desk / "plugin/matted/matted_client.py")
    shutil.copy(INSIDE / "krita_viewer.py", desk)
    command = ["/usr/bin/python3", desk / "krita_viewer.py", pyqt, desk / "plugin", desk]
    variables = {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": request.param}
    done = room.run([str(part) for part in command], variables, timeout_s=60)
    if f"No module named '{pyqt}'" in done.stderr:
        pytest.skip(f"this root holds no {pyqt}")
    assert done.rc == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert (facts["generation"], facts["ratio"]) == (int(pyqt[-1]), int(request.param))
    return facts


def test_a_click_is_a_point_in_the_layers_own_pixels(found: dict[str, Any]):
    assert found["left"] == {"points": [[1500, 500, 1]]}
    assert found["corner"] == {"points": [[0, 10, 1]]}
    assert found["enlarged"] == {"points": [[50.5, 100.5, 1]]}


@pytest.mark.parametrize("how", ["right", "alt", "shift"])
def test_another_button_or_a_key_says_not_this(found: dict[str, Any], how: str):
    assert found[how] == {"points": [[1500, 500, 0]]}


def test_a_drag_is_a_box_that_ends_with_the_picture(found: dict[str, Any]):
    assert found["box"] == found["box upwards"] == {"box": [600, 200, 1200, 800]}
    assert found["box beyond"] == {"box": [2500, 200, 3000, 1000]}


def test_a_hand_that_trembles_has_clicked(found: dict[str, Any]):
    assert found["unsteady"] == {"points": [[1500, 500, 1]]}


@pytest.mark.parametrize("how", ["beside", "middle", "busy"])
def test_what_does_not_count(found: dict[str, Any], how: str):
    assert found[how] == "nothing"


def test_the_wheel_goes_closer_to_what_is_under_the_pointer(found: dict[str, Any]):
    assert found["wheel"] == [True, True, True]
    [(x, y, wanted)] = found["under the wheel"]["points"]
    assert (abs(x - 2400) <= 5, abs(y - 400) <= 5, wanted) == (True, True, 1)


def test_a_wheel_that_can_change_nothing_scrolls_the_docker(found: dict[str, Any]):
    assert found["back by the wheel"] == [True, False, None]


def test_a_click_closer_by_is_that_pixel_of_the_layer(found: dict[str, Any]):
    assert found["closer"] == [[1125, 250, 750, 500], {"points": [[1125, 250, 1]]}]


def test_the_picture_is_drawn_along_by_the_middle_button_or_with_ctrl(found: dict[str, Any]):
    assert found["held"] == found["held with Ctrl"] == "nothing"
    assert found["moved"] == {"points": [[975, 150, 1]]}
    assert found["moved back"] == {"points": [[1125, 250, 1]]}


def test_a_finer_picture_is_asked_for_and_shown_where_it_belongs(found: dict[str, Any]):
    part = found["looked"][0]
    assert part == pytest.approx([1312, 375, 375, 250], abs=2)
    assert found["coarse"] == ["#283cc8", "#283cc8"]
    assert found["fine"] == ["#283cc8", "#c81414"]


def test_a_finer_picture_is_masked_like_the_other(found: dict[str, Any]):
    assert found["fine without its left half"] == ["#ffffff", "#c81414"]
    assert found["fine under a mask"] == ["#ffffff", "#c81414"]


def test_the_whole_picture_is_seen_again(found: dict[str, Any]):
    assert found["whole"] == [None, False, ["#ffffff", "#283cc8"]]


def test_another_layer_is_seen_as_a_whole(found: dict[str, Any]):
    assert found["another"] is None


def test_the_last_mark_or_all_are_taken_back(found: dict[str, Any]):
    point, box, unwanted = [10, 10, 1], [30, 30, 80, 100], [90, 190, 0]
    assert found["all"] == {"box": box, "points": [point, unwanted]}
    assert found["undone"] == {"box": box, "points": [point]}
    assert found["cleared"] == [None, False, False]


def test_a_plus_or_a_minus_lies_on_the_picture(found: dict[str, Any]):
    plus, minus, *middles = ([int(dot[part : part + 2], 16) for part in (1, 3, 5)] for dot in found["dots"])
    assert plus[1] > plus[0] + 80
    assert minus[0] > minus[1] + 80
    assert all(min(middle) > 220 for middle in middles)


def test_what_is_cut_away_shows_faintly_under_the_pointer(found: dict[str, Any]):
    assert found["cut away"] == found["left again"] == ["#ffffff"]
    assert found["near"] not in (["#ffffff"], ["#283cc8"])


def test_the_preview_goes_into_a_window_and_comes_back_when_it_is_closed(found: dict[str, Any]):
    assert found["apart"] == [True, True, True]
    assert "Nothing was found there." in found["told apart"]
    assert found["back"] == [False, True, False]
    assert found["sides"][0] == found["sides"][2] < found["sides"][1]
