"""A real Matted engine outside the editors' root, and the ways in which it can fail them.

Runs `python -m matted serve` with a runtime folder that the editors see under the same path. Knows no editor.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from editors.room import HOST
from matted import client

# it runs under the room's numbers of programs, which the computer's own /proc does not know
_OWN_PROC = ("unshare", "--mount", "sh", "-c", 'mount -t proc proc /proc && exec "$@"', "sh")
PACKAGES = Path(client.__file__).resolve().parent.parent


class Engine:
    """The engine's folder and, between `start` and `stop`, its running daemon."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"MATTED_RUNTIME": str(folder)}
        self._child: subprocess.Popen[bytes] | None = None
        (folder / "home").mkdir(mode=0o700, parents=True)
        folder.chmod(0o700)

    @property
    def models(self) -> Path:
        """Where it finds further models and their catalogue."""
        folder = self.folder / "home/.local/share/matted/models"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def is_running(self) -> bool:
        """Whether the daemon that `start` started is alive."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> client.Runtime:
        """Start the daemon unless it runs, and wait until it can be reached."""
        if not self.is_running:
            (self.folder / client.RUNTIME_FILE).unlink(missing_ok=True)
            with (self.folder / "engine.log").open("ab") as log:
                self._child = subprocess.Popen(
                    [sys.executable, "-m", "matted", "serve", "--idle-exit-s", "0"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._outside(),
                )
        deadline = time.monotonic() + 60
        while True:
            with suppress(client.Unavailable):
                return client.read_runtime(self.folder)
            if not self.is_running or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "engine.log").read_text("utf-8", "replace"))
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the daemon; SIGKILL leaves its runtime file behind, as a crash does."""
        if self._child is not None:
            if self.is_running:
                self._child.send_signal(how)
            self._child.wait(timeout=30)
            self._child = None

    def let_editors_start_it(self) -> None:
        """Record a command with which a program inside the root starts the engine outside.

        Takes a room with name spaces. The daemon ends with the editor's own run.
        """
        outside = [f"{name}={value}" for name, value in self._outside().items()]
        command = ["/usr/sbin/chroot", HOST, "/usr/bin/env", "-i", *outside, *_OWN_PROC]
        self.record([*command, sys.executable, "-m", "matted", "serve"])

    def record(self, *commands: list[str]) -> None:
        """Record `commands` as those that start the engine."""
        path = self.folder / client.LAUNCH_FILE
        path.write_text(json.dumps({"commands": commands}), "utf-8")
        path.chmod(0o600)

    def _outside(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {**kept, "HOME": str(self.folder / "home"), "PYTHONPATH": str(PACKAGES), **self.environment}
