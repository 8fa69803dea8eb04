"""From a moved slider to the preview and to the mask on the canvas, as fast as both can follow.

The preview is asked for at once and drawn when it comes. The mask is written when the engine has it, the
newest wish only, and Krita's own work on the canvas takes at most half of the time. Standard library only,
as `session`, whose part it is.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import wish as wishes
from .cut import SmallMask, Written, missing
from .engine import FULL, QUICK
from .planes import smaller, with_strokes
from .wish import advice

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cut import Cut
    from .wish import Wish

_THUMB_SIDE_PX = 160
_SUBJECTS_SHOWN = 12
_SETTLED_MS = 400  # after this, a step of ours stands in Krita's undo history


class Live:
    """`session`: whose wish counts, and who hears of failures."""

    def __init__(
        self,
        desk: Any,
        engine: Any,
        face: Any,
        later: Callable[[int, Callable[[], None]], None],
        session: Any,
    ) -> None:
        self._desk, self._engine, self._face, self._later = desk, engine, face, later
        self._session = session
        self._due = False
        self._job: str | None = None
        self._free_at = 0.0

    @property
    def is_settled(self) -> bool:
        """Whether the mask on the canvas is what the session's wish makes of it."""
        return not self._due and self._job is None

    def preview(self, cut: Cut) -> None:
        """Have the docker's preview show the session's wish."""
        wish, written, side_px = self._session.wish, cut.written, self._face.side_px

        def work(client: Any) -> SmallMask:
            answer = cut.source.mask(client, wish, side_px=side_px)
            size, data = (answer.width, answer.height), bytes(answer.data)
            if written is not None and written.data != written.made:
                before = smaller(written.made, *cut.aim.size, *size)
                data = with_strokes(data, before, smaller(written.data, *cut.aim.size, *size))
            return SmallMask(data, *size, answer.width / cut.aim.size[0])

        def done(small: SmallMask) -> None:
            if cut is self._session.cut_here():
                self._face.show_mask(small)

        self._engine.ask(QUICK, "preview", work, done, self._session.quietly)

    def write(self, cut: Cut) -> None:
        """Have the mask on the canvas follow the session's wish."""
        self._due = True
        self._ask(cut)

    def subjects(self, cut: Cut) -> None:
        """Have the subjects of a cut looked for, and shown."""
        if cut.subjects:
            self.show_subjects(cut)
            return
        wish, source = self._session.wish, cut.source

        def work(client: Any) -> Any:
            found = []
            for subject in source.subjects(client, wish)[:_SUBJECTS_SHOWN]:
                alone = source.options(replace(wish, keep=(subject.number,)), side_px=_THUMB_SIDE_PX)
                small = client.mask(source.picture, alone)
                scale = small.width / source.picture.width
                found.append((subject, SmallMask(bytes(small.data), small.width, small.height, scale)))
            return found

        def done(found: Any) -> None:
            cut.subjects = found
            self.show_subjects(cut)

        self._engine.ask(QUICK, "subjects", work, done, self._session.quietly)

    def show_subjects(self, cut: Cut) -> None:
        """Show the subjects of a cut if it is that of the active layer."""
        if cut is self._session.cut_here():
            self._face.show_subjects(cut.subjects if len(cut.subjects) > 1 else [], self._session.wish.keep)

    def forget(self) -> None:
        """What was still to be written is not wanted any more."""
        self._due = False
        self._engine.drop("canvas")
        if self._job is not None:
            self._engine.cancel(self._job)
            self._job = None

    def has_mask(self, cut: Cut) -> bool:
        """Whether there is a mask on the canvas that follows the session's wish."""
        return self._session.wish.output == wishes.MASK and self._current(cut) is not None

    def wrote(self, cut: Cut, mask: Any, written: Written) -> None:
        """Note what the mask holds now, and soon where the undo history stands."""
        cut.wrote(mask, self._desk.key(mask), written)

        def note() -> None:
            if cut.step is None:
                cut.step = self._desk.masks.mark()

        self._later(_SETTLED_MS, note)

    def _ask(self, cut: Cut) -> None:
        if cut.mask is None or self._session.wish.output != wishes.MASK:
            self._due = False
        if not self._due or self._job is not None:
            return
        wait_s = self._free_at - time.monotonic()
        if wait_s > 0:
            self._later(int(wait_s * 1000) + 1, lambda: self._ask(cut))
            return
        self._due = False
        wish = self._session.wish
        mask = self._current(cut)
        if mask is None:
            self._face.tell("The mask is not there any more: press Cut Out to make it again.", kind="problem")
            return
        now, before = self._desk.masks.read(cut.aim, mask), cut.written

        self._job = job = uuid.uuid4().hex

        def work(client: Any) -> tuple[Written | None, str]:
            answer = cut.source.mask(client, wish, job=job)
            made, told = bytes(answer.data), advice(answer.warnings)
            nothing = missing(answer, wish, cut.source)
            if nothing:
                return None, nothing
            if before is None:
                return Written(made, made, made), told
            base = with_strokes(made, before.made, before.base)
            return Written(made, base, with_strokes(made, before.made, now)), told

        def done(found: tuple[Written | None, str]) -> None:
            if self._job != job:
                return
            try:
                self._come(cut, wish, mask, now, *found)
            finally:
                self._job = None
            self._ask(cut)

        def failed(error: Any) -> None:
            if self._job != job:
                return
            self._job = None
            if self._session.is_busy:  # a job has begun meanwhile, and has its own word
                self._session.quietly(error)
            else:
                self._session.failed(error)

        self._engine.ask(FULL, "canvas", work, done, failed)

    def _come(self, cut: Cut, wish: Wish, mask: Any, now: bytes, found: Written | None, told: str) -> None:
        canvas = self._desk.canvas
        problem = canvas.problem_with(cut.aim) or (told if found is None else "")
        if problem or found is None:
            self._face.tell(problem, kind="problem")
            return
        if self._session.is_busy or self._current(cut) != mask:
            return
        began = time.monotonic()
        try:
            if self._desk.masks.read(cut.aim, mask) != now:  # painted on while the engine worked
                self._due = True
            else:
                self._put(cut, mask, now, found)
                looked = cut.shows(wish)
                cut.wish, cut.advice = wish, told or cut.aim.notice
                self._face.tell(cut.advice, kind="advice")
                if not looked:
                    self.preview(cut)
        except canvas.Refusal as refusal:
            self._face.tell(str(refusal), kind="problem")
            return
        self._free_at = time.monotonic() + (time.monotonic() - began)

    def _put(self, cut: Cut, mask: Any, now: bytes, found: Written) -> None:
        masks = self._desk.masks
        if cut.untouched(now, masks.mark()):
            masks.rewrite(cut.aim, found.data, mask)
        else:
            mask = masks.put(cut.aim, found.data, mask)
        self.wrote(cut, mask, found)

    def _current(self, cut: Cut) -> Any:
        """The mask that stands for the cut now: after an undo it may be an earlier one; None if none is."""
        canvas, masks = self._desk.canvas, self._desk.masks
        if not canvas.is_open(cut.aim.document):
            return None
        if cut.mask is not None and canvas.is_attached(cut.mask, cut.aim.document):
            return cut.mask
        mask = masks.mask_of(cut.aim.node) if canvas.is_attached(cut.aim.node, cut.aim.document) else None
        return mask if mask is not None and cut.found_again(mask, self._desk.key(mask)) else None
