"""One at a time, in the order of arrival, with waiting that can be called off. Imports nothing of Matted."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator

_POLL_S = 0.05  # how soon one who waits notices that it was called off


class Turns:
    """A lock that is fair, which `threading.Lock` is not: with it, one of eight clients can starve."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    @contextlib.contextmanager
    def mine(self, check: Callable[[], None]) -> Iterator[None]:
        """Waits for its turn and holds it. `check` is called while waiting and may raise to give up."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
        try:
            with self._changed:
                while self._queue[0] is not ticket:
                    self._changed.wait(_POLL_S)
                    check()
            yield
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()

    @contextlib.contextmanager
    def spare(self) -> Iterator[bool]:
        """Holds the turn if nobody has it or waits for it; gives whether it does."""
        ticket = object()
        with self._changed:
            free = not self._queue
            if free:
                self._queue.append(ticket)
        try:
            yield free
        finally:
            if free:
                with self._changed:
                    self._queue.remove(ticket)
                    self._changed.notify_all()
