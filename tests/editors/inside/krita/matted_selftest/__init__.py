"""A plugin for tests alone: when Krita's window is up it runs the script of a test, then ends Krita.

The script's `main` is a generator, driven by timers between Krita's own events: while a nested event loop
runs, Krita keeps its layers from its windows, so no script may pump one. The exit status is 0 at the end,
70 after an exception, 71 when a dialog stands in the way, 1 when the time is up.
"""

import faulthandler
import os
import sys
import traceback

from krita import Extension, Krita, Selection

try:
    from PyQt5 import QtCore, QtGui, QtWidgets
except ImportError:
    from PyQt6 import QtCore, QtGui, QtWidgets

sys.path.insert(0, os.environ.get("MATTED_INSIDE", ""))


def leave(code):
    """End at once: no question about unsaved pictures."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class SelfTest(Extension):
    """Waits for the window, then steps through the script."""

    steps = None

    def setup(self):
        pass

    def createActions(self, _window):  # noqa: N802 - Krita's name
        if self.steps is None:
            faulthandler.dump_traceback_later(float(os.environ["MATTED_LIMIT_S"]), exit=True)
            self.steps = self.script()
            self.later(100, self.step)

    def script(self):
        import desk

        krita = Krita.instance()
        yield lambda: krita.activeWindow() is not None
        if os.environ.get("MATTED_DOCUMENT"):
            yield (
                lambda: krita.activeDocument() is not None and krita.activeDocument().activeNode() is not None
            )
        names = {name: getattr(desk, name) for name in ("arguments", "report", "shot", "xdotool")}
        names.update(krita=krita, Selection=Selection, QtCore=QtCore, QtGui=QtGui, QtWidgets=QtWidgets)
        names["__name__"] = "__script__"
        exec(desk.source(), names)
        yield from names["main"]()

    def later(self, wait_ms, what):
        QtCore.QTimer.singleShot(wait_ms, lambda: self.guarded(what))

    def guarded(self, what):
        try:
            dialog = QtWidgets.QApplication.activeModalWidget()
            if dialog is not None and not dialog.property("matted_expected"):
                texts = [label.text() for label in dialog.findChildren(QtWidgets.QLabel)]
                print("a dialog stands in the way:", dialog.windowTitle(), texts, file=sys.stderr)
                leave(71)
            what()
        except BaseException:
            traceback.print_exc()
            leave(70)

    def step(self):
        try:
            wish = next(self.steps)
        except StopIteration:
            leave(0)
        if callable(wish):
            self.wait(wish)
        else:
            self.later(int(1000 * (wish or 0)), self.step)

    def wait(self, test):
        self.later(20, self.step if test() else lambda: self.wait(test))


if os.environ.get("MATTED_SCRIPT"):
    Krita.instance().addExtension(SelfTest(Krita.instance()))
