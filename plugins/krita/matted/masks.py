"""Transparency masks in Krita: made, replaced and rewritten, each in one undo step.

Krita keeps a mask's undo history inside its pixels, so pixels written past it must never meet strokes: only
a mask that Matted made and nobody has touched since is rewritten in place, as part of the step that made
it. Any other change replaces the mask: Krita's own conversion of a mask to a transparency mask takes the
old one out and puts a fresh copy in its place as one step, and the copy is then filled. GUI thread only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from krita import Krita, Selection

from .canvas import MASK_TYPE, Refusal, is_attached
from .qt import QtCore

if TYPE_CHECKING:
    from .canvas import Target

NAME = "Matted"
_CONVERT = "convert_to_transparency_mask"


def mask_of(node: Any) -> Any:
    """The mask that Matted made for this layer; None if there is none."""
    return next((one for one in node.childNodes() if _is_ours(one)), None)


def painted_mask_of(node: Any, active: Any) -> Any:
    """The mask the person means: the active one, else Matted's, else the only one; None if there is none."""
    masks = [one for one in node.childNodes() if one.type() == MASK_TYPE]
    for one in masks:
        if active is not None and one == active:
            return one
    return mask_of(node) or (masks[0] if len(masks) == 1 else None)


def read(aim: Target, mask: Any) -> bytes:
    """The mask within the layer's box, one byte per pixel."""
    return bytes(mask.pixelData(*aim.box))


def put(aim: Target, data: bytes, mask: Any = None) -> Any:
    """`data`, one byte per pixel of the layer's box, as the layer's mask; one undo step. Returns the mask.

    `mask`: the one to be replaced; without it one is added to those that are there. It becomes the active
    node, ready for the brush.
    """
    _fits(aim, data)
    if mask is not None:
        return _replaced(aim, data, mask)
    made = unattached(aim, data)
    aim.node.addChildNode(made, None)
    aim.document.refreshProjection()
    return made


def rewrite(aim: Target, data: bytes, mask: Any) -> None:
    """Fill a mask that nobody has touched since Matted made it; no undo step."""
    _fits(aim, data)
    mask.setPixelData(QtCore.QByteArray(data), *aim.box)
    aim.document.refreshProjection()


def unattached(aim: Target, data: bytes, name: str = NAME) -> Any:
    """A new mask that belongs to no layer yet."""
    selection = Selection()
    selection.setPixelData(QtCore.QByteArray(data), *aim.box)
    made = aim.document.createTransparencyMask(name)
    made.setSelection(selection)
    return made


def show(aim: Target, mask: Any, *, visible: bool) -> None:
    """Switch a mask off to compare, and on again; no undo step."""
    if is_attached(mask, aim.document) and mask.visible() != visible:
        mask.setVisible(visible)
        aim.document.refreshProjection()


def mark() -> tuple[str, bool] | None:
    """Where the active document's undo history stands, as far as Krita tells: the last step's name, and
    whether there is one to be redone; None if it does not tell.
    """
    undo, redo = Krita.instance().action("edit_undo"), Krita.instance().action("edit_redo")
    if undo is None or redo is None:
        return None
    return undo.text(), redo.isEnabled() and len(redo.text().split()) > 1


def _replaced(aim: Target, data: bytes, mask: Any) -> Any:
    if mask.locked():
        raise Refusal(f"The mask “{mask.name()}” is locked: unlock it in the layers docker and try again.")
    name = mask.name()
    made = _converted(aim, mask)
    if made is None:  # not the document in front, or a Krita that converts otherwise: two undo steps
        made = unattached(aim, data, name)
        aim.node.addChildNode(made, mask)
        mask.remove()
    else:
        made.setName(name)
        made.setPixelData(QtCore.QByteArray(data), *aim.box)
    aim.document.refreshProjection()
    return made


def _converted(aim: Target, mask: Any) -> Any:
    """A copy of the mask in its place, by Krita's own action: one undo step. None if it cannot be done."""
    krita, document = Krita.instance(), aim.document
    action = krita.action(_CONVERT)
    if action is None or krita.activeDocument() != document:
        return None
    document.setActiveNode(mask)
    if document.activeNode() != mask:
        return None
    known = [one.uniqueId() for one in aim.node.childNodes()]
    was_enabled = action.isEnabled()
    action.setEnabled(True)  # Krita offers it for layers, and does it for masks as well
    action.trigger()
    action.setEnabled(was_enabled)
    fresh = [one for one in aim.node.childNodes() if one.type() == MASK_TYPE and one.uniqueId() not in known]
    return fresh[0] if len(fresh) == 1 and not is_attached(mask, document) else None


def _fits(aim: Target, data: bytes) -> None:
    """Krita reads on past the end of what is too short."""
    width, height = aim.size
    if len(data) != width * height:
        raise Refusal("The mask does not fit the layer, so nothing was written. Press Cut Out again.")


def _is_ours(node: Any) -> bool:
    return bool(node.type() == MASK_TYPE and node.name().startswith(NAME))
