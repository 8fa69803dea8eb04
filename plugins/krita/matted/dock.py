"""The docker in Krita's window: the panel, a session, and a clock that notices what Krita does not tell.

Krita tells plug-ins nothing of layers that were chosen or painted on, so what is active is looked at a few
times a second, only while the docker is to be seen. GUI thread only.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from krita import DockWidget, Krita

from . import canvas, desk
from .engine import Engine
from .grounds import CHECKER
from .panel import Panel
from .qt import Courier, QtCore, QtGui, QtWidgets
from .session import Session
from .wish import Wish
from .zoom import WHOLE

_LOOK_MS = 300
_STATUS_MS = 4000
_GROUP = "matted"
_REMEMBERED = ("level", "output", "selection", "model")


class MattedDock(DockWidget):
    """One for each window of Krita."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Matted")
        self.panel = Panel(Krita.instance().icon)
        self.engine = Engine(Courier(self).post)
        self.session = Session(desk, self.engine, self.panel, QtCore.QTimer.singleShot)
        self.panel.session = self.session
        area = QtWidgets.QScrollArea()
        area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self.panel)
        self.setWidget(area)
        self._seen: tuple[Any, ...] = ()
        self._asked_for_models = False
        self._recall()
        self.panel.changed.connect(self._remember)
        self.panel.viewer.moved.connect(self._look_anew)
        self.panel.preview.looked.connect(self._look_closer)
        self._clock = QtCore.QTimer(self)
        self._clock.timeout.connect(self._look)
        self._clock.start(_LOOK_MS)
        self._status_clock = QtCore.QTimer(self)
        self._status_clock.timeout.connect(self._look_at_engine)
        self._status_clock.start(_STATUS_MS)
        QtWidgets.QApplication.instance().aboutToQuit.connect(self.engine.close)

    def canvasChanged(self, _canvas: Any) -> None:
        """Another picture is in front; Krita calls this also while it opens and closes them."""
        self.panel.preview.see(WHOLE)
        self._look_anew()

    def showEvent(self, event: Any) -> None:
        """The docker is to be seen: ask how the engine is."""
        super().showEvent(event)
        self._look_at_engine()

    def enterEvent(self, event: Any) -> None:
        """The pointer comes near: have the engine and its catalogue ready."""
        super().enterEvent(event)
        self.wake()

    def wake(self) -> None:
        """Start the engine if need be, and show which models it has."""
        if not self._asked_for_models:
            self._asked_for_models = True
            self.session.look_for_models()

    def _look_anew(self) -> None:
        self._seen = ()

    def _look(self) -> None:
        if not (self.panel.isVisible() or self.panel.viewer.is_apart) or self.session.is_busy:
            return
        node = desk.active_layer()
        if node is None:
            seen: tuple[Any, ...] = (None,)
        else:
            bounds = node.bounds()
            seen = (desk.key(node), bounds.x(), bounds.y(), bounds.width(), bounds.height())
        if seen == self._seen:
            return
        self._seen = seen
        empty = node is None or node.type() not in canvas.LAYERS
        picture = None if empty else canvas.small_picture(node, self.panel.side_px)
        hint = "Choose a layer with a picture on it, then press Cut Out."
        size = (bounds.width(), bounds.height()) if picture is not None else None
        self.panel.show_picture(picture, hint, size)
        self.session.look_at_layer()

    def _look_closer(self) -> None:
        part, node = self.panel.preview.seen(), desk.active_layer()
        if part is None or node is None:
            return
        image = canvas.part_of(node, part)
        if image is not None:
            self.panel.preview.show_detail(image, part)

    def _look_at_engine(self) -> None:
        if self.panel.isVisible() and not self.session.is_busy:
            self.session.look_at_engine()

    def _remember(self) -> None:
        wish, preview = asdict(self.panel.wish()), self.panel.preview
        kept = {name: wish[name] for name in _REMEMBERED}
        kept["ground"], kept["colour"] = preview.ground, preview.colour.name()
        Krita.instance().writeSetting(_GROUP, "docker", json.dumps(kept))

    def _recall(self) -> None:
        try:
            kept = json.loads(Krita.instance().readSetting(_GROUP, "docker", "{}"))
            known = {name: kept[name] for name in _REMEMBERED if name in kept}
            wish, ground = Wish(**known), str(kept.get("ground", CHECKER))
            self.panel.show_wish(wish)
            self.panel.grounds[ground].setChecked(True)
        except (ValueError, TypeError, KeyError):
            return  # settings of another version: the defaults are good
        self.panel.preview.set_ground(ground, QtGui.QColor(str(kept.get("colour", "#3f7f5f"))))
        self.session.wish = self.panel.wish()
