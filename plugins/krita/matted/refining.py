"""Refine: the mask made anew from what a person has painted on it, or on a guide layer.

The engine tells strokes from the rest by the mask as it was before them, so what is sent for that must be
what was written to this very mask last. Standard library only, as `session`, whose part it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import wish as wishes
from .cut import Planes, Source, Written
from .planes import marked

PAINT_FIRST = "Paint on the mask first: white keeps, black removes, gray is unsure."


class Refining:
    """`session`: whose cuts these are, and who runs the job."""

    def __init__(self, desk: Any, face: Any, session: Any) -> None:
        self._desk, self._face, self._session = desk, face, session

    def refine(self) -> None:
        """Refine the mask that is meant. Raises the canvas's Refusal."""
        canvas, masks, outputs, session = (
            self._desk.canvas,
            self._desk.masks,
            self._desk.outputs,
            self._session,
        )
        node, guide = outputs.layer_and_guide(self._desk.active_layer())
        if node is None:
            raise canvas.Refusal("Choose the layer to refine, or its mask, in the layers docker first.")
        aim = canvas.target(node)
        mask = masks.painted_mask_of(node, self._desk.active_node())
        if mask is None:
            raise canvas.Refusal("There is no mask to refine yet: press Cut Out first, then paint on it.")
        painted = masks.read(aim, mask)
        strokes = canvas.guide_planes(aim, guide) if guide is not None else None
        known = self._written(node, mask)
        if strokes is None and known is not None and painted == known.base:
            raise canvas.Refusal(PAINT_FIRST)
        asked, (width, height) = replace(session.wish_for(node), output=wishes.MASK), aim.size
        taken, (limit, box) = canvas.pixels(aim), session.selection(aim, asked)

        def work(client: Any, job: str) -> Any:
            picture = client.upload(Planes(taken.planes(), width, height, "bgra8"), job=job)
            source = Source(picture, uploaded(client, limit, aim.size), box)
            made = known.made if known is not None else bytes(source.mask(client, asked).data)
            before = known.base if known is not None else made
            mask_now, unsure = (painted, None) if strokes is None else marked(painted, *strokes)
            answer = client.refine(
                picture,
                Planes(mask_now, width, height, "gray8"),
                source.options(asked),
                made=Planes(before, width, height, "gray8"),
                guide=Planes(unsure, width, height, "gray8") if unsure and any(unsure) else None,
                limit=source.limit,
                job=job,
            )
            data = bytes(answer.data)
            return source, answer, Written(made, data, data)

        def done(found: Any) -> None:
            session.put_mask(aim, asked, *found, mask)

        session.begin(aim, work, done, "Refining…")

    def add_guide(self) -> None:
        """A layer to paint strokes on, above the active one. Raises the canvas's Refusal."""
        node = self._desk.active_layer()
        if node is None:
            raise self._desk.canvas.Refusal("Choose the layer to refine in the layers docker first.")
        self._desk.outputs.add_guide(self._desk.canvas.target(node))
        self._face.tell("Paint on the guide: white keeps, black removes, gray is unsure. Then press Refine.")

    def _written(self, node: Any, mask: Any) -> Written | None:
        """What was written to this very mask last; None if it is not known."""
        cut = self._session.cut_of(node)
        if cut is None:
            return None
        if cut.mask is None or cut.mask != mask:
            cut.found_again(mask, self._desk.key(mask))
        written: Written | None = cut.written if cut.mask is not None and cut.mask == mask else None
        return written


def uploaded(client: Any, plane: bytes | None, size: tuple[int, int]) -> Any:
    """A gray plane with the engine; None for none. In a worker's thread."""
    return None if plane is None else client.upload(Planes(plane, *size, "gray8"))
