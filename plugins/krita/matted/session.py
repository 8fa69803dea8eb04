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
from .cut import Cut, Planes, Source, Written, missing
from .engine import FULL, QUICK
from .live import Live
from .pointing import Pointing
from .prompt import NOTHING
from .refining import Refining, uploaded
from .wish import Wish, advice

if TYPE_CHECKING:
    from collections.abc import Callable

_CUTS_KEPT = 4
_PULL = "pull"
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
        self._looked_at: str | None = None
        self._live = Live(desk, engine, face, later, self)
        self._pointing = Pointing(desk, engine, face, self)
        self._refining = Refining(desk, face, self)

    # -- what the person does

    @property
    def is_busy(self) -> bool:
        """Whether a job with a progress bar is running."""
        return self._job is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is running and the canvas shows what the docker says."""
        return not self.is_busy and self._live.is_settled and self._pointing.is_settled

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
        self._try(self._refining.refine)

    def add_guide(self) -> None:
        """A layer to paint strokes on, above the active one."""
        self._try(self._refining.add_guide)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except self._desk.canvas.Refusal as refusal:
            self._face.tell(str(refusal), kind="problem")

    def change(self, wish: Wish) -> None:
        """The docker's settings are these now: the preview follows, and the mask on the canvas."""
        before, self.wish = self.wish, wish
        if replace(wish, output=before.output, selection=before.selection) == before:
            return
        if (wish.model, wish.level, wish.prompt) != (before.model, before.level, before.prompt):
            for cut in self._cuts.values():
                cut.subjects = []
            self.wish = wish = replace(wish, keep=())
            self._face.show_subjects([], ())
        node = self._desk.active_layer()
        if wish.prompt != before.prompt:
            if node is None or self._desk.key(node) != self._looked_at:  # pointed at what is not active now
                self.look_at_layer()
                return
            self._pointing.keep(node, wish.prompt)
        if node is not None and not self.is_busy:
            self._try(lambda: self._follow(node, pointed=wish.prompt != before.prompt))

    def _follow(self, node: Any, *, pointed: bool) -> None:
        """Have the preview show the wish, then the mask on the canvas."""
        cut = self.cut_of(node)
        if pointed:
            self._live.forget()

        def write() -> None:
            if cut is not None and (not pointed or self._live.has_mask(cut)):
                self._live.write(cut)

        if self.wish.prompt and (cut is None or not cut.shows(self.wish)):
            self._pointing.look(node, self.wish, write)
            return
        self._pointing.drop()
        self._face.show_prompt(self.wish.prompt)
        if cut is None:
            self._face.show_mask(None)
        else:
            self._live.preview(cut)
            write()

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
            self._face.tell("The model is here and is used from now on.")

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
        node = self._desk.active_layer()
        self._looked_at = self._desk.key(node) if node is not None else None
        cut = self.cut_of(node) if node is not None else None
        if self._compared is not None and cut is not self._compared:
            self._face.end_compare()
        self._pointing.drop()
        self.wish = self.wish_for(node) if node is not None else replace(self.wish, keep=(), prompt=NOTHING)
        self._face.show_prompt(self.wish.prompt)
        if cut is None:
            self._face.show_mask(None)
            self._face.show_subjects([], ())
        else:
            self._live.show_subjects(cut)
        if cut is not None or self.wish.prompt:
            self._try(lambda: self._look_again(node, cut))

    def _look_again(self, node: Any, cut: Cut | None) -> None:
        if self.wish.prompt and (cut is None or not cut.shows(self.wish)):
            self._pointing.look(node, self.wish, lambda: None)
        elif cut is not None:
            self._live.preview(cut)

    def wish_for(self, node: Any) -> Wish:
        """The wish with what belongs to one layer: what is pointed at on it, which subjects are kept."""
        cut, prompt = self.cut_of(node), self._pointing.of(node)
        keep = cut.wish.keep if cut is not None and cut.wish.prompt == prompt else ()
        return replace(self.wish, keep=keep, prompt=prompt)

    # -- cutting out

    def _next(self) -> None:
        if not self._queue:
            return
        node = self._queue.pop(0)
        canvas = self._desk.canvas
        asked = self.wish if self._desk.key(node) == self._looked_at else self.wish_for(node)
        try:
            aim = canvas.target(node)
            taken = canvas.pixels(aim)
            limit, box = self.selection(aim, asked)
            colours = self._desk.outputs.colours(aim) if asked.output == wishes.LAYER else None
        except canvas.Refusal as refusal:
            self._face.tell(str(refusal), kind="problem")
            self._next()
            return
        known = self.cut_of(node)
        if known is not None and known.aim.looks != aim.looks:
            asked = replace(asked, keep=())
        width, height = aim.size

        def work(client: Any, job: str) -> Any:
            picture = client.upload(Planes(taken.planes(), width, height, "bgra8"), job=job)
            source = Source(picture, uploaded(client, limit, aim.size), box)
            answer = source.mask(client, asked, job=job)
            nothing = missing(answer, asked, source)
            if nothing:
                return source, answer, None, nothing
            return source, answer, self._desk.extra(client, source, asked, bytes(answer.data), colours), ""

        def done(found: Any) -> None:
            source, answer, extra, nothing = found
            if nothing:
                raise canvas.Refusal(nothing)
            if asked.output == wishes.MASK:
                data = bytes(answer.data)
                old = self._desk.masks.mask_of(aim.node)
                self.put_mask(aim, asked, source, answer, Written(data, data, data), old)
            else:
                self._put(aim, asked, source, answer, extra)

        self.begin(aim, work, done, "Looking at the picture…")

    def selection(self, aim: Any, wish: Wish) -> tuple[bytes | None, list[int] | None]:
        """What the selection does: (the plane that limits the mask, the box that points at the subject).

        A box that was drawn in the docker counts before that of the selection. Raises the canvas's Refusal.
        """
        canvas = self._desk.canvas
        if wish.selection == wishes.LIMITS:
            return canvas.selection_plane(aim), None
        if wish.selection == wishes.POINTS and wish.prompt.box is None:
            return None, canvas.selection_box(aim)
        return None, None

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

    def put_mask(self, aim: Any, wish: Wish, source: Source, answer: Any, written: Written, old: Any) -> None:
        """Write a mask in the place of `old`, None for a new one, and note what is known of it."""
        mask = self._desk.masks.put(aim, written.data, old)
        self._live.wrote(self._know(aim, wish, source), mask, written)
        self._finished(answer, aim)

    def _know(self, aim: Any, wish: Wish, source: Source) -> Cut:
        earlier = self.cut_of(aim.node)
        self._cuts.pop(aim.key, None)
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

    def begin(
        self, aim: Any, work: Callable[[Any, str], Any], done: Callable[[Any], None], text: str
    ) -> None:
        """Have `work(client, job)` done, showing progress, then `done(result)` unless the layer changed."""
        self._job, self._stopped = uuid.uuid4().hex, False
        job = self._job
        self._live.forget()
        self._pointing.drop()
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

    def cut_of(self, node: Any) -> Cut | None:
        """What Matted has made for a layer; of another document that holds the same file it knows nothing."""
        cut = self._cuts.get(self._desk.key(node))
        if cut is None or not self._desk.canvas.is_attached(node, cut.aim.document):
            return None
        return cut

    def cut_here(self) -> Cut | None:
        """What Matted has made for the active layer."""
        node = self._desk.active_layer()
        return self.cut_of(node) if node is not None else None
