"""GIMP's real windows: the entries are found, the dialog is shown, run and left, and one step is undone."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from editors.editor import Gimp, Outcome
from editors.engine import Engine

SCRIPT = """
from looking import until

image, layer = opened(arguments[0])
choose("Remove Background\\u2026")
focus("^Remove Background$")
GLib.usleep(1500000)
shot("dialog")
xdotool("key", "Escape")
GLib.usleep(500000)
report(left=layer.get_mask() is None)

choose("Remove Background\\u2026")
focus("^Remove Background$")
GLib.usleep(500000)
xdotool("key", "alt+b")
until(lambda: layer.get_mask() is not None)
GLib.usleep(1500000)
shot("masked")

focus("GIMP")
xdotool("key", "ctrl+z")
until(lambda: layer.get_mask() is None)
report(undone=not image.get_channels())
xdotool("key", "ctrl+y")
until(lambda: layer.get_mask() is not None)
report(redone=True)

choose("Subjects\\u2026")
focus("^Subjects$")
GLib.usleep(1000000)
shot("subjects")
xdotool("key", "Escape")
GLib.usleep(500000)

choose("Matted Status\\u2026")
focus("^Matted Status$")
GLib.usleep(1500000)
shot("status")
xdotool("key", "Escape")
"""


@pytest.fixture(scope="module")
def shown(gimp: Gimp, _engine: Engine) -> Outcome:
    """What a person would have seen."""
    _engine.start()
    photo = _engine.folder / "photo.png"
    Image.open(Path(__file__).resolve().parent.parent / "photos" / "cat.jpg").save(photo)
    return gimp.show(SCRIPT, photo, environment=_engine.environment, timeout_s=280).good()


def colours(shown: Outcome, name: str) -> np.ndarray:
    return np.asarray(Image.open(shown.shots[name]).convert("RGB"))


def test_leaving_the_dialog_changes_nothing(shown: Outcome):
    assert shown.report["left"]


def test_one_undo_takes_the_mask_away_and_redo_brings_it_back(shown: Outcome):
    assert shown.report["undone"]
    assert shown.report["redone"]


def test_the_window_shows_the_picture_without_its_background(shown: Outcome):
    before, after = colours(shown, "dialog"), colours(shown, "masked")
    checks = np.isin(after, (102, 153)).all(-1)  # GIMP's own squares behind what is transparent
    assert checks.sum() > 5000
    assert not np.isin(before, (102, 153)).all(-1)[checks].all()


@pytest.mark.parametrize("name", ["dialog", "subjects", "status"])
def test_every_dialog_appears(shown: Outcome, name: str):
    without = colours(shown, "masked")
    assert (colours(shown, name) != without).any(-1).sum() > 20000
