"""That the editors under test are real: they start, run a script to its end and show a window."""

from pathlib import Path

import numpy as np
from PIL import Image

from editors.editor import Gimp, Krita


def test_gimp_runs_a_script_and_says_its_version(gimp: Gimp, desk: Path):
    outcome = gimp.run("report(version=Gimp.version(), said=arguments)", "a b", desk).good()
    assert outcome.report == {"version": gimp.version, "said": ["a b", str(desk)]}


def test_gimp_tells_a_failed_script(gimp: Gimp):
    assert gimp.run("raise ValueError('on purpose')").rc == 64


def test_gimp_writes_pixels_that_can_be_read_outside(gimp: Gimp, desk: Path):
    script = """
image = Gimp.Image.new(3, 2, Gimp.ImageBaseType.RGB)
layer_of(image, bytes(range(24)), 3, 2)
export(image, arguments[0])
"""
    gimp.run(script, desk / "out.png").good()
    assert np.asarray(Image.open(desk / "out.png")).tobytes() == bytes(range(24))


def test_gimp_shows_a_window(gimp: Gimp):
    script = """
image = Gimp.Image.new(300, 200, Gimp.ImageBaseType.RGB)
layer_of(image, b"\\xff\\x00\\x00\\xff" * 60000, 300, 200)
Gimp.Display.new(image)
window("GIMP")
GLib.usleep(1500000)
shot("window")
"""
    screen = np.asarray(Image.open(gimp.show(script).good().shots["window"]))
    assert (screen == (255, 0, 0)).all(2).sum() > 10000


def test_krita_opens_a_picture_and_runs_a_script(krita: Krita, desk: Path):
    Image.new("RGB", (30, 20), (1, 2, 3)).save(desk / "in.png")
    script = """
def main():
    node = krita.activeDocument().activeNode()
    report(pixel=bytes(node.pixelData(0, 0, 1, 1)).hex(), said=arguments)
    yield 0
"""
    outcome = krita.run(script, "a", document=desk / "in.png").good()
    assert outcome.report == {"pixel": "030201ff", "said": ["a"]}


def test_krita_tells_a_failed_script(krita: Krita):
    assert krita.run("def main():\n    yield 0.1\n    raise ValueError('on purpose')").rc == 70


def test_krita_tells_of_a_dialog_in_the_way(krita: Krita):
    script = """
def main():
    box = QtWidgets.QMessageBox(krita.activeWindow().qwindow())
    box.setText("really?")
    box.open()
    yield 5
"""
    outcome = krita.run(script)
    assert (outcome.rc, "really?" in outcome.stderr) == (71, True)


def test_krita_shows_a_window(krita: Krita):
    outcome = krita.run("def main():\n    yield 1.0\n    shot('window')").good()
    assert len(np.unique(np.asarray(Image.open(outcome.shots["window"])).reshape(-1, 3), axis=0)) > 100
