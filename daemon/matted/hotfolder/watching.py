"""Hints that something in a folder changed: the system's events where there are any, else looking often.

An event is only a hint where to look; what counts is what a scan sees. Imports watchdog and psutil; knows
no recipes and no ledger.
"""

import os
import threading
from pathlib import Path

import psutil
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

# Filesystems whose changes by other computers, or at all, raise no events here.
_SILENT = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "webdav", "davfs", "ncpfs", "9p"),
        *("afs", "ceph", "glusterfs", "lustre", "beegfs", "vboxsf", "vmhgfs", "prl_fs", "virtiofs", "drvfs"),
    )
)
_UNCHANGED = ("opened", "closed_no_write")


class Watching:
    """Watches the folder `root` from `start` to `stop`; `wake` is set whenever there is something to look at.

    `poll`: True never asks for events, False always does, None asks where the filesystem has them.
    """

    def __init__(self, root: Path, wake: threading.Event, *, poll: bool | None = None) -> None:
        self.root = root
        self.polls = is_silent(root) if poll is None else poll
        self.why_polling = "its filesystem tells of no changes" if self.polls and poll is None else ""
        self._wake = wake
        self._lock = threading.Lock()
        self._touched: set[Path] = set()
        self._observer: object | None = None

    def start(self) -> None:
        """Begin; falls back to looking often where the system has no more watches to give."""
        if self.polls or self._observer is not None:
            return
        observer = Observer()
        try:
            observer.schedule(_Handler(self), str(self.root), recursive=True)
            observer.start()
        except OSError as error:
            self.polls = True
            self.why_polling = f"the system gave no watch for it ({error.strerror or error})"
            return
        self._observer = observer

    def stop(self) -> None:
        """End; may be started again."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()  # type: ignore[attr-defined]
            observer.join(5)  # type: ignore[attr-defined]

    @property
    def is_deaf(self) -> bool:
        """Whether the events have ended although they should come."""
        observer = self._observer
        if observer is None:
            return False
        emitters = observer.emitters  # type: ignore[attr-defined]
        return not emitters or not all(emitter.is_alive() for emitter in emitters)

    def touched(self) -> set[Path]:
        """The paths that something happened to since the last call."""
        with self._lock:
            touched, self._touched = self._touched, set()
        return touched

    def note(self, path: Path) -> None:
        """Something happened to `path`."""
        with self._lock:
            self._touched.add(path)
        self._wake.set()


class _Handler(FileSystemEventHandler):
    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _UNCHANGED or (event.is_directory and event.event_type == "modified"):
            return
        for name in (event.src_path, event.dest_path):
            if name:
                self._watching.note(Path(os.fsdecode(name)))


def is_silent(folder: Path) -> bool:
    """Whether the filesystem of a folder tells of no changes, as network disks do."""
    best, kind, options = Path(), "", ""
    for disk in psutil.disk_partitions(all=True):
        at = Path(disk.mountpoint)
        if folder.is_relative_to(at) and len(at.parts) >= len(best.parts):
            best, kind, options = at, disk.fstype.lower(), disk.opts.lower()
    fuse = kind.startswith("fuse") and kind not in ("fuseblk", "fuse.mergerfs")
    return kind in _SILENT or fuse or "remote" in options.split(",")
