"""What happens between a press in the docker and pixels in Krita: jobs, their answers, what may be written.

Standard library only: Krita is reached through `desk` (the modules `canvas`, `masks` and `outputs`, or what
looks like them), the docker through `face`, the engine through `engine`. All of it runs in the GUI thread;
only the functions handed to the engine run elsewhere, and they touch plain values alone.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import wish as wishes
from .cut import Cut, Planes, Source, Written
from .engine import FULL, QUICK
from .live import Live
from .planes import box_of, marked
from .wish import Wish, advice

if TYPE_CHECKING:
    from collections.abc import Callable

_CUTS_KEPT = 4
_PULL = "pull"
_PAINT_FIRST = "Paint on the mask first: white keeps, black removes, gray is unsure."
_STOPPED = "Stopped: nothing was written."


class Session:
    """One docker's work. `wish` is what its widgets say; call `change` when they say something else."""

    def __init__(
        self, desk: Any, engine: Any, face: Any, later: Callable[[int, Callable[[], None]], None]
    ) -> None:
        self.wish = Wish()
        self._desk, self._engine, self._face, self._later = desk, engine, face, later
        self._cuts: dict[str, Cut] = {}
        self._queue: list[Any] = []
        self._job: str | None = None
        self._stopped = False
        self._compared: Cut | None = None
        self._live = Live(desk, engine, face, later, self)

    # -- what the person does

    @property
    def is_busy(self) -> bool:
        """Whether a job with a progress bar is running."""
        return self._job is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is running and the canvas shows what the docker says."""
        return not self.is_busy and self._live.is_settled

    def cut_out(self) -> None:
        """Cut the chosen layers out, one after the other."""
        if self.is_busy:
            return
        try:
            self._queue = list(self._desk.canvas.chosen_nodes())
        except self._desk.canvas.Refusal as refusal:
            self._face.tell(str(refusal), kind="problem")
            return
        self._next()

    def refine(self) -> None:
        """Make the mask anew from what the person has painted on it, or on a guide layer."""
        if self.is_busy:
            return
        canvas, masks, outputs = self._desk.canvas, self._desk.masks, self._desk.outputs
        try:
            node, guide = outputs.layer_and_guide(self._desk.active_layer())
            if node is None:
                raise canvas.Refusal("Choose the layer to refine, or its mask, in the layers docker first.")
            aim = canvas.target(node)
            mask = masks.painted_mask_of(node, self._desk.active_node())
            if mask is None:
                raise canvas.Refusal("There is no mask to refine yet: press Cut Out first, then paint on it.")
            painted = masks.read(aim, mask)
            strokes = canvas.guide_planes(aim, guide) if guide is not None else None
            taken = canvas.pixels(aim)
            limit = self._limit_plane(aim)
        except canvas.Refusal as refusal:
            self._face.tell(str(refusal), kind="problem")
            return
        cut = self._cuts.get(aim.key)
        if cut is not None and (cut.mask is None or cut.mask != mask):
            cut.found_again(mask, self._desk.key(mask))
        known = cut.written if cut is not None and cut.mask is not None and cut.mask == mask else None
        if strokes is None and known is not None and painted == known.base:
            self._face.tell(
                "Paint on the mask first: white keeps, black removes, gray is unsure.", kind="problem"
            )
            return
        asked, (width, height) = replace(self.wish, output=wishes.MASK), aim.size

        def work(client: Any, job: str) -> Any:
            picture = client.upload(Planes(taken.planes(), width, height, "bgra8"), job=job)
            source = Source(picture, _uploaded(client, limit, aim.size))
            made = known.made if known is not None else bytes(source.mask(client, asked).data)
            before = known.base if known is not None else made
            mask_now, unsure = (painted, None) if strokes is None else marked(painted, *strokes)
            answer = client.refine(
                picture,
                Planes(mask_now, width, height, "gray8"),
                asked.options(),
                made=Planes(before, width, height, "gray8"),
                guide=Planes(unsure, width, height, "gray8") if unsure and any(unsure) else None,
                limit=source.limit,
                job=job,
            )
            data = bytes(answer.data)
            return source, answer, Written(made, data, data)

        def done(found: Any) -> None:
            self._written(aim, asked, *found, mask)

        self._begin(aim, work, done, "Refining…")

    def add_guide(self) -> None:
        """A layer to paint strokes on, above the active one."""
        try:
            node = self._desk.active_layer()
            if node is None:
                raise self._desk.canvas.Refusal("Choose the layer to refine in the layers docker first.")
            self._desk.outputs.add_guide(self._desk.canvas.target(node))
        except self._desk.canvas.Refusal as refusal:
            self._face.tell(str(refusal), kind="problem")
        else:
            self._face.tell(
                "Paint on the guide: white keeps, black removes, gray is unsure. Then press Refine."
            )

    def change(self, wish: Wish) -> None:
        """The docker's settings are these now: the preview follows, and the mask on the canvas."""
        before, self.wish = self.wish, wish
        if replace(wish, output=before.output, selection=before.selection) == before:
            return
        if (wish.model, wish.level) != (before.model, before.level):
            for cut in self._cuts.values():
                cut.subjects = []
            self.wish = wish = replace(wish, keep=())
            self._face.show_subjects([], ())
        cut = self.cut_here()
        if cut is None or self.is_busy:
            return
        self._live.preview(cut)
        self._live.write(cut)

    def keep(self, numbers: tuple[int, ...]) -> None:
        """Keep these of the found subjects; () keeps all."""
        self.change(replace(self.wish, keep=numbers))

    def compare(self, *, before: bool) -> None:
        """Show the active layer without Matted's mask, or with it again."""
        cut = self.cut_here() if before else self._compared
        self._compared = cut if before else None
        if cut is not None and cut.mask is not None and self._desk.canvas.is_open(cut.aim.document):
            self._desk.masks.show(cut.aim, cut.mask, visible=not before)

    def cancel(self) -> None:
        """Stop what is running; nothing is written then."""
        self._queue = []
        if self._job == _PULL:  # its worker sees that and hangs up, which stops the download
            self._ended()
            self._face.tell("Stopped: what is here already is kept for the next time.")
        elif self._job is not None:
            self._stopped = True
            self._face.progress(0.0, "Stopping…")
            self._engine.cancel(self._job)

    def pull(self, model: str, *, accept_licence: bool) -> None:
        """Download a model's weights."""
        if self.is_busy:
            return
        self._job = _PULL
        self._face.progress(0.0, "Downloading…")

        def work(client: Any) -> None:
            for event in client.pull(model, accept_licence=accept_licence):
                if self._job != _PULL:
                    return
                self._engine.post(lambda event=event: self._pulled(event))

        def done(_: Any) -> None:
            if self._job != _PULL:
                return
            self._ended()
            self.look_for_models()
            self._face.tell("The model is here: Cut Out uses it now.")

        self._engine.ask(FULL, "pull", work, done, self.failed)

    # -- what is looked at in passing

    def look_for_models(self) -> None:
        """Ask for the catalogue; starts the engine if it is not running."""
        self._engine.ask(
            QUICK, "models", lambda client: client.models(), self._face.show_models, lambda _error: None
        )

    def look_at_engine(self) -> None:
        """Ask how the engine is, without starting it."""
        self._engine.ask(
            QUICK,
            "status",
            lambda client: client.status(),
            lambda status: self._face.show_engine(status),
            lambda _error: self._face.show_engine(None),
            start=False,
        )

    def look_at_layer(self) -> None:
        """Another layer is active now: show what is known of it."""
        cut = self.cut_here()
        if self._compared is not None and cut is not self._compared:
            self._face.end_compare()
        if cut is None:
            self._face.show_mask(None)
            self._face.show_subjects([], ())
            return
        self.wish = replace(self.wish, keep=cut.wish.keep)
        self._live.preview(cut)
        self._live.show_subjects(cut)

    # -- cutting out

    def _next(self) -> None:
        if not self._queue:
            return
        node = self._queue.pop(0)
        canvas = self._desk.canvas
        try:
            aim = canvas.target(node)
            taken = canvas.pixels(aim)
            plane = self._desk.canvas.selection_plane(aim) if self.wish.selection != wishes.IGNORED else None
            colours = self._desk.outputs.colours(aim) if self.wish.output == wishes.LAYER else None
        except canvas.Refusal as refusal:
            self._face.tell(str(refusal), kind="problem")
            self._next()
            return
        known, asked = self._cuts.get(aim.key), self.wish
        if known is not None and known.aim.looks != aim.looks:
            asked = replace(asked, keep=())
        width, height = aim.size
        limits = plane if asked.selection == wishes.LIMITS else None
        points = (
            box_of(plane, width, height) if plane is not None and asked.selection == wishes.POINTS else None
        )

        def work(client: Any, job: str) -> Any:
            picture = client.upload(Planes(taken.planes(), width, height, "bgra8"), job=job)
            source = Source(picture, limit=_uploaded(client, limits, aim.size))
            meant = _pointed_at(client, source, asked, points)
            answer = source.mask(client, meant, job=job)
            return (
                source,
                answer,
                (meant, self._desk.extra(client, source, meant, bytes(answer.data), colours)),
            )

        def done(found: Any) -> None:
            source, answer, (meant, extra) = found
            self.wish = replace(self.wish, keep=meant.keep)
            if asked.output == wishes.MASK:
                data = bytes(answer.data)
                old = self._desk.masks.mask_of(aim.node)
                self._written(aim, meant, source, answer, Written(data, data, data), old)
            else:
                self._put(aim, meant, source, answer, extra)

        self._begin(aim, work, done, "Looking at the picture…")

    def _put(self, aim: Any, wish: Wish, source: Source, answer: Any, extra: Any) -> None:
        outputs, data = self._desk.outputs, bytes(answer.data)
        if wish.output == wishes.SELECTION:
            outputs.put_selection(aim, data)
        elif wish.output == wishes.LAYER:
            outputs.put_layer(aim, *extra)
        elif not extra:
            self._face.tell(
                "No subject was found: choose another model or crop closer to it.", kind="problem"
            )
            return
        else:
            outputs.put_subjects(aim, extra)
        self._know(aim, wish, source)
        self._finished(answer, aim)

    def _written(self, aim: Any, wish: Wish, source: Source, answer: Any, written: Written, old: Any) -> None:
        mask = self._desk.masks.put(aim, written.data, old)
        self._live.wrote(self._know(aim, wish, source), mask, written)
        self._finished(answer, aim)

    def _know(self, aim: Any, wish: Wish, source: Source) -> Cut:
        earlier = self._cuts.pop(aim.key, None)
        cut = earlier if earlier is not None else Cut(aim, source, wish)
        if cut.aim.looks != aim.looks:
            cut.subjects = []
        cut.aim, cut.source, cut.wish = aim, source, wish
        self._cuts[aim.key] = cut
        while len(self._cuts) > _CUTS_KEPT:  # the oldest; each may hold its picture's bytes
            del self._cuts[next(iter(self._cuts))]
        return cut

    def _finished(self, answer: Any, aim: Any) -> None:
        cut = self._cuts[aim.key]
        text = advice(answer.warnings) or aim.notice
        cut.advice = text
        self._face.tell(text, kind="advice")
        self._face.show_device(answer.provider, answer.model)
        self._live.preview(cut)
        self._live.subjects(cut)

    # -- jobs

    def _begin(
        self, aim: Any, work: Callable[[Any, str], Any], done: Callable[[Any], None], text: str
    ) -> None:
        self._job, self._stopped = uuid.uuid4().hex, False
        job = self._job
        self._live.forget()
        self._face.progress(0.0, text)

        def finish(found: Any) -> None:
            if self._job != job:
                return
            problem = _STOPPED if self._stopped else self._desk.canvas.problem_with(aim)
            try:  # Krita may take events while it works: the job ends with what it writes
                if not problem:
                    done(found)
            except self._desk.canvas.Refusal as refusal:
                problem = str(refusal)
            finally:
                self._ended()
            if problem:
                self._face.tell(problem, kind="problem")
            self._next()

        self._engine.ask(
            FULL, "job", lambda client: work(client, job), finish, self.failed, job=job, told=self._told
        )

    def _told(self, event: dict[str, Any]) -> None:
        if self._job is not None and event.get("state") in ("waiting", "running"):
            self._face.progress(
                float(event.get("fraction", 0.0)), wishes.stage_text(str(event.get("stage", "")))
            )

    def _pulled(self, event: dict[str, Any]) -> None:
        if self._job == _PULL and event.get("total"):
            self._face.progress(event["done"] / event["total"], "Downloading…")

    def failed(self, error: Any) -> None:
        """An errand of any kind failed: say so, and be free again."""
        had_job = self.is_busy
        self._ended()
        self._queue = []
        if error.slug == "cancelled":
            self._face.tell(_STOPPED if had_job else "")
        else:
            self._face.tell(str(error), kind="problem")
        if error.slug == "daemon-unavailable":
            self._face.show_engine(None)

    def quietly(self, error: Any) -> None:
        """An errand nobody waits for failed: only the engine's dot tells."""
        if error.slug == "daemon-unavailable":
            self._face.show_engine(None)

    def _ended(self) -> None:
        self._job = None
        self._face.progress(None, "")

    def _limit_plane(self, aim: Any) -> bytes | None:
        if self.wish.selection != wishes.LIMITS:
            return None
        plane: bytes | None = self._desk.canvas.selection_plane(aim)
        return plane

    def cut_here(self) -> Cut | None:
        """What Matted has made for the active layer."""
        node = self._desk.active_layer()
        return self._cuts.get(self._desk.key(node)) if node is not None else None


def _uploaded(client: Any, plane: bytes | None, size: tuple[int, int]) -> Any:
    return None if plane is None else client.upload(Planes(plane, *size, "gray8"))


def _pointed_at(client: Any, source: Source, wish: Wish, box: list[int] | None) -> Wish:
    """The wish with the subjects that the selection's box points at."""
    if box is None:
        return wish
    boxes = {one.number: list(one.box) for one in client.subjects(source.picture, wish.looked())}
    return replace(wish, keep=wishes.pointed_at(box, boxes))
