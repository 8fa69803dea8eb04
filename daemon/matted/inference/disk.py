"""What keeping weights asks of the file system: checksums, one writer at a time, clear sentences.

Standard library only; knows no model and no network.
"""

import contextlib
import errno
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from matted.errors import Cancelled, MattedError, OutputFailed

Progress = Callable[[int, int], None]

CHUNK_BYTES = 1 << 20
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Digest:
    """A file's size in bytes and its checksums, in small hexadecimal letters."""

    size: int
    sha256: str
    md5: str | None = None


def shifted(progress: Progress, before: int, total: int) -> Progress:
    """Reports one of several files as a part of them all: `before` bytes are done, `total` are to do.

    With `total` 0, not known, what is known of this file stands in for it.
    """

    def report(done: int, of_this: int) -> None:
        progress(before + done, total or (of_this and before + of_this))

    return report


def check_cancelled(cancelled: threading.Event | None) -> None:
    """Raises Cancelled once the event is set."""
    if cancelled is not None and cancelled.is_set():
        raise Cancelled("Stopped, before it was done.")


def digest(
    path: Path,
    *,
    md5: bool = False,
    copy_to: IO[bytes] | None = None,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> Digest:
    """Size and checksums of a file, copying it on the way if asked.

    `progress` is called with bytes read and bytes in all. Raises OSError, Cancelled.
    """
    sha, weak, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False) if md5 else None, 0
    total = path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            check_cancelled(cancelled)
            sha.update(chunk)
            if weak is not None:
                weak.update(chunk)
            if copy_to is not None:
                copy_to.write(chunk)
            size += len(chunk)
            if progress is not None:
                progress(size, total)
    return Digest(size, sha.hexdigest(), weak.hexdigest() if weak is not None else None)


@contextlib.contextmanager
def exclusive(path: Path, *, cancelled: threading.Event | None = None) -> Iterator[None]:
    """Holds the lock file `path` against every other process and thread; waits for whoever has it.

    The system frees it when its holder dies, so it never has to be cleaned up, and it is never deleted:
    a waiter would then hold a file nobody else can see. Raises Cancelled while waiting, OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        while not _try_lock(file):
            check_cancelled(cancelled)
            time.sleep(_POLL_S)
        try:
            yield
        finally:
            _unlock(file)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


def settle(part: Path, target: Path) -> None:
    """Makes the finished `part` the file `target` in one step that a crash cannot split. Raises OSError."""
    with contextlib.suppress(PermissionError), part.open("r+b") as file:  # a linked file may be read-only
        os.fsync(file.fileno())
    part.replace(target)
    if sys.platform != "win32":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_json(path: Path, content: Any) -> None:
    """Writes `content` as JSON so that a reader sees the old file or the new one. Raises OSError."""
    part = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")
    settle(part, path)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty when it is absent or not readable as one."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def failed_to_write(error: OSError, folder: Path) -> MattedError:
    """The sentence for a failed write below `folder`."""
    if error.errno == errno.ENOSPC or getattr(error, "winerror", None) == 112:
        return OutputFailed(f"The disk that holds {folder} is full: make room and try again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputFailed(
            f"{folder} cannot be written: allow it, or choose another folder with the setting models_dir."
        )
    return OutputFailed(f"{folder} could not be written: {error.strerror or error}.")
