"""What pictures a watched folder holds now: one walk that follows no link and enters no folder of results.

Asks the recipes which names count; imports no ledger and decodes nothing.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from matted.hotfolder.book import Book
from matted.hotfolder.names import is_in_progress
from matted.hotfolder.signature import Signature


class Scan:
    """Walks the folder `root`. `troubles`: a sentence for each folder that could not be read."""

    def __init__(self, root: Path, book: Book) -> None:
        self.root = root
        self.book = book
        self.troubles: list[str] = []

    def all(self) -> Iterator[tuple[Path, Signature]]:
        """Every picture. Raises OSError when the root itself cannot be read: then nothing is known."""
        self.troubles.clear()
        with os.scandir(self.root):
            pass
        yield from self.below(self.root)

    def at(self, path: Path) -> Iterator[tuple[Path, Signature]]:
        """The picture at `path`, or those below it if it is a folder; none if it is not a concern."""
        try:
            relative = path.relative_to(self.root)
        except ValueError:
            return
        parent = self.root
        for part in relative.parts[:-1]:
            parent = parent / part
            if parent.is_symlink() or not self.book.may_enter(parent):
                return
        try:
            facts = path.lstat()
        except OSError:
            return
        if stat.S_ISDIR(facts.st_mode):
            if path == self.root or self.book.may_enter(path):
                yield from self.below(path)
        elif stat.S_ISREG(facts.st_mode) and self._counts(path):
            yield path, Signature.of(facts)

    def below(self, folder: Path) -> Iterator[tuple[Path, Signature]]:
        """Every picture of a folder and the folders in it."""
        folders = [folder]
        while folders:
            at = folders.pop()
            try:
                with os.scandir(at) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                if at == self.root:
                    raise
                self.troubles.append(f"The folder {at} cannot be read: {error.strerror}.")
                continue
            self.book.saw(at, {entry.name for entry in found})
            for entry in found:
                path = Path(entry.path)
                try:
                    if _is_link(entry):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if self.book.may_enter(path):
                            folders.append(path)
                    elif entry.is_file(follow_symlinks=False) and self._counts(path):
                        # On Windows an entry's own facts lack the file's number.
                        facts = entry.stat(follow_symlinks=False) if os.name == "posix" else path.lstat()
                        yield path, Signature.of(facts)
                except OSError:
                    continue  # it vanished between two looks

    def _counts(self, path: Path) -> bool:
        return not is_in_progress(path.name) and self.book.takes(path)


def _is_link(entry: "os.DirEntry[str]") -> bool:
    junction = getattr(entry, "is_junction", None)
    return entry.is_symlink() or (junction is not None and junction())


def identity_of(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another one of its name; None when it is not there."""
    try:
        facts = folder.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def is_gone(path: Path) -> bool:
    """Whether there is certainly nothing of that name."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
