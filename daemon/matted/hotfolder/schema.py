"""The ledger's file: its tables, and how it is opened so that what was committed is on the disk.

Called by `ledger` alone. Imports the errors and the standard library.
"""

import sqlite3
from pathlib import Path

from matted.errors import MattedError

_TABLES = """
CREATE TABLE works(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL, signature TEXT NOT NULL, recipe TEXT NOT NULL, content TEXT,
    state TEXT NOT NULL DEFAULT 'waiting', reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0, due_s REAL NOT NULL DEFAULT 0,
    verdict TEXT, confidence REAL, notices TEXT NOT NULL DEFAULT '[]', seconds REAL,
    move_to BLOB, moved INTEGER NOT NULL DEFAULT 0, at BLOB, updated_s REAL NOT NULL DEFAULT 0,
    lineage INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX works_once ON works(content, recipe);
CREATE INDEX works_by_state ON works(state, crashes, id);
CREATE TABLE files(path BLOB PRIMARY KEY, signature TEXT NOT NULL, recipe TEXT NOT NULL, work INTEGER);
CREATE INDEX files_by_work ON files(work);
CREATE TABLE outputs(
    id INTEGER PRIMARY KEY, work INTEGER NOT NULL, item INTEGER NOT NULL, path BLOB NOT NULL,
    part BLOB NOT NULL, content TEXT NOT NULL, state TEXT NOT NULL, verdict TEXT NOT NULL,
    home BLOB NOT NULL);
CREATE INDEX outputs_by_work ON outputs(work);
CREATE INDEX outputs_by_path ON outputs(path);
CREATE INDEX outputs_by_content ON outputs(content);
CREATE TABLE folders(path BLOB PRIMARY KEY);
"""
_STEPS = (
    _TABLES,
    "CREATE TABLE troubles(sentence TEXT NOT NULL)",
)  # of which version N has taken the first N


def opened(path: Path) -> sqlite3.Connection:
    """The ledger at `path`, made if it is not there. Raises MattedError."""
    try:
        db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        for step in _STEPS[version:]:
            for statement in step.split(";"):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {max(version, len(_STEPS))}")
        db.execute("COMMIT")
    except sqlite3.Error as error:
        raise MattedError(f"The ledger {path} cannot be opened: {error}.") from error
    if version > len(_STEPS):
        raise MattedError(f"The ledger {path} was written by a newer Matted: update this one.")
    return db
