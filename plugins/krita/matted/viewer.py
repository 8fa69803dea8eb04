"""The preview with what belongs to it: its grounds, points taken back, a window of its own for fine work.

Qt only: icons come through `icon`. Knows nothing of layers and of the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .grounds import BLACK, CHECKER, COLOUR, WHITE, ground_icon
from .preview import Preview
from .prompt import NOTHING, Prompt
from .qt import QtCore, QtWidgets
from .zoom import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE_PX, APART_SIDE_PX = 512, 1280  # of the picture: in the docker, and in its own window
_APART = 0.7  # of the screen
_CLOSER = 2.0  # by each press
_GROUNDS = {
    CHECKER: "On a checkerboard",
    BLACK: "On black",
    WHITE: "On white",
    COLOUR: "On a colour; press again to choose another",
}


class Viewer(QtWidgets.QWidget):
    """`preview`, and the buttons below it. `prompted` tells what is pointed at after a click or a button.

    `moved`: the preview went into its own window, or came back. `grounded`: another ground was chosen.
    """

    prompted = QtCore.pyqtSignal(object)
    moved = QtCore.pyqtSignal()
    grounded = QtCore.pyqtSignal()

    def __init__(self, icon: Callable[[str], Any]) -> None:
        super().__init__()
        self._icon = icon
        self.preview = Preview()
        self.preview.prompted.connect(self._prompted)
        self._window: Any = None
        self.grounds = {}
        self._ground_group = QtWidgets.QButtonGroup(self)
        for ground, tip in _GROUNDS.items():
            button = small_button(ground_icon(ground, self.preview.colour), tip)
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, name=ground: self._choose_ground(name))
            self._ground_group.addButton(button)
            self.grounds[ground] = button
        self.grounds[CHECKER].setChecked(True)
        self.undo = small_button(icon("edit-undo"), "Take the last point or box back")
        self.undo.clicked.connect(lambda: self._say(self.preview.prompt.undone()))
        self.clear = small_button(icon("edit-clear"), "Take all points and the box back")
        self.clear.clicked.connect(lambda: self._say(NOTHING))
        self.closer = small_button(icon("zoom-in"), "Look closer, as the wheel does")
        self.closer.clicked.connect(lambda: self.preview.go_closer(_CLOSER))
        self.whole = small_button(icon("zoom-fit"), "See the whole layer again")
        self.whole.clicked.connect(lambda: self.preview.see(WHOLE))
        self.preview.zoomed.connect(self._allow)
        self.apart = small_button(icon("docker_float"), "The preview in a large window of its own")
        self.apart.setCheckable(True)
        self.apart.toggled.connect(self._set_apart)
        self.before = small_button(
            icon("visible"), "Before: the layer without the mask, here and on the canvas"
        )
        self.before.setCheckable(True)
        self._lay_out()
        self.show_prompt(NOTHING)

    @property
    def side_px(self) -> int:
        """The longest side of a picture that looks sharp here."""
        return APART_SIDE_PX if self.is_apart else SIDE_PX

    @property
    def is_apart(self) -> bool:
        """Whether the preview is in a window of its own."""
        return self._window is not None

    def show_prompt(self, prompt: Prompt) -> None:
        """What is pointed at on the layer that is shown."""
        self.preview.show_prompt(prompt)
        self._allow()

    def tell(self, text: str) -> None:
        """What the docker says, for whoever looks at the preview's own window."""
        self._said.setText(text)
        self._said.setVisible(bool(text) and self.is_apart)

    def set_pointable(self, pointable: bool) -> None:
        """Whether a person can point at the moment."""
        self.preview.pointable = pointable
        self._allow()

    def set_ground(self, ground: str, colour: Any = None) -> None:
        """What shows through, button and all."""
        self.grounds[ground].setChecked(True)
        self.preview.set_ground(ground, colour)
        if colour is not None:
            self.grounds[COLOUR].setIcon(ground_icon(COLOUR, colour))

    def _lay_out(self) -> None:
        self._inside, row = QtWidgets.QWidget(), QtWidgets.QHBoxLayout()
        row.setSpacing(0)
        for button in self.grounds.values():
            row.addWidget(button)
        row.addStretch(1)
        for button in (self.undo, self.clear, self.closer, self.whole, self.apart, self.before):
            row.addWidget(button)
        inside = QtWidgets.QVBoxLayout(self._inside)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(4)
        inside.addWidget(self.preview, 1)
        self._said = QtWidgets.QLabel()
        self._said.setWordWrap(True)
        self._said.hide()
        inside.addLayout(row)
        inside.addWidget(self._said)
        self._away = QtWidgets.QLabel("The preview is in its own window.")
        self._away.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        self._away.setWordWrap(True)
        self._away.hide()
        whole = QtWidgets.QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._inside, 1)
        whole.addWidget(self._away)

    def _set_apart(self, apart: bool) -> None:
        if apart == self.is_apart:
            return
        if apart:
            self._window = QtWidgets.QDialog(self)
            self._window.setWindowTitle("Matted: preview")
            self._window.setObjectName("matted_preview")
            room = QtWidgets.QVBoxLayout(self._window)
            room.setContentsMargins(6, 6, 6, 6)
            room.addWidget(self._inside)
            self._window.finished.connect(lambda _: self.apart.setChecked(False))
            screen = self.window().windowHandle().screen().availableGeometry()
            self._window.resize(round(screen.width() * _APART), round(screen.height() * _APART))
            self._window.show()
        else:
            window, self._window = self._window, None
            self.layout().insertWidget(0, self._inside, 1)
            window.hide()
            window.deleteLater()
        self._away.setVisible(apart)
        self.tell(self._said.text())
        self.moved.emit()

    def _prompted(self, prompt: Prompt) -> None:
        self._allow()
        self.prompted.emit(prompt)

    def _say(self, prompt: Prompt) -> None:
        self.show_prompt(prompt)
        self.prompted.emit(prompt)

    def _allow(self) -> None:
        for button in (self.undo, self.clear):
            button.setEnabled(self.preview.pointable and bool(self.preview.prompt))
        self.whole.setEnabled(self.preview.is_closer)

    def _choose_ground(self, ground: str) -> None:
        if ground == COLOUR and self.preview.ground == COLOUR:
            dialog = QtWidgets.QColorDialog(self.preview.colour, self)
            dialog.colorSelected.connect(self._colour_chosen)
            dialog.open()
        self.preview.set_ground(ground)
        self.grounded.emit()

    def _colour_chosen(self, colour: Any) -> None:
        self.set_ground(COLOUR, colour)
        self.grounded.emit()


def small_button(icon: Any, tip: str) -> Any:
    """A flat button that is only a picture."""
    button = QtWidgets.QToolButton()
    button.setIcon(icon)
    button.setAutoRaise(True)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button
