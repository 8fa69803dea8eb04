"""What a running hot folder says, as events for whoever shows them. Imports the standard library only."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["done", "review", "failed", "again", "notice", "rest"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `path`: the picture, relative to the folder; None for the folder as a whole.

    done, review, failed: a picture's end. again: it will be tried again. notice: something to know. rest: all
    that was there is cut. `sentence`: for the person. `outputs`: what was written. `seconds`: of the picture.
    """

    kind: Kind
    path: Path | None = None
    sentence: str = ""
    outputs: tuple[Path, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a hot folder stands. The counts are of this run, `waiting` and `working` of now.

    `per_s`: pictures per second, over the time in which there was something to do.
    """

    done: int = 0
    review: int = 0
    failed: int = 0
    waiting: int = 0
    working: int = 0
    per_s: float = 0.0

    @property
    def ended(self) -> int:
        """Pictures that came to an end."""
        return self.done + self.review + self.failed


Tell = Callable[[Event], None]
Show = Callable[[Progress], None]
