"""What the ledger holds, as plain records. Imports nothing of the package but its signatures."""

import json
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matted.hotfolder.signature import Signature

State = Literal["waiting", "working", "done", "review", "failed", "replaced", "gone"]
STATES: tuple[State, ...] = ("waiting", "working", "done", "review", "failed")  # what a person is shown
Verdict = Literal["done", "review"]
NOTE = -1  # the item number of the text that says why a result is in review


@dataclass(frozen=True, slots=True)
class Work:
    """One picture to be cut by one recipe. `path` is relative to the watched folder.

    `recipe`: the recipe's digest. `content`: None until the file was read. `attempts`: how often it failed;
    `crashes`: how often Matted ended while it was at it. `due_s`: not before that time.time().
    `at`: where its file was moved to.
    `lineage`: the same for all that one file has been, as long as it was overwritten in place.
    """

    id: int
    path: Path
    signature: Signature
    recipe: str
    content: str | None
    state: State
    attempts: int
    crashes: int
    due_s: float
    verdict: Verdict | None
    move_to: Path | None
    moved: bool
    at: Path | None
    lineage: int

    @property
    def source(self) -> Path:
        """Where its file is."""
        return self.path if self.at is None else self.at

    @classmethod
    def of(cls, row: sqlite3.Row) -> "Work":
        """From a row of `works`."""
        return cls(
            row["id"],
            path_of(row["path"]),
            Signature.from_text(row["signature"]),
            row["recipe"],
            row["content"],
            row["state"],
            row["attempts"],
            row["crashes"],
            row["due_s"],
            row["verdict"],
            path_of(row["move_to"]) if row["move_to"] is not None else None,
            bool(row["moved"]),
            path_of(row["at"]) if row["at"] is not None else None,
            row["lineage"],
        )


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a work writes. `path`, `part` as in `Work`, or absolute when outside the folder.

    `item`: which of the recipe's items, or NOTE. `part`: the hidden file that becomes it. `content`: of the
    whole file. `home`: for one in review, its place once it is accepted. `id` 0: not in the ledger yet.
    """

    item: int
    path: Path
    part: Path
    content: str
    home: Path
    id: int = 0

    @classmethod
    def of(cls, row: sqlite3.Row) -> "Output":
        """From a row of `outputs`."""
        path, part, home = (path_of(row[name]) for name in ("path", "part", "home"))
        return cls(row["item"], path, part, row["content"], home, row["id"])


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an output's path is. `is_written`: it is there. `is_held`: its picture is still there."""

    output: Output
    work: int
    lineage: int
    is_written: bool
    is_held: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture of the folder, for a person or a page.

    `reason`: why it is in review, failed, or waits to be tried again. `notices`: (code, sentence) each.
    `outputs`: the files that are there now. `due_s`: time.time() of the next try of one that waits.
    `updated_s`: time.time() of the last change. `seconds`: how long it took.
    """

    id: int
    path: Path
    state: State
    reason: str
    attempts: int
    due_s: float
    confidence: float | None
    notices: tuple[tuple[str, str], ...]
    outputs: tuple[Path, ...]
    updated_s: float
    seconds: float | None

    @classmethod
    def of(cls, row: sqlite3.Row, outputs: tuple[Path, ...]) -> "Entry":
        """From a row of `works` and the paths of its outputs."""
        return cls(
            row["id"],
            path_of(row["path"]),
            row["state"],
            row["reason"],
            row["attempts"],
            row["due_s"],
            row["confidence"],
            tuple((code, sentence) for code, sentence in json.loads(row["notices"])),
            outputs,
            row["updated_s"],
            row["seconds"],
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is whole, and the digest of the recipe that rules it. `path`: relative to the folder."""

    path: Path
    signature: Signature
    recipe: str


def stored(path: Path) -> bytes:
    """A path as the ledger keeps it: names need not be text."""
    return os.fsencode(path.as_posix())


def path_of(blob: bytes) -> Path:
    """The path `stored` was given."""
    return Path(os.fsdecode(blob))
