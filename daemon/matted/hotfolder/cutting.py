"""One picture's way from its file to its results: read, matte, write, name, and what a failure means.

Every step either ends in the ledger or leaves the work as it was. May import everything of the hot folder
but the loop that calls it.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

from matted.errors import Cancelled, DaemonUnavailable, MattedError, ModelError
from matted.hotfolder import judging
from matted.hotfolder.book import Book, Chapter
from matted.hotfolder.cutter import Cutter
from matted.hotfolder.entries import NOTE, Verdict, Work
from matted.hotfolder.ledger import Ledger
from matted.hotfolder.moving import Moving
from matted.hotfolder.names import shown
from matted.hotfolder.placing import Part, PlaceTrouble, Placing
from matted.hotfolder.reading import Changed, Vanished, read_whole
from matted.hotfolder.recipe import RecipeItem
from matted.hotfolder.signature import content_of
from matted.imaging.picture import Picture
from matted.imaging.read import read_header
from matted.notice import Notice
from matted.pipeline import Matte

_log = logging.getLogger(__name__)
ENGINE = "engine"
MOST_CRASHES = 5
_NOTICED_S = 2.0

What = Literal["done", "review", "failed", "again", "nothing", "held"]
Room = Callable[[int], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a try of a work ended. `trouble`: what is to blame instead of the picture, a folder or ENGINE."""

    work: Work
    what: What
    sentence: str = ""
    outputs: tuple[Path, ...] = ()
    notices: tuple[Notice, ...] = ()
    seconds: float = 0.0
    trouble: Path | str | None = None
    error: MattedError | None = None


@dataclass(slots=True)
class Cutting:
    """What every try needs. `retry_s`: the waits before further tries; after the last one a work has failed.

    `room`: holds so many pixels' memory, waiting for it. `stop`: gives up what runs.
    """

    root: Path
    ledger: Ledger
    book: Book
    cutter: Cutter
    placing: Placing
    moving: Moving
    retry_s: Sequence[float]
    room: Room
    stop: threading.Event

    def run(self, work: Work) -> Ending:
        """Tries a work once; only a ledger that cannot be written any more raises (Cancelled)."""
        try:
            return self._run(work)
        except (Vanished, Changed):
            self.ledger.forget(work)
            return Ending(work, "nothing")
        except Cancelled:
            self.ledger.put_back([work], 0.0)
            return Ending(work, "nothing")
        except PlaceTrouble as error:
            return Ending(work, "held", str(error), trouble=error.folder, error=error)
        except (ModelError, DaemonUnavailable) as error:
            return Ending(work, "held", str(error), trouble=ENGINE, error=error)
        except MattedError as error:
            return self._failed(work, str(error))
        except MemoryError:
            return self._failed(work, "There was not enough memory for this picture: close other programs.")
        except OSError as error:
            if not self.root.is_dir():
                return Ending(work, "held", f"The folder {self.root} is not there.", trouble=self.root)
            return self._failed(work, f"{shown(work.path)} cannot be read: {error.strerror or error}.")
        except sqlite3.Error:
            raise
        except Exception as error:
            _log.exception("%s failed unexpectedly", shown(work.path))
            return self._failed(
                work, f"Matted failed unexpectedly ({type(error).__name__}); its log says more."
            )

    def resume(self, work: Work) -> Ending:
        """Ends what a process that died had under way: its results get their names, or it waits again."""
        outputs = self.ledger.outputs(work.id, "intended")
        if not outputs or self.placing.lost(outputs):
            self.ledger.drop_intended(outputs)
            if work.state == "review":
                return Ending(work, "nothing")
            if work.crashes >= MOST_CRASHES:
                reason = f"Matted ended {work.crashes} times while it worked on this picture."
                self.ledger.fail(work, reason, None)
                return Ending(work, "failed", reason)
            self.ledger.put_back([work], 0.0)
            return Ending(work, "nothing")
        try:
            return self._complete(work, None, work.verdict or "done", (), "")
        except PlaceTrouble as error:
            return Ending(work, "held", str(error), trouble=error.folder, error=error)

    def targets(self, work: Work) -> list[Path]:
        """The files a work will write when it is done."""
        path = self.root / work.path
        chapter = self.book.chapter(path)
        relative = chapter.relative(path)
        return [chapter.folder / item.target(relative) for item in chapter.recipe.items]

    def _run(self, work: Work) -> Ending:
        started = time.monotonic()
        source = self.root / work.path
        chapter = self.book.chapter(source)
        if chapter.recipe.digest != work.recipe and work.at is None:
            self.ledger.put_back(
                [work], time.time() + _NOTICED_S
            )  # the next look queues it by its new recipe
            return Ending(work, "nothing")
        data = read_whole(self.root / work.source, work.signature)
        taken = self.ledger.take(work, content_of(data))
        if taken is None:
            return Ending(work, "nothing")
        held = self.ledger.outputs(taken.id, "intended")
        if held and not self.placing.lost(held):  # all but their names was done when a folder failed
            return self._complete(taken, None, taken.verdict or "done", (), "")
        header = read_header(data)
        with self.room(header.width * header.height):
            picture, matte = self.cutter.matte(data, chapter.recipe, self.stop)
            del data
            found = judging.doubts(matte, chapter.recipe)
            verdict: Verdict = "review" if found else "done"
            parts, notices = self._parts(taken, chapter, picture, matte, found)
            told, confidence = tuple(dict.fromkeys((*matte.warnings, *notices))), matte.confidence
            del picture, matte
        move_to = None
        if chapter.recipe.originals == "move":
            move_to = chapter.place(chapter.recipe.done) / chapter.relative(source)
        sentence = judging.reason(found)
        try:
            parts = self.placing.sealed(parts)
            self.placing.intend(
                taken, parts, verdict, sentence, confidence=confidence, notices=told, move_to=move_to
            )
        except BaseException:
            self.placing.discard(parts)
            raise
        return self._complete(taken, started, verdict, told, sentence)

    def _parts(
        self, work: Work, chapter: Chapter, picture: Picture, matte: Matte, found: Sequence[Notice]
    ) -> tuple[list[Part], list[Notice]]:
        """Every item of the recipe as a hidden file, and the note for a result in review."""
        relative = chapter.relative(self.root / work.path)
        base = chapter.place(chapter.recipe.review) if found else chapter.folder
        parts: list[Part] = []
        notices: list[Notice] = []
        try:
            for number, item in enumerate(chapter.recipe.items):
                if self.stop.is_set():
                    raise Cancelled("The hot folder was stopped.")
                name = item.target(relative)

                def fill(file: BinaryIO, item: RecipeItem = item) -> None:
                    notices.extend(item.write(picture, matte, file))

                parts.append(self.placing.write(number, base / name, fill, home=chapter.folder / name))
            if found:
                text = judging.note(relative, matte, found).encode()
                target = base / relative.with_name(f"{relative.name}.txt")
                parts.append(self.placing.write(NOTE, target, partial(_fill, text)))
        except BaseException:
            self.placing.discard(parts)
            raise
        return parts, notices

    def _complete(
        self, work: Work, started: float | None, verdict: Verdict, notices: tuple[Notice, ...], sentence: str
    ) -> Ending:
        outputs = self.ledger.outputs(work.id, "intended")
        placed = self.placing.publish(work, outputs)
        seconds = None if started is None else time.monotonic() - started
        self.placing.finish(work, seconds)
        done = self.ledger.work(work.id)
        if done is not None and verdict == "done":
            self.moving.move(done)
        results = tuple(path for path, output in zip(placed, outputs, strict=True) if output.item != NOTE)
        return Ending(work, verdict, sentence, results, notices, seconds or 0.0)

    def _failed(self, work: Work, sentence: str) -> Ending:
        tries = work.attempts
        if tries < len(self.retry_s):
            self.ledger.fail(work, sentence, time.time() + self.retry_s[tries])
            return Ending(work, "again", sentence)
        self.ledger.fail(work, sentence, None)
        chapter = self.book.chapter(self.root / work.path)
        if chapter.recipe.originals == "move":
            self.moving.move_failed(work, chapter, sentence)
        return Ending(work, "failed", sentence)


def _fill(text: bytes, file: BinaryIO) -> None:
    file.write(text)
