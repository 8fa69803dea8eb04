"""How a folder is watched. Pure data; imports the errors."""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from matted.errors import BadOption


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What a person may say about a watched folder, and the constants of the watch.

    `recipe`: a recipe file elsewhere; None takes the folder's own or the default. `poll`: look often instead
    of asking the system for events; None does what the filesystem needs. `once`: end when all is done.
    `settle_s`: how long a file must stay as it is. `retry_s`: the waits between tries of one that fails.
    `scan_s`, `poll_s`: how often the whole folder is looked at, with events and without. `hold_s`: the first
    wait for a disk or an engine that does not work. `workers`, `memory_mb`: pictures in memory at once, and
    the memory for them; 0: by the computer.
    """

    folder: Path
    recipe: Path | None = None
    poll: bool | None = None
    once: bool = False
    settle_s: float = 1.0
    retry_s: tuple[float, ...] = (2.0, 10.0, 60.0, 600.0)
    scan_s: float = 30.0
    poll_s: float = 2.0
    hold_s: float = 5.0
    workers: int = 0
    memory_mb: int = 0

    def __post_init__(self) -> None:
        times = (self.settle_s, self.scan_s, self.poll_s, self.hold_s, *self.retry_s)
        if any(time < 0 for time in times) or self.workers < 0 or self.memory_mb < 0:
            raise BadOption("Times and numbers of a watched folder must not be negative.")

    @property
    def crew(self) -> int:
        """How many pictures are in memory at once: enough that decoding and writing overlap the model."""
        return self.workers or min(4, 1 + (os.cpu_count() or 1) // 2)

    @property
    def memory_bytes(self) -> int:
        """The memory for pictures under way."""
        return (self.memory_mb << 20) or min(4 << 30, psutil.virtual_memory().total // 4)
