"""The docker's widgets without Krita, in whichever PyQt the command names; says what it found as JSON.

    python3 krita_widgets.py PyQt6 FOLDER_OF_THE_PLUGIN PICTURE_TO_WRITE

Runs inside the root, offscreen.
"""

import importlib
import json
import os
import sys
from types import SimpleNamespace

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PYQT, PLUGIN, PICTURE = sys.argv[1:4]
importlib.import_module(f"{PYQT}.QtCore")
sys.path.insert(0, PLUGIN)

from matted.panel import Panel  # noqa: E402
from matted.qt import GENERATION, Courier, QtCore, QtGui, QtWidgets  # noqa: E402

from matted import wish  # noqa: E402


class Heard:
    """Notes what the panel calls."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *values, **named: self.calls.append([name, *map(repr, values), *sorted(named)])


def mouse(widget, kind, x, y, button=QtCore.Qt.MouseButton.LeftButton):
    place = QtCore.QPointF(x, y)
    event = QtGui.QMouseEvent(
        kind,
        place,
        widget.mapToGlobal(place.toPoint()) if GENERATION == 5 else widget.mapToGlobal(place),
        button,
        button,
        QtCore.Qt.KeyboardModifier.NoModifier,
    )
    QtWidgets.QApplication.sendEvent(widget, event)


def main():
    app = QtWidgets.QApplication(sys.argv[:1])
    panel = Panel(lambda _name: QtGui.QIcon())
    panel.session = heard = Heard()
    panel.resize(300, 640)
    found = {"generation": GENERATION}
    image = QtGui.QImage(60, 40, QtGui.QImage.Format.Format_ARGB32)
    image.fill(QtGui.QColor(200, 30, 30))
    panel.show_picture(image)
    panel.preview.set_ground("white")
    panel.show_mask(SimpleNamespace(data=bytes([0] * 600 + [255] * 600), width=30, height=40))
    panel.show()
    app.processEvents()
    shown = panel.preview.grab().toImage()
    middle, height = shown.width() // 2, shown.height()
    found["top"] = QtGui.QColor(shown.pixel(middle, height // 4)).name()
    found["bottom"] = QtGui.QColor(shown.pixel(middle, height * 3 // 4)).name()
    panel.before.click()
    found["before"] = QtGui.QColor(panel.preview.grab().toImage().pixel(middle, height // 4)).name()
    panel.before.click()
    line = panel.feather.lineEdit()
    kinds = QtCore.QEvent.Type
    mouse(line, kinds.MouseButtonPress, 2, 5)
    mouse(line, kinds.MouseMove, line.width() // 2, 5)
    mouse(line, kinds.MouseButtonRelease, line.width() // 2, 5, QtCore.Qt.MouseButton.NoButton)
    found["dragged"] = panel.feather.value()
    panel.level.setCurrentIndex(panel.level.findData("fast"))
    panel.grow.setValue(-3.5)
    found["wish"] = [panel.wish().level, panel.wish().grow_px, panel.wish().output]
    model = {"id": "big", "title": "Big", "kind": "saliency", "good_for": [], "licence": "MIT"}
    model.update(commercial=True, size=176_000_000, installed=False)
    panel.show_models([model])
    found["download hidden"] = panel.download.isHidden()
    panel.model.setCurrentIndex(1)
    found["download shown"] = not panel.download.isHidden()
    found["model while it is not here"] = panel.wish().model
    panel.download.click()
    panel.cut.click()
    panel.refine.click()
    panel.progress(0.4, "Working")
    found["busy"] = [panel.cut.isEnabled(), panel.progress_row.isVisible(), panel.bar.value()]
    panel.stop.click()
    panel.progress(None, "")
    found["idle"] = [panel.cut.isEnabled(), panel.progress_row.isVisible()]
    subject = [SimpleNamespace(number=n, box=[0, 0, 20, 20], share=0.2) for n in (1, 2)]
    small = SimpleNamespace(data=bytes(600), width=30, height=20, scale=0.5)
    panel.show_subjects([(one, small) for one in subject], ())
    panel.strip.buttons[0].click()
    found["kept"] = list(panel.wish().keep)
    panel.strip.buttons[1].click()
    found["the last one stays"] = panel.strip.buttons[1].isChecked()
    panel.show_engine({"ready": True, "models": [{"id": "m", "provider": "cuda"}], "fallbacks": []})
    found["state"] = panel.state.text()
    again = wish.Wish(feather_px=3.0, output="layer", selection="ignored", level="neural")
    panel.show_wish(again)
    found["wish shown"] = panel.wish() == again
    got, courier = [], Courier()
    QtCore.QThread.currentThread()
    courier.post(lambda: got.append(1))
    found["posted at once"] = bool(got)
    app.processEvents()
    found["posted"] = bool(got)
    found["calls"] = [call[0] for call in heard.calls]
    panel.grab().save(PICTURE)
    print(json.dumps(found))


main()
