"""What shows through where a layer is cut away: a checkerboard, black, white or a colour.

Qt only.
"""

from __future__ import annotations

from typing import Any

from .qt import QtGui

CHECKER, BLACK, WHITE, COLOUR = "checker", "black", "white", "colour"
_SQUARE_PX = 8


def paint_ground(painter: Any, place: Any, ground: str, colour: Any) -> None:
    """Fill a QRect with a ground; `colour` is the one that was chosen."""
    plain = {BLACK: QtGui.QColor("black"), WHITE: QtGui.QColor("white"), COLOUR: colour}
    if ground in plain:
        painter.fillRect(place, plain[ground])
        return
    painter.save()
    painter.setBrushOrigin(place.topLeft())
    painter.fillRect(place, QtGui.QBrush(checkerboard()))
    painter.restore()


def checkerboard(square_px: int = _SQUARE_PX) -> Any:
    """Krita's pattern for nothing, as a pixmap to be tiled."""
    tile = QtGui.QPixmap(2 * square_px, 2 * square_px)
    tile.fill(QtGui.QColor(220, 220, 220))
    painter = QtGui.QPainter(tile)
    for x, y in ((0, 0), (square_px, square_px)):
        painter.fillRect(x, y, square_px, square_px, QtGui.QColor(165, 165, 165))
    painter.end()
    return tile


def ground_icon(ground: str, colour: Any, side_px: int = 16) -> Any:
    """A button's picture of a ground."""
    image = QtGui.QPixmap(side_px, side_px)
    plain = {BLACK: QtGui.QColor("black"), WHITE: QtGui.QColor("white"), COLOUR: colour}
    painter = QtGui.QPainter(image)
    if ground in plain:
        painter.fillRect(0, 0, side_px, side_px, plain[ground])
    else:
        painter.fillRect(0, 0, side_px, side_px, QtGui.QBrush(checkerboard(side_px // 4)))
    painter.setPen(QtGui.QColor(128, 128, 128))
    painter.drawRect(0, 0, side_px - 1, side_px - 1)
    painter.end()
    return QtGui.QIcon(image)
