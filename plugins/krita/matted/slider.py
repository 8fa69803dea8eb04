"""A number with its name and its unit in one line, set by dragging across it: Krita's own way with numbers.

Qt only. Drag to set, double-click or press Return to type, wheel and arrow keys for steps.
"""

from __future__ import annotations

from typing import Any

from .qt import QtCore, QtGui, QtWidgets, spot

_HEIGHT_PX = 24


class Slider(QtWidgets.QDoubleSpinBox):
    """`label`: in front of the number; `suffix`: its unit. Fills from zero, to the left where negative."""

    def __init__(
        self, label: str, suffix: str, least: float, most: float, *, step: float = 1.0, decimals: int = 0
    ) -> None:
        super().__init__()
        self.setPrefix(f"{label}: ")
        self.setSuffix(suffix)
        self.setRange(least, most)
        self.setDecimals(decimals)
        self.setSingleStep(step)
        self.setFixedHeight(_HEIGHT_PX)
        self.setMinimumWidth(80)
        self.setAccessibleName(label)
        self._dragging = False
        line = self.lineEdit()
        line.setFrame(False)
        line.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        palette = line.palette()
        palette.setColor(QtGui.QPalette.ColorRole.Base, QtGui.QColor(0, 0, 0, 0))
        line.setPalette(palette)
        line.setAutoFillBackground(False)
        line.setCursor(QtCore.Qt.CursorShape.SizeHorCursor)
        line.setReadOnly(True)
        line.installEventFilter(self)
        self.editingFinished.connect(self._stop_typing)

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Turns the mouse on the line into a drag, until a double-click asks to type."""
        if watched is not self.lineEdit() or not self.lineEdit().isReadOnly():
            return super().eventFilter(watched, event)
        kind, kinds = event.type(), QtCore.QEvent.Type
        if kind == kinds.MouseButtonDblClick:
            self._type()
            return True
        if kind == kinds.MouseButtonPress and event.button() == QtCore.Qt.MouseButton.LeftButton:
            self._dragging = True
            self._drag(event)
            return True
        if kind == kinds.MouseMove and self._dragging:
            self._drag(event)
            return True
        if kind == kinds.MouseButtonRelease and self._dragging:
            self._dragging = False
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: Any) -> None:
        """Return begins typing; digits do so too."""
        keys = QtCore.Qt.Key
        if self.lineEdit().isReadOnly() and (
            event.key() in (keys.Key_Return, keys.Key_Enter) or event.text().isdigit()
        ):
            self._type()
            if not event.text().isdigit():
                return
        super().keyPressEvent(event)

    def paintEvent(self, event: Any) -> None:
        """The frame and the arrows as the style draws them, and behind the text how far it is."""
        super().paintEvent(event)
        field = self.lineEdit().geometry()
        span = self.maximum() - self.minimum()
        zero = field.left() + field.width() * (max(0.0, self.minimum()) - self.minimum()) / span
        here = field.left() + field.width() * (self.value() - self.minimum()) / span
        fill = self.palette().color(QtGui.QPalette.ColorRole.Highlight)
        fill.setAlphaF(0.75 if self.isEnabled() else 0.25)
        painter = QtGui.QPainter(self)
        left, right = min(zero, here), max(zero, here)
        painter.fillRect(QtCore.QRectF(left, field.top(), right - left, field.height()), fill)
        if self.minimum() < 0:
            middle = self.palette().color(QtGui.QPalette.ColorRole.Text)
            middle.setAlphaF(0.35)
            painter.fillRect(QtCore.QRectF(zero - 0.5, field.top(), 1.0, field.height()), middle)
        painter.end()

    def _drag(self, event: Any) -> None:
        share = spot(event).x() / max(1, self.lineEdit().width() - 1)
        value = self.minimum() + min(1.0, max(0.0, share)) * (self.maximum() - self.minimum())
        step = self.singleStep()
        self.setValue(round(value / step) * step)

    def _type(self) -> None:
        self.lineEdit().setReadOnly(False)
        self.setFocus()
        self.selectAll()

    def _stop_typing(self) -> None:
        self.lineEdit().deselect()
        self.lineEdit().setReadOnly(True)
