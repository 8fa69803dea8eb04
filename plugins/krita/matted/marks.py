"""How points and boxes look on a picture, whatever the picture and the theme: light on dark.

Qt only. A point that is wanted carries a plus, one that is not a minus, so that no colour has to be told
from another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .qt import QtCore, QtGui, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from .prompt import Prompt

_RADIUS_PX = 7.0
_ARM_PX = 3.5
_WANTED, _UNWANTED = "#1f8f4d", "#c43b2e"
_ROOM_PX = 6


def paint_marks(painter: Any, prompt: Prompt, place: Callable[[float, float], Any]) -> None:
    """Everything that was pointed at; `place` turns the layer's pixels into the widget's."""
    if prompt.box is not None:
        left, top, right, bottom = prompt.box
        paint_box(painter, QtCore.QRectF(place(left, top), place(right, bottom)))
    for x, y, wanted in prompt.points:
        _paint_point(painter, place(x, y), wanted=bool(wanted))


def paint_box(painter: Any, box: Any) -> None:
    """A dashed frame, white on black."""
    painter.save()
    painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
    painter.setPen(QtGui.QPen(QtGui.QColor(0, 0, 0, 200), 1.5))
    painter.drawRect(box)
    painter.setPen(QtGui.QPen(QtGui.QColor("white"), 1.5, QtCore.Qt.PenStyle.DashLine))
    painter.drawRect(box)
    painter.restore()


def paint_caption(painter: Any, place: Any, text: str, *, above: bool) -> None:
    """A line or two over the picture, at its upper or its lower edge."""
    painter.save()
    flags = number(QtCore.Qt.AlignmentFlag.AlignCenter, QtCore.Qt.TextFlag.TextWordWrap)
    field = place.adjusted(_ROOM_PX, _ROOM_PX, -_ROOM_PX, -_ROOM_PX)
    needed = painter.boundingRect(field, flags, text)
    band = QtCore.QRect(place.left(), place.top(), place.width(), needed.height() + _ROOM_PX)
    if not above:
        band.moveBottom(place.bottom())
    painter.fillRect(band, QtGui.QColor(0, 0, 0, 165))
    painter.setPen(QtGui.QColor("white"))
    painter.drawText(band, flags, text)
    painter.restore()


def _paint_point(painter: Any, at: Any, *, wanted: bool) -> None:
    painter.save()
    painter.setPen(QtGui.QPen(QtGui.QColor(0, 0, 0, 150), 1.0))
    painter.setBrush(QtGui.QColor("white"))
    painter.drawEllipse(at, _RADIUS_PX, _RADIUS_PX)
    painter.setPen(QtCore.Qt.PenStyle.NoPen)
    painter.setBrush(QtGui.QColor(_WANTED if wanted else _UNWANTED))
    painter.drawEllipse(at, _RADIUS_PX - 1.5, _RADIUS_PX - 1.5)
    painter.setPen(QtGui.QPen(QtGui.QColor("white"), 1.75))
    across, down = QtCore.QPointF(_ARM_PX, 0), QtCore.QPointF(0, _ARM_PX)
    painter.drawLine(at - across, at + across)
    if wanted:
        painter.drawLine(at - down, at + down)
    painter.restore()
