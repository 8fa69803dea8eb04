"""Enters a root file system that `install.py` made: private mounts and processes that end with the command.

Nothing stays mounted and no process survives, whatever happens. Where the system allows no name spaces, a
plain chroot does. Standard library only; knows neither the editors nor Matted.
"""

import contextlib
import os
import secrets
import shutil
import signal
import stat
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

HOST = "/host"  # inside: the computer outside, for starting its programs from within
SOCKETS = Path("tmp/.X11-unix")
_UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private")
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}

# $1 the root, $2 the folder of X sockets or nothing; the rest is the command.
_MOUNTS = f"""
root=$1 sockets=$2
shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind / "$root{HOST}"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
if [ -n "$sockets" ]; then
  mkdir -m 1777 "$root/{SOCKETS}"
  mount --bind "$sockets" "$root/{SOCKETS}"
fi
exec chroot "$root" "$@"
"""


class Finished(NamedTuple):
    """How a program ended: its exit status (negative: the signal) and what it wrote."""

    rc: int
    stdout: str
    stderr: str


@cache
def has_name_spaces() -> bool:
    """Whether programs inside can have mounts and processes of their own."""
    probe = [*_UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def cannot_enter() -> str | None:
    """Why roots cannot be entered here; None when they can."""
    if os.name != "posix" or shutil.which("unshare") is None or shutil.which("chroot") is None:
        return "entering the editors' root takes Linux with unshare and chroot"
    if os.geteuid() != 0:
        return "entering the editors' root takes root's rights"
    return None


def enter(
    root: Path,
    command: Sequence[str],
    *,
    environment: dict[str, str] | None = None,
    sockets: Path | None = None,
) -> list[str]:
    """The command line that runs `command` inside `root` with nothing but `environment` from outside.

    `sockets`: a folder outside that holds the X server's sockets, so that several programs share a screen.
    """
    variables = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        **(environment or {}),
    }
    inner = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in variables.items()), *command]
    if not has_name_spaces():
        return ["chroot", str(root), *inner]
    return [*_UNSHARE, "sh", "-ec", _MOUNTS, "enter", str(root), str(sockets or ""), *inner]


def make_devices(root: Path) -> None:
    """Devices for a plain chroot; name spaces bring the computer's own."""
    (root / "dev/shm").mkdir(mode=0o1777, exist_ok=True)
    for name, (major, minor) in _DEVICES.items():
        path = root / "dev" / name
        path.unlink(missing_ok=True)
        with contextlib.suppress(PermissionError):
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
            path.chmod(0o666)


class Room:
    """One root and a folder that has the same path inside and outside, for scripts, pictures and profiles."""

    def __init__(self, root: Path) -> None:
        self.root = root
        name = f"matted-editors-{secrets.token_hex(4)}"
        memory = Path("/dev/shm")
        if has_name_spaces() and memory.is_dir() and shutil.disk_usage(memory).free > 2 << 30:
            self.desk = memory / name  # /dev is the same inside; Krita's first start is all fsyncs
        else:
            self.desk = root / "srv" / name
            way = root / root.relative_to("/")
            way.parent.mkdir(parents=True, exist_ok=True)
            if not way.is_symlink():
                way.symlink_to("/")
        self.desk.mkdir(mode=0o700, parents=True)
        self.sockets = self.desk / "x11" if has_name_spaces() else root / SOCKETS
        self.sockets.mkdir(parents=True, exist_ok=True)
        self.sockets.chmod(0o1777)

    def close(self) -> None:
        """Throw the shared folder away."""
        shutil.rmtree(self.desk, ignore_errors=True)

    def start(
        self, command: Sequence[str], environment: dict[str, str], *, stdout: int | None = None
    ) -> "subprocess.Popen[str]":
        """Run `command` inside; end it with `end`. `stdout`: as of Popen, stderr goes the same way."""
        line = enter(self.root, command, environment=environment, sockets=self.sockets)
        line = ["setpriv", "--pdeathsig", "KILL", *line]  # nothing outlives the tests, however they end
        return subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stdout,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def run(self, command: Sequence[str], environment: dict[str, str], *, timeout_s: float) -> Finished:
        """Run `command` inside to its end. After `timeout_s` seconds it is killed and rc is -9."""
        child = self.start(command, environment, stdout=subprocess.PIPE)
        try:
            stdout, stderr = child.communicate(timeout=timeout_s)
            return Finished(child.returncode, stdout, stderr)
        except subprocess.TimeoutExpired:
            end(child)
            stdout, stderr = child.communicate()
            return Finished(-signal.SIGKILL, stdout, f"{stderr}\nstopped after {timeout_s:g} s")
        finally:
            end(child)


def end(child: "subprocess.Popen[str]") -> None:
    """End a program that `Room.start` started, and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
