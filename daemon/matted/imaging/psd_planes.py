"""The planes of a PSD, packed strip by strip: runs of equal bytes (PackBits), or deflated differences.

Rows are asked for and packed in threads; what is packed waits in temporary files, for a PSD has whole planes
one after the other. May import the deflater; knows nothing of layers. Sources: TIFF 6.0 section 9 (PackBits),
Adobe Photoshop File Formats Specification (2019), channel image data.
"""

import struct
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import BinaryIO, Literal, cast

import imagecodecs
import numpy as np
import numpy.typing as npt

from matted.imaging.deflate import Bytes, OrderedPool, deflate, join_adler
from matted.imaging.picture import Pixels

Method = Literal["rle", "zip"]
_STRIP_BYTES = 4 << 20
_IN_MEMORY_BYTES = 4 << 20
_LONG_RUN = 64  # bytes of equal value from which on they are packed here, where it costs nothing per byte
_EFFORT = 1


class PackedPlane:
    """A plane of `width` x `height` values, `code`: Photoshop's number for how it is packed.

    What is packed lies in memory, and beyond 4 MiB in a temporary file, until the context ends.
    """

    def __init__(self, width: int, height: int, dtype: npt.DTypeLike, method: Method) -> None:
        self._width, self._rows_left, self._dtype = width, height, np.dtype(dtype)
        self._rle = method == "rle"
        self.code = 1 if self._rle else 3
        self._file = cast("BinaryIO", SpooledTemporaryFile(_IN_MEMORY_BYTES))  # noqa: SIM115 - see __exit__
        self._bytes = 0
        self._row_bytes: list[int] = []
        self._adler = zlib.adler32(b"")
        if not self._rle:
            self._put(b"\x78\x01")

    def __enter__(self) -> "PackedPlane":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def packer(self, rows: int) -> Callable[[Bytes], Callable[[], None]]:
        """The job for the next `rows` rows: packs them in any thread, and gives what then puts them down."""
        self._rows_left -= rows
        last = self._rows_left == 0
        return self._run_lengths if self._rle else lambda raw: self._deflated(raw, last=last)

    def size(self, count_bytes: int) -> int:
        """Bytes in the file, the counts of the rows' bytes, each of `count_bytes`, among them."""
        return self._bytes + count_bytes * len(self._row_bytes)

    def counts(self, count_bytes: int) -> bytes:
        """The table that stands before rows packed by runs; empty for the other way."""
        return np.array(self._row_bytes, f">u{count_bytes}").tobytes()

    def rewound(self) -> BinaryIO:
        """What was packed, from its beginning."""
        self._file.seek(0)
        return self._file

    def _run_lengths(self, raw: Bytes) -> Callable[[], None]:
        rows = raw.view(self._dtype).reshape(-1, self._width)
        big_endian = rows.astype(self._dtype.newbyteorder(">"), copy=False).view(np.uint8)
        packed = [pack_bits(row) for row in big_endian]

        def put() -> None:
            self._row_bytes.extend(map(len, packed))
            self._put(b"".join(packed))

        return put

    def _deflated(self, raw: Bytes, *, last: bool) -> Callable[[], None]:
        rows = raw.view(self._dtype).reshape(-1, self._width)
        different = np.empty(rows.shape, self._dtype.newbyteorder(">"))
        different[:, 0] = rows[:, 0]
        different[:, 1:] = rows[:, 1:] - rows[:, :-1]
        segment = deflate(different.reshape(-1).view(np.uint8), _EFFORT, last=last)

        def put() -> None:
            self._adler = join_adler(self._adler, segment.adler, segment.length)
            self._put(segment.packed)
            if last:
                self._put(struct.pack(">I", self._adler))

        return put

    def _put(self, packed: bytes) -> None:
        self._bytes += len(packed)
        self._file.write(packed)


class Packing:
    """Packs rows into planes of `width` x `height` values, which last until the context ends."""

    def __init__(self, width: int, height: int, dtype: npt.DTypeLike) -> None:
        self._width, self._height, self._dtype = width, height, np.dtype(dtype)
        self._pool = OrderedPool(lambda put: put())
        self._open = ExitStack()

    def __enter__(self) -> "Packing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.abandon()
        self._open.close()

    def planes(self, rows: Callable[[slice], Pixels], count: int, method: Method) -> list[PackedPlane]:
        """The planes of `rows`, which gives (n, W, count) for a slice of rows; whole after `finish`."""
        planes = [
            self._open.enter_context(PackedPlane(self._width, self._height, self._dtype, method))
            for _ in range(count)
        ]
        plane_bytes = self._width * self._dtype.itemsize
        step = max(1, _STRIP_BYTES // (plane_bytes * count))
        for top in range(0, self._height, step):
            strip = rows(slice(top, min(top + step, self._height)))
            if strip.dtype != self._dtype or strip.shape[1:] != (self._width, count):
                raise ValueError(f"rows of shape {strip.shape} and {strip.dtype} do not fit the layer")
            size = len(strip) * plane_bytes
            for channel, plane in enumerate(planes):
                buffer = self._pool.buffer(size)
                np.copyto(buffer[:size].view(self._dtype).reshape(strip.shape[:2]), strip[..., channel])
                self._pool.submit(plane.packer(len(strip)), buffer, size)
        return planes

    def finish(self) -> None:
        """Wait until all that was given is packed."""
        self._pool.finish()


def pack_bits(row: Bytes) -> bytes:
    """One row by PackBits: runs as (1 - length, value), other bytes as (length - 1, bytes)."""
    changes = np.flatnonzero(row[1:] != row[:-1])
    bounds = np.empty(len(changes) + 2, np.int64)
    bounds[0], bounds[1:-1], bounds[-1] = 0, changes, len(row)
    bounds[1:-1] += 1
    packed, done = [], 0
    for run in np.flatnonzero(bounds[1:] - bounds[:-1] >= _LONG_RUN):
        start, length = int(bounds[run]), int(bounds[run + 1] - bounds[run])
        if start > done:
            packed.append(imagecodecs.packbits_encode(row[done:start]))
        value = row[start : start + 1].tobytes()
        packed.append((b"\x81" + value) * (length // 128))
        if length % 128:
            packed.append(bytes([(1 - length % 128) & 0xFF]) + value)
        done = start + length
    if done < len(row):
        packed.append(imagecodecs.packbits_encode(row[done:]))
    return b"".join(packed)
