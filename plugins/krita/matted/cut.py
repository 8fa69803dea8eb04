"""What Matted has made for one layer, and how it is asked for again when a slider moves.

Standard library only: no Qt, no Krita (what it holds of Krita's it passes on unseen).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from . import matted_client
from .wish import NOT_FOUND, advice

if TYPE_CHECKING:
    from .wish import Wish

Planes = matted_client.Planes
_REMEMBERED = 6


class Source(NamedTuple):
    """A layer's picture with the engine, and the selection that limits its masks, uploaded both.

    `box`: that of the selection, where it points at the subject. `scale`: how many pixels across and down
    the picture has for each of the layer's.
    """

    picture: Any
    limit: Any = None
    box: list[int] | None = None
    scale: tuple[float, float] = (1.0, 1.0)

    def options(self, wish: Wish, *, side_px: int | None = None) -> dict[str, Any]:
        """How a mask of it is asked for."""
        return wish.options(side_px=side_px, box=self.box, scale=self.scale)

    def mask(self, client: Any, wish: Wish, *, side_px: int | None = None, job: str | None = None) -> Any:
        """The engine's answer for this wish; in a worker's thread."""
        return client.mask(self.picture, self.options(wish, side_px=side_px), limit=self.limit, job=job)

    def subjects(self, client: Any, wish: Wish) -> Any:
        """The subjects that are found in it; in a worker's thread."""
        return client.subjects(self.picture, wish.looked(box=self.box, scale=self.scale))


def missing(answer: Any, wish: Wish, source: Source) -> str:
    """Why an answer holds nothing of what was pointed at, as a sentence; "" if it does; any thread."""
    if not (wish.prompt or source.box) or answer.data.count(0) != len(answer.data):
        return ""
    told = [one for one in answer.warnings if one["code"] == NOT_FOUND]
    within = " within the selection" if source.limit is not None else ""
    return advice(told) or f"Nothing of what was pointed at is left{within}."


class SmallMask(NamedTuple):
    """A subject's mask as a thumbnail, one byte per pixel; `scale`: its pixels for each of the picture's."""

    data: bytes
    width: int
    height: int
    scale: float


class Written(NamedTuple):
    """A mask as it was written, one byte per pixel.

    `made`: what the engine makes of the sliders; `base`: the same with what Refine found; `data`: what stands
    in Krita, with strokes that are not refined yet.
    """

    made: bytes
    base: bytes
    data: bytes


@dataclass
class Cut:
    """The latest result for a layer. `mask`: Krita's mask with it; `written`: what that holds.

    `step`: where the undo history stood then, None while that is not known yet. `advice`: what the person was
    told with it. `subjects`: those that were found, with small masks.
    """

    aim: Any
    source: Source
    wish: Wish
    mask: Any = None
    written: Written | None = None
    step: Any = None
    subjects: list[Any] = field(default_factory=list)
    advice: str = ""
    _earlier: list[tuple[str, Written]] = field(default_factory=list)

    def wrote(self, mask: Any, key: str, written: Written) -> None:
        """Note what Krita's mask holds now; `key` is its name in the document."""
        self.mask, self.written, self.step = mask, written, None
        kept = [one for one in self._earlier if one[0] != key]
        self._earlier = [*kept, (key, written)][-_REMEMBERED:]

    def found_again(self, mask: Any, key: str) -> bool:
        """After an undo: whether `mask` is one that Matted made earlier, which stands for the cut then."""
        for name, written in self._earlier:
            if name == key:
                self.mask, self.written, self.step = mask, written, ("", True)
                return True
        return False

    def shows(self, wish: Wish) -> bool:
        """Whether the engine has looked for this already, so that only the sliders are to be followed."""
        looked = (self.wish.model, self.wish.level, self.wish.prompt)
        return looked == (wish.model, wish.level, wish.prompt)

    def untouched(self, now: bytes, step: Any) -> bool:
        """Whether nobody has painted on the mask and nothing was done or undone since it was written."""
        return self.written is not None and now == self.written.data and self.step in (None, step)
