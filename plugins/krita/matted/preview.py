"""The small picture in the docker: the layer as it will look, on a checkerboard, black, white or a colour.

Qt only. Press on it to see the layer as it was.
"""

from __future__ import annotations

from typing import Any

from .qt import QtCore, QtGui, QtWidgets, number

CHECKER, BLACK, WHITE, COLOUR = "checker", "black", "white", "colour"
_SQUARE_PX = 8


class Preview(QtWidgets.QWidget):
    """`show_picture`, `show_mask`; `before`: without the mask."""

    shown = QtCore.pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(150)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding)
        self.setToolTip("What the layer will look like. Press to see it without the mask.")
        self.setAccessibleName("Preview")
        self.ground, self.colour = CHECKER, QtGui.QColor("#3f7f5f")
        self.before = False
        self.hint = ""
        self._pressed = False
        self._picture: Any = None
        self._mask: tuple[bytes, int, int] | None = None
        self._cut: Any = None
        self._told = False

    def sizeHint(self) -> Any:
        """As Krita's own overview."""
        return QtCore.QSize(260, 190)

    def show_picture(self, image: Any) -> None:
        """The layer's picture, a QImage; None if there is none."""
        self._picture, self._mask, self._cut = image, None, None
        self.update()

    def show_mask(self, data: bytes | None, width: int = 0, height: int = 0) -> None:
        """One byte per pixel; of the picture's shape at any size."""
        self._mask = None if data is None else (bytes(data), width, height)
        self._cut = None
        self._told = data is not None
        self.update()

    def set_ground(self, ground: str, colour: Any = None) -> None:
        """What shows through."""
        self.ground = ground
        if colour is not None:
            self.colour = colour
        self.update()

    def set_before(self, before: bool) -> None:
        """With or without the mask."""
        self.before = before
        self.update()

    def mousePressEvent(self, event: Any) -> None:
        """Without the mask while pressed."""
        self._pressed = True
        self.update()
        event.accept()

    def mouseReleaseEvent(self, _event: Any) -> None:
        """And with it again."""
        self._pressed = False
        self.update()

    def paintEvent(self, _event: Any) -> None:
        """The ground, and the layer on it."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        if self._picture is None:
            self._paint_hint(painter)
            painter.end()
            return
        place = self._place()
        self._paint_ground(painter, place)
        painter.drawImage(place, self._picture if self.before or self._pressed else self._cut_out())
        frame = self.palette().color(QtGui.QPalette.ColorRole.WindowText)
        frame.setAlphaF(0.25)
        painter.setPen(frame)
        painter.drawRect(place.adjusted(0, 0, -1, -1))
        painter.end()
        if self._told:
            self._told = False
            self.shown.emit()

    def _cut_out(self) -> Any:
        if self._mask is None:
            return self._picture
        if self._cut is None:
            data, width, height = self._mask
            kinds = QtGui.QImage.Format
            ignored, smooth = QtCore.Qt.AspectRatioMode.IgnoreAspectRatio, QtCore.Qt.TransformationMode
            whole = self._picture.scaled(width, height, ignored, smooth.SmoothTransformation)
            cut = whole.convertToFormat(kinds.Format_ARGB32_Premultiplied)
            alpha = QtGui.QImage(data, width, height, width, kinds.Format_Alpha8)
            painter = QtGui.QPainter(cut)
            painter.setCompositionMode(QtGui.QPainter.CompositionMode.CompositionMode_DestinationIn)
            painter.drawImage(0, 0, alpha)
            painter.end()
            self._cut = cut
        return self._cut

    def _place(self) -> Any:
        width, height = self._picture.width(), self._picture.height()
        scale = min(self.width() / width, self.height() / height)
        wide, high = max(1, int(width * scale)), max(1, int(height * scale))
        return QtCore.QRect((self.width() - wide) // 2, (self.height() - high) // 2, wide, high)

    def _paint_ground(self, painter: Any, place: Any) -> None:
        plain = {BLACK: QtGui.QColor("black"), WHITE: QtGui.QColor("white"), COLOUR: self.colour}
        if self.ground in plain:
            painter.fillRect(place, plain[self.ground])
            return
        painter.save()
        painter.setBrushOrigin(place.topLeft())
        painter.fillRect(place, QtGui.QBrush(checkerboard()))
        painter.restore()

    def _paint_hint(self, painter: Any) -> None:
        ink = self.palette().color(QtGui.QPalette.ColorRole.WindowText)
        ink.setAlphaF(0.6)
        painter.setPen(ink)
        centred = number(QtCore.Qt.AlignmentFlag.AlignCenter, QtCore.Qt.TextFlag.TextWordWrap)
        painter.drawText(self.rect().adjusted(16, 8, -16, -8), centred, self.hint)


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
