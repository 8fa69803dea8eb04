"""The picture in the docker: the layer as it will look, on a checkerboard, black, white or a colour.

Qt only. A person points in it: a click says "this", a click with the right button or with Alt or Shift "not
this", and a drag draws a box. While the pointer is near, what is cut away shows faintly, to be pointed at.
The wheel goes closer.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from .grounds import CHECKER, paint_ground
from .marks import paint_box, paint_caption, paint_marks
from .prompt import LEAST_SIDE_PX, NOTHING, Prompt
from .qt import QtCore, QtGui, QtWidgets, number, spot
from .zoom import WHOLE

_CLOSEST = 8.0  # of the view's pixels for each of the layer's
_NOTCH = 120  # of a wheel, as Qt counts
_CLOSER = 1.25  # by each notch
_REST_MS = 80
_GHOST = 0.35  # how much of what is cut away shows while the pointer is near
_HOW = "Click what you want, right-click what you do not want, or drag a box."
_LOOKING = "Looking there…"


@dataclass
class _Part:
    """A picture of the layer or of a part, what the mask leaves of it, and where it lies in the view."""

    image: Any
    cut: Any
    place: Any


class Preview(QtWidgets.QWidget):
    """`show_picture`, `show_mask`, `show_prompt`; `prompted` tells what a person has pointed at now.

    `before`: without the mask. `pointable`: whether clicks count at the moment. `zoomed`: it is closer than
    before, or less close. `looked`: another part is seen, for which `show_detail` may have a finer picture.
    """

    shown = QtCore.pyqtSignal()
    prompted = QtCore.pyqtSignal(object)
    zoomed = QtCore.pyqtSignal()
    looked = QtCore.pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(150)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding)
        self.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.PreventContextMenu)
        self.setMouseTracking(True)
        self.setToolTip(
            "What the layer will look like. Click on what you want; right-click, or click with Alt or Shift, "
            "on what you do not want; drag a box around what you want. Turn the wheel to look closer; drag "
            "with the middle button, or with Ctrl, to look elsewhere."
        )
        self.setAccessibleName("Preview")
        self.ground, self.colour = CHECKER, QtGui.QColor("#3f7f5f")
        self.before = False
        self.pointable = True
        self.hint = ""
        self.prompt = NOTHING
        self._near: Any = None  # where the pointer is
        self._hand: Any = None  # where the picture is held
        self._drag: tuple[Any, Any] | None = None
        self._waiting = False
        self._picture: Any = None
        self._size = (0, 0)
        self._mask: tuple[bytes, int, int] | None = None
        self._cut: Any = None
        self._detail: tuple[Any, Any] | None = None  # a finer picture, and its QRectF on the layer
        self._detail_cut: Any = None
        self._zoom = WHOLE
        self._rest = QtCore.QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self.looked)
        self._told = False

    def sizeHint(self) -> Any:
        """As Krita's own overview."""
        return QtCore.QSize(260, 190)

    def show_picture(self, image: Any, size: tuple[int, int] | None = None) -> None:
        """The layer's picture, a QImage; None if there is none. `size`: the layer's, in its own pixels."""
        self._picture, self._mask, self._cut = image, None, None
        self._detail = self._detail_cut = None
        self._drag, self._hand, self._waiting = None, None, False
        before = self._size
        self._size = (0, 0) if image is None else size or (image.width(), image.height())
        if self._size != before:
            self.see(WHOLE)
        elif self.is_closer:
            self._rest.start()
        self.update()

    def show_mask(self, data: bytes | None, width: int = 0, height: int = 0) -> None:
        """One byte per pixel; of the picture's shape at any size."""
        self._mask = None if data is None else (bytes(data), width, height)
        self._cut = self._detail_cut = None
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

    @property
    def is_closer(self) -> bool:
        """Whether less than the whole picture is to be seen."""
        return self._zoom != WHOLE

    def seen(self) -> tuple[int, int, int, int] | None:
        """The part of the layer that is to be seen, in its pixels: left, top, width, height; None for all."""
        if self._picture is None or not self.is_closer:
            return None
        part = QtCore.QRectF(self.rect() & self._place())
        (left, top), (right, bottom) = (self._on_layer(at) for at in (part.topLeft(), part.bottomRight()))
        width, height = self._size
        left, top = max(0, int(left)), max(0, int(top))
        return left, top, min(width, ceil(right)) - left, min(height, ceil(bottom)) - top

    def show_detail(self, image: Any, part: tuple[int, int, int, int]) -> None:
        """A finer picture, a QImage, of a part of the layer: left, top, width, height in its pixels."""
        self._detail, self._detail_cut = (image, QtCore.QRectF(*part)), None
        self.update()

    def go_closer(self, factor: float, at: Any = None) -> bool:
        """Closer, or less close, to a QPointF of this widget or to its middle; whether anything changed."""
        if self._picture is None:
            return False
        if at is None:
            at = QtCore.QRectF(self.rect()).center()
        view, (width, height) = self._view(), self._size
        most = _CLOSEST / min(view[0] / width, view[1] / height)
        return self.see(self._zoom.closer(factor, (at.x(), at.y()), most, view, self._sides()))

    def see(self, zoom: Any) -> bool:
        """That part of the picture; whether it is another than before."""
        before, self._zoom = self._zoom, zoom
        if zoom == before:
            return False
        self._rest.start()
        self.zoomed.emit()
        self.update()
        return True

    def to_layer(self, place: Any) -> tuple[float, float] | None:
        """The layer's pixels at a QPointF of this widget; None beside the picture."""
        area = QtCore.QRectF(self._place()) if self._picture is not None else QtCore.QRectF()
        if not area.contains(place):
            return None
        return self._on_layer(place)

    def to_widget(self, x: float, y: float) -> Any:
        """Where a pixel of the layer is in this widget, a QPointF."""
        area, (width, height) = QtCore.QRectF(self._place()), self._size
        return QtCore.QPointF(area.left() + x * area.width() / width, area.top() + y * area.height() / height)

    def mousePressEvent(self, event: Any) -> None:
        """A point, the corner of a box, or a hold on the picture."""
        event.accept()
        buttons, keys = QtCore.Qt.MouseButton, QtCore.Qt.KeyboardModifier
        place = spot(event)
        at = self.to_layer(place)
        holds = event.button() == buttons.LeftButton and event.modifiers() & keys.ControlModifier
        if event.button() == buttons.MiddleButton or holds:
            self._hand = place if self._drag is None else None
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
        """Draws the box, or draws the picture along."""
        before, self._near = self._hand, spot(event)
        if before is not None:
            way, self._hand = self._near - before, self._near
            self.see(self._zoom.moved(way.x(), way.y(), self._view(), self._sides()))
        elif self._drag is not None:
            self._drag = (self._drag[0], self._near)
        shapes = QtCore.Qt.CursorShape
        cross = self.pointable and self.to_layer(self._near) is not None
        self.setCursor(
            shapes.ClosedHandCursor if self._hand else shapes.CrossCursor if cross else shapes.ArrowCursor
        )
        self.update()

    def mouseReleaseEvent(self, event: Any) -> None:
        """What was begun with the press is said."""
        self._hand = None
        self.update()
        if self._drag is None or event.button() != QtCore.Qt.MouseButton.LeftButton:
            return
        begun, ended = self._drag[0], spot(event)
        self._drag = None
        if not self.pointable:
            return
        framed = self._framed(begun, ended)
        self._say(self.prompt.with_box(*framed) if framed else self._clicked(begun))

    def wheelEvent(self, event: Any) -> None:
        """Closer to what is under the pointer; where it cannot go closer, the docker is scrolled."""
        changed = self.go_closer(_CLOSER ** (event.angleDelta().y() / _NOTCH), spot(event))
        event.setAccepted(changed)

    def resizeEvent(self, event: Any) -> None:
        """A smaller part is seen, or a larger one."""
        super().resizeEvent(event)
        if self.is_closer:
            self._rest.start()

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
        for part in self._parts(place):
            painter.setClipRect(part.place)
            paint_ground(painter, place, self.ground, self.colour)
            if self._near is not None and self._mask is not None and not self.before:
                painter.setOpacity(_GHOST)
                painter.drawImage(part.place, part.image)
                painter.setOpacity(1.0)
            painter.drawImage(part.place, part.image if self.before else part.cut)
        painter.setClipping(False)
        place = place & self.rect()
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

    def _parts(self, place: Any) -> list[_Part]:
        """The picture, and over it what there is of a finer one."""
        if self._mask is not None and self._cut is None:
            _, width, height = self._mask
            ignored, smooth = QtCore.Qt.AspectRatioMode.IgnoreAspectRatio, QtCore.Qt.TransformationMode
            whole = self._picture.scaled(width, height, ignored, smooth.SmoothTransformation)
            self._cut = self._masked(whole, QtCore.QRectF(0, 0, *self._size))
        parts = [_Part(self._picture, self._picture if self._mask is None else self._cut, place)]
        if self._detail is not None and self.is_closer:
            image, box = self._detail
            if self._mask is not None and self._detail_cut is None:
                self._detail_cut = self._masked(image, box)
            begun, ended = (self.to_widget(at.x(), at.y()) for at in (box.topLeft(), box.bottomRight()))
            within = QtCore.QRectF(begun, ended).toRect()
            parts.append(_Part(image, image if self._mask is None else self._detail_cut, within))
        return parts

    def _masked(self, image: Any, box: Any) -> Any:
        """What the mask leaves of a picture of a part of the layer, a QRectF in its pixels."""
        data, width, height = self._mask or (b"", 0, 0)
        kinds = QtGui.QImage.Format
        across, down = width / self._size[0], height / self._size[1]
        part = QtCore.QRectF(box.x() * across, box.y() * down, box.width() * across, box.height() * down)
        cut = image.convertToFormat(kinds.Format_ARGB32_Premultiplied)
        painter = QtGui.QPainter(cut)
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        painter.setCompositionMode(QtGui.QPainter.CompositionMode.CompositionMode_DestinationIn)
        alpha = QtGui.QImage(data, width, height, width, kinds.Format_Alpha8)
        painter.drawImage(QtCore.QRectF(cut.rect()), alpha, part)
        painter.end()
        return cut

    def _view(self) -> tuple[float, float]:
        return self.width(), self.height()

    def _sides(self) -> tuple[float, float]:
        return self._picture.width(), self._picture.height()

    def _place(self) -> Any:
        return QtCore.QRect(*self._zoom.place(self._view(), self._sides()))

    def _on_layer(self, place: Any) -> tuple[float, float]:
        area, (width, height) = self._place(), self._size
        return (
            (place.x() - area.x()) * width / area.width(),
            (place.y() - area.y()) * height / area.height(),
        )

    def _paint_hint(self, painter: Any) -> None:
        ink = self.palette().color(QtGui.QPalette.ColorRole.WindowText)
        ink.setAlphaF(0.6)
        painter.setPen(ink)
        centred = number(QtCore.Qt.AlignmentFlag.AlignCenter, QtCore.Qt.TextFlag.TextWordWrap)
        painter.drawText(self.rect().adjusted(16, 8, -16, -8), centred, self.hint)
