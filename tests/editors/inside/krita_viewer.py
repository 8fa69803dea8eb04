"""Clicks and drags in the docker's preview without Krita, in whichever PyQt the command names, as JSON.

    python3 krita_viewer.py PyQt6 FOLDER_OF_THE_PLUGIN FOLDER_OF_PICTURES

Runs inside the root, offscreen; QT_SCALE_FACTOR makes the screen a sharper one.
"""

import importlib
import json
import os
import sys
from types import SimpleNamespace

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PYQT, PLUGIN, PICTURES = sys.argv[1:4]
importlib.import_module(f"{PYQT}.QtCore")
sys.path.insert(0, PLUGIN)

from matted.panel import Panel  # noqa: E402
from matted.qt import GENERATION, QtCore, QtGui, QtWidgets  # noqa: E402

KINDS, BUTTONS, KEYS = QtCore.QEvent.Type, QtCore.Qt.MouseButton, QtCore.Qt.KeyboardModifier


class Heard:
    """Notes what is pointed at."""

    def __init__(self):
        self.prompts = []

    def change(self, wish):
        self.prompts.append(wish.prompt.asked())

    def __getattr__(self, _name):
        return lambda *_values, **_named: None


def send(widget, kind, place, button, keys=KEYS.NoModifier):
    place = QtCore.QPointF(*place)
    there = widget.mapToGlobal(place.toPoint()) if GENERATION == 5 else widget.mapToGlobal(place)
    moved = BUTTONS.NoButton if kind == KINDS.MouseMove else button
    QtWidgets.QApplication.sendEvent(
        widget, QtGui.QMouseEvent(kind, place, QtCore.QPointF(there), moved, button, keys)
    )


def press(widget, begun, ended=None, button=BUTTONS.LeftButton, keys=KEYS.NoModifier):
    send(widget, KINDS.MouseButtonPress, begun, button, keys)
    if ended:
        send(widget, KINDS.MouseMove, ended, button, keys)
    send(widget, KINDS.MouseButtonRelease, ended or begun, button, keys)


def turn(widget, place, notches):
    """Turn the wheel; whether the widget had use for it."""
    place = QtCore.QPointF(*place)
    there = widget.mapToGlobal(place.toPoint()) if GENERATION == 5 else widget.mapToGlobal(place)
    event = QtGui.QWheelEvent(
        place,
        QtCore.QPointF(there),
        QtCore.QPoint(),
        QtCore.QPoint(0, 120 * notches),
        BUTTONS.NoButton,
        KEYS.NoModifier,
        QtCore.Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QtWidgets.QApplication.sendEvent(widget, event)
    return event.isAccepted()


def colours(widget, *places):
    image = widget.grab().toImage()
    ratio = image.devicePixelRatio()
    return [QtGui.QColor(image.pixel(int(x * ratio), int(y * ratio))).name() for x, y in places]


def main():
    app = QtWidgets.QApplication(sys.argv[:1])
    panel = Panel(lambda _name: QtGui.QIcon())
    panel.session = heard = Heard()
    panel.show()
    app.processEvents()
    preview, viewer = panel.preview, panel.viewer
    found = {"generation": GENERATION, "ratio": preview.devicePixelRatioF()}

    def show(width, height, size):
        image = QtGui.QImage(width, height, QtGui.QImage.Format.Format_ARGB32)
        image.fill(QtGui.QColor(40, 60, 200))
        panel.show_picture(image, "", size)
        app.processEvents()

    def last(act):
        heard.prompts.clear()
        act()
        app.processEvents()
        told = heard.prompts[-1] if heard.prompts else "nothing"
        viewer.clear.click()
        return told

    # A layer of 3000 x 1000 pixels, its picture three times as wide as high, in a preview of 300 x 200.
    preview.setFixedSize(300, 200)
    show(512, 171, (3000, 1000))
    found["left"] = last(lambda: press(preview, (150, 100)))
    found["corner"] = last(lambda: press(preview, (0, 51)))
    found["beside"] = last(lambda: press(preview, (150, 20)))
    found["right"] = last(lambda: press(preview, (150, 100), button=BUTTONS.RightButton))
    found["alt"] = last(lambda: press(preview, (150, 100), keys=KEYS.AltModifier))
    found["shift"] = last(lambda: press(preview, (150, 100), keys=KEYS.ShiftModifier))
    found["middle"] = last(lambda: press(preview, (150, 100), button=BUTTONS.MiddleButton))
    found["box"] = last(lambda: press(preview, (60, 70), (120, 130)))
    found["box upwards"] = last(lambda: press(preview, (120, 130), (60, 70)))
    found["box beyond"] = last(lambda: press(preview, (250, 70), (600, 500)))
    found["unsteady"] = last(lambda: press(preview, (150, 100), (153, 102)))
    panel.progress(0.5, "Working")
    found["busy"] = last(lambda: press(preview, (150, 100)))
    panel.progress(None, "")

    preview.set_ground("white")
    found["wheel"] = [turn(preview, (240, 90), 5), preview.is_closer, viewer.whole.isEnabled()]
    found["under the wheel"] = last(lambda: press(preview, (240, 90)))
    found["back by the wheel"] = [turn(preview, (240, 90), -9), turn(preview, (240, 90), -1), preview.seen()]
    viewer.closer.click()
    viewer.closer.click()
    found["closer"] = [preview.seen(), last(lambda: press(preview, (0, 0)))]
    found["held"] = last(lambda: press(preview, (0, 0), (60, 40), button=BUTTONS.MiddleButton))
    found["moved"] = last(lambda: press(preview, (0, 0)))
    found["held with Ctrl"] = last(lambda: press(preview, (60, 40), (0, 0), keys=KEYS.ControlModifier))
    found["moved back"] = last(lambda: press(preview, (0, 0)))
    looks = []
    preview.looked.connect(lambda: looks.append(preview.seen()))
    viewer.closer.click()
    while not looks:
        app.processEvents()
    found["looked"] = looks
    fine = QtGui.QImage(80, 50, QtGui.QImage.Format.Format_ARGB32)
    fine.fill(QtGui.QColor(200, 20, 20))
    QtWidgets.QApplication.sendEvent(preview, QtCore.QEvent(KINDS.Leave))
    found["coarse"] = colours(preview, (5, 5), (150, 100))
    left, top, width, height = preview.seen()
    preview.show_detail(fine, (left + width // 2, top, width, height))
    found["fine"] = colours(preview, (5, 5), (155, 100))
    mask = SimpleNamespace(data=bytes(150) + b"\xff" * 150, width=300, height=1)  # the left half is away
    panel.show_mask(mask)
    found["fine without its left half"] = colours(preview, (5, 5), (155, 100))
    preview.show_detail(fine, preview.seen())
    found["fine under a mask"] = colours(preview, (100, 100), (200, 100))
    preview.grab().save(f"{PICTURES}/closer-{PYQT}-{found['ratio']:g}.png")
    viewer.whole.click()
    found["whole"] = [preview.seen(), viewer.whole.isEnabled(), colours(preview, (75, 100), (225, 100))]
    viewer.closer.click()

    # Portrait, wider than its own pixels.
    preview.setFixedSize(200, 400)
    show(100, 200, (100, 200))
    found["another"] = preview.seen()
    found["enlarged"] = last(lambda: press(preview, (101, 201)))

    heard.prompts.clear()
    press(preview, (20, 20))
    press(preview, (60, 60), (160, 200))
    press(preview, (180, 380), button=BUTTONS.RightButton)
    found["all"] = heard.prompts[-1]
    app.processEvents()
    found["dots"] = colours(preview, (20 + 3, 20 + 3), (180, 380 + 4), (20, 20), (180, 380))
    preview.grab().save(f"{PICTURES}/marks-{PYQT}-{found['ratio']:g}.png")
    viewer.undo.click()
    found["undone"] = heard.prompts[-1]
    viewer.clear.click()
    found["cleared"] = [heard.prompts[-1], viewer.undo.isEnabled(), viewer.clear.isEnabled()]

    mask = SimpleNamespace(data=bytes(100 * 200), width=100, height=200)
    preview.set_ground("white")
    panel.show_mask(mask)
    QtWidgets.QApplication.sendEvent(preview, QtCore.QEvent(KINDS.Leave))
    found["cut away"] = colours(preview, (100, 200))
    send(preview, KINDS.MouseMove, (50, 50), BUTTONS.NoButton)
    found["near"] = colours(preview, (100, 200))
    QtWidgets.QApplication.sendEvent(preview, QtCore.QEvent(KINDS.Leave))
    found["left again"] = colours(preview, (100, 200))

    preview.setMinimumSize(0, 150)
    preview.setMaximumSize(16777215, 16777215)
    sides = [panel.side_px]
    viewer.apart.click()
    app.processEvents()
    found["apart"] = [viewer.is_apart, preview.window() is not panel.window(), preview.isVisible()]
    sides.append(panel.side_px)
    panel.tell("Nothing was found there.", kind="problem")
    found["told apart"] = [one.text() for one in preview.window().findChildren(QtWidgets.QLabel)]
    preview.window().reject()
    app.processEvents()
    found["back"] = [viewer.is_apart, preview.window() is panel.window(), viewer.apart.isChecked()]
    found["sides"] = [*sides, panel.side_px]
    print(json.dumps(found))


main()
