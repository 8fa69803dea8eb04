"""TIFF out, strip by strip, at any depth and in any space a `Picture` has, deflated in parallel.

May import the deflater, directories and metadata. Beyond 3.9 GB the file becomes a BigTIFF. Sources: TIFF 6.0
(1992), Adobe Photoshop TIFF technical notes (2002: deflate), technical note 3 (2005: floating-point
predictor).
"""

import io
import shutil
import struct
from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from matted.imaging.deflate import Bytes, OrderedPool, deflate
from matted.imaging.ifd import ByteOrder, Directory, Entry, Placed, entry, pack_directory, rational
from matted.imaging.metadata import exif_directories
from matted.imaging.picture import Metadata, Pixels, Space
from matted.imaging.samples import cielab_to_icc

_STRIP_BYTES = 1 << 20
_IN_MEMORY_BYTES = 64 << 20
_BIG_BYTES = 3_900_000_000
_PHOTOMETRIC: dict[Space, int] = {"gray": 1, "rgb": 2, "cmyk": 5, "lab": 8}
_SHORT, _LONG, _UNDEFINED, _LONG8, _BYTE, _DEFLATE = 3, 4, 7, 16, 1, 8
_UNSIGNED, _FLOAT, _STRAIGHT_ALPHA = 1, 3, 2
_DIFFERENCE, _FLOAT_DIFFERENCE = 2, 3


class TiffStripWriter:
    """Writes rows as they come; the directory follows at the end. `close` completes the file.

    Rows: (n, width, channels), values as in `Picture.pixels`, straight alpha last if `has_alpha`. `tags`:
    what the directory holds beside that. What `place` adds is not counted in the choice of BigTIFF.
    A target that cannot seek gets the file in one piece at the end, out of a temporary one if it is large.
    """

    def __init__(
        self,
        target: BinaryIO,
        *,
        width: int,
        height: int,
        channels: int,
        dtype: npt.DTypeLike,
        space: Space,
        has_alpha: bool,
        compression: int = 1,
        icc: bytes | None = None,
        metadata: Metadata | None = None,
        threads: int | None = None,
        order: ByteOrder = "<",
        tags: Directory | None = None,
    ) -> None:
        self._final = target
        self._target = target if target.seekable() else _temporary()
        self._order, self._more = order, dict[int, Entry | Placed](tags or {})
        self._size, self._shape = (width, height), (width, channels)
        self._dtype = np.dtype(dtype)
        self._space, self._has_alpha = space, has_alpha
        self._effort, self._icc, self._metadata = compression, icc, metadata or Metadata()
        row_bytes = width * channels * self._dtype.itemsize
        self._rows_per_strip = max(1, min(height, _STRIP_BYTES // row_bytes))
        self._big = row_bytes * height > _BIG_BYTES
        self._rows_left = height
        self._strip: Bytes | None = None
        self._filled = 0
        self._offsets: list[int] = []
        self._counts: list[int] = []
        self._start = self._target.tell()
        self._at = 16 if self._big else 8
        self._target.write(b"\0" * self._at)  # the header, once the directory's place is known
        self._pool = OrderedPool(self._put, threads=threads)

    def write(self, rows: Pixels) -> None:
        """Take the next rows; they may be changed by the caller afterwards."""
        if rows.dtype != self._dtype or rows.shape[1:] != self._shape or rows.shape[0] > self._rows_left:
            raise ValueError(f"rows of shape {rows.shape} and {rows.dtype} do not fit the picture")
        taken = 0
        while taken < rows.shape[0]:
            strip = self._open_strip()
            count = min(len(strip) - self._filled, rows.shape[0] - taken)
            strip[self._filled : self._filled + count] = rows[taken : taken + count]
            self._filled += count
            self._rows_left -= count
            taken += count
            if self._filled == len(strip) or self._rows_left == 0:
                self._send_strip()

    def place(self, tag: int, size: int, write: Callable[[BinaryIO], object]) -> None:
        """Have `write` put the `size` bytes of an undefined tag's value, once all rows are there."""
        self._finish_rows()
        self._more[tag] = Placed(size, self._at)
        write(self._target)
        self._at += size

    def close(self) -> None:
        """Write what is left of the file. Raises ValueError when rows are missing."""
        self._finish_rows()
        exif_entries, children = exif_directories(self._metadata.exif) if self._metadata.exif else ({}, {})
        entries = exif_entries | self._entries() | self._more
        directory = pack_directory(entries, self._at, big=self._big, children=children, order=self._order)
        self._target.write(directory)
        self._target.seek(self._start)
        mark = b"II" if self._order == "<" else b"MM"
        self._target.write(
            struct.pack(f"{self._order}2sHHHQ", mark, 43, 8, 0, self._at)
            if self._big
            else struct.pack(f"{self._order}2sHI", mark, 42, self._at)
        )
        self._target.seek(0, io.SEEK_END)
        if self._target is not self._final:
            self._target.seek(0)
            shutil.copyfileobj(self._target, self._final)
            self._target.close()

    def abort(self) -> None:
        """Stop the threads and leave the file as it is."""
        self._pool.abandon()
        if self._target is not self._final:
            self._target.close()

    def _finish_rows(self) -> None:
        if self._rows_left:
            self._pool.abandon()
            raise ValueError(f"{self._rows_left} rows are missing")
        self._pool.finish()
        if self._at % 2:
            self._target.write(b"\0")
            self._at += 1

    def _open_strip(self) -> Pixels:
        rows = min(self._rows_per_strip, self._rows_left + self._filled)
        size = rows * self._shape[0] * self._shape[1] * self._dtype.itemsize
        if self._strip is None:
            self._strip, self._filled = self._pool.buffer(size), 0
        return self._strip[:size].view(self._dtype).reshape(rows, *self._shape)

    def _send_strip(self) -> None:
        assert self._strip is not None
        size = self._filled * self._shape[0] * self._shape[1] * self._dtype.itemsize
        self._pool.submit(self._packed, self._strip, size)
        self._strip, self._filled = None, 0

    def _packed(self, raw: Bytes) -> bytes:
        """One strip as it stands in the file. Runs in a thread."""
        rows = raw.view(self._dtype).reshape(-1, *self._shape)
        if self._space == "lab":
            cielab_to_icc(rows)  # its own inverse
        if self._effort == 0:
            return self._ordered(rows).tobytes()
        different = _float_differences(rows) if self._dtype.kind == "f" else self._ordered(_differences(rows))
        segment = deflate(different.reshape(-1).view(np.uint8), self._effort, last=True)
        return b"\x78\x01" + segment.packed + struct.pack(">I", segment.adler)

    def _ordered(self, values: Pixels) -> Pixels:
        return values.astype(self._dtype.newbyteorder(self._order), copy=False)

    def _put(self, packed: bytes) -> None:
        self._offsets.append(self._at)
        self._counts.append(len(packed))
        self._target.write(packed)
        self._at += len(packed)

    def _entries(self) -> Directory:
        width, height = self._size
        channels, is_float = self._shape[1], self._dtype.kind == "f"
        long = _LONG8 if self._big else _LONG
        entries = {
            254: entry(_LONG, [0]),
            256: entry(_LONG, [width]),
            257: entry(_LONG, [height]),
            258: entry(_SHORT, [8 * self._dtype.itemsize] * channels),
            259: entry(_SHORT, [_DEFLATE if self._effort else 1]),
            262: entry(_SHORT, [_PHOTOMETRIC[self._space]]),
            273: entry(long, self._offsets),
            274: entry(_SHORT, [1]),
            277: entry(_SHORT, [channels]),
            278: entry(_LONG, [self._rows_per_strip]),
            279: entry(long, self._counts),
            284: entry(_SHORT, [1]),
            339: entry(_SHORT, [_FLOAT if is_float else _UNSIGNED] * channels),
        }
        if self._effort:
            entries[317] = entry(_SHORT, [_FLOAT_DIFFERENCE if is_float else _DIFFERENCE])
        if self._has_alpha:
            entries[338] = entry(_SHORT, [_STRAIGHT_ALPHA])
        if self._space == "cmyk":
            entries[332] = entry(_SHORT, [1])
        return entries | self._description()

    def _description(self) -> Directory:
        metadata, entries = self._metadata, Directory()
        if metadata.dpi:
            entries |= {
                282: rational(metadata.dpi[0]),
                283: rational(metadata.dpi[1]),
                296: entry(_SHORT, [2]),
            }
        if metadata.xmp:
            entries[700] = entry(_BYTE, metadata.xmp)
        if metadata.iptc:
            entries[33723] = entry(_UNDEFINED, metadata.iptc)
        if self._icc:
            entries[34675] = entry(_UNDEFINED, self._icc)
        return entries


def _temporary() -> BinaryIO:
    return cast("BinaryIO", SpooledTemporaryFile(_IN_MEMORY_BYTES))


def _differences(rows: Pixels) -> Pixels:
    """Each sample minus the same channel of the pixel to its left (predictor 2)."""
    different = np.empty_like(rows)
    different[:, 0] = rows[:, 0]
    np.subtract(rows[:, 1:], rows[:, :-1], out=different[:, 1:])
    return different


def _float_differences(rows: Pixels) -> Pixels:
    """Each row's bytes by significance, then differences over one pixel's channels (predictor 3)."""
    count, width, channels = rows.shape
    size = rows.dtype.itemsize
    big_endian = rows.astype(rows.dtype.newbyteorder(">")).view(np.uint8)
    planes = big_endian.reshape(count, width * channels, size).transpose(0, 2, 1).reshape(count, -1)
    different = planes.copy()
    np.subtract(planes[:, channels:], planes[:, :-channels], out=different[:, channels:])
    return different
