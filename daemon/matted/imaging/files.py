"""Results written so that a reader never sees half a file, and nothing is overwritten unasked.

May import the errors and the standard library. Knows no picture format.
"""

import contextlib
import errno
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from matted.errors import MattedError, OutputExists, OutputFailed

_REASONS = {
    errno.ENOSPC: "the disk is full: free some space or choose another folder",
    errno.EDQUOT: "your disk quota is used up: free some space or choose another folder",
    errno.EFBIG: "the file would be larger than this disk or account allows: choose another folder",
    errno.EROFS: "the disk is read-only: choose another folder",
    errno.EACCES: "you may not write in that folder: choose another one",
    errno.EPERM: "you may not write in that folder: choose another one",
    errno.ENOENT: "the folder does not exist: create it or choose another one",
    errno.ENOTDIR: "the folder does not exist: create it or choose another one",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
    errno.EISDIR: "there is a folder of that name: choose another name",
    errno.EIO: "the disk reports an error: choose another one",
}
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES)


class atomic_output:  # noqa: N801 - reads as a verb where it is used
    """`with atomic_output(path) as file:` gives a binary file that appears as `path` when the block ends
    well.

    The bytes go into a hidden file in the same folder, are flushed to the disk and then take the name in one
    step; when anything goes wrong the hidden file is removed. With `overwrite` the file of that name is
    replaced and keeps its permission bits. Raises OutputExists, or OutputFailed with the reason and the cure.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self._path = path
        self._overwrite = overwrite
        start = os.fsencode(path.name)[:100].decode("utf-8", "ignore")  # names end at 255 bytes, or at 143
        self._hidden = path.parent / f".{start}.{secrets.token_hex(4)}.part"
        self._file: BinaryIO | None = None

    def __enter__(self) -> BinaryIO:
        try:
            if is_there(self._path) and not self._overwrite:
                raise self._exists()
            self._file = self._hidden.open("xb")
        except OSError as error:
            raise self._failed(error) from error
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        try:
            if error is None:
                self._finish(self._file)
        except OSError as failure:
            raise self._failed(failure) from failure
        finally:
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError):
                self._hidden.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, MattedError) and error.errno in _REASONS:
            raise self._failed(error) from error

    def _finish(self, file: BinaryIO) -> None:
        file.flush()
        if self._overwrite and self._path.is_file():
            with contextlib.suppress(OSError):
                self._hidden.chmod(self._path.stat().st_mode & 0o7777)
        os.fsync(file.fileno())
        file.close()
        if self._overwrite:
            self._hidden.replace(self._path)
        else:
            try:
                take_name(self._hidden, self._path)
            except FileExistsError as error:
                raise self._exists() from error
        sync_folder(self._path.parent)

    def _exists(self) -> OutputExists:
        return OutputExists(f"{self._path} exists already: choose another name or allow overwriting.")

    def _failed(self, error: OSError) -> OutputFailed:
        return output_failed(self._path, error)


def output_failed(path: Path, error: OSError) -> OutputFailed:
    """The sentence for a file that could not be written: why, and what to do."""
    reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}: choose another folder")
    return OutputFailed(f"{path} could not be written because {reason}.")


def take_name(hidden: Path, path: Path) -> None:
    """Gives a complete file its name in the same folder unless something of that name is there.

    Raises FileExistsError, with `hidden` left as it is; otherwise `hidden` may stay as a second name of the
    file. Raises OSError.
    """
    try:
        os.link(hidden, path)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if is_there(path):  # FAT and some network disks have no links
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        hidden.rename(path)


def is_there(path: Path) -> bool:
    """Whether anything bears the name, be it a dangling link. Raises OSError for an impossible name."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut where the system can (POSIX)."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
