"""Planes in tiles and strips, worked on by all cores: what the adjustments share.

OpenCV and numpy let go of Python's lock in their loops, so plain threads are enough. Knows nothing of what
is done to a tile, nor of what its numbers stand for. May import `processors` only.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from matted.processors import by_itself, processors

Place = TypeVar("Place")
Result = TypeVar("Result")

STRIP_PIXELS = 2**20  # of a strip: enough for a thread to be worth its start
MOST_THREADS = 16  # a thread on a tile holds up to 16 MiB: together 256 MiB on however many processors
MOST_AHEAD = 4  # strips made while the one before is written
SMALL_PIXELS = 2**16  # of a plane: what has fewer is done before a thread would have begun


def threads() -> int:
    """How many work on tiles at once: one per processor that this thread may use, up to MOST_THREADS."""
    return min(processors(), MOST_THREADS)


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a plane and the larger one, clipped at the plane's borders, that its result needs."""

    top: int
    bottom: int
    left: int
    right: int
    above: int  # rows of margin that there are
    before: int  # columns of margin that there are
    around: tuple[slice, slice]

    @property
    def inside(self) -> tuple[slice, slice]:
        """The tile in the plane."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def core(self) -> tuple[slice, slice]:
        """The tile in `around`."""
        rows, columns = self.bottom - self.top, self.right - self.left
        return slice(self.above, self.above + rows), slice(self.before, self.before + columns)


def tiles(shape: tuple[int, ...], side: int, margin: int) -> list[Tile]:
    """Tiles of `side` pixels that cover a plane of `shape`, each with `margin` around it."""
    height, width = shape[:2]
    found = []
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            y, x = max(top - margin, 0), max(left - margin, 0)
            around = slice(y, min(bottom + margin, height)), slice(x, min(right + margin, width))
            found.append(Tile(top, bottom, left, right, top - y, left - x, around))
    return found


def strips(shape: tuple[int, ...]) -> list[slice]:
    """Whole rows of a plane, about STRIP_PIXELS at a time; one per core at least if it is not small."""
    height, width = shape[:2]
    shares = threads() if height * width > SMALL_PIXELS else 1
    step = max(1, min(STRIP_PIXELS // max(width, 1), -(-height // shares)))
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]


def in_parallel(work: Callable[[Place], Result], places: Sequence[Place]) -> list[Result]:
    """`work` of each place, in order, on all processors that this thread may use."""
    crew = min(len(places), threads())
    if crew < 2:
        return [work(place) for place in places]
    with ThreadPoolExecutor(crew) as pool:
        return list(pool.map(work, places))


def ahead(work: Callable[[Place], Result], places: Sequence[Place]) -> Iterator[Result]:
    """`work` of each place, in order, made while the caller uses the ones before.

    Each place is one thread's, on all processors that this thread may use, at most MOST_AHEAD at a time. What
    `work` raises is raised at its turn; who stops early leaves nothing running.
    """
    crew = min(len(places), threads(), MOST_AHEAD)
    if crew < 2:
        yield from map(work, places)
        return

    def alone(place: Place) -> Result:
        with by_itself():
            return work(place)

    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(crew) as pool:
        try:
            for place in places:
                waiting.append(pool.submit(alone, place))
                if len(waiting) > crew:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
