"""Originals moved aside when a recipe says so: a rename within one disk, onto a name that nobody has.

Never a copy and a deletion: where the folder is on another disk, the original stays and that is said. Knows
the ledger; reads an original only to be sure it is the one that was cut.
"""

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path

from matted.errors import OutputExists, OutputFailed
from matted.hotfolder.book import Book, Chapter
from matted.hotfolder.entries import Work
from matted.hotfolder.ledger import Ledger
from matted.hotfolder.names import candidates, fitted, shown
from matted.hotfolder.signature import Signature, content_of_file
from matted.imaging.files import atomic_output, is_there, sync_folder


class Moving:
    """Moves originals of the folder `root`. `tell`: told, once for each folder, why originals stay."""

    def __init__(self, root: Path, ledger: Ledger, tell: Callable[[str], None]) -> None:
        self.root = root
        self.ledger = ledger
        self._tell = tell
        self._told: set[Path] = set()
        self._seen: set[tuple[Path, str]] = set()  # copies that were moved, or have to stay

    def move(self, work: Work) -> None:
        """Moves the original of a done work, if its recipe wants that and it has not been."""
        if work.move_to is not None and not work.moved:
            self._move(work, self.root / work.move_to)

    def move_failed(self, work: Work, chapter: Chapter, reason: str) -> None:
        """Moves the original of a failed work into its recipe's folder for those, with the reason."""
        source = self.root / work.source
        folder = chapter.place(chapter.recipe.failed)
        if source.is_relative_to(folder):
            return
        self._explain(self._move(work, folder / chapter.relative(self.root / work.path)), reason)

    def move_copies(self, book: Book) -> None:
        """Moves every other file with the content of an original that was moved, to the same place."""
        for copy in self.ledger.copies():
            source = self.root / copy.path
            chapter = book.chapter(source)
            recipe = chapter.recipe
            folder = chapter.place(recipe.done if copy.state == "done" else recipe.failed)
            known = (copy.path, str(copy.signature))
            if recipe.originals == "move" and known not in self._seen and not source.is_relative_to(folder):
                self._seen.add(known)
                target = self._move(copy, folder / chapter.relative(source))
                entry = self.ledger.entry(copy.id)
                if copy.state == "failed" and entry is not None:
                    self._explain(target, entry.reason)

    def _explain(self, target: Path | None, reason: str) -> None:
        """Puts the reason beside an original that was moved because it failed."""
        if target is not None:
            note = target.with_name(f"{target.name}.txt")
            with contextlib.suppress(OutputExists, OutputFailed), atomic_output(fitted(note)) as file:
                file.write(f"{reason}\n".encode())

    def _move(self, work: Work, wished: Path) -> Path | None:
        """Where the original is now; None if it stays."""
        source = self.root / work.source
        try:
            if self._was_moved(work, source, wished):
                return wished
            if Signature.of(source.lstat()) != work.signature:
                self.ledger.stays(work)  # another content has come in its place, and is queued by itself
                return None
            if work.at is not None and source.parent == wished.parent:
                self.ledger.moved(
                    work, work.at, work.signature
                )  # it was cut again where it had been moved to
                return source
            wished.parent.mkdir(parents=True, exist_ok=True)
            if wished.parent.stat().st_dev != source.stat().st_dev:
                self.ledger.stays(work)
                self._say(
                    wished.parent, f"{wished.parent} is on another disk: originals stay where they are."
                )
                return None
            target = self._reserved(work, wished)
            source.replace(target)
        except FileNotFoundError:
            self.ledger.stays(work)
            return None
        except OSError as error:
            self._say(
                wished.parent,
                f"{shown(work.path)} could not be moved to {wished.parent}: {error.strerror or error}. "
                "It stays where it is, and is moved at the next start.",
            )
            return None
        sync_folder(target.parent)
        sync_folder(source.parent)
        self.ledger.moved(work, self._key(target), Signature.of(target.lstat()))
        return target

    def _was_moved(self, work: Work, source: Path, target: Path) -> bool:
        """Whether a process that died had moved it already."""
        if is_there(source) or content_of_file(target) != work.content:
            return False
        self.ledger.moved(work, self._key(target), Signature.of(target.lstat()))
        return True

    def _reserved(self, work: Work, wished: Path) -> Path:
        """An empty file of ours under a free name, for the original to take the place of."""
        for target in candidates(wished, work.path):
            self.ledger.move_to(work, self._key(target))
            if work.move_to is not None and self._key(target) == work.move_to and _is_empty(target):
                return target  # reserved by a process that died
            try:
                os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except OSError as error:
                if error.errno == errno.EEXIST:
                    continue
                raise
            return target
        raise AssertionError("names do not run out")

    def _key(self, path: Path) -> Path:
        return path.relative_to(self.root) if path.is_relative_to(self.root) else path

    def _say(self, folder: Path, sentence: str) -> None:
        if folder not in self._told:
            self._told.add(folder)
            self._tell(sentence)


def _is_empty(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return not path.is_symlink() and path.is_file() and path.stat().st_size == 0
    return False
