"""The picture in the docker: the layer as it will look, on a checkerboard, black, white or a colour.

Qt only. A person points in it: a click says "this", a click with the right button or with Alt or Shift "not
this", and a drag draws a box. While the pointer is near, what is cut away shows faintly, to be pointed at.
"""

from __future__ import annotations

from typing import Any

from .marks import paint_box, paint_caption, paint_marks
from .prompt import LEAST_SIDE_PX, NOTHING, Prompt
from .qt import QtCore, QtGui, QtWidgets, number, spot

CHECKER, BLACK, WHITE, COLOUR = "checker", "black", "white", "colour"
_SQUARE_PX = 8
_GHOST = 0.35  # how much of what is cut away shows while the pointer is near
_HOW = "Click what you want, right-click what you do not want, or drag a box."
_LOOKING = "Looking there…"


class Preview(QtWidgets.QWidget):
    """`show_picture`, `show_mask`, `show_prompt`; `prompted` tells what a person has pointed at now.

    `before`: without the mask. `pointable`: whether clicks count at the moment.
    """

    shown = QtCore.pyqtSignal()
    prompted = QtCore.pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(150)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding)
        self.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.PreventContextMenu)
        self.setMouseTracking(True)
        self.setToolTip(
            "What the layer will look like. Click on what you want; right-click, or click with Alt or Shift, "
            "on what you do not want; drag a box around what you want. "
            "The middle button shows the layer without the mask."
        )
        self.setAccessibleName("Preview")
        self.ground, self.colour = CHECKER, QtGui.QColor("#3f7f5f")
        self.before = False
        self.pointable = True
        self.hint = ""
        self.prompt = NOTHING
        self._pressed = False
        self._near: Any = None  # where the pointer is
        self._drag: tuple[Any, Any] | None = None
        self._waiting = False
        self._picture: Any = None
        self._size = (0, 0)
        self._mask: tuple[bytes, int, int] | None = None
        self._cut: Any = None
        self._told = False

    def sizeHint(self) -> Any:
        """As Krita's own overview."""
        return QtCore.QSize(260, 190)

    def show_picture(self, image: Any, size: tuple[int, int] | None = None) -> None:
        """The layer's picture, a QImage; None if there is none. `size`: the layer's, in its own pixels."""
        self._picture, self._mask, self._cut = image, None, None
        self._drag, self._waiting = None, False
        if image is not None:
            self._size = size or (image.width(), image.height())
        self.update()

    def show_mask(self, data: bytes | None, width: int = 0, height: int = 0) -> None:
        """One byte per pixel; of the picture's shape at any size."""
        self._mask = None if data is None else (bytes(data), width, height)
        self._cut = None
        self._told = data is not None
        self.update()

    def show_prompt(self, prompt: Prompt) -> None:
        """What was pointed at, in the layer's pixels."""
        self.prompt = prompt
        self.update()

    def show_waiting(self, waiting: bool) -> None:
        """Whether an answer to what was pointed at is on its way."""
        self._waiting = waiting
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

    def to_layer(self, place: Any) -> tuple[float, float] | None:
        """The layer's pixels at a QPointF of this widget; None beside the picture."""
        area = QtCore.QRectF(self._place()) if self._picture is not None else QtCore.QRectF()
        if not area.contains(place):
            return None
        width, height = self._size
        return (
            (place.x() - area.left()) * width / area.width(),
            (place.y() - area.top()) * height / area.height(),
        )

    def to_widget(self, x: float, y: float) -> Any:
        """Where a pixel of the layer is in this widget, a QPointF."""
        area, (width, height) = QtCore.QRectF(self._place()), self._size
        return QtCore.QPointF(area.left() + x * area.width() / width, area.top() + y * area.height() / height)

    def mousePressEvent(self, event: Any) -> None:
        """A point or the corner of a box; the middle button takes the mask away while it is down."""
        event.accept()
        buttons, keys = QtCore.Qt.MouseButton, QtCore.Qt.KeyboardModifier
        place = spot(event)
        at = self.to_layer(place)
        if event.button() == buttons.MiddleButton:
            self._pressed = True
            self.update()
        elif at is None or not self.pointable:
            return
        elif event.button() == buttons.RightButton:
            if self._drag is None:
                self._say(self.prompt.with_point(*at, wanted=False))
        elif event.button() == buttons.LeftButton:
            modifiers = event.modifiers()
            if modifiers & keys.AltModifier or modifiers & keys.ShiftModifier:
                self._say(self.prompt.with_point(*at, wanted=False))
            else:
                self._drag = (place, place)

    def mouseMoveEvent(self, event: Any) -> None:
        """Draws the box."""
        self._near = spot(event)
        if self._drag is not None:
            self._drag = (self._drag[0], self._near)
        cross = self.pointable and self.to_layer(self._near) is not None
        self.setCursor(QtCore.Qt.CursorShape.CrossCursor if cross else QtCore.Qt.CursorShape.ArrowCursor)
        self.update()

    def mouseReleaseEvent(self, event: Any) -> None:
        """What was begun with the press is said."""
        self._pressed = False
        self.update()
        if self._drag is None or event.button() != QtCore.Qt.MouseButton.LeftButton:
            return
        begun, ended = self._drag[0], spot(event)
        self._drag = None
        if not self.pointable:
            return
        framed = self._framed(begun, ended)
        self._say(self.prompt.with_box(*framed) if framed else self._clicked(begun))

    def enterEvent(self, event: Any) -> None:
        """What is cut away begins to show."""
        super().enterEvent(event)
        self._near = QtCore.QPointF(self.mapFromGlobal(QtGui.QCursor.pos()))
        self.update()

    def leaveEvent(self, event: Any) -> None:
        """Only the cut-out shows again."""
        super().leaveEvent(event)
        self._near = None
        self.update()

    def _say(self, prompt: Prompt) -> None:
        self.show_prompt(prompt)
        self.prompted.emit(prompt)

    def _clicked(self, place: Any) -> Prompt:
        at = self.to_layer(place)
        return self.prompt.with_point(*at, wanted=True) if at is not None else self.prompt

    def _framed(self, begun: Any, ended: Any) -> tuple[float, float, float, float] | None:
        """The box of a drag in the layer's pixels; None where it was a click of an unsteady hand."""
        way = ended - begun
        if way.manhattanLength() < QtWidgets.QApplication.startDragDistance():
            return None
        area = QtCore.QRectF(self._place())
        inside = QtCore.QRectF(begun, ended).normalized().intersected(area)
        corners = self.to_layer(inside.topLeft()), self.to_layer(inside.bottomRight())
        if corners[0] is None or corners[1] is None:
            return None
        (left, top), (right, bottom) = corners
        return (left, top, right, bottom) if min(right - left, bottom - top) >= LEAST_SIDE_PX else None

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
        whole = self.before or self._pressed
        if self._near is not None and self._mask is not None and not whole:
            painter.setOpacity(_GHOST)
            painter.drawImage(place, self._picture)
            painter.setOpacity(1.0)
        painter.drawImage(place, self._picture if whole else self._cut_out())
        frame = self.palette().color(QtGui.QPalette.ColorRole.WindowText)
        frame.setAlphaF(0.25)
        painter.setPen(frame)
        painter.drawRect(place.adjusted(0, 0, -1, -1))
        self._paint_pointing(painter, place)
        painter.end()
        if self._told:
            self._told = False
            self.shown.emit()

    def _paint_pointing(self, painter: Any, place: Any) -> None:
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        paint_marks(painter, self.prompt, self.to_widget)
        if self._drag is not None and self._framed(*self._drag):
            paint_box(painter, QtCore.QRectF(*self._drag).normalized().intersected(QtCore.QRectF(place)))
        if self._waiting:
            paint_caption(painter, place, _LOOKING, above=False)
        elif self._near is not None and self.pointable and not self.prompt and self._drag is None:
            paint_caption(painter, place, _HOW, above=self._near.y() > place.center().y())

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
