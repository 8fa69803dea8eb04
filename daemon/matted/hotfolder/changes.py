"""The ledger's larger transactions, each a function of an open one.

They decide what "once" means: one work for each content and recipe digest, whatever its files are called.
Called by `ledger` alone.
"""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from matted.hotfolder.entries import Found, Output, Work, path_of, stored
from matted.hotfolder.signature import Signature


def queue(db: sqlite3.Connection, file: Found) -> int:
    """Queues a whole file unless it is known as it is; how many were queued."""
    path, signature = stored(file.path), str(file.signature)
    row = db.execute("SELECT * FROM files WHERE path = ?", (path,)).fetchone()
    if row is not None and row["signature"] == signature and row["recipe"] == file.recipe:
        return 0
    if db.execute("SELECT 1 FROM outputs WHERE path = ?", (path,)).fetchone():
        values = (path, signature, file.recipe)  # a result of ours, edited or not, is no picture to cut
        db.execute("INSERT OR REPLACE INTO files VALUES(?, ?, ?, NULL)", values)
        return 0
    old = None
    if row is not None and row["work"] is not None:
        old = db.execute("SELECT * FROM works WHERE id = ?", (row["work"],)).fetchone()
    if old is not None and old["state"] == "waiting" and old["content"] is None:
        number = old["id"]
        db.execute(
            "UPDATE works SET signature = ?, recipe = ?, due_s = 0 WHERE id = ?",
            (signature, file.recipe, number),
        )
    else:
        number = db.execute(
            "INSERT INTO works(path, signature, recipe, updated_s) VALUES(?, ?, ?, ?)",
            (path, signature, file.recipe, time.time()),
        ).lastrowid
        lineage = number if old is None else old["lineage"]
        db.execute("UPDATE works SET lineage = ? WHERE id = ?", (lineage, number))
    db.execute("INSERT OR REPLACE INTO files VALUES(?, ?, ?, ?)", (path, signature, file.recipe, number))
    if old is not None and old["id"] != number:
        abandon(db, old["id"], "replaced")
    return 1


def unlink(db: sqlite3.Connection, path: Path, number: int | None = None) -> None:
    """A file is not there, or not what it was. `number`: the work that it was read for, if it was."""
    key = stored(path)
    row = db.execute("SELECT work FROM files WHERE path = ?", (key,)).fetchone()
    db.execute("DELETE FROM files WHERE path = ?", (key,))
    for work in (number, None if row is None else row["work"]):
        if work is not None:
            abandon(db, work, "gone")
            _follow(db, work, key)


def _follow(db: sqlite3.Connection, number: int, gone: bytes) -> None:
    """A work of a file that is gone belongs to another one of its content, if there is one."""
    held = _held(db, number)
    if held is not None:
        db.execute(
            "UPDATE works SET path = CASE WHEN at IS NULL THEN ?1 ELSE path END, "
            "at = CASE WHEN at IS NULL THEN NULL ELSE ?1 END, signature = ?2 "
            "WHERE id = ?3 AND COALESCE(at, path) = ?4",
            (held["path"], held["signature"], number, gone),
        )


def abandon(db: sqlite3.Connection, work: int | None, state: str) -> None:
    """A work that waits or has failed, and that no file needs any more, is over."""
    db.execute(
        "UPDATE works SET state = ?, updated_s = ? WHERE id = ? AND state IN ('waiting', 'failed') "
        "AND NOT EXISTS(SELECT 1 FROM files WHERE files.work = works.id)",
        (state, time.time(), work),
    )


def take(db: sqlite3.Connection, work: Work, content: str) -> Work | None:
    """See `Ledger.take`."""
    row = db.execute("SELECT * FROM works WHERE id = ? AND state = 'waiting'", (work.id,)).fetchone()
    if row is None:
        return None
    if row["content"] not in (None, content):  # it was changed, and nobody has noticed yet
        unlink(db, work.source, work.id)
        return None
    if db.execute("SELECT 1 FROM outputs WHERE content = ? AND item >= 0", (content,)).fetchone():
        db.execute("UPDATE files SET work = NULL WHERE work = ?", (work.id,))
        db.execute("DELETE FROM works WHERE id = ?", (work.id,))
        return None
    other = db.execute(
        "SELECT * FROM works WHERE content = ? AND recipe = ? AND id != ?", (content, row["recipe"], work.id)
    ).fetchone()
    if other is not None:
        _merge(db, row, other)
        return None
    db.execute(
        "UPDATE works SET content = ?, state = 'working', updated_s = ? WHERE id = ?",
        (content, time.time(), work.id),
    )
    return Work.of(db.execute("SELECT * FROM works WHERE id = ?", (work.id,)).fetchone())


def finish(db: sqlite3.Connection, work: Work, seconds: float | None) -> list[Output]:
    """See `Ledger.finish`."""
    now = time.time()
    new = db.execute("SELECT * FROM outputs WHERE work = ? AND state = 'intended'", (work.id,)).fetchall()
    for row in new:
        older = db.execute(
            "SELECT work FROM outputs WHERE path = ? AND state = 'written'", (row["path"],)
        ).fetchall()
        db.execute(
            "UPDATE outputs SET state = 'replaced' WHERE path = ? AND state = 'written'", (row["path"],)
        )
        for number in {old["work"] for old in older} - {work.id}:
            _lost_outputs(db, number, now)
    places = {row["id"] for row in new}
    db.execute("UPDATE outputs SET state = 'written' WHERE work = ? AND state = 'intended'", (work.id,))
    db.execute(
        "UPDATE works SET state = verdict, attempts = 0, crashes = 0, seconds = ?, updated_s = ? "
        "WHERE id = ?",
        (seconds, now, work.id),
    )
    leaving = [
        row
        for row in db.execute(
            "SELECT * FROM outputs WHERE work = ? AND state = 'written' AND verdict = 'review'", (work.id,)
        )
        if row["id"] not in places
    ]
    stale = db.execute(
        "SELECT id FROM works WHERE lineage = ? AND id != ? AND state = 'review' "
        "AND NOT EXISTS(SELECT 1 FROM files WHERE files.work = works.id)",
        (work.lineage, work.id),
    ).fetchall()
    for row in stale:
        leaving += db.execute(
            "SELECT * FROM outputs WHERE work = ? AND state = 'written' AND verdict = 'review'", (row["id"],)
        ).fetchall()
        db.execute("UPDATE works SET state = 'replaced', updated_s = ? WHERE id = ?", (now, row["id"]))
    db.executemany("UPDATE outputs SET state = 'leaving' WHERE id = ?", [(row["id"],) for row in leaving])
    return [Output.of(row) for row in leaving]


def copies(db: sqlite3.Connection) -> list[Work]:
    """See `Ledger.copies`."""
    rows = db.execute(
        "SELECT works.*, files.path AS copy, files.signature AS is_now FROM works "
        "JOIN files ON files.work = works.id WHERE files.path != COALESCE(works.at, '') AND "
        "((works.state = 'done' AND works.moved AND works.move_to IS NOT NULL) "
        "OR (works.state = 'failed' AND works.at IS NOT NULL))"
    ).fetchall()
    return [
        replace(
            Work.of(row), path=path_of(row["copy"]), at=None, signature=Signature.from_text(row["is_now"])
        )
        for row in rows
    ]


def set_troubles(db: sqlite3.Connection, sentences: Sequence[str]) -> None:
    """See `Ledger.set_troubles`."""
    db.execute("DELETE FROM troubles")
    db.executemany("INSERT INTO troubles VALUES(?)", [(sentence,) for sentence in sentences])


def _held(db: sqlite3.Connection, number: int) -> sqlite3.Row | None:
    """A file that a work belongs to, if there is any."""
    row: sqlite3.Row | None = db.execute(
        "SELECT path, signature FROM files WHERE work = ? LIMIT 1", (number,)
    ).fetchone()
    return row


def _merge(db: sqlite3.Connection, mine: sqlite3.Row, other: sqlite3.Row) -> None:
    """The file of work `mine` has the content of work `other`: it belongs to that one."""
    db.execute("UPDATE files SET work = ? WHERE work = ?", (other["id"], mine["id"]))
    db.execute("DELETE FROM works WHERE id = ?", (mine["id"],))
    missing = db.execute(
        "SELECT 1 FROM outputs WHERE work = ? AND state = 'replaced' AND item NOT IN "
        "(SELECT item FROM outputs WHERE work = ? AND state = 'written')",
        (other["id"], other["id"]),
    ).fetchone()
    is_over = other["state"] in ("replaced", "gone") or (other["state"] in ("done", "review") and missing)
    renamed = not db.execute(
        "SELECT 1 FROM files WHERE path = ? AND work = ?", (other["at"] or other["path"], other["id"])
    ).fetchone()
    if is_over:
        db.execute(
            "UPDATE works SET state = 'waiting', path = ?, at = NULL, moved = 0, signature = ?, lineage = ?, "
            "attempts = 0, due_s = 0 WHERE id = ?",
            (mine["path"], mine["signature"], mine["lineage"], other["id"]),
        )
    elif renamed and other["state"] != "working":
        db.execute(
            "UPDATE works SET path = ?, at = NULL, signature = ? WHERE id = ?",
            (mine["path"], mine["signature"], other["id"]),
        )


def _lost_outputs(db: sqlite3.Connection, number: int, now: float) -> None:
    """Outputs of a work were replaced by a newer picture's: it is over, or redone for another file."""
    held = _held(db, number)
    if held is None:
        db.execute("UPDATE works SET state = 'replaced', updated_s = ? WHERE id = ?", (now, number))
    else:
        db.execute(
            "UPDATE works SET state = 'waiting', path = CASE WHEN at IS ?1 THEN path ELSE ?1 END, "
            "at = CASE WHEN at IS ?1 THEN at END, signature = ?2, lineage = id, moved = 0, due_s = 0 "
            "WHERE id = ?3",
            (held["path"], held["signature"], number),
        )
