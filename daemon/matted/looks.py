"""The coarse stage: what a model says of a picture, looked at whole, closer, or where a person points.

Joins the models' predictors with the choice of subjects and keeps each look, so that a second prompt on the
same picture asks only what has not been asked. Knows no edges and no HTTP.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from matted.cache import Key, StageCache
from matted.closer import look_closer
from matted.errors import BadOption, Cancelled, ModelError
from matted.imaging.picture import Picture
from matted.inference.catalogue import Model
from matted.inference.crops import Frame
from matted.inference.predict import Coarse, Predictor
from matted.inference.prepare import Alpha
from matted.inference.prompt import Prompt
from matted.inference.prompter import Decoded, Embedding, Prompter, Took, alpha_of
from matted.notice import Notice
from matted.pointing import Found, find

Progress = Callable[[str, float], None]
How = Literal["once", "twice", "auto"]

COARSE_SIDE_PX = 512  # a model that sees more than this is not asked twice unless told to: it is slow, too
_FIRST_LOOK, _LOOKED = 0.2, 0.7  # of the whole chain: how much is done when the looks begin, and end


@dataclass(frozen=True, slots=True)
class Ask:
    """What a look needs to know: the model wished for, whether as rembg, how often it looks, for how long it
    stays, who waits.
    """

    wish: str
    rembg: bool
    look: How
    keep_alive_s: float | None
    key: str | None
    progress: Progress
    cancelled: threading.Event | None


class Looks:
    """Makes coarse alphas; what it keeps is in `cache`."""

    def __init__(self, predictor: Predictor, prompter: Prompter, cache: StageCache) -> None:
        self._predictor = predictor
        self._prompter = prompter
        self._cache = cache

    def coarse(self, picture: Picture, ask: Ask, prompt: Prompt | None) -> tuple[Coarse, Key]:
        """The coarse alpha of `picture` and the key of what is made of it; kept if the picture has a name.

        Its times are those of the looks that ran now. Raises BadOption, Cancelled, and what the models raise.
        """
        ask = replace(ask, progress=_forward(ask.progress))
        if prompt is None:
            return self._first(picture, ask)
        if ask.rembg:
            raise BadOption("rembg takes no box and no points: leave its compatibility mode off.")
        prompt = prompt.within(picture.width, picture.height)
        model = self._prompter.resolve(prompt.model) if prompt.says_what else None
        key: Key = (ask.key, "prompted", model.id if model else self._predictor.resolve(ask.wish).id, prompt)

        def make() -> Coarse:
            if model is not None:
                return self._asked(picture, ask, prompt, model)
            return self._pointed(picture, ask, prompt)

        return self._kept(ask, key, make), key

    def around(
        self, picture: Picture, ask: Ask, times: dict[str, float]
    ) -> Callable[[slice, slice], Alpha | None]:
        """What the model says of a part of the picture, its rows and columns given: (h, w), kept if the
        picture has a name. None where no model can be asked, or none is to look closer. Adds to `times`.
        """
        looked = 0

        def look(rows: slice, columns: slice) -> Alpha | None:
            nonlocal looked
            frame = Frame(columns.start, rows.start, columns.stop, rows.stop)
            try:
                if not self._looks_twice(ask):
                    return None
                looked += 1
                seen = self._part(picture, ask, frame, looked)
            except ModelError:  # a mask is corrected without a model, too
                return None
            for stage, seconds in seen.times.items():
                times[stage] = times.get(stage, 0.0) + seconds
            return seen.alpha

        return look

    def _first(self, picture: Picture, ask: Ask) -> tuple[Coarse, Key]:
        """The whole picture, looked at as often as asked."""
        return self._closer(picture, ask) if self._looks_twice(ask) else self._whole(picture, ask)

    def _whole(self, picture: Picture, ask: Ask) -> tuple[Coarse, Key]:
        key: Key = (ask.key, "coarse", self._predictor.resolve(ask.wish).id, ask.rembg)

        def told(stage: str) -> None:
            ask.progress(stage, 0.1 if stage == "proxy" else 0.2)

        return self._kept(ask, key, lambda: self._look(picture, ask, told)), key

    def _looks_twice(self, ask: Ask) -> bool:
        if ask.rembg or ask.look == "once":
            return False
        return ask.look == "twice" or max(self._predictor.resolve(ask.wish).input.size) <= COARSE_SIDE_PX

    def _closer(self, picture: Picture, ask: Ask) -> tuple[Coarse, Key]:
        """The whole picture with a second look at its subjects."""
        key: Key = (ask.key, ask.look, self._predictor.resolve(ask.wish).id)
        size = (picture.width, picture.height)
        small = ask.look == "auto"

        def make() -> Coarse:
            looks = [self._whole(picture, ask)[0]]

            def look(frame: Frame) -> Alpha:
                looks.append(self._part(picture, ask, frame, len(looks)))
                return looks[-1].alpha

            alpha = look_closer(looks[0].alpha, size, look, only_small=small)
            return _summed(looks, alpha, ())

        return self._kept(ask, key, make), key

    def _kept(self, ask: Ask, key: Key, make: Callable[[], Coarse]) -> Coarse:
        held: Coarse | None = self._cache.get(key) if ask.key is not None else None
        if held is not None:
            return replace(held, times={})
        made = make()
        if ask.key is not None:
            self._cache.put(key, made, made.alpha.nbytes)
        return made

    def _look(self, picture: Picture, ask: Ask, told: Callable[[str], None]) -> Coarse:
        return self._predictor.coarse(
            picture,
            ask.wish,
            rembg=ask.rembg,
            keep_alive_s=ask.keep_alive_s,
            progress=lambda stage, _done: told(stage),
            cancelled=ask.cancelled,
        )

    def _pointed(self, picture: Picture, ask: Ask, prompt: Prompt) -> Coarse:
        """What the saliency model finds where the prompt points, everything else at 0."""
        size = (picture.width, picture.height)
        looks: list[Coarse] = []

        def look(frame: Frame) -> Alpha:
            looks.append(self._part(picture, ask, frame, len(looks)))
            return looks[-1].alpha

        found = find(prompt, size, look)
        return _summed(looks, found.alpha, self._notices(found, prompt))

    def _part(self, picture: Picture, ask: Ask, frame: Frame, number: int) -> Coarse:
        """A look at a part of the picture, kept under its name."""
        if (frame.width, frame.height) == (picture.width, picture.height):
            return self._first(picture, ask)[0]
        done = min(_LOOKED, _FIRST_LOOK + 0.1 * number)
        key: Key = (ask.key, "look", self._predictor.resolve(ask.wish).id, frame)

        def make() -> Coarse:
            _check(ask)
            return self._look(frame.cut(picture), ask, lambda _stage: ask.progress("look", done))

        return self._kept(ask, key, make)

    def _asked(self, picture: Picture, ask: Ask, prompt: Prompt, model: Model) -> Coarse:
        """The prompt model's answer. Points are answered one by one, each answer being fed back with the next
        point; what was kept of earlier prompts saves all but the last.
        """
        times: dict[str, float] = {}
        embedding = self._embedding(picture, ask, model, times)
        alone = prompt.box is not None
        first = 0 if alone else next(n for n, point in enumerate(prompt.points, 1) if point[2])
        answer: Decoded | None = None
        for count in range(first, len(prompt.points) + 1):
            step = replace(prompt, points=prompt.points[:count])
            key: Key = (ask.key, "decoded", model.id, step)
            held: Decoded | None = self._cache.get(key) if ask.key is not None else None
            if held is None:
                ask.progress("model", _LOOKED)
                held = self._prompter.decode(
                    embedding,
                    step,
                    model,
                    before=answer,
                    keep_alive_s=ask.keep_alive_s,
                    cancelled=ask.cancelled,
                )
                _add(times, held.ran, "decoder")
                if ask.key is not None:
                    self._cache.put(key, held, held.nbytes)
            answer = held
        assert answer is not None
        started = time.perf_counter()
        alpha = alpha_of(answer, embedding)
        times["alpha"] = time.perf_counter() - started
        notices = self._notices(Found(alpha), prompt)
        fell_back = embedding.ran.fell_back or answer.ran.fell_back
        return Coarse(alpha, model.id, answer.ran.provider, fell_back, times, notices=notices)

    def _embedding(self, picture: Picture, ask: Ask, model: Model, times: dict[str, float]) -> Embedding:
        key: Key = (ask.key, "embedding", model.id)
        held: Embedding | None = self._cache.get(key) if ask.key is not None else None
        if held is not None:
            return held
        ask.progress("model", _FIRST_LOOK)
        started = time.perf_counter()
        made = self._prompter.encode(picture, model, keep_alive_s=ask.keep_alive_s, cancelled=ask.cancelled)
        _add(times, made.ran, "encoder")
        times["proxy"] = time.perf_counter() - started - sum(times.values())
        if ask.key is not None:
            self._cache.put(key, made, made.nbytes)
        return made

    def _notices(self, found: Found, prompt: Prompt) -> tuple[Notice, ...]:
        told = []
        if not found.is_there:
            where = "was found in the box" if prompt.box is not None else "was found there"
            where = where if prompt.says_what else "is left in the picture"
            told.append(
                Notice(
                    "prompt-not-found",
                    f"Nothing that stands out {where}: draw a box closely around what you want, or click on "
                    f"its middle{self._prompter.cure}.",
                )
            )
        elif found.missed:
            points = " and ".join(f"{x:g},{y:g}" for x, y in found.missed)
            told.append(
                Notice(
                    "prompt-not-found",
                    f"Nothing that stands out was found at {points}: draw a box closely around it"
                    f"{self._prompter.cure}.",
                )
            )
        if found.joined:
            told.append(
                Notice(
                    "prompt-not-told-apart",
                    "What is wanted and what is not were found as one subject: draw a box around what is "
                    f"wanted{self._prompter.cure}.",
                )
            )
        return tuple(told)


def _add(times: dict[str, float], ran: Took, stage: str) -> None:
    for name, seconds in (("load", ran.load_s), ("wait", ran.wait_s), (stage, ran.run_s)):
        times[name] = times.get(name, 0.0) + seconds


def _forward(progress: Progress) -> Progress:
    """The same, never going back: it is not known beforehand how many looks there will be."""
    highest = 0.0

    def told(stage: str, done: float) -> None:
        nonlocal highest
        highest = max(highest, done)
        progress(stage, highest)

    return told


def _check(ask: Ask) -> None:
    if ask.cancelled is not None and ask.cancelled.is_set():
        raise Cancelled("The cut-out was cancelled.")


def _summed(looks: Sequence[Coarse], alpha: Alpha, notices: tuple[Notice, ...]) -> Coarse:
    """What several looks became, with their times added up."""
    times: dict[str, float] = {}
    for look in looks:
        for stage, seconds in look.times.items():
            times[stage] = times.get(stage, 0.0) + seconds
    fell_back = next((look.fell_back for look in looks if look.fell_back), None)
    return Coarse(alpha, looks[-1].model, looks[-1].provider, fell_back, times, notices=notices)
