"""What scripts in Krita work with: Matted's docker, documents made to measure, ways to look at the result.

Runs inside the root, in Krita's own event loop; generators are to be used with `yield from`.
"""

import os
import sys
import time
import traceback
from pathlib import Path

from desk import arguments
from krita import InfoObject, Krita, Selection
from PyQt5 import QtCore, QtWidgets
from PyQt5.QtCore import QByteArray

krita = Krita.instance()
OUT = Path(arguments[0]) if arguments else Path()
SRGB = "sRGB-elle-V2-srgbtrc.icc"


def _fault(kind, error, trace):
    """Instead of Krita's window for faults of plug-ins, which waits for a person."""
    traceback.print_exception(kind, error, trace)
    sys.stderr.flush()
    os._exit(70)


sys.excepthook = _fault


def _expect_waiting():
    """Krita's own "Waiting for image operation to complete" on a busy computer is no dialog in the way."""
    dialog = QtWidgets.QApplication.activeModalWidget()
    if dialog is not None and any(
        "Waiting for" in one.text() for one in dialog.findChildren(QtWidgets.QLabel)
    ):
        dialog.setProperty("matted_expected", True)


_waiting = QtCore.QTimer()
_waiting.timeout.connect(_expect_waiting)
_waiting.start(15)


def dock():
    """Matted's docker, shown."""
    found = next(one for one in krita.dockers() if one.objectName() == "matted_docker")
    found.show()
    found.raise_()
    return found


def open_picture(path):
    """Open a picture in a view of its own: (document, its layer)."""
    document = krita.openDocument(str(path))
    return (yield from _shown(document))


def new_document(width, height, model="RGBA", depth="U8", profile=SRGB):
    """A new document with one empty layer: (document, layer)."""
    document = krita.createDocument(width, height, "test", model, depth, profile, 72.0)
    document, background = yield from _shown(document)
    layer = document.createNode("Layer", "paintlayer")
    document.rootNode().addChildNode(layer, None)
    background.setVisible(False)
    yield from active(document, layer)
    return document, layer


def _shown(document):
    krita.activeWindow().addView(document)
    yield lambda: krita.activeDocument() == document and document.activeNode() is not None
    document.setBatchmode(True)
    document.waitForDone()
    yield 0.05
    return document, document.activeNode()


def active(document, node):
    """Make a node the active one, as a click in the layers docker does, once Krita knows of it."""
    yield 0.1
    document.setActiveNode(node)
    yield lambda: document.activeNode() == node


def close(document):
    """Close without a question, once Krita has drawn what it was about to."""
    document.waitForDone()
    document.setModified(False)
    document.close()
    yield 0.1


def pressed_cut(matted):
    """Press Cut Out and wait until it is done."""
    matted.panel.cut.click()
    yield lambda: matted.session.is_settled
    yield 0.05


def settled(matted):
    """Wait until the canvas shows what the docker says."""
    yield lambda: matted.session.is_settled
    yield 0.05


def export(document, name):
    """Save what the document shows as a PNG for the test."""
    document.waitForDone()
    assert document.exportImage(str(OUT / f"{name}.png"), InfoObject())


def keep(name, data):
    """Keep bytes for the test."""
    (OUT / name).write_bytes(bytes(data))


def whole(document, node):
    """The bytes of a node or mask over the whole document."""
    return bytes(node.pixelData(0, 0, document.width(), document.height()))


def masks(node):
    """The names of a layer's masks."""
    return [one.name() for one in node.childNodes() if one.type().endswith("mask")]


def last_step():
    """The name of the step that Undo would take back."""
    return krita.action("edit_undo").text()


def undo():
    """Ctrl+Z."""
    yield from _step("edit_undo")


def redo():
    """Ctrl+Shift+Z."""
    yield from _step("edit_redo")


def _step(name):
    """Krita takes a step when it has drawn what it was about to, and may draw again then."""
    document = krita.activeDocument()
    document.waitForDone()
    krita.action(name).trigger()
    yield 0.25
    document.waitForDone()
    yield 0.05


def select(document, left, top, width, height):
    """Select a rectangle."""
    selection = Selection()
    selection.select(left, top, width, height, 255)
    document.setSelection(selection)
    yield 0.1


def paint(document, node, left, top, width, height):
    """Fill a rectangle of a node with the foreground colour, black, as one undo step; then deselect."""
    yield from active(document, node)
    yield from select(document, left, top, width, height)
    krita.action("fill_selection_foreground_color").trigger()
    yield 0.3
    document.setSelection(None)
    yield 0.1


def filled(node, data, x, y, width, height):
    """Write pixels."""
    node.setPixelData(QByteArray(data), x, y, width, height)


def seconds():
    """A clock."""
    return time.perf_counter()
