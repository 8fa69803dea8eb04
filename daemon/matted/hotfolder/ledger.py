"""The ledger of a watched folder: which picture is where on its way, in SQLite, surviving any kill.

Every method is one transaction that is on the disk when it returns (WAL, synchronous=FULL). One row of
`works` is one picture by one recipe, unique by content and recipe digest; `files` says which work a file
belongs to; `outputs` says which files are ours. Knows no pixels and touches no file but its own.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from matted.errors import Cancelled
from matted.hotfolder import changes
from matted.hotfolder.entries import NOTE, Entry, Found, Output, Owner, State, Verdict, Work, path_of, stored
from matted.hotfolder.schema import opened
from matted.hotfolder.signature import Signature
from matted.notice import Notice

Result = TypeVar("Result")
_RETRY_S = 2.0


class Ledger:
    """An open ledger; may be used by several threads, and by several processes at once.

    `stop`: ends the waiting for a full or locked disk. `tell`: told once of such trouble.
    """

    def __init__(
        self,
        path: Path,
        *,
        stop: threading.Event | None = None,
        tell: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        self.path = path
        self._stop = stop or threading.Event()
        self._tell = tell
        self._troubled = False
        self._lock = threading.RLock()
        self._db = opened(path)

    def close(self) -> None:
        """Close it; what was committed stays."""
        with self._lock:
            self._db.close()

    # ------------------------------------------------------------------------------------ finding files

    def known(self) -> dict[Path, tuple[Signature, str]]:
        """Every file that needs no look: its signature and recipe digest when it was last taken."""
        rows = self._all("SELECT path, signature, recipe FROM files")
        return {path_of(row[0]): (Signature.from_text(row[1]), row[2]) for row in rows}

    def source_of(self, path: Path) -> Path | None:
        """The file that stands for the picture which a known file is; None for an unknown file."""
        query = (
            "SELECT COALESCE(works.at, works.path, files.path) FROM files "
            "LEFT JOIN works ON works.id = files.work WHERE files.path = ?"
        )
        rows = self._all(query, stored(path))
        return path_of(rows[0][0]) if rows else None

    def found(self, files: Iterable[Found]) -> int:
        """Queues whole files that are new or changed; how many there were."""

        def change(db: sqlite3.Connection) -> int:
            return sum(changes.queue(db, file) for file in files)

        return self._do(change)

    def forget(self, work: Work) -> None:
        """The file of a work is not what it was when it was queued: it will be found again."""
        self._do(partial(changes.unlink, path=work.source, number=work.id))

    def vanished(self, paths: Sequence[Path]) -> None:
        """These files are not there any more; another one of such a name will be another picture."""

        def change(db: sqlite3.Connection) -> None:
            for path in paths:
                changes.unlink(db, path)

        self._do(change)

    # ---------------------------------------------------------------------------------------- working

    def next(self, now_s: float, busy: Collection[Path], limit: int) -> list[Work]:
        """Works that are due, none of a file in `busy`; those that ended this process before come last."""
        rows = self._all(
            "SELECT * FROM works WHERE state = 'waiting' AND due_s <= ? ORDER BY crashes, id LIMIT ?",
            now_s,
            limit + 4 * len(busy),
        )
        works: list[Work] = []
        taken = set(busy)
        for work in map(Work.of, rows):
            if work.path not in taken and len(works) < limit:
                works.append(work)
                taken.add(work.path)
        return works

    def due_s(self) -> float | None:
        """time.time() when the next waiting work is due; None when none waits."""
        row = self._all("SELECT MIN(due_s) FROM works WHERE state = 'waiting'")[0]
        return row[0]

    def take(self, work: Work, content: str) -> Work | None:
        """Begins a work whose file was read: from here on it counts as under way.

        None when there is nothing to do: the same content was cut by the same recipe, waits already, or is a
        result of this folder.
        """
        return self._do(lambda db: changes.take(db, work, content))

    def intend(
        self,
        work: Work,
        outputs: Sequence[Output],
        verdict: Verdict,
        reason: str,
        *,
        confidence: float | None = None,
        notices: Sequence[Notice] = (),
        move_to: Path | None = None,
    ) -> None:
        """Records complete hidden files and the names they are about to get."""

        def change(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM outputs WHERE work = ? AND state = 'intended'", (work.id,))
            db.executemany(
                "INSERT INTO outputs(work, item, path, part, home, content, verdict, state) "
                "VALUES(?, ?, ?, ?, ?, ?, ?, 'intended')",
                [
                    (work.id, o.item, stored(o.path), stored(o.part), stored(o.home), o.content, verdict)
                    for o in outputs
                ],
            )
            db.execute(
                "UPDATE works SET verdict = ?, reason = ?, confidence = ?, notices = ?, "
                "move_to = ?, moved = 0 WHERE id = ?",
                (
                    verdict,
                    reason,
                    confidence,
                    json.dumps([(n.code, n.sentence) for n in notices]),
                    None if move_to is None else stored(move_to),
                    work.id,
                ),
            )

        self._do(change)

    def rename(self, output: Output, path: Path) -> None:
        """An intended output gets another name: the first was taken meanwhile."""
        self._do(lambda db: db.execute("UPDATE outputs SET path = ? WHERE id = ?", (stored(path), output.id)))

    def finish(self, work: Work, seconds: float | None = None) -> list[Output]:
        """All intended outputs bear their names: the work is in the state of its verdict.

        Gives what is to be removed now: results of this work in review that these take the place of.
        """
        return self._do(lambda db: changes.finish(db, work, seconds))

    def removed(self, output: Output) -> None:
        """An output that was to be removed is."""
        self._do(lambda db: db.execute("UPDATE outputs SET state = 'left' WHERE id = ?", (output.id,)))

    def fail(self, work: Work, reason: str, again_s: float | None) -> None:
        """A try failed; the next is at `again_s` (time.time()), or never."""
        state = "failed" if again_s is None else "waiting"

        def change(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE works SET state = ?, reason = ?, attempts = attempts + 1, due_s = ?, updated_s = ? "
                "WHERE id = ?",
                (state, reason, again_s or 0.0, time.time(), work.id),
            )
            changes.abandon(db, work.id, "replaced")

        self._do(change)

    def put_back(self, works: Sequence[Work], due_s: float, reason: str = "") -> None:
        """These wait again through no fault of theirs."""

        def change(db: sqlite3.Connection) -> None:
            db.executemany(
                "UPDATE works SET state = 'waiting', reason = ?, due_s = ?, updated_s = ? WHERE id = ?",
                [(reason, due_s, time.time(), work.id) for work in works],
            )
            for work in works:
                changes.abandon(db, work.id, "replaced")

        self._do(change)

    def release(self, reason: str) -> None:
        """What waited for this reason alone is due at once."""
        self._do(
            lambda db: db.execute(
                "UPDATE works SET due_s = 0, reason = '' WHERE state = 'waiting' AND reason = ?", (reason,)
            )
        )

    def release_all(self) -> None:
        """What waits through no fault of its own is due at once."""
        self._do(lambda db: db.execute("UPDATE works SET due_s = 0 WHERE state = 'waiting' AND attempts = 0"))

    def moved(self, work: Work, path: Path, signature: Signature) -> None:
        """The original was moved to `path`, where it is `signature`."""

        def change(db: sqlite3.Connection) -> None:
            place, sign = stored(path), str(signature)
            db.execute(
                "UPDATE OR REPLACE files SET path = ?, signature = ? WHERE path = ? AND work = ?",
                (place, sign, stored(work.source), work.id),
            )
            db.execute(
                "UPDATE works SET at = ?, signature = ?, moved = COALESCE(state = verdict, 0) WHERE id = ?",
                (place, sign, work.id),
            )

        self._do(change)

    def stays(self, work: Work) -> None:
        """The original is not to be moved any more."""
        self._do(lambda db: db.execute("UPDATE works SET moved = 1 WHERE id = ?", (work.id,)))

    def move_to(self, work: Work, path: Path) -> None:
        """The original is about to be moved to `path`."""
        self._do(lambda db: db.execute("UPDATE works SET move_to = ? WHERE id = ?", (stored(path), work.id)))

    def copies(self) -> list[Work]:
        """Every other file with the content of a picture that was moved aside, as the work's own."""
        return self._do(changes.copies)

    # --------------------------------------------------------------------------------------- recovery

    def interrupted(self) -> list[Work]:
        """Works that were under way, or being accepted, when the last process ended; crashes are counted."""

        def change(db: sqlite3.Connection) -> list[Work]:
            db.execute("UPDATE works SET crashes = crashes + 1 WHERE state = 'working'")
            rows = db.execute(
                "SELECT * FROM works WHERE state = 'working' OR (state = 'review' AND EXISTS("
                "SELECT 1 FROM outputs WHERE outputs.work = works.id AND outputs.state = 'intended'))"
            )
            return [Work.of(row) for row in rows]

        return self._do(change)

    def to_move(self) -> list[Work]:
        """Done works whose original is still to be moved."""
        rows = self._all("SELECT * FROM works WHERE move_to IS NOT NULL AND moved = 0 AND verdict = state")
        return [Work.of(row) for row in rows]

    def to_remove(self) -> list[Output]:
        """Outputs that are to be removed."""
        return [Output.of(row) for row in self._all("SELECT * FROM outputs WHERE state = 'leaving'")]

    def awaited_parts(self) -> set[Path]:
        """Hidden files that are still to get their names."""
        rows = self._all(
            "SELECT part FROM outputs JOIN works ON works.id = outputs.work "
            "WHERE outputs.state = 'intended' AND works.state NOT IN ('replaced', 'gone')"
        )
        return {path_of(row[0]) for row in rows}

    def drop_intended(self, outputs: Sequence[Output]) -> None:
        """These hidden files are lost: their names are free."""
        self._do(
            lambda db: db.executemany(
                "DELETE FROM outputs WHERE id = ?", [(output.id,) for output in outputs]
            )
        )

    # ---------------------------------------------------------------------------------------- outputs

    def outputs(self, work_id: int, *states: str) -> list[Output]:
        """A work's outputs in these states, as of `intended`, `written`, `replaced`, `leaving`, `left`."""
        marks = ", ".join("?" * len(states))
        rows = self._all(
            f"SELECT * FROM outputs WHERE work = ? AND state IN ({marks}) ORDER BY id", work_id, *states
        )
        return [Output.of(row) for row in rows]

    def owners(self, path: Path) -> list[Owner]:
        """The outputs that are at `path` or about to be."""
        rows = self._all(
            "SELECT outputs.*, works.lineage, "
            "EXISTS(SELECT 1 FROM files WHERE files.work = works.id) AS held "
            "FROM outputs JOIN works ON works.id = outputs.work "
            "WHERE outputs.path = ? AND (outputs.state = 'written' "
            "OR (outputs.state = 'intended' AND works.state NOT IN ('replaced', 'gone')))",
            stored(path),
        )
        return [
            Owner(Output.of(row), row["work"], row["lineage"], row["state"] == "written", bool(row["held"]))
            for row in rows
        ]

    def edited(self, output: Output, content: str) -> None:
        """A person changed an output: this is its content now."""
        self._do(lambda db: db.execute("UPDATE outputs SET content = ? WHERE id = ?", (content, output.id)))

    def will_write_in(self, folder: Path) -> None:
        """Hidden files may lie in this folder from now on."""
        self._do(lambda db: db.execute("INSERT OR IGNORE INTO folders VALUES(?)", (stored(folder),)))

    def written_folders(self) -> list[Path]:
        """Every folder in which hidden files may lie."""
        return [path_of(row[0]) for row in self._all("SELECT path FROM folders")]

    # ------------------------------------------------------------------------------------ for a person

    def troubles(self) -> list[str]:
        """What keeps the watch from some of the pictures now: a sentence each."""
        return [row[0] for row in self._all("SELECT sentence FROM troubles ORDER BY rowid")]

    def set_troubles(self, sentences: Sequence[str]) -> None:
        """These are all."""
        self._do(partial(changes.set_troubles, sentences=sentences))

    def counts(self) -> dict[str, int]:
        """How many works are in each state."""
        return dict(self._all("SELECT state, COUNT(*) FROM works GROUP BY state"))  # type: ignore[arg-type]

    def entries(self, state: State, limit: int, offset: int) -> list[Entry]:
        """Works in a state, the last changed first."""
        rows = self._all(
            "SELECT * FROM works WHERE state = ? ORDER BY updated_s DESC, id DESC LIMIT ? OFFSET ?",
            state,
            limit,
            offset,
        )
        return [self._entry(row) for row in rows]

    def entry(self, work_id: int) -> Entry | None:
        """One of them."""
        rows = self._all("SELECT * FROM works WHERE id = ?", work_id)
        return self._entry(rows[0]) if rows else None

    def work(self, work_id: int) -> Work | None:
        """The same as a work."""
        rows = self._all("SELECT * FROM works WHERE id = ?", work_id)
        return Work.of(rows[0]) if rows else None

    def again(self, work_id: int) -> bool:
        """Queues a work anew, as if it had never been tried; False when it is under way, gone or unknown."""

        def change(db: sqlite3.Connection) -> bool:
            changed = db.execute(
                "UPDATE works SET state = 'waiting', attempts = 0, crashes = 0, due_s = 0, updated_s = ? "
                "WHERE id = ? AND state IN ('waiting', 'done', 'review', 'failed') "
                "AND EXISTS(SELECT 1 FROM files WHERE files.work = works.id)",
                (time.time(), work_id),
            )
            return changed.rowcount > 0

        return self._do(change)

    # ------------------------------------------------------------------------------------------ inside

    def _entry(self, row: sqlite3.Row) -> Entry:
        outputs = self.outputs(row["id"], "written")
        return Entry.of(row, tuple(output.path for output in outputs if output.item != NOTE))

    def _all(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def _do(self, change: Callable[[sqlite3.Connection], Result]) -> Result:
        """`change` as one transaction; waits while the ledger's disk is full or another has it locked."""
        while True:
            try:
                with self._lock:
                    self._db.execute("BEGIN IMMEDIATE")
                    try:
                        result = change(self._db)
                        self._db.execute("COMMIT")
                    except BaseException:
                        if self._db.in_transaction:
                            self._db.execute("ROLLBACK")
                        raise
            except sqlite3.OperationalError as error:
                if not self._troubled:
                    self._troubled = True
                    self._tell(f"The ledger {self.path} cannot be written ({error}): Matted waits.")
                if self._stop.wait(_RETRY_S):
                    raise Cancelled(
                        "The hot folder was stopped while its ledger could not be written."
                    ) from error
                continue
            if self._troubled:
                self._troubled = False
                self._tell("The ledger can be written again: Matted goes on.")
            return result
