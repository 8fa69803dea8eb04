"""Deflate in pieces, several at a time: segments compressed in threads, given back in order.

May import isal, zlib and `processors`; knows no file format. Each segment ends on a byte boundary (sync
flush), so that the segments of one stream can stand one after the other (RFC 1951); the Adler checksums are
joined (RFC 1950, zlib's adler32.c).
"""

import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from matted.processors import processors

Bytes = npt.NDArray[np.uint8]
_ADLER = 65521
_FASTEST_ZLIB_LEVEL = 4  # efforts below are isal's 1..3


@dataclass(frozen=True, slots=True)
class Segment:
    """A compressed piece: raw deflate ending on a byte boundary, and the checksum of what went in."""

    packed: bytes
    adler: int
    length: int
    last: bool


def join_adler(first: int, second: int, second_length: int) -> int:
    """The Adler-32 of two byte strings put together, from theirs and the length of the second."""
    rest = second_length % _ADLER
    a1, b1 = first & 0xFFFF, first >> 16
    a2, b2 = second & 0xFFFF, second >> 16
    a = (a1 + a2 - 1) % _ADLER
    b = (b1 + b2 + rest * (a1 - 1)) % _ADLER
    return b << 16 | a


def deflate(data: Bytes, effort: int, *, last: bool) -> Segment:
    """One segment of a raw deflate stream. `effort`: 0..3 isal (very fast), 4..9 zlib's levels."""
    packer = _packer(effort)
    flush = zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH
    packed = packer.compress(data) + packer.flush(flush)
    return Segment(packed, isal_zlib.adler32(data), data.nbytes, last)


def _packer(effort: int) -> Any:
    if effort < _FASTEST_ZLIB_LEVEL:
        return isal_zlib.compressobj(effort, isal_zlib.DEFLATED, -15)
    return zlib.compressobj(effort, zlib.DEFLATED, -15)


class OrderedPool:
    """Runs jobs in threads and hands their results to `deliver` in the order they were given.

    At most `2 * threads` results wait, so memory stays bounded. Buffers for the jobs come from `buffer()` and
    are used again. Not for use by several threads.
    """

    def __init__(self, deliver: Callable[[Any], None], *, threads: int | None = None) -> None:
        self._threads = threads or min(4, processors())
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="matted-deflate")
        self._waiting: deque[tuple[Future[Any], Bytes]] = deque()
        self._free: list[Bytes] = []
        self._deliver = deliver

    def buffer(self, size: int) -> Bytes:
        """A buffer of `size` bytes whose earlier job is done."""
        while len(self._waiting) >= 2 * self._threads:
            self._finish_one()
        for i, kept in enumerate(self._free):
            if kept.nbytes >= size:
                return self._free.pop(i)
        return np.empty(size, np.uint8)

    def submit(self, job: Callable[[Bytes], Any], buffer: Bytes, size: int) -> None:
        """Run `job(buffer[:size])`; the buffer is taken back when its result has been delivered."""
        self._waiting.append((self._pool.submit(job, buffer[:size]), buffer))
        while self._waiting and self._waiting[0][0].done():
            self._finish_one()

    def finish(self) -> None:
        """Deliver all that waits and end the threads."""
        try:
            while self._waiting:
                self._finish_one()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End the threads without delivering."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._waiting.clear()
        self._free.clear()

    def _finish_one(self) -> None:
        future, buffer = self._waiting.popleft()
        self._deliver(future.result())
        self._free.append(buffer)
