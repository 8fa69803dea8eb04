"""Matted's actions in Tools > Scripts and the shortcut editor. Each does what a press in the docker does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from krita import Extension, Krita

from . import wish as wishes
from .qt import QtWidgets

if TYPE_CHECKING:
    from collections.abc import Callable

_MENU = "tools/scripts"
_DOCK = "matted_docker"


class MattedExtension(Extension):
    """Adds the actions to every window."""

    def setup(self) -> None:
        """Krita calls it once; there is nothing to set up."""

    def createActions(self, window: Any) -> None:
        """Krita calls it for each window."""
        made: list[tuple[str, str, Callable[[Any], None]]] = [
            ("matted_cut_out", "Matted: Cut Out", lambda dock: dock.session.cut_out()),
            ("matted_refine", "Matted: Refine", lambda dock: dock.session.refine()),
            ("matted_guide", "Matted: Add Guide Layer", lambda dock: dock.session.add_guide()),
            ("matted_before", "Matted: Before/After", lambda dock: dock.panel.before.toggle()),
            (
                "matted_point_back",
                "Matted: Take the Last Point Back",
                lambda dock: dock.panel.viewer.undo.click(),
            ),
            (
                "matted_points_clear",
                "Matted: Take All Points Back",
                lambda dock: dock.panel.viewer.clear.click(),
            ),
            ("matted_preview", "Matted: Large Preview", lambda dock: dock.panel.viewer.apart.toggle()),
            ("matted_cancel", "Matted: Stop", lambda dock: dock.session.cancel()),
            ("matted_docker_show", "Matted: Show the Docker", _show),
        ]
        for output, label in wishes.OUTPUTS.items():
            made.append((f"matted_{output}", f"Matted: {label}", _cut_to(output)))
        for name, text, act in made:
            action = window.createAction(name, text, _MENU)
            action.triggered.connect(lambda _=False, act=act: _act(act))


def _act(act: Callable[[Any], None]) -> None:
    """Have it done by the docker of the window in front."""
    window = Krita.instance().activeWindow()
    dock = window.qwindow().findChild(QtWidgets.QDockWidget, _DOCK) if window is not None else None
    if dock is not None:
        act(dock)


def _show(dock: Any) -> None:
    dock.show()
    dock.raise_()


def _cut_to(output: str) -> Callable[[Any], None]:
    def cut(dock: Any) -> None:
        dock.panel.outputs[output].trigger()
        dock.session.cut_out()

    return cut
