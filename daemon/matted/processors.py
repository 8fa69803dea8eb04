"""How many processors one piece of work may use: all, or its share when several pictures are under way.

Imports the standard library, and OpenCV where that is set up.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_TURN_S = 0.0005
_under_way: ContextVar[Callable[[], int]] = ContextVar("pictures under way", default=lambda: 1)


def processors() -> int:
    """How many there are for what this thread does; 1 or more."""
    return max(1, (os.cpu_count() or 1) // max(1, _under_way.get()()))


@contextmanager
def shared(pictures: Callable[[], int]) -> Iterator[None]:
    """What this thread does in it is one of `pictures()` worked on at once, asked whenever work is split.

    With as many pictures as processors nothing is left to split: threads of threads only cost switches.
    """
    before = _under_way.set(pictures)
    try:
        yield
    finally:
        _under_way.reset(before)


@contextmanager
def by_itself() -> Iterator[None]:
    """What this thread does in it has one processor: others work beside it."""
    with shared(lambda: sys.maxsize):
        yield


def keep_threads_apart() -> None:
    """For programs that cut several pictures at once, each in a thread: nothing else splits their work.

    OpenCV's own threads, and long turns at Python's lock, would only have them wait for each other: a folder
    of 24-megapixel pictures takes about 5 % longer with both, on two processors.
    """
    import cv2

    cv2.setNumThreads(1)
    sys.setswitchinterval(_TURN_S)
