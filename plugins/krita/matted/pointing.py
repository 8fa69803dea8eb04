"""What is pointed at on each layer, and the quick look at it: a small copy of the layer is asked about.

The copy is sent once, so that every further click costs one question. The mask on the canvas is made of the
whole layer, by `live` or by Cut Out. Standard library only, as `session`, whose part it is.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from . import wish as wishes
from .cut import Planes, SmallMask, Source, missing
from .engine import QUICK
from .planes import smaller
from .prompt import NOTHING
from .refining import uploaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from .prompt import Prompt
    from .wish import Wish

LOOK_SIDE_PX = 1024  # what prompt models look at; a model that looks closer sees enough in it, too
_LAYERS_KEPT = 64


class _Asked(NamedTuple):
    """A small copy of a layer with the engine: how the layer looked, what was selected, and the copy."""

    aim: Any
    selection: tuple[bytes | None, list[int] | None]
    source: Source


class Pointing:
    """`session`: whose wish counts, and who hears of failures."""

    def __init__(self, desk: Any, engine: Any, face: Any, session: Any) -> None:
        self._desk, self._engine, self._face, self._session = desk, engine, face, session
        self._prompts: dict[str, tuple[Prompt, tuple[int, int, int, int]]] = {}
        self._asked: _Asked | None = None
        self._job: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether no answer to what was pointed at is on its way."""
        return self._job is None

    def of(self, node: Any) -> Prompt:
        """What is pointed at on a layer, in its own pixels as they lie now."""
        prompt, (x, y, width, height) = self._prompts.get(self._desk.key(node), (NOTHING, (0, 0, 0, 0)))
        if prompt:
            bounds = node.bounds()
            if (bounds.width(), bounds.height()) != (width, height):  # else it was moved, at most
                right, down = x - bounds.x(), y - bounds.y()
                prompt = prompt.moved(right, down, bounds.width(), bounds.height())
            self.keep(node, prompt)
        return prompt

    def keep(self, node: Any, prompt: Prompt) -> None:
        """This is what is pointed at on a layer now."""
        bounds = node.bounds()
        self._prompts.pop(self._desk.key(node), None)
        if prompt:
            box = (bounds.x(), bounds.y(), bounds.width(), bounds.height())
            self._prompts[self._desk.key(node)] = (prompt, box)
        while len(self._prompts) > _LAYERS_KEPT:
            del self._prompts[next(iter(self._prompts))]

    def drop(self) -> None:
        """No answer that is on its way is wanted any more."""
        self._engine.drop("pointing")
        if self._job is not None:
            self._engine.cancel(self._job)
            self._job = None
            self._face.show_waiting(waiting=False)

    def look(self, node: Any, wish: Wish, then: Callable[[], None]) -> None:
        """Have the preview show what `wish` points at on a layer, then call `then`.

        An earlier question that has not been answered is stopped. Nothing is written. Raises the canvas's
        Refusal.
        """
        self.drop()
        aim = self._desk.canvas.target(node)
        selection = self._session.selection(aim, wish)
        known = self._asked
        if known is not None and not _is_same(known, aim, selection):
            known = None
        image = None if known is not None else self._desk.canvas.small_picture(node, LOOK_SIDE_PX)
        before = self._asked.aim if self._asked is not None else None
        if before is not None and before.key == aim.key and before.looks != aim.looks:
            self._face.show_picture(image, size=aim.size)
        self._job = job = uuid.uuid4().hex
        side_px = self._face.side_px
        self._face.show_waiting(waiting=True)

        def work(client: Any) -> Any:
            asked = known or _Asked(aim, selection, self._sent(client, aim, image, selection))
            if self._job != job:  # a later click has come while the copy was sent
                return asked, None
            return asked, asked.source.mask(client, wish, side_px=side_px, job=job)

        def done(found: Any) -> None:
            if self._job != job:
                return
            self._job = None
            self._asked, answer = found
            self._face.show_waiting(waiting=False)
            self._face.show_mask(
                SmallMask(bytes(answer.data), answer.width, answer.height, answer.width / aim.size[0])
            )
            nothing = missing(answer, wish, self._asked.source)
            self._face.tell(nothing or wishes.advice(answer.warnings), kind="advice")
            then()

        def failed(error: Any) -> None:
            if self._job != job:
                return
            self._job = self._asked = None  # an engine that was started anew knows of no copy
            self._face.show_waiting(waiting=False)
            if self._session.is_busy:  # a job has begun meanwhile, and has its own word
                self._session.quietly(error)
            else:
                self._session.failed(error)

        self._engine.ask(QUICK, "pointing", work, done, failed)

    def _sent(self, client: Any, aim: Any, image: Any, selection: Any) -> Source:
        width, height = image.width(), image.height()
        pixels = self._desk.canvas.image_bytes(image, 4)
        picture = client.upload(Planes(pixels, width, height, "bgra8"))
        plane, box = selection
        if plane is not None:
            plane = smaller(plane, *aim.size, width, height)
        limit = uploaded(client, plane, (width, height))
        return Source(picture, limit, box, (width / aim.size[0], height / aim.size[1]))


def _is_same(known: _Asked, aim: Any, selection: Any) -> bool:
    """Whether a small copy still shows the layer, and the selection is what it was."""
    same = known.aim.key == aim.key and known.aim.box == aim.box and known.aim.looks == aim.looks
    return same and known.aim.document == aim.document and known.selection == selection
