"""Everything of Krita's that a session works with, under one name: layers, masks, other outputs.

GUI thread only, but for `extra`, which touches plain values alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from krita import Krita

from . import canvas, masks, outputs
from . import wish as wishes
from .cut import Planes
from .planes import lesser

if TYPE_CHECKING:
    from .cut import Source
    from .wish import Wish

__all__ = ["active_layer", "active_node", "canvas", "extra", "key", "masks", "outputs"]


def active_node() -> Any:
    """The node that is active in the document in front; None if there is none."""
    document = Krita.instance().activeDocument()
    return document.activeNode() if document is not None else None


def active_layer() -> Any:
    """The layer that is active, or whose mask is; None if there is none."""
    node = active_node()
    return canvas.layer_of(node) if node is not None else None


def key(node: Any) -> str:
    """What tells one node from all others, also after an undo."""
    return str(node.uniqueId().toString())


def extra(client: Any, source: Source, wish: Wish, mask: bytes, colours: Any) -> Any:
    """What an output other than a mask takes from the engine beside the mask; in a worker's thread.

    For a new layer: its pixels with clean colours, and how they lie. For subjects: the mask of each.
    """
    if wish.output == wishes.LAYER:
        width, height = source.picture.width, source.picture.height
        pixels = bytes(colours.held) if colours.own else canvas.image_bytes(colours.held, 4)
        sent = Planes(pixels, width, height, colours.format, linear=colours.is_linear)
        made = client.foreground(sent, source.options(wish), limit=source.limit)
        alpha = lesser(mask, source.picture.source.data[3::4])
        return colours, outputs.recoloured(colours, width, height, bytes(made.data), alpha)
    if wish.output == wishes.SUBJECTS:
        found = source.subjects(client, wish)
        wanted = [one.number for one in found if not wish.keep or one.number in wish.keep]
        return [bytes(source.mask(client, replace(wish, keep=(number,))).data) for number in wanted]
    return None
