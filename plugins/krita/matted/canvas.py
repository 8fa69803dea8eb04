"""Krita's layers as Matted sees them: which one is meant, its pixels, the selection, is it still there.

GUI thread only, as all of Krita's own objects are. Nothing is written here (that is `masks` and `outputs`),
nothing is computed here; pixels leave as Qt's own values, which a worker may turn into bytes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from krita import Krita

from .qt import QtCore, QtGui

LAYERS = ("paintlayer", "grouplayer", "vectorlayer", "filelayer", "clonelayer", "filllayer")
MASK_TYPE = "transparencymask"
_MOST_PX = 400_000_000
_PRINT_SIDE = 96
_MOST_PART_PX = 4_000_000


class Refusal(Exception):
    """Why a layer cannot be worked on, and what to do: one sentence for the person."""


class Target(NamedTuple):
    """A layer and the box of its pixels (x, y, width, height) in the document; it may lie off the canvas.

    `looks` is a small picture of the layer without its masks: whether it changed meanwhile shows there.
    """

    document: Any
    node: Any
    key: str
    box: tuple[int, int, int, int]
    looks: bytes
    notice: str = ""

    @property
    def size(self) -> tuple[int, int]:
        return self.box[2], self.box[3]


class Pixels(NamedTuple):
    """A layer's pixels, 8-bit sRGB B,G,R,A: a QByteArray of rows without padding, or a QImage."""

    held: Any
    width: int
    height: int

    def planes(self) -> bytes:
        """The bytes; may be called from any thread, and takes a copy of the pixels."""
        if isinstance(self.held, QtCore.QByteArray):
            return bytes(self.held)
        return image_bytes(self.held, 4)


def chosen_nodes() -> list[Any]:
    """The layers that are selected in the layers docker, the active one first; masks count as theirs."""
    document = Krita.instance().activeDocument()
    window = Krita.instance().activeWindow()
    view = window.activeView() if window else None
    if document is None or view is None:
        raise Refusal("Open a picture first.")
    active = document.activeNode()
    nodes = [active] if active is not None else []
    nodes += [node for node in view.selectedNodes() if node != active]
    found: list[Any] = []
    for node in nodes:
        layer = layer_of(node)
        if layer is not None and layer not in found:
            found.append(layer)
    if not found:
        raise Refusal("Choose a layer in the layers docker first.")
    return found


def layer_of(node: Any) -> Any:
    """The layer a node is or, for a mask, belongs to; None where it is neither."""
    if node.type().endswith("mask"):
        node = node.parentNode()
    return node if node is not None and node.parentNode() is not None else None


def target(node: Any) -> Target:
    """The layer, ready to be worked on. Raises Refusal."""
    document = Krita.instance().activeDocument()
    name = node.name()
    if node.type() not in LAYERS:
        raise Refusal(f"“{name}” has no pixels: choose a paint, group, file, clone or vector layer.")
    locked = next((one for one in _upwards(node) if one.locked()), None)
    if locked is not None:
        raise Refusal(f"“{locked.name()}” is locked: unlock it in the layers docker and try again.")
    bounds = node.bounds()
    box = (bounds.x(), bounds.y(), bounds.width(), bounds.height())
    if bounds.isEmpty():
        raise Refusal(f"“{name}” is empty: paint on it or choose another layer.")
    if box[2] * box[3] > _MOST_PX:
        raise Refusal(f"“{name}” is larger than 400 megapixels: scale it down or crop it first.")
    notice = ""
    if node.animated():
        notice = (
            f"The layer is animated: the mask is made of frame {document.currentTime()} and stays for all."
        )
    return Target(document, node, node.uniqueId().toString(), box, _looks(node), notice)


def pixels(aim: Target) -> Pixels:
    """The layer's own pixels, its masks not applied: one call to Krita."""
    node, (x, y, width, height) = aim.node, aim.box
    if node.type() == "paintlayer" and _is_plain(node):
        return Pixels(node.pixelData(x, y, width, height), width, height)
    image = node.thumbnail(width, height)  # converts any model, depth and profile; at full size no resampling
    return Pixels(image, image.width(), image.height())


def small_picture(node: Any, side_px: int) -> Any:
    """The layer as a QImage with a longest side of `side_px` at most; None if it is empty."""
    bounds = node.bounds()
    if bounds.isEmpty():
        return None
    scale = min(1.0, side_px / max(bounds.width(), bounds.height()))
    image = node.thumbnail(max(1, round(bounds.width() * scale)), max(1, round(bounds.height() * scale)))
    return image if not image.isNull() else None


def part_of(node: Any, part: tuple[int, int, int, int]) -> Any:
    """A part of a paint layer in its own pixels as a QImage; None of other layers, or if it is a large part.

    `part`: left, top, width, height in the layer's pixels.
    """
    left, top, width, height = part
    if node.type() != "paintlayer" or width * height > _MOST_PART_PX:
        return None
    bounds = node.bounds()
    data = node.pixelData(bounds.x() + left, bounds.y() + top, width, height)
    if _is_plain(node):
        return QtGui.QImage(data, width, height, width * 4, _format("Format_ARGB32")).copy()
    document = Krita.instance().activeDocument()
    if _colours(node) != _colours(document):
        return None
    loose = document.createNode("", "paintlayer")  # of no document: it has Krita convert the colours
    loose.setPixelData(data, 0, 0, width, height)
    return loose.thumbnail(width, height)


def problem_with(aim: Target) -> str:
    """Why nothing may be written to a layer any more, as a sentence; "" if all is as it was."""
    if not is_open(aim.document):
        return "The document was closed meanwhile: nothing was written."
    node = aim.document.nodeByUniqueID(aim.node.uniqueId())
    if node is None or not is_attached(node, aim.document):
        return "The layer was deleted meanwhile: nothing was written."
    if any(one.locked() for one in _upwards(node)):
        return f"“{node.name()}” was locked meanwhile: nothing was written. Unlock it and try again."
    bounds = node.bounds()
    if (bounds.x(), bounds.y(), bounds.width(), bounds.height()) != aim.box or _looks(node) != aim.looks:
        return f"“{node.name()}” was changed meanwhile: nothing was written. Press Cut Out again."
    return ""


def is_open(document: Any) -> bool:
    """Whether Krita still has the document."""
    return any(one == document for one in Krita.instance().documents())


def is_attached(node: Any, document: Any) -> bool:
    """Whether the node is part of the document, and not just kept by its undo history."""
    root = document.rootNode()
    return root is not None and any(one == root for one in _upwards(node))


def selection_plane(aim: Target) -> bytes | None:
    """The selection within the layer's box, one byte per pixel; None if there is none."""
    selection = aim.document.selection()
    if selection is None or not (selection.width() and selection.height()):
        return None
    return bytes(selection.pixelData(*aim.box))


def selection_box(aim: Target) -> list[int] | None:
    """The box around the selection, in the layer's pixels: left, top, right, bottom, the last two excluded.

    None if nothing is selected. Raises Refusal where the selection lies beside the layer.
    """
    selection = aim.document.selection()
    if selection is None or not (selection.width() and selection.height()):
        return None
    x, y, width, height = aim.box
    left, top = max(selection.x() - x, 0), max(selection.y() - y, 0)
    right = min(selection.x() + selection.width() - x, width)
    bottom = min(selection.y() + selection.height() - y, height)
    if left >= right or top >= bottom:
        raise Refusal(
            f"The selection lies beside “{aim.node.name()}”: select what you want on it, or deselect."
        )
    return [left, top, right, bottom]


def guide_planes(aim: Target, guide: Any) -> tuple[bytes, bytes]:
    """A guide layer's lightness and coverage within the layer's box, one byte per pixel each."""
    x, y, width, height = aim.box
    bounds = guide.bounds()
    gray, alpha = (QtGui.QImage(width, height, _format("Format_Grayscale8")) for _ in range(2))
    gray.fill(0)
    alpha.fill(0)
    if not bounds.isEmpty():
        strokes = guide.thumbnail(bounds.width(), bounds.height())
        spot = QtCore.QPoint(bounds.x() - x, bounds.y() - y)
        opaque = strokes.convertToFormat(_format("Format_RGB32"))
        _draw(gray, spot, opaque.convertToFormat(_format("Format_Grayscale8")))
        coverage = strokes.convertToFormat(_format("Format_Alpha8"))
        coverage.reinterpretAsFormat(_format("Format_Grayscale8"))
        _draw(alpha, spot, coverage)
    return image_bytes(gray, 1), image_bytes(alpha, 1)


def image_bytes(image: Any, samples: int) -> bytes:
    """The bytes of a QImage, rows without padding; `samples` bytes per pixel."""
    pointer = image.constBits()
    pointer.setsize(image.bytesPerLine() * image.height())
    data, row = bytes(pointer), image.width() * samples
    if image.bytesPerLine() == row:
        return data
    stride = image.bytesPerLine()
    return b"".join(data[begin : begin + row] for begin in range(0, len(data), stride))


def gray_image(plane: bytes, width: int, height: int) -> Any:
    """A QImage of one byte per pixel with a copy of `plane`."""
    return QtGui.QImage(bytes(plane), width, height, width, _format("Format_Grayscale8")).copy()


def say(text: str, icon: str = "16_light_info") -> None:
    """A floating message over the picture, as Krita's own tools give."""
    window = Krita.instance().activeWindow()
    view = window.activeView() if window else None
    if view is not None:
        view.showFloatingMessage(text, Krita.instance().icon(icon), 3000, 1)


def _draw(onto: Any, spot: Any, image: Any) -> None:
    painter = QtGui.QPainter(onto)
    painter.setCompositionMode(QtGui.QPainter.CompositionMode.CompositionMode_Source)
    painter.drawImage(spot, image)
    painter.end()


def _looks(node: Any) -> bytes:
    image = small_picture(node, _PRINT_SIDE)
    return b"" if image is None else image_bytes(image, 4)


def _colours(owner: Any) -> tuple[str, str, str]:
    return owner.colorModel(), owner.colorDepth(), owner.colorProfile()


def _is_plain(node: Any) -> bool:
    """Whether its pixels are 8-bit sRGB B,G,R,A as they are."""
    model, depth, profile = _colours(node)
    name = profile.lower()
    is_srgb = "srgb" in name and "g10" not in name and "linear" not in name
    return (model, depth) == ("RGBA", "U8") and is_srgb


def _format(name: str) -> Any:
    return getattr(QtGui.QImage.Format, name)


def _upwards(node: Any) -> list[Any]:
    found = []
    while node is not None:
        found.append(node)
        node = node.parentNode()
    return found
