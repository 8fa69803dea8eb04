"""The strip of what was found: a thumbnail for each subject, pressed in while it is kept.

Qt only.
"""

from __future__ import annotations

from typing import Any

from .grounds import checkerboard
from .qt import QtCore, QtGui, QtWidgets

_SIDE_PX = 44
_NARROW = 0.15  # of a subject's box, left around it


class SubjectStrip(QtWidgets.QScrollArea):
    """`show_subjects`; `chosen` tells the numbers that are kept, () when it is all of them."""

    chosen = QtCore.pyqtSignal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setVerticalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(_SIDE_PX + 26)
        self.setAccessibleName("Subjects")
        inside = QtWidgets.QWidget()
        self._row = QtWidgets.QHBoxLayout(inside)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(3)
        self._row.addStretch(1)
        self.setWidget(inside)
        self.buttons: list[Any] = []

    def show_subjects(self, found: list[Any], kept: tuple[int, ...], picture: Any) -> None:
        """`found`: (subject, small mask of it) each; `picture`: the layer's, a QImage or None."""
        for button in self.buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons = []
        for subject, mask in found:
            button = QtWidgets.QToolButton()
            button.setCheckable(True)
            button.setAutoRaise(True)
            button.setChecked(not kept or subject.number in kept)
            button.setIconSize(QtCore.QSize(_SIDE_PX, _SIDE_PX))
            button.setIcon(_thumbnail(subject, mask, picture))
            button.setProperty("number", subject.number)
            button.setAccessibleName(f"Subject {subject.number}")
            button.setToolTip(
                f"Subject {subject.number}, {max(1, round(100 * subject.share))} % of the layer. "
                "Click to keep or drop it."
            )
            button.clicked.connect(self._clicked)
            self._row.insertWidget(len(self.buttons), button)
            self.buttons.append(button)
        self.setVisible(bool(found))

    def _clicked(self) -> None:
        kept = tuple(int(one.property("number")) for one in self.buttons if one.isChecked())
        if not kept:  # nothing left is no cut-out: the last one stays
            self.sender().setChecked(True)
            return
        self.chosen.emit(() if len(kept) == len(self.buttons) else kept)


def _thumbnail(subject: Any, mask: Any, picture: Any) -> Any:
    kinds = QtGui.QImage.Format
    image = QtGui.QImage(mask.width, mask.height, kinds.Format_ARGB32_Premultiplied)
    image.fill(QtGui.QColor(0, 0, 0, 0))
    data = bytes(mask.data)
    painter = QtGui.QPainter(image)
    if picture is not None:
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(image.rect(), picture)
    else:
        painter.fillRect(image.rect(), QtGui.QColor("white"))
    painter.setCompositionMode(QtGui.QPainter.CompositionMode.CompositionMode_DestinationIn)
    painter.drawImage(0, 0, QtGui.QImage(data, mask.width, mask.height, mask.width, kinds.Format_Alpha8))
    painter.end()
    tile = QtGui.QPixmap(_SIDE_PX, _SIDE_PX)
    painter = QtGui.QPainter(tile)
    painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
    painter.fillRect(tile.rect(), QtGui.QBrush(checkerboard(4)))
    box = _framed(subject.box, mask)
    scale = _SIDE_PX / max(box.width(), box.height())
    wide, high = box.width() * scale, box.height() * scale
    place = QtCore.QRectF((_SIDE_PX - wide) / 2, (_SIDE_PX - high) / 2, wide, high)
    painter.drawImage(place, image, box)
    painter.end()
    return QtGui.QIcon(tile)


def _framed(box: list[int], mask: Any) -> Any:
    """The subject's box with some room, in pixels of its small mask; `scale` tells how small that is."""
    left, top, right, bottom = (value * mask.scale for value in box)
    room = _NARROW * max(right - left, bottom - top)
    framed = QtCore.QRectF(left - room, top - room, right - left + 2 * room, bottom - top + 2 * room)
    return framed.intersected(QtCore.QRectF(0, 0, mask.width, mask.height))
