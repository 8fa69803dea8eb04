"""Where encoded pictures come from: a file, or bytes already in memory, behind one small seekable reader.

May import the errors and the standard library. Knows no picture format.
"""

import io
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from matted.errors import UnreadablePicture

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Source = Path | bytes | bytearray | memoryview


class Opened:
    """An opened source: `file` to seek in, `data()` for decoders that want all bytes at once.

    Use as a context manager. Raises UnreadablePicture when the file is missing, a folder, unreadable or
    empty.
    """

    def __init__(self, source: Source, *, name: str | None = None) -> None:
        self.name = name or (f"{source.name!r}" if isinstance(source, Path) else "The picture")
        self._closing = ExitStack()
        self._data: memoryview | None = None
        self.file: BinaryIO
        if isinstance(source, Path):
            self.file = _open_file(source)
            self.size = os.fstat(self.file.fileno()).st_size
        else:
            self._data = memoryview(source).cast("B")
            self.file = io.BufferedReader(MemoryReader(self._data), 64 * 1024)
            self.size = len(self._data)
        if self.size == 0:
            self.close()
            raise UnreadablePicture(f"{self.name} is empty (0 bytes): copy or export it again.")

    def head(self, count: int = 64) -> bytes:
        """The first bytes, for recognising the format."""
        self.file.seek(0)
        return self.file.read(count)

    def data(self) -> memoryview:
        """All bytes; a file is read on the first call and kept."""
        if self._data is None:
            self.file.seek(0)
            try:
                self._data = memoryview(self.file.read())
            except OSError as error:
                raise UnreadablePicture(f"{self.name} cannot be read: {error.strerror}.") from error
        return self._data

    def when_closed(self, then: Callable[[], None]) -> None:
        """Have something else ended together with this."""
        self._closing.callback(then)

    def close(self) -> None:
        """Let go of the file, the bytes and what was to end with them."""
        self._closing.close()
        self.file.close()
        self._data = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class MemoryReader(io.RawIOBase):
    """A read-only file over a buffer, without the copy that `io.BytesIO` makes of anything but `bytes`."""

    def __init__(self, data: memoryview) -> None:
        super().__init__()
        self._view = data
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As in `io.IOBase.seek`."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        if start + offset < 0:
            raise OSError("seek before the start")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """The position in bytes."""
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """As in `io.RawIOBase.readinto`."""
        target = memoryview(buffer).cast("B")
        part = self._view[self._at : self._at + len(target)]
        target[: len(part)] = part
        self._at += len(part)
        return len(part)


def _open_file(path: Path) -> BinaryIO:
    if path.is_dir():
        raise UnreadablePicture(f"{path.name!r} is a folder, not a picture.")
    if path.exists() and not path.is_file():
        raise UnreadablePicture(f"{path.name!r} is not a regular file.")
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadablePicture(f"{path.name!r} cannot be opened: {error.strerror}.") from error
