"""The coarse stage: what a model says of a picture, looked at whole, closer, or where a person points.

Joins the models' predictors with the choice of subjects and keeps each look, so that a second prompt on the
same picture asks only what has not been asked. Knows no edges and no HTTP.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from matted.cache import Key, StageCache
from matted.errors import BadOption, Cancelled
from matted.imaging.picture import Picture
from matted.inference.crops import Frame
from matted.inference.predict import Coarse, Predictor
from matted.inference.prepare import Alpha
from matted.inference.prompt import Prompt
from matted.notice import Notice
from matted.pointing import Found, find

Progress = Callable[[str, float], None]

_FIRST_LOOK, _LOOKED = 0.2, 0.7  # of the whole chain: how much is done when the looks begin, and end
_CURE = " (`matted models pull mobilesam` fetches a model made for boxes and clicks)"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a look needs to know: the model wished for, whether as rembg, for how long it stays, who waits."""

    wish: str
    rembg: bool
    keep_alive_s: float | None
    key: str | None
    progress: Progress
    cancelled: threading.Event | None


class Looks:
    """Makes coarse alphas; what it keeps is in `cache`."""

    def __init__(self, predictor: Predictor, cache: StageCache) -> None:
        self._predictor = predictor
        self._cache = cache

    def coarse(self, picture: Picture, ask: Ask, prompt: Prompt | None) -> tuple[Coarse, Key]:
        """The coarse alpha of `picture` and the key of what is made of it; kept if the picture has a name.

        Its times are those of the looks that ran now. Raises BadOption, Cancelled, and what the models raise.
        """
        model = self._predictor.resolve(ask.wish).id
        if prompt is None:
            return self._whole(picture, ask)
        if ask.rembg:
            raise BadOption("rembg takes no box and no points: leave its compatibility mode off.")
        prompt = prompt.within(picture.width, picture.height)
        key: Key = (ask.key, "prompted", model, prompt)
        held: Coarse | None = self._cache.get(key) if ask.key is not None else None
        if held is not None:
            return replace(held, times={}), key
        made = self._pointed(picture, ask, prompt)
        if ask.key is not None:
            self._cache.put(key, made, made.alpha.nbytes)
        return made, key

    def _whole(self, picture: Picture, ask: Ask) -> tuple[Coarse, Key]:
        key: Key = (ask.key, "coarse", self._predictor.resolve(ask.wish).id, ask.rembg)
        held: Coarse | None = self._cache.get(key) if ask.key is not None else None
        if held is not None:
            return replace(held, times={}), key
        made = self._look(picture, ask, lambda stage: ask.progress(stage, 0.1 if stage == "proxy" else 0.2))
        if ask.key is not None:
            self._cache.put(key, made, made.alpha.nbytes)
        return made, key

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
            return self._whole(picture, ask)[0]
        key: Key = (ask.key, "look", self._predictor.resolve(ask.wish).id, frame)
        held: Coarse | None = self._cache.get(key) if ask.key is not None else None
        if held is not None:
            return replace(held, times={})
        if ask.cancelled is not None and ask.cancelled.is_set():
            raise Cancelled("The cut-out was cancelled.")
        done = min(_LOOKED, _FIRST_LOOK + 0.1 * number)
        made = self._look(frame.cut(picture), ask, lambda _stage: ask.progress("look", done))
        if ask.key is not None:
            self._cache.put(key, made, made.alpha.nbytes)
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
                    f"its middle{_CURE}.",
                )
            )
        elif found.missed:
            points = " and ".join(f"{x:g},{y:g}" for x, y in found.missed)
            told.append(
                Notice(
                    "prompt-not-found",
                    f"Nothing that stands out was found at {points}: draw a box closely around it{_CURE}.",
                )
            )
        if found.joined:
            told.append(
                Notice(
                    "prompt-not-told-apart",
                    "What is wanted and what is not were found as one subject: draw a box around what is "
                    f"wanted{_CURE}.",
                )
            )
        return tuple(told)


def _summed(looks: Sequence[Coarse], alpha: Alpha, notices: tuple[Notice, ...]) -> Coarse:
    """What several looks became, with their times added up."""
    times: dict[str, float] = {}
    for look in looks:
        for stage, seconds in look.times.items():
            times[stage] = times.get(stage, 0.0) + seconds
    fell_back = next((look.fell_back for look in looks if look.fell_back), None)
    return Coarse(alpha, looks[-1].model, looks[-1].provider, fell_back, times, notices=notices)
