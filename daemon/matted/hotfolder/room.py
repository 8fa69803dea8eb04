"""What bounds the work of a hot folder: memory and processors for pictures under way, waiting for disks.

May import `processors`; knows no pictures but their number of pixels.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from matted.processors import shared

BYTES_PER_PIXEL = 16  # a picture on its way: pixels, mask, the stages' scratch, rows being written


class Room:
    """Memory for at most `most` pictures under way, which share the processors.

    One larger than all of the memory has it for itself.
    """

    def __init__(self, budget_bytes: int, most: int) -> None:
        self._budget = budget_bytes
        self._most = most
        self._used = 0
        self._count = 0
        self._changed = threading.Condition()

    @contextmanager
    def held(self, pixels: int) -> Iterator[None]:
        """Waits until a picture of so many pixels fits beside the others, and holds its room."""
        wanted = min(pixels * BYTES_PER_PIXEL, self._budget)
        with self._changed:
            self._changed.wait_for(lambda: self._used + wanted <= self._budget and self._count < self._most)
            self._used += wanted
            self._count += 1
        try:
            with shared(lambda: self._count):
                yield
        finally:
            with self._changed:
                self._used -= wanted
                self._count -= 1
                self._changed.notify_all()


@dataclass(slots=True)
class _Hold:
    sentence: str
    until_s: float
    wait_s: float
    probing: bool = False


@dataclass(slots=True)
class Holds:
    """Folders and engines that did not work, each tried again by one work at a time, ever less often.

    `tell`: told once when a trouble begins and once when it is over. `first_s`, `most_s`: the waits.
    """

    tell: Callable[[str], None]
    first_s: float = 2.0
    most_s: float = 60.0
    _held: dict[Path | str, _Hold] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._held)

    def blocks(self, keys: list[Path | str], now_s: float) -> tuple[float, str] | None:
        """Until when, and why, a work that needs all of `keys` must wait; None lets it try."""
        holds = [self._held[key] for key in keys if key in self._held]
        for hold in holds:
            if hold.probing:
                return now_s + self.first_s, hold.sentence
            if hold.until_s > now_s:
                return hold.until_s, hold.sentence
        for hold in holds:
            hold.probing = True
        return None

    def trouble(self, key: Path | str, sentence: str, now_s: float) -> float:
        """A try failed because of `key`; when the next one may be made."""
        hold = self._held.get(key)
        if hold is None:
            self.tell(f"{sentence} Matted waits and goes on by itself.")
            hold = self._held[key] = _Hold(sentence, 0.0, self.first_s / 2)
        hold.wait_s = min(2 * hold.wait_s, self.most_s)
        hold.until_s, hold.probing, hold.sentence = now_s + hold.wait_s, False, sentence
        return hold.until_s

    def ended(self, keys: list[Path | str]) -> None:
        """A try of a work that needed `keys` ended without showing whether they work."""
        for key in keys:
            if key in self._held:
                self._held[key].probing = False

    def fine(self, keys: list[Path | str]) -> list[str]:
        """These worked: the sentences of the troubles that are over."""
        over = [self._held.pop(key).sentence for key in keys if key in self._held]
        if over:
            self.tell("It works again: Matted goes on.")
        return over
