"""Qt as the program around has it: PyQt5 in Krita 5, PyQt6 in Krita 6. Everything else imports Qt from here.

Which one is taken from what is loaded already, for Krita loads its own before any plug-in. Enums are
written in full everywhere, which both understand. Knows no Krita.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def _generation() -> int:
    for major in (5, 6):
        if f"PyQt{major}.QtCore" in sys.modules:
            return major
    try:
        import PyQt5.QtCore  # noqa: F401
    except ImportError:
        return 6
    return 5


GENERATION = _generation()

if GENERATION == 6:
    from PyQt6 import QtCore, QtGui, QtWidgets

    QAction = QtGui.QAction
    QActionGroup = QtGui.QActionGroup
else:
    from PyQt5 import QtCore, QtGui, QtWidgets

    QAction = QtWidgets.QAction
    QActionGroup = QtWidgets.QActionGroup

__all__ = [
    "GENERATION",
    "Courier",
    "QAction",
    "QActionGroup",
    "QtCore",
    "QtGui",
    "QtWidgets",
    "number",
    "scoped",
    "spot",
]


def scoped(owner: Any, enum: str, name: str) -> Any:
    """A value of an enum of Krita's own classes, which are scoped in one build and not in another."""
    return getattr(getattr(owner, enum, owner), name)


def number(*flags: Any) -> int:
    """Flags, also of different kinds, as the one number that drawing text takes."""
    total = 0
    for flag in flags:
        total |= int(getattr(flag, "value", flag))
    return total


def spot(event: Any) -> Any:
    """Where a mouse event happened, or the wheel was turned, as a QPointF in the widget."""
    if hasattr(event, "position"):
        return event.position()
    return event.localPos() if hasattr(event, "localPos") else event.posF()


class Courier(QtCore.QObject):
    """Brings work from any thread to the thread it was made in: `post(call)` runs `call()` there, soon."""

    _sent = QtCore.pyqtSignal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._sent.connect(self._run, QtCore.Qt.ConnectionType.QueuedConnection)

    def post(self, call: Callable[[], None]) -> None:
        """From any thread."""
        with contextlib.suppress(RuntimeError):  # Krita is closing: the window this was for is gone
            self._sent.emit(call)

    def _run(self, call: Callable[[], None]) -> None:
        call()
