"""What Cut Out can make besides a mask: a selection, a layer of clean colours, a masked layer per subject.

Each is one undo step where Krita can. GUI thread only.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from krita import Krita, Selection

from .canvas import MASK_TYPE
from .masks import NAME
from .qt import QtCore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .canvas import Target

GUIDE = "Matted guide"
_SELECTION_STEP_SINCE = (5, 3)


class Colours(NamedTuple):
    """Pixels for the engine in the layer's own numbers, and how they are written back.

    `order` is Krita's: integers of RGB lie as B,G,R,A. `profile` and `depth` are the layer's own, or 8-bit
    sRGB where the engine does not know the colour model.
    """

    held: Any
    format: str
    is_linear: bool
    own: bool


_FORMATS = {
    ("RGBA", "U8"): "bgra8",
    ("RGBA", "U16"): "bgra16",
    ("RGBA", "F16"): "rgbaf16",
    ("RGBA", "F32"): "rgbaf32",
    ("GRAYA", "U8"): "graya8",
    ("GRAYA", "U16"): "graya16",
    ("GRAYA", "F16"): "grayaf16",
    ("GRAYA", "F32"): "grayaf32",
}
SRGB = "sRGB-elle-V2-srgbtrc.icc"


def colours(aim: Target) -> Colours:
    """The layer's pixels at its own depth where the engine can take them, else as 8-bit sRGB."""
    node = aim.node
    found = _FORMATS.get((node.colorModel(), node.colorDepth()))
    if node.type() == "paintlayer" and found:
        profile = node.colorProfile().lower()
        linear = "g10" in profile or "linear" in profile
        return Colours(node.pixelData(*aim.box), found, linear, own=True)
    return Colours(node.thumbnail(*aim.size), "bgra8", is_linear=False, own=False)


def recoloured(taken: Colours, width: int, height: int, made: bytes, alpha: bytes) -> bytes:
    """The taken pixels with the colours `made` (R,G,B or gray, at the same depth) and `alpha`, 8 bits.

    Any thread. Raises ValueError where the sizes do not fit.
    """
    depth, gray = _depth(taken.format), taken.format.startswith("gray")
    fresh = 1 if gray else 3
    if len(made) != width * height * fresh * depth or len(alpha) != width * height:
        raise ValueError("the colours do not fit the layer")
    kind = {1: "B", 2: "H", 4: "I"}[depth]
    data = bytearray(width * height * (fresh + 1) * depth)
    onto, colours = memoryview(data).cast(kind), memoryview(made).cast(kind)
    for channel in range(fresh):
        place = fresh - 1 - channel if taken.format.startswith("bgr") else channel
        onto[place :: fresh + 1] = colours[channel::fresh]
    values = [_as_depth(value, taken.format) for value in range(256)]
    for byte in range(depth):
        table = bytes(value[byte] for value in values)
        data[fresh * depth + byte :: (fresh + 1) * depth] = alpha.translate(table)
    return bytes(data)


def put_layer(aim: Target, taken: Colours, data: bytes) -> Any:
    """A new layer above the old one with the pixels `data`, as `recoloured` made them; one undo step."""
    node = aim.node
    made = aim.document.createNode(f"{node.name()}, cut out", "paintlayer")
    if taken.own:
        made.setColorSpace(node.colorModel(), node.colorDepth(), node.colorProfile())
    else:
        made.setColorSpace("RGBA", "U8", SRGB)
    made.setPixelData(QtCore.QByteArray(data), *aim.box)
    node.parentNode().addChildNode(made, node)
    aim.document.refreshProjection()
    return made


def put_selection(aim: Target, data: bytes) -> None:
    """`data` as the document's selection.

    Before Krita 5.3 plug-ins cannot make a step of it: the old selection is taken away by Krita's own
    Deselect first, so that Undo brings it back.
    """
    document, krita = aim.document, Krita.instance()
    selection = Selection()
    selection.setPixelData(QtCore.QByteArray(data), *aim.box)
    if _version() < _SELECTION_STEP_SINCE and krita.activeDocument() == document:
        action = krita.action("deselect")
        if document.selection() is not None and action is not None:
            action.trigger()
            document.waitForDone()
    document.setSelection(selection)


def put_subjects(aim: Target, masks: Sequence[bytes]) -> Any:
    """A group above the layer with a copy of it for each mask; one undo step.

    What has parts is put together in a document that is never shown, for Krita makes an undo step of every
    node that is added to anything in the open one.
    """
    scratch = _scratch(aim.document)
    group = scratch.createGroupLayer(f"{aim.node.name()}: subjects")
    scratch.rootNode().addChildNode(group, None)
    for number, data in enumerate(masks, 1):
        known = [one.uniqueId() for one in group.childNodes()]
        group.addChildNode(aim.node.duplicate(), None)
        copy = next(one for one in group.childNodes() if one.uniqueId() not in known)
        copy.setName(f"{aim.node.name()}, subject {number}")
        for child in copy.childNodes():
            if child.type() == MASK_TYPE and child.name().startswith(NAME):
                child.remove()
        _mask_in(scratch, copy, aim, data)
    return _moved_over(scratch, group, aim)


def add_guide(aim: Target) -> Any:
    """An empty guide layer above the layer, active, to paint strokes on; one undo step."""
    made = aim.document.createNode(GUIDE, "paintlayer")
    made.setOpacity(160)
    aim.node.parentNode().addChildNode(made, aim.node)  # Krita makes what is new the active node, soon
    return made


def layer_and_guide(active: Any) -> tuple[Any, Any]:
    """The layer that is meant, and the guide layer that speaks of it: (layer or None, guide or None).

    A guide speaks of the next layer below it, whichever of the two is active.
    """
    if active is None or active.parentNode() is None:
        return active, None
    beside = [one for one in active.parentNode().childNodes() if not one.type().endswith("mask")]
    place = next(index for index, one in enumerate(beside) if one == active)
    if active.name().startswith(GUIDE):
        return (beside[place - 1] if place else None), active
    above = beside[place + 1] if place + 1 < len(beside) else None
    if above is not None and above.name().startswith(GUIDE) and above.visible():
        return active, above
    return active, None


def _version() -> tuple[int, int]:
    parts = Krita.instance().version().split("-")[0].split(".")
    return int(parts[0]), int(parts[1])


def _scratch(document: Any) -> Any:
    return Krita.instance().createDocument(
        document.width(),
        document.height(),
        NAME,
        document.colorModel(),
        document.colorDepth(),
        document.colorProfile(),
        document.resolution(),
    )


def _mask_in(scratch: Any, layer: Any, aim: Target, data: bytes) -> None:
    selection = Selection()
    selection.setPixelData(QtCore.QByteArray(data), *aim.box)
    mask = scratch.createTransparencyMask(NAME)
    mask.setSelection(selection)
    layer.addChildNode(mask, None)


def _moved_over(scratch: Any, node: Any, aim: Target) -> Any:
    scratch.waitForDone()
    made = node.duplicate()
    made.setName(node.name())
    aim.node.parentNode().addChildNode(made, aim.node)
    aim.document.refreshProjection()
    scratch.setModified(False)
    scratch.close()
    return made


def _depth(plane_format: str) -> int:
    return {"8": 1, "6": 2, "2": 4}[plane_format[-1]]


def _as_depth(value: int, plane_format: str) -> bytes:
    """A share of 255 as one sample, little-endian."""
    if plane_format.endswith("f16"):
        return struct.pack("<e", value / 255)
    if plane_format.endswith("f32"):
        return struct.pack("<f", value / 255)
    return bytes([value]) * _depth(plane_format)
