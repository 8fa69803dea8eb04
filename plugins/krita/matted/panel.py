"""The docker's inside: its widgets, what they say of the person's wish, and what they are told to show.

Qt only: icons come through `icon`, so that the same widgets are tested without Krita. Knows nothing of
layers and of the engine; `session` is who is called when something is pressed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import wish as wishes
from .prompt import Prompt
from .qt import QAction, QActionGroup, QtCore, QtGui, QtWidgets
from .slider import Slider
from .subjects import SubjectStrip
from .viewer import Viewer, small_button
from .wish import Wish

if TYPE_CHECKING:
    from collections.abc import Callable

_DOT_PX = 10
_GREEN, _AMBER, _GRAY, _RED = "#4caf50", "#e6a117", "#8a8a8a", "#d9534f"


class Panel(QtWidgets.QWidget):
    """All that a person sees of Matted in Krita; set `session` before use."""

    changed = QtCore.pyqtSignal()

    def __init__(self, icon: Callable[[str], Any]) -> None:
        super().__init__()
        self.session: Any = None
        self._icon = icon
        self._picture: Any = None
        self._choices: list[wishes.Choice] = wishes.choices([])
        self._quiet = False
        self._output = wishes.MASK
        self._keep: tuple[int, ...] = ()
        self._make()
        self._lay_out()
        self.show_models([])
        self.show_engine(None)
        self.progress(None, "")
        self.tell("")

    # -- what the person wants

    def wish(self) -> Wish:
        """What the widgets say."""
        choice = self._choices[max(0, self.model.currentIndex())]
        return Wish(
            model=choice.id if choice.installed else None,
            level=str(self.level.currentData()),
            grow_px=self.grow.value(),
            feather_px=self.feather.value(),
            smooth_px=self.smooth.value(),
            contrast=self.contrast.value() / 100,
            keep=self._keep,
            prompt=self.preview.prompt,
            output=self._output,
            selection=str(self.selection.currentData()),
        )

    def show_wish(self, wish: Wish) -> None:
        """Set the widgets, without telling the session."""
        self._quiet = True
        for slider, value in (
            (self.grow, wish.grow_px),
            (self.feather, wish.feather_px),
            (self.smooth, wish.smooth_px),
            (self.contrast, wish.contrast * 100),
        ):
            slider.setValue(value)
        for box, name in ((self.level, wish.level), (self.selection, wish.selection)):
            box.setCurrentIndex(max(0, box.findData(name)))
        ids = [choice.id for choice in self._choices]
        self.model.setCurrentIndex(ids.index(wish.model) if wish.model in ids else 0)
        self._output, self._keep = wish.output, wish.keep
        self.outputs[wish.output].setChecked(True)
        self.viewer.show_prompt(wish.prompt)
        self._name_cut()
        self._quiet = False

    # -- what it is told to show

    def tell(self, text: str, *, kind: str = "done") -> None:
        """One line; `kind`: "done", "advice" or "problem"."""
        self.message.setText(text)
        self.message.setToolTip(text)
        icon = self._icon("warning") if kind != "done" and text else None
        self.message_icon.setVisible(icon is not None and not icon.isNull())
        if icon is not None:
            self.message_icon.setPixmap(icon.pixmap(16, 16))
        self.message_row.setVisible(bool(text))
        self.viewer.tell(text)

    def progress(self, fraction: float | None, text: str) -> None:
        """How far a job is, 0 to 1; None when none is running."""
        busy = fraction is not None
        self.bar.setValue(round(1000 * (fraction or 0.0)))
        self.bar.setFormat(text)
        self.progress_row.setVisible(busy)
        for button in (self.cut, self.refine, self.download):
            button.setEnabled(not busy)
        self.viewer.set_pointable(not busy)
        if busy:
            self.message_row.setVisible(False)

    @property
    def side_px(self) -> int:
        """The longest side that a picture and a mask for the preview should have."""
        return self.viewer.side_px

    def show_picture(self, image: Any, hint: str = "", size: tuple[int, int] | None = None) -> None:
        """The active layer's picture, a QImage, and the layer's size; None with a hint if there is none."""
        self._picture = image
        self.preview.hint = hint
        self.preview.show_picture(image, size)

    def show_mask(self, answer: Any) -> None:
        """The mask of a preview, an answer of the engine; None if there is none."""
        if answer is None:
            self.preview.show_mask(None)
        else:
            self.preview.show_mask(bytes(answer.data), answer.width, answer.height)

    def show_prompt(self, prompt: Prompt) -> None:
        """What is pointed at on the active layer."""
        self.viewer.show_prompt(prompt)

    def show_waiting(self, *, waiting: bool) -> None:
        """Whether an answer to what was pointed at is on its way."""
        self.preview.show_waiting(waiting)

    def end_compare(self) -> None:
        """Another layer is shown: masks are on again."""
        self.before.setChecked(False)

    def show_subjects(self, found: list[Any], kept: tuple[int, ...]) -> None:
        """The subjects to choose from; none hides the strip."""
        self._keep = kept
        self.strip.show_subjects(found, kept, self._picture)

    def show_models(self, models: list[dict[str, Any]]) -> None:
        """The engine's catalogue."""
        chosen = self._choices[max(0, self.model.currentIndex())].id if self.model.count() else None
        self._choices = wishes.choices(models)
        self._quiet = True
        self.model.clear()
        for row, choice in enumerate(self._choices):
            self.model.addItem(choice.label)
            self.model.setItemData(row, choice.note, QtCore.Qt.ItemDataRole.ToolTipRole)
        ids = [choice.id for choice in self._choices]
        self.model.setCurrentIndex(ids.index(chosen) if chosen in ids else 0)
        self._quiet = False
        self._show_download()

    def show_engine(self, status: dict[str, Any] | None) -> None:
        """What the engine says of itself; None when it is not running."""
        if status is None:
            self._show_state(_GRAY, "Asleep", "The engine starts by itself as soon as it is needed.")
            return
        loaded = status.get("models", [])
        if not status.get("ready"):
            self._show_state(_AMBER, "Starting…", "The engine is being loaded.")
        elif loaded:
            self.show_device(loaded[0]["provider"], loaded[0]["id"])
        else:
            self._show_state(_GREEN, "Ready", "The engine runs; a model is loaded with the next cut-out.")
        for sentence in status.get("fallbacks", [])[-1:]:
            self.state.setToolTip(sentence)

    def show_device(self, provider: str, model: str) -> None:
        """Where the work is done."""
        device = wishes.device_name(provider)
        self._show_state(_GREEN, f"Ready on {device}", f"The model {model} is loaded: {device}.")

    # -- inside

    def _make(self) -> None:
        self.dot, self.state = QtWidgets.QLabel(), QtWidgets.QLabel()
        self.viewer = Viewer(self._icon)
        self.preview, self.grounds, self.before = (
            self.viewer.preview,
            self.viewer.grounds,
            self.viewer.before,
        )
        self.viewer.prompted.connect(self._wish_changed)
        self.viewer.grounded.connect(self.changed)
        self.before.toggled.connect(self._compare)
        self.cut = QtWidgets.QToolButton()
        self.cut.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.cut.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.cut.setIcon(self._icon("transparencyMask"))
        self.cut.clicked.connect(lambda: self.session.cut_out())
        menu, group = QtWidgets.QMenu(self.cut), QActionGroup(self)
        self.outputs = {}
        for output, label in wishes.OUTPUTS.items():
            action = QAction(label, menu)
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, name=output: self._choose_output(name))
            group.addAction(action)
            menu.addAction(action)
            self.outputs[output] = action
        self.outputs[wishes.MASK].setChecked(True)
        self.cut.setMenu(menu)
        self.refine = QtWidgets.QToolButton()
        self.refine.setText("Refine")
        self.refine.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.refine.setIcon(self._icon("paintbrush"))
        self.refine.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.refine.setToolTip(
            "Paint on the mask first: white keeps, black removes, gray is unsure. "
            "Refine then finds the edges anew."
        )
        self.refine.clicked.connect(lambda: self.session.refine())
        self.guide = QAction("Add a guide layer to paint strokes on", self.refine)
        self.guide.triggered.connect(lambda: self.session.add_guide())
        refine_menu = QtWidgets.QMenu(self.refine)
        refine_menu.addAction(self.guide)
        self.refine.setMenu(refine_menu)
        for button in (self.cut, self.refine):
            button.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
            button.setMinimumHeight(28)
        self._name_cut()
        self.bar = QtWidgets.QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(True)
        self.stop = small_button(self._icon("process-stop"), "Stop: nothing is written")
        self.stop.setText("Stop")
        self.stop.clicked.connect(lambda: self.session.cancel())
        self.message_icon, self.message = QtWidgets.QLabel(), QtWidgets.QLabel()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
        self.strip = SubjectStrip()
        self.strip.hide()
        self.strip.chosen.connect(self._keep_only)
        self.model = _combo("Model", [])
        self.model.currentIndexChanged.connect(self._model_chosen)
        self.download = QtWidgets.QPushButton("Download")
        self.download.clicked.connect(self._download)
        self.level = _combo("Edges", [(name, label) for name, label in wishes.LEVELS.items()])
        self.selection = _combo("Selection", list(wishes.SELECTION_USES.items()))
        self.grow = Slider("Grow", " px", -50, 50, step=0.5, decimals=1)
        self.feather = Slider("Feather", " px", 0, 100, step=0.5, decimals=1)
        self.smooth = Slider("Smooth edge", " px", 0, 50, step=0.5, decimals=1)
        self.contrast = Slider("Contrast", " %", 0, 100)
        self.grow.setToolTip("Moves the outline out, or in where negative.")
        self.feather.setToolTip("Softens the outline.")
        self.smooth.setToolTip("Takes the wiggles out of the outline.")
        self.contrast.setToolTip("Makes soft edges steeper.")
        for slider in (self.grow, self.feather, self.smooth, self.contrast):
            slider.valueChanged.connect(self._wish_changed)
        for box in (self.level, self.selection):
            box.currentIndexChanged.connect(self._wish_changed)

    def _lay_out(self) -> None:
        whole = QtWidgets.QVBoxLayout(self)
        whole.setContentsMargins(4, 4, 4, 4)
        whole.setSpacing(4)
        whole.addLayout(_row(self.dot, self.state, None))
        whole.addWidget(self.viewer, 1)
        whole.addLayout(_row((self.cut, 3), (self.refine, 2)))
        self.progress_row, self.message_row = QtWidgets.QWidget(), QtWidgets.QWidget()
        for widget, row in (
            (self.progress_row, _row((self.bar, 1), self.stop)),
            (self.message_row, _row(self.message_icon, (self.message, 1))),
        ):
            row.setContentsMargins(0, 0, 0, 0)
            widget.setLayout(row)
            whole.addWidget(widget)
        whole.addWidget(self.strip)
        for slider in (self.grow, self.feather, self.smooth, self.contrast):
            whole.addWidget(slider)
        form = QtWidgets.QFormLayout()
        form.setSpacing(4)
        form.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Model:", _row((self.model, 1), self.download))
        form.addRow("Edges:", self.level)
        form.addRow("Selection:", self.selection)
        whole.addLayout(form)

    def _wish_changed(self, *_: object) -> None:
        if not self._quiet and self.session is not None:
            self.session.change(self.wish())
            self.changed.emit()

    def _keep_only(self, numbers: tuple[int, ...]) -> None:
        self._keep = numbers
        self._wish_changed()

    def _choose_output(self, output: str) -> None:
        self._output = output
        self._name_cut()
        self._wish_changed()

    def _name_cut(self) -> None:
        self.cut.setText("Cut Out")
        self.cut.setToolTip(f"Cut the layer out. Makes: {wishes.OUTPUTS[self._output].lower()}.")

    def _compare(self, before: bool) -> None:
        self.preview.set_before(before)
        if self.session is not None:
            self.session.compare(before=before)

    def _model_chosen(self, *_: object) -> None:
        self._show_download()
        choice = self._choices[max(0, self.model.currentIndex())]
        if choice.installed:
            self._wish_changed()
        elif not self._quiet:
            self.tell(f"{choice.label}. {choice.note}".strip(), kind="done")

    def _show_download(self) -> None:
        choice = self._choices[max(0, self.model.currentIndex())]
        self.model.setToolTip(choice.note)
        self.download.setVisible(not choice.installed)
        self.download.setToolTip(choice.note)

    def _download(self) -> None:
        choice = self._choices[self.model.currentIndex()]
        if choice.commercial:
            self.session.pull(choice.id, accept_licence=False)
            return
        box, kinds = QtWidgets.QMessageBox(self), QtWidgets.QMessageBox
        box.setWindowTitle("Matted")
        box.setText(f"{choice.note} Download it under this licence?")
        yes = box.addButton("Accept and Download", kinds.ButtonRole.AcceptRole)
        box.addButton(kinds.StandardButton.Cancel)
        box.buttonClicked.connect(
            lambda button: self.session.pull(choice.id, accept_licence=True) if button is yes else None
        )
        box.open()  # never exec: Krita stands still under a loop of ours

    def _show_state(self, colour: str, text: str, tip: str) -> None:
        dot = QtGui.QPixmap(_DOT_PX, _DOT_PX)
        dot.fill(QtGui.QColor(0, 0, 0, 0))
        painter = QtGui.QPainter(dot)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(colour))
        painter.drawEllipse(1, 1, _DOT_PX - 2, _DOT_PX - 2)
        painter.end()
        self.dot.setPixmap(dot)
        self.state.setText(text)
        self.state.setToolTip(tip)
        self.dot.setToolTip(tip)


def _combo(name: str, items: list[tuple[str, str]]) -> Any:
    box = QtWidgets.QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    box.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
    for value, label in items:
        box.addItem(label, value)
    return box


def _row(*parts: Any) -> Any:
    row = QtWidgets.QHBoxLayout()
    row.setSpacing(4)
    for part in parts:
        if part is None:
            row.addStretch(1)
        elif isinstance(part, tuple):
            row.addWidget(*part)
        else:
            row.addWidget(part)
    return row
