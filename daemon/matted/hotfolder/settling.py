"""Which of the files that were seen are whole: unchanged for a while, and nobody writes them.

A function of what it is told and of the clock it is given; asks the system only who writes. Knows no
ledger and no pictures.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from matted.hotfolder.holding import is_being_written
from matted.hotfolder.signature import Signature

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Seen:
    signature: Signature
    since: float
    told: bool = False


@dataclass(slots=True)
class Settling:
    """Files on their way to being whole.

    `settle_s`: how long size and times must stay. `trust_times`: whether the filesystem's clock is this
    computer's and every change shows in `Signature.changed_ns`; then a file that was last touched longer ago
    than that need not be watched. `clock`, `wall`: seconds, as time.monotonic and time.time give them.
    """

    settle_s: float
    trust_times: bool = False
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    written: Callable[[Path], bool | None] = is_being_written
    _seen: dict[Path, _Seen] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._seen)

    def look(self, path: Path, signature: Signature) -> None:
        """Told of a file as it is now."""
        held = self._seen.get(path)
        if held is None:
            since = self.clock()
            if self.trust_times:
                age_s = self.wall() - max(signature.changed_ns, signature.written_ns) / 1e9
                since -= max(0.0, age_s)
            self._seen[path] = _Seen(signature, since)
        elif held.signature != signature:
            self._seen[path] = _Seen(signature, self.clock())

    def forget(self, path: Path) -> None:
        """Told that a file is gone, or no concern any more."""
        self._seen.pop(path, None)

    def clear(self) -> None:
        """Forget everything."""
        self._seen.clear()

    def whole(self) -> list[tuple[Path, Signature]]:
        """The files that are whole now, in the order of their names; they are forgotten here.

        A file that changed meanwhile begins anew, a vanished one is forgotten.
        """
        now, ready = self.clock(), []
        for path in sorted(self._seen):
            held = self._seen[path]
            if now - held.since < self.settle_s:
                continue
            try:
                signature = Signature.of(path.lstat())
            except OSError:
                del self._seen[path]
                continue
            if signature != held.signature:
                self._seen[path] = _Seen(signature, now)
                continue
            try:
                written = self.written(path)
            except OSError:
                written = None  # unreadable for us: the reader will say why
            if written:
                if not held.told and now - held.since > 60:
                    _log.info("%s waits: another program still has it open for writing", path)
                    held.told = True
                continue
            del self._seen[path]
            ready.append((path, signature))
        return ready

    def due_s(self) -> float | None:
        """Seconds until the next file could be whole; None when there is none."""
        if not self._seen:
            return None
        now = self.clock()
        soonest = min(held.since for held in self._seen.values()) + self.settle_s - now
        return max(0.1, soonest)
