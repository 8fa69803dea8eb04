"""One daemon per user: the lock, and the file that tells the user's programs where the daemon is.

The places and the file's form are those of `matted.client`, which reads what is written here. Knows
nothing of HTTP.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from matted import client, locking
from matted.errors import DaemonUnavailable, OutputFailed

LOCK_FILE = "daemon.lock"
_PATIENCE_S = 5.0  # a daemon that holds the lock may be about to announce itself, or to end


class AlreadyRunning(DaemonUnavailable):
    """Another daemon of this user is alive."""

    slug = "already-running"


class Instance:
    """The right to be this user's only daemon; a context manager around the daemon's whole life.

    The lock belongs to the open file, so the system lifts it when the process dies, however it dies: a
    runtime file left by a killed daemon is stale exactly when the lock can be had.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = client.runtime_dir() if folder is None else folder
        self._lock: IO[bytes] | None = None
        self._token = ""
        self._left_behind = ""

    def __enter__(self) -> "Instance":
        private_folder(self.folder)
        lock = self._opened(self.folder / LOCK_FILE)
        deadline = time.monotonic() + _PATIENCE_S
        while not locking.lock(lock):
            where = _where_the_first_is(self.folder)
            if where is None and time.monotonic() < deadline:
                time.sleep(0.02)  # the first is just beginning or ending
                continue
            lock.close()
            raise AlreadyRunning(
                where or f"A Matted daemon already runs (it holds {self.folder / LOCK_FILE})."
            )
        self._lock = lock
        self._clear_stale()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.withdraw()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def token(self, *, keep: bool) -> str:
        """A fresh secret; with `keep`, the one in a file left behind, for sockets that outlive the daemon."""
        if keep and self._left_behind:
            return self._left_behind
        return secrets.token_urlsafe(32)

    def announce(self, runtime: client.Runtime) -> None:
        """Write the runtime file, whole or not at all, for this user alone. Call it when listening."""
        write_private(self.folder / client.RUNTIME_FILE, json.dumps(runtime._asdict()))
        self._token = runtime.token

    def withdraw(self) -> None:
        """Remove the runtime file, if it is still the one this process wrote."""
        if not self._token:
            return
        with suppress(client.Unavailable, OSError):
            if client.read_runtime(self.folder).token == self._token:
                (self.folder / client.RUNTIME_FILE).unlink()
        self._token = ""

    def is_announced(self) -> bool:
        """Whether programs can still find this process: its runtime file is there and is its own."""
        with suppress(client.Unavailable):
            return client.read_runtime(self.folder).token == self._token
        return False

    def keep_announced(self) -> None:
        """Leave the runtime file at exit: the socket stays open and the next connection starts a daemon."""
        self._token = ""

    def _clear_stale(self) -> None:
        path = self.folder / client.RUNTIME_FILE
        with suppress(client.Unavailable):
            self._left_behind = client.read_runtime(self.folder).token
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputFailed(f"Matted cannot replace {path}: {error.strerror}.") from error

    @staticmethod
    def _opened(path: Path) -> IO[bytes]:
        try:
            return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", 0)
        except OSError as error:
            raise OutputFailed(f"Matted cannot write {path}: {error.strerror}.") from error


def private_folder(folder: Path) -> None:
    """Make `folder` for this user alone; an existing one must belong to the user and be closed to writers.

    Raises OutputFailed.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.stat()
    except OSError as error:
        raise OutputFailed(f"Matted cannot use the folder {folder}: {error.strerror}.") from error
    if os.name == "posix" and (facts.st_uid != os.geteuid() or facts.st_mode & 0o022):
        raise OutputFailed(f"Other users may write in {folder}, so Matted's token would be no secret there.")


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` at once, readable by this user alone. Raises OutputFailed."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with suppress(FileNotFoundError):
            part.unlink()
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise OutputFailed(
            f"Matted cannot write {path}: {error.strerror}. Free some space or check the folder's rights."
        ) from error


def record_launch(commands: Sequence[Sequence[str]], folder: Path | None = None) -> Path:
    """Remember how programs without Matted's Python start the daemon; the first that works is used.

    `folder`: the state folder of programs in a sandbox, which have one of their own.
    """
    folder = client.state_dir() if folder is None else folder
    private_folder(folder)
    path = folder / client.LAUNCH_FILE
    write_private(path, json.dumps({"commands": [list(command) for command in commands]}))
    return path


def record_launch_once() -> None:
    """Remember this Python's command unless one that exists is recorded already."""
    path = client.state_dir() / client.LAUNCH_FILE
    with suppress(client.Unavailable):
        if path.exists() and any(Path(command[0]).exists() for command in client.launch_commands()):
            return
    with suppress(OutputFailed):
        record_launch([serve_command()])


def serve_command() -> list[str]:
    """The command that starts the daemon with this Python."""
    return [sys.executable, "-m", "matted", "serve"]


def _where_the_first_is(folder: Path) -> str | None:
    try:
        first = client.read_runtime(folder)
    except client.Unavailable:
        return None
    return f"A Matted daemon already runs: process {first.pid}, port {first.port}."
