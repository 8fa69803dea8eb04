"""GIMP's real windows with Point at the Subject: clicks in it, what it shows, and the mask that comes of it.

Two discs on black, whose colours the script finds on the screen again; the model's alpha is the red channel.
The window of another start of GIMP is painted in with GIMP's own brush, before Refine Mask.
"""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from editors.editor import Gimp, Outcome
from editors.engine import Engine
from editors.keyed import discs_on_black, red_key_engine
from editors.room import Room

WIDTH, HEIGHT = 900, 600
LARGE, SMALL = (255, 0, 60), (255, 60, 0)
AT = {"large": (280, 300, 190), "small": (700, 300, 90)}  # x, y, radius
OPEN = """
import base64
from contextlib import suppress
from pathlib import Path
from looking import area, spot, spots, until

LARGE, SMALL = (255, 0, 60), (255, 60, 0)

def packed():
    mask = layer.get_mask()
    return mask and base64.b64encode(pixels(mask, "Y u8")).decode()

def has_ended():  # the plug-in: before that, its step is not whole
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if b"matted.py" in path.read_bytes():
                return False
    return True

image, layer = opened(arguments[0])
"""
POINT = """
cover(image, layer)  # the discs that are seen from here on are the window's
until(lambda: not spot(LARGE, (220, 80, 1050, 800)))

def seen(colour):
    return spot(colour, area(shown))

def open_it():
    global shown
    choose("Point at the Subject\\u2026")
    shown = focus("^Point at the Subject$")
    return until(lambda: seen(LARGE)), until(lambda: seen(SMALL))

def click(place, button="1"):
    xdotool("mousemove", *map(str, place))
    xdotool("click", button)
    xdotool("mousemove", "5", "5")  # the pointer hides nothing

def is_open():
    return bool(xdotool("search", "--onlyvisible", "--name", "^Point at the Subject$"))

large, small = open_it()
click(large)
until(lambda: not seen(SMALL))
xdotool("key", "Escape")
until(lambda: not is_open())
report(left=layer.get_mask() is None)

large, small = open_it()
shot("opened")
click(small)
until(lambda: seen(SMALL) and not seen(LARGE))
shot("small")
xdotool("key", "ctrl+z")
until(lambda: seen(LARGE) and seen(SMALL))
report(window_undone=True)

click((small[0], min(y for x, y in spots(SMALL, area(shown))) - 70))  # on black, above the disc
until(lambda: not seen(LARGE) and not seen(SMALL))
xdotool("key", "alt+o")
GLib.usleep(1000000)
shot("nothing")
report(refused=is_open() and layer.get_mask() is None)
xdotool("key", "BackSpace")
until(lambda: seen(LARGE) and seen(SMALL))

click(large, "3")
until(lambda: seen(SMALL) and not seen(LARGE))
xdotool("key", "ctrl+z")
until(lambda: seen(LARGE))
xdotool("keydown", "shift")
click(small)
xdotool("keyup", "shift")
until(lambda: seen(LARGE) and not seen(SMALL))
xdotool("key", "ctrl+z")
until(lambda: seen(SMALL))
xdotool("key", "alt+n")
click(small)
until(lambda: seen(LARGE) and not seen(SMALL))
xdotool("key", "ctrl+z", "alt+w")
until(lambda: seen(SMALL))
report(unwanted=True)

around = spots(SMALL, area(shown))
xdotool("mousemove", str(min(x for x, y in around) - 6), str(min(y for x, y in around) - 6), "mousedown", "1")
xdotool("mousemove", *map(str, small))
xdotool("mousemove", str(max(x for x, y in around) + 6), str(max(y for x, y in around) + 6), "mouseup", "1")
until(lambda: seen(SMALL) and not seen(LARGE))
shot("box")
xdotool("key", "alt+l")
until(lambda: seen(LARGE))
report(boxed=True)

click(large)
until(lambda: seen(LARGE) and not seen(SMALL))
xdotool("key", "alt+o")
made = until(packed)
until(has_ended)
report(made=made)
focus("GIMP")
xdotool("key", "ctrl+z")
until(lambda: layer.get_mask() is None)
xdotool("key", "ctrl+y")
report(redone=until(packed) == made, channels=len(image.get_channels()))
"""
PAINT = """
def stroke(*places):
    xdotool("mousemove", *map(str, places[0]))
    GLib.usleep(300000)
    xdotool("mousedown", "1")
    for place in places[1:]:
        GLib.usleep(200000)
        xdotool("mousemove", *map(str, place))
    GLib.usleep(200000)
    xdotool("mouseup", "1")

def changed(before):
    found = packed()
    return found if found != before else None

assert call("matted-remove-background", image, [layer], existing="replace") == ("success", None)
made = packed()
assert layer.get_edit_mask()
focus("GIMP")
canvas = (220, 80, 1050, 800)
[*disc] = until(lambda: spots(LARGE, canvas))
right, middle = max(x for x, y in disc), sum(y for x, y in disc) // len(disc)
xdotool("mousemove", str(right + 20), str(middle))
xdotool("key", "p", "d")  # the paintbrush; black before white
GLib.usleep(500000)
stroke((right - 20, middle), (right - 10, middle), (right + 10, middle))
painted = until(lambda: changed(made))
shot("painted")
xdotool("key", "x")
GLib.usleep(300000)
stroke((right + 6, middle - 60), (right + 20, middle - 60))
painted = until(lambda: changed(painted))
choose("Refine Mask")
refined = until(lambda: changed(painted))
until(has_ended)
shot("refined")
report(made=made, painted=painted, refined=refined)
focus("GIMP")
told = []
for key in ("ctrl+z", "ctrl+z", "ctrl+z", "ctrl+y", "ctrl+y", "ctrl+y"):
    before = packed()
    xdotool("key", key)
    told.append(until(lambda: changed(before)))
report(steps=told)
"""


@pytest.fixture(scope="module")
def keyed(room: Room) -> Iterator[Engine]:
    with red_key_engine(room.desk / "pointing-engine") as engine:
        engine.let_editors_start_it()
        yield engine


@pytest.fixture(scope="module")
def picture(keyed: Engine) -> Path:
    image = discs_on_black((WIDTH, HEIGHT), {LARGE: AT["large"], SMALL: AT["small"]})
    path = keyed.folder / "discs.png"
    image.save(path)
    return path


@pytest.fixture(scope="module")
def pointed(gimp: Gimp, keyed: Engine, picture: Path) -> Outcome:
    """What a person would have seen who points; the engine starts with the window."""
    return gimp.show(OPEN + POINT, picture, environment=keyed.environment, timeout_s=280).good()


@pytest.fixture(scope="module")
def painted(gimp: Gimp, keyed: Engine, picture: Path) -> Outcome:
    """What a person would have seen who paints and refines."""
    return gimp.show(OPEN + PAINT, picture, environment=keyed.environment, timeout_s=280, brushes=True).good()


def plane(packed: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed), np.uint8).reshape(HEIGHT, WIDTH)


def distance(name: str) -> np.ndarray:
    """Of every pixel from a disc's edge, negative inside."""
    x, y, radius = AT[name]
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(columns - x, rows - y) - radius


def colours(outcome: Outcome, name: str) -> np.ndarray:
    return np.asarray(Image.open(outcome.shots[name]).convert("RGB")).astype(int)


def test_leaving_the_window_changes_nothing(pointed: Outcome):
    assert pointed.report["left"]


def test_marks_can_be_taken_back_in_the_window(pointed: Outcome):
    assert pointed.report["window_undone"]


def test_right_click_shift_click_and_the_toggle_say_what_is_not_wanted(pointed: Outcome):
    assert pointed.report["unwanted"]


def test_a_box_is_dragged(pointed: Outcome):
    assert pointed.report["boxed"]


def test_a_click_on_nothing_is_told_and_cannot_be_gone_on_with(pointed: Outcome):
    assert pointed.report["refused"]
    assert (colours(pointed, "nothing") != colours(pointed, "opened")).any(-1).sum() > 5000


def test_the_mask_keeps_the_disc_that_was_clicked_on(pointed: Outcome):
    mask = plane(pointed.report["made"])
    assert (mask[distance("large") < -8] == 255).all()
    assert not mask[distance("large") > 8].any()


def test_one_undo_takes_the_mask_away_and_redo_brings_it_back(pointed: Outcome):
    assert pointed.report["redone"]
    assert pointed.report["channels"] == 0


# ----------------------------------------------------------------------------------------- paint, refine


def test_strokes_of_a_person_stay_and_the_mask_follows_them(painted: Outcome):
    made, left, refined = (plane(painted.report[name]) for name in ("made", "painted", "refined"))
    black, white = ((left == value) & (made == 255 - value) for value in (0, 255))
    assert min(black.sum(), white.sum()) > 40
    assert not refined[black].any()
    assert (refined[white] == 255).all()
    assert not np.array_equal(refined, left)


def test_every_step_is_undone_and_redone_by_itself(painted: Outcome):
    made, left, refined = (painted.report[name] for name in ("made", "painted", "refined"))
    steps = painted.report["steps"]
    first_stroke = steps[1]
    assert steps == [left, first_stroke, made, first_stroke, left, refined]
    assert first_stroke not in (made, left)
