"""Request bodies, from the socket into memory once: kept buffers, bounds, and the name made of the content.

aiohttp's `request.read()` collects pieces and joins them (measured 174 ms for 96 MB); copying each piece to
its place in a kept buffer takes 38 ms, because no fresh memory is touched. Knows the limits, not the
pictures.
"""

import asyncio
import ctypes
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import xxhash
from aiohttp import web

from matted.errors import BadOption, Busy, PictureTooLarge, UnreadablePicture

Bytes = npt.NDArray[np.uint8]
Hash = xxhash.xxh3_128  # 10 GB/s: names pictures, secures nothing

_SMALLEST_KEPT = 1 << 20
_FIRST_GUESS = 8 << 20


class BufferPool:
    """Receive buffers that are used again once nothing refers to them.

    `take(n)` gives a uint8 array of n bytes. Pictures, masks and caches may hold views of it as long as
    they like; when the last view is gone the memory returns here. At most `keep` free buffers of together
    `limit_bytes` wait; the rest goes back to the system.
    """

    def __init__(self, limit_bytes: int, *, keep: int = 2) -> None:
        self._limit = limit_bytes
        self._free: deque[Bytes] = deque(maxlen=keep)

    @property
    def free_bytes(self) -> int:
        """Bytes waiting to be used again."""
        return sum(len(memory) for memory in tuple(self._free))

    def take(self, size: int) -> Bytes:
        """`size` bytes, their content undefined."""
        if size < _SMALLEST_KEPT:
            return np.empty(size, np.uint8)
        memory = self._kept(size)
        if memory is None:
            memory = np.empty(size, np.uint8)
        # The ctypes array is what every view finally refers to: its end is the end of all of them.
        holder = (ctypes.c_uint8 * len(memory)).from_buffer(memory.data)
        weakref.finalize(holder, self._give_back, memory).atexit = False
        return np.frombuffer(memoryview(holder), np.uint8)[:size]

    def clear(self) -> None:
        """Give the waiting memory back to the system."""
        self._free.clear()

    def _kept(self, size: int) -> Bytes | None:
        for _ in range(len(self._free)):
            try:
                memory = self._free.popleft()
            except IndexError:  # another thread was quicker
                return None
            if size <= len(memory) <= 2 * size:
                return memory
            self._free.append(memory)
        return None

    def _give_back(self, memory: Bytes) -> None:
        if self.free_bytes + len(memory) <= self._limit:
            self._free.append(memory)


class Intake:
    """Takes bodies in, never more than `limit_bytes` of them at any moment.

    A body counts from before its first byte until its `promise` ends: with the request that sent it.
    """

    def __init__(self, limit_bytes: int, pool: BufferPool) -> None:
        self._limit = limit_bytes
        self._under_way = 0
        self.pool = pool

    @property
    def under_way_bytes(self) -> int:
        """Bytes promised to the bodies of present requests."""
        return self._under_way

    @contextmanager
    def promise(self) -> "Iterator[Promise]":
        """Room for one request's body, for as long as the block lasts."""
        promise = Promise(self)
        try:
            yield promise
        finally:
            self._under_way -= promise.size

    async def exactly(
        self, request: web.Request, promise: "Promise", size: int, *, hashed: Hash | None = None
    ) -> Bytes:
        """A body of `size` bytes, fed to `hashed` as it comes.

        Raises BadOption when it is longer or shorter, Busy when too much is under way.
        """
        declared = request.content_length
        if declared is not None and declared != size:
            raise BadOption(f"The declared picture needs {size} bytes of pixels, not {declared}.")
        promise.add(size)
        buffer = self.pool.take(size)
        view, filled = buffer.data, 0
        async for piece in request.content.iter_any():
            if filled + len(piece) > size:
                raise BadOption(f"The declared picture needs {size} bytes of pixels; more came.")
            view[filled : filled + len(piece)] = piece
            if hashed is not None:
                hashed.update(piece)
            filled += len(piece)
        if filled != size:
            raise BadOption(f"The declared picture needs {size} bytes of pixels, not {filled}.")
        return buffer

    async def anything(
        self, request: web.Request, promise: "Promise", *, hashed: Hash | None = None
    ) -> Bytes:
        """A body of any size up to the limit, fed to `hashed` as it comes.

        Raises PictureTooLarge, UnreadablePicture when it is empty, Busy when too much is under way.
        """
        declared = request.content_length
        first = min(_FIRST_GUESS, self._limit) if declared is None else declared
        promise.add(first)
        buffer = self.pool.take(first)
        filled = 0
        async for piece in request.content.iter_any():
            end = filled + len(piece)
            if end > len(buffer):
                more = max(len(buffer), end - len(buffer))
                promise.add(more)
                grown = self.pool.take(len(buffer) + more)
                grown[:filled] = buffer[:filled]
                buffer = grown
            buffer.data[filled:end] = piece
            if hashed is not None:
                hashed.update(piece)
            filled = end
        if filled == 0:
            raise UnreadablePicture("No picture came with the request: its body is empty.")
        return buffer[:filled]

    def reserve(self, size: int, *, already: int) -> None:
        """Count `size` more bytes of a request that has `already` some. Raises Busy, PictureTooLarge."""
        if already + size > self._limit:
            limit = self._limit >> 20
            raise PictureTooLarge(f"The upload is larger than {limit} MB (the setting max_upload_mb).")
        if self._under_way + size > self._limit:
            raise Busy("Matted is working on as many pictures as it may hold. Try again in a moment.")
        self._under_way += size


class Promise:
    """What one request may keep in memory so far; `Intake.promise` makes it."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.size = 0

    def add(self, size: int) -> None:
        """`size` bytes more. Raises Busy, PictureTooLarge."""
        self._intake.reserve(size, already=self.size)
        self.size += size


async def small_body(request: web.Request, limit: int) -> bytes:
    """A body of at most `limit` bytes, for JSON. Raises BadOption."""
    if (request.content_length or 0) > limit:
        raise BadOption(f"The request's body is longer than {limit} bytes.")
    parts = bytearray()
    async for piece in request.content.iter_any():
        parts += piece
        if len(parts) > limit:
            raise BadOption(f"The request's body is longer than {limit} bytes.")
        await asyncio.sleep(0)
    return bytes(parts)
