"""What a person, or a page, may see and ask of a watched folder, while it is watched or not.

`Desk.open(folder)` finds its ledger. Everything asked here is carried out by the ledger, or by moving files
of ours; a running watch sees it within a second.
"""

import contextlib
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from matted.errors import MattedError, OutputFailed
from matted.hotfolder.entries import NOTE, STATES, Entry, State, Work
from matted.hotfolder.ledger import Ledger
from matted.hotfolder.moving import Moving
from matted.hotfolder.place import Place, place_of, resolved
from matted.hotfolder.placing import Part, Placing
from matted.hotfolder.signature import content_of_file


class NotWatched(MattedError):
    """Nobody has watched the folder yet."""

    slug, status, exit_code = "not-watched", 404, 2


class UnknownPicture(MattedError):
    """No picture of that number, or not in the state that was expected."""

    slug, status, exit_code = "unknown-entry", 404, 2


class Desk:
    """A folder's ledger and what may be asked of it. Close it, or use it as a context manager."""

    def __init__(self, place: Place, ledger: Ledger) -> None:
        self.root = place.root
        self._place = place
        self._ledger = ledger

    @classmethod
    def open(cls, folder: Path) -> "Desk":
        """The desk of a folder that is or was watched. Raises BadOption, NotWatched."""
        root = resolved(folder)
        place = place_of(root, make=False)
        if place is None or not place.ledger.is_file():
            raise NotWatched(f"{root} has not been watched yet: start `matted watch` there.")
        return cls(place, Ledger(place.ledger))

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *_why: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the ledger."""
        self._ledger.close()

    @property
    def is_watched(self) -> bool:
        """Whether somebody watches the folder now."""
        return self._place.is_watched

    def counts(self) -> dict[State, int]:
        """How many pictures are in each state."""
        found = self._ledger.counts()
        return {state: found.get(state, 0) for state in STATES}

    def troubles(self) -> Sequence[str]:
        """What keeps the watch from some of the pictures, such as a recipe that is not right."""
        return self._ledger.troubles() if self.is_watched else ()

    def list(self, state: State, *, limit: int = 100, offset: int = 0) -> list[Entry]:
        """Pictures in a state, the last changed first."""
        return self._ledger.entries(state, limit, offset)

    def entry(self, number: int) -> Entry:
        """One picture. Raises UnknownPicture."""
        entry = self._ledger.entry(number)
        if entry is None:
            raise UnknownPicture(f"There is no picture {number} in the ledger of {self.root}.")
        return entry

    def source(self, number: int) -> Path:
        """Where a picture's original is now. Raises UnknownPicture."""
        return self.root / self._work(number).source

    def retry(self, number: int) -> None:
        """Has a picture cut again, whatever became of it. Raises UnknownPicture while it is being cut."""
        if not self._ledger.again(number):
            raise UnknownPicture(f"Picture {number} is unknown, not there any more, or being cut just now.")

    def accept(self, number: int) -> tuple[Path, ...]:
        """Moves a picture's results from review to their places, as they are now; where they went.

        Results that a person has corrected in review are taken as corrected. Raises UnknownPicture when it is
        not in review, OutputFailed when a result is missing or its place cannot be written.
        """
        work = self._work(number)
        if work.state != "review":
            raise UnknownPicture(f"Picture {number} is not in review but {work.state}.")
        placing = Placing(self.root, self._ledger, self._place.mark)
        parts: list[Part] = []
        try:
            for output in self._ledger.outputs(work.id, "written"):
                source = self.root / output.path
                content = content_of_file(source)
                if output.item == NOTE:
                    continue
                if content is None:
                    raise OutputFailed(f"{source} is not there any more: have the picture cut again.")
                if content != output.content:
                    self._ledger.edited(output, content)
                parts.append(placing.write(output.item, self.root / output.home, partial(_copy, source)))
            parts = placing.sealed(parts)
            intended = placing.intend(
                work,
                parts,
                "done",
                confidence=self.entry(number).confidence,
                move_to=work.move_to and self.root / work.move_to,
            )
        except BaseException:
            placing.discard(parts)
            raise
        placed = placing.publish(work, intended)
        placing.finish(work)
        done = self._ledger.work(work.id)
        if done is not None:
            Moving(self.root, self._ledger, lambda _sentence: None).move(done)
        return tuple(placed)

    def _work(self, number: int) -> Work:
        work = self._ledger.work(number)
        if work is None:
            raise UnknownPicture(f"There is no picture {number} in the ledger of {self.root}.")
        return work


def _copy(source: Path, target: BinaryIO) -> None:
    with contextlib.closing(source.open("rb")) as file:
        shutil.copyfileobj(file, target, 1 << 20)
