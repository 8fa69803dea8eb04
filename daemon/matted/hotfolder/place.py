"""Where the ledger of a watched folder is: with the user's state, not in the folder.

A folder on a network disk cannot hold an SQLite file that survives a crash, and a photographer's folder
stays clean. One watcher at a time has a folder. A folder that was renamed keeps its ledger.
"""

import contextlib
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from matted.client import state_dir
from matted.errors import BadOption, MattedError, OutputFailed
from matted.imaging.files import atomic_output, output_failed
from matted.locking import lock

_FACTS = "folder.json"
_TRIES, _TRY_S = 5, 0.05


class AlreadyWatched(MattedError):
    """Another process watches the folder."""

    slug = "already-watched"


@dataclass(frozen=True, slots=True)
class Place:
    """A watched folder's own place. `mark`: in its hidden files' names, so that they are known."""

    root: Path
    folder: Path
    mark: str

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.folder / "ledger.sqlite"

    @property
    def is_watched(self) -> bool:
        """Whether somebody watches the folder now."""
        with contextlib.suppress(OSError), (self.folder / "lock").open("rb") as file:
            return not lock(file)
        return False

    def heard_of_s(self) -> float:
        """time.time() when a watch last began or ended, or something became of a picture; 0 if never."""
        last = 0.0
        for name in ("lock", "ledger.sqlite", "ledger.sqlite-wal"):
            with contextlib.suppress(OSError):
                last = max(last, (self.folder / name).stat().st_mtime)
        return last

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """The right to work in the folder. Raises AlreadyWatched."""
        try:
            file = (self.folder / "lock").open("ab")
        except OSError as error:
            raise output_failed(self.folder / "lock", error) from error
        with file:
            if not _locked(file):
                raise AlreadyWatched(
                    f"{self.root} is watched already, by another `matted watch` or by the engine."
                )
            other = self._overlapping()
            if other is not None:
                raise AlreadyWatched(
                    f"{other} is watched already, and {self.root} overlaps it: each would cut what the other "
                    "made. Give the inner folder a recipe of its own instead."
                )
            os.utime(self.folder / "lock")
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    os.utime(self.folder / "lock")

    def _overlapping(self) -> Path | None:
        """A folder that is being watched and lies in this one, or around it."""
        for place in self.folder.parent.iterdir():
            facts = _read(place) if place != self.folder else None
            root = Path(str(facts.get("path"))) if facts is not None else self.root
            if root == self.root or not (root.is_relative_to(self.root) or self.root.is_relative_to(root)):
                continue
            with contextlib.suppress(OSError), (place / "lock").open("ab") as file:
                if not _locked(file):
                    return root
        return None


def _locked(file: IO[bytes]) -> bool:
    """Locks a file; not if it stays locked: somebody may only be asking whether the folder is watched."""
    for _ in range(_TRIES):
        if lock(file):
            return True
        time.sleep(_TRY_S)
    return lock(file)


def resolved(folder: Path) -> Path:
    """The folder itself, whatever links lead to it. Raises BadOption when there is none."""
    path = Path(os.path.realpath(folder.expanduser()))
    if path.is_file():
        raise BadOption(f"{folder} is a file: name the folder it lies in.")
    if not path.is_dir():
        raise BadOption(f"There is no folder {folder}: create it first.")
    return path


def place_of(root: Path, *, make: bool = True) -> Place | None:
    """The place of a resolved folder; None when there is none and none is to be made. Raises OutputFailed."""
    base = state_dir() / "folders"
    own = base / blake2b(os.fsencode(root), digest_size=10).hexdigest()
    facts = _read(own)
    if facts is None:
        moved = _renamed_from(base, root)
        if moved is not None:
            with contextlib.suppress(OSError):
                moved.rename(own)
            facts = _read(own)
        if facts is None and not make:
            return None
    identity = _identity(root)
    mark = str((facts or {}).get("mark") or secrets.token_hex(4))
    now = {"path": os.fsencode(root).decode("utf-8", "replace"), "identity": identity, "mark": mark}
    if make and facts != now:
        try:
            own.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OutputFailed(f"Matted cannot use the folder {own}: {error.strerror}.") from error
        with atomic_output(own / _FACTS, overwrite=True) as file:
            file.write(json.dumps(now).encode())
    return Place(root, own, mark)


def places() -> Iterator[Place]:
    """The places of all folders that were ever watched, whether these are still there or not."""
    base = state_dir() / "folders"
    for own in sorted(base.iterdir()) if base.is_dir() else ():
        facts = _read(own)
        if facts is not None:
            yield Place(Path(str(facts.get("path"))), own, str(facts.get("mark")))


def _renamed_from(base: Path, root: Path) -> Path | None:
    """The place of a folder that is `root` now and bore another name before."""
    identity = _identity(root)
    if identity is None or not base.is_dir():
        return None
    for other in base.iterdir():
        facts = _read(other)
        if facts is None or facts.get("identity") != identity:
            continue
        if _identity(Path(str(facts.get("path")))) == identity:
            continue  # the same folder by another way, such as a second mount
        with contextlib.suppress(OSError), (other / "lock").open("ab") as file:
            if lock(file) and _knows(other, root):
                return other
    return None


def _knows(place: Path, root: Path) -> bool:
    """Whether results in a place's ledger are in `root`: systems give numbers of deleted folders again."""
    try:
        with contextlib.closing(sqlite3.connect(place / "ledger.sqlite")) as ledger:
            rows = ledger.execute(
                "SELECT path FROM outputs WHERE state = 'written' ORDER BY id DESC LIMIT 100"
            ).fetchall()
    except sqlite3.Error:
        return False
    paths = [Path(os.fsdecode(row[0])) for row in rows]
    return any(not path.is_absolute() and os.path.lexists(root / path) for path in paths)


def _identity(folder: Path) -> list[int] | None:
    try:
        facts = folder.stat()
    except OSError:
        return None
    return [facts.st_dev, facts.st_ino, int(getattr(facts, "st_birthtime", 0))] if facts.st_ino else None


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / _FACTS).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
