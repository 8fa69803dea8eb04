"""GIMP's real windows with Point at the Subject: looking closer, moving about, pointing without a mouse.

Two discs on black in a layer much larger than the window, one pixel of the larger disc yellow; the model's
alpha is the red channel. The script finds the colours on the screen and points at what it sees.
"""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from editors.editor import Gimp, Outcome
from editors.engine import Engine
from editors.keyed import discs_on_black, red_key_engine
from editors.room import Room

WIDTH, HEIGHT = 2400, 1600
LARGE, SMALL, YELLOW = (255, 0, 60), (255, 60, 0), (255, 255, 0)
AT = {"large": (750, 800, 500), "small": (1850, 800, 240)}  # x, y, radius
PIXEL = (701, 633)
WANTED = (35, 136, 63)  # of a mark
TIMES = 8  # how large a pixel of the layer is when it is clicked on
SCRIPT = """
import json
from looking import area, spot, spots, until

LARGE, SMALL, YELLOW = (255, 0, 60), (255, 60, 0), (255, 255, 0)
WANTED, UNWANTED = (35, 136, 63), (194, 47, 47)

def seen(colour):
    return spot(colour, area(shown))

def is_open():
    return xdotool("search", "--onlyvisible", "--name", "^Point at the Subject$")

def wheel(*modifiers, button="4", times=1):
    keys = [word for name in modifiers for word in ("keydown", name)]
    ups = [word for name in modifiers for word in ("keyup", name)]
    xdotool(*keys, "click", "--repeat", str(times), "--delay", "20", button, *ups)

def moved(before, across, down):
    found = seen(YELLOW)
    return found and max(abs(found[0] - before[0] - across), abs(found[1] - before[1] - down)) <= 4

def drag(start, end, *, press, release):
    xdotool("mousemove", *map(str, start), *press)
    for part in (1, 2, 3, 4):
        xdotool("mousemove", *(str(a + (b - a) * part // 4) for a, b in zip(start, end)))
    xdotool(*release)

image, layer = opened(arguments[0])
layer.set_lock_content(True)
said = call("matted-point", image, [layer], run_mode=Gimp.RunMode.INTERACTIVE)
report(locked=said, opened=bool(is_open()))
layer.set_lock_content(False)

cover(image, layer)  # the discs that are seen from here on are the window's
until(lambda: not spot(LARGE, (220, 80, 1050, 800)))
choose("Point at the Subject\\u2026")
shown = focus("^Point at the Subject$")
report(area=area(shown))
until(lambda: seen(LARGE) and seen(SMALL))
disc = spots(LARGE, area(shown))
left, right = min(x for x, y in disc), max(x for x, y in disc)
middle = sum(y for x, y in disc) // len(disc)
x = left + (right - left) * (701 - 250) // 1000  # the pixel that nobody sees yet
y = middle + (right - left) * (633 - 800) // 1000
report(unseen=not seen(YELLOW))
xdotool("mousemove", str(x), str(y))
wheel("ctrl", times=9)
found = until(lambda: seen(YELLOW))
xdotool("mousemove", *map(str, found), "key", "4", "mousemove", "5", "5")  # the pointer would hide it
until(lambda: len(spots(YELLOW, area(shown))) > 3)
shot("closer")
report(pointer=found)

xdotool("key", "Right", "Return")
one = until(lambda: len(spots(WANTED, area(shown))))
xdotool("key", "shift+Right", "shift+Return")
until(lambda: seen(UNWANTED))
xdotool("key", "BackSpace")
until(lambda: not seen(UNWANTED))
xdotool("key", "Left", "Down", "Down", "space")
until(lambda: len(spots(WANTED, area(shown))) > 1.5 * one)
shot("marked")

before = seen(YELLOW)
drag(before, (before[0] + 120, before[1] + 60), press=("mousedown", "2"), release=("mouseup", "2"))
until(lambda: moved(before, 120, 60))
before = seen(YELLOW)
drag(before, (before[0] - 80, before[1] - 40), press=("keydown", "space"), release=("keyup", "space"))
until(lambda: moved(before, -80, -40))
before = seen(YELLOW)
wheel(button="5")
until(lambda: seen(YELLOW) and seen(YELLOW)[1] < before[1] - 20)
report(straight=abs(seen(YELLOW)[0] - before[0]) <= 4)
before = seen(YELLOW)
wheel("shift", button="4")
until(lambda: seen(YELLOW) and seen(YELLOW)[0] > before[0] + 20)
report(level=abs(seen(YELLOW)[1] - before[1]) <= 4)

xdotool("mousemove", *map(str, seen(YELLOW)), "click", "1", "mousemove", "5", "5")
until(lambda: not seen(YELLOW))  # the mark is on it
xdotool("key", "0")
until(lambda: seen(LARGE) and not seen(SMALL))
shot("fitted")
xdotool("key", "Return")
mask = until(layer.get_mask)
note = until(lambda: mask.get_parasite("matted-made-with"))
report(points=json.loads(bytes(note.get_data()))["prompt"]["points"])
until(lambda: not is_open())
"""


@pytest.fixture(scope="module")
def keyed(room: Room) -> Iterator[Engine]:
    with red_key_engine(room.desk / "zoom-engine") as engine:
        engine.start()
        yield engine


@pytest.fixture(scope="module")
def looked(gimp: Gimp, keyed: Engine) -> Outcome:
    """What a person would have seen who looks closer."""
    image = discs_on_black((WIDTH, HEIGHT), {LARGE: AT["large"], SMALL: AT["small"]})
    image.putpixel(PIXEL, YELLOW)
    path = keyed.folder / "discs.png"
    image.save(path)
    return gimp.show(SCRIPT, path, environment=keyed.environment, timeout_s=280).good()


def places(outcome: Outcome, shot: str, colour: tuple[int, int, int]) -> np.ndarray:
    """The places (x, y) in the window of exactly this colour; the window is at the screen's corner."""
    left, top, right, bottom = outcome.report["area"]
    assert (left, top) == (0, 0)
    shown = np.asarray(Image.open(outcome.shots[shot]).convert("RGB"))[:bottom, :right]
    return np.argwhere((shown == colour).all(-1))[:, ::-1]


def test_a_locked_layer_is_refused_before_the_window_opens(looked: Outcome):
    status, sentence = looked.report["locked"]
    assert status == "execution-error"
    assert "locked. Unlock them in the Layers dialog" in sentence
    assert not looked.report["opened"]


def test_looking_closer_shows_the_layers_own_pixels(looked: Outcome):
    assert looked.report["unseen"]
    found = places(looked, "closer", YELLOW)
    assert len(found) == TIMES * TIMES
    assert (found.max(0) - found.min(0) == TIMES - 1).all()


def test_what_is_under_the_pointer_stays_there(looked: Outcome):
    middle = places(looked, "closer", YELLOW).mean(0)
    assert (abs(middle - looked.report["pointer"]) <= TIMES).all()


def test_wheel_and_shift_wheel_scroll_straight(looked: Outcome):
    assert looked.report["straight"]
    assert looked.report["level"]


def test_points_are_sent_exactly_as_they_were_set(looked: Outcome):
    first, second, clicked = looked.report["points"]
    assert second == [first[0] + 19, first[1] + 2, 1]  # 20 to the right, one back, two down
    assert ([int(side) for side in clicked[:2]], clicked[2]) == ([*PIXEL], 1)


def test_marks_lie_where_they_point_and_keep_their_size(looked: Outcome):
    green, pixel = (places(looked, "marked", colour) for colour in (WANTED, YELLOW))
    for x, y, _ in looked.report["points"][:2]:
        middle = pixel.mean(0) + TIMES * (np.array([x, y]) - PIXEL - 0.5)
        dot = green[(abs(green - middle) < 20).all(1)]
        assert (abs(dot.mean(0) - middle) <= 1.5).all()
        assert (dot.max(0) - dot.min(0) < 20).all()
