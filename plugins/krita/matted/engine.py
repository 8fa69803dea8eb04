"""The way to Matted's engine: two threads, each with a connection, that take errands and bring answers.

Nothing here waits in the caller's thread, and no errand touches Krita or Qt: it gets a client and returns
plain values, which `post` brings back. `quick` is for previews and questions, `full` for whole pictures,
so that a slider's preview never waits behind a large one.
"""

from __future__ import annotations

import collections
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import matted_client

if TYPE_CHECKING:
    from collections.abc import Callable

Client = matted_client.Client
ClientError = matted_client.ClientError

QUICK, FULL = "quick", "full"


class _Errand(NamedTuple):
    slot: str
    work: Callable[[Any], Any]
    done: Callable[[Any], None]
    failed: Callable[[ClientError], None]
    start: bool
    job: str | None
    told: Callable[[dict[str, Any]], None] | None


class Engine:
    """Takes errands from one thread and answers in that thread, by way of `post`."""

    def __init__(self, post: Callable[[Callable[[], None]], None]) -> None:
        self.post = post
        self._lanes = {name: _Lane(name, post) for name in (QUICK, FULL)}

    def ask(
        self,
        lane: str,
        slot: str,
        work: Callable[[Any], Any],
        done: Callable[[Any], None],
        failed: Callable[[ClientError], None],
        *,
        start: bool = True,
        job: str | None = None,
        told: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Have `work(client)` done; then `done(result)` or `failed(error)` is called.

        A waiting errand of the same `slot` is dropped for this one, and its callbacks never come. `start`:
        whether the engine may be started for it. `told`: gets the events of the job named `job`.
        """
        self._lanes[lane].add(_Errand(slot, work, done, failed, start, job, told))

    def drop(self, slot: str) -> None:
        """Forget what waits in this slot."""
        for lane in self._lanes.values():
            lane.drop(slot)

    def cancel(self, job: str) -> None:
        """Stop a job; the errand that waits for it fails with the slug "cancelled"."""

        def stop() -> None:
            for lane in self._lanes.values():
                client = lane.client
                if client is not None:
                    try:
                        client.cancel(job)
                    except ClientError:
                        continue  # it has ended already
                    return

        threading.Thread(target=stop, name="matted-cancel", daemon=True).start()

    def close(self) -> None:
        """No further errands; what runs is left to end by itself."""
        for lane in self._lanes.values():
            lane.close()


class _Lane:
    """One thread and its connection."""

    def __init__(self, name: str, post: Callable[[Callable[[], None]], None]) -> None:
        self.client: Any = None
        self._name = name
        self._post = post
        self._waiting: collections.deque[_Errand] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def add(self, errand: _Errand) -> None:
        with self._changed:
            kept = [one for one in self._waiting if one.slot != errand.slot]
            self._waiting = collections.deque([*kept, errand])
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"matted-{self._name}", daemon=True)
                self._thread.start()
            self._changed.notify()

    def drop(self, slot: str) -> None:
        with self._changed:
            self._waiting = collections.deque(one for one in self._waiting if one.slot != slot)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    break
                errand = self._waiting.popleft()
            self._do(errand)
        if self.client is not None:
            self.client.close()

    def _do(self, errand: _Errand) -> None:
        try:
            found = self._answered(errand) if errand.start else _asked_in_passing(errand)
        except ClientError as error:
            problem = error
        except Exception as error:  # a fault of ours must not end the thread
            problem = ClientError(f"Matted failed: {error}.")
        else:
            self._post(lambda: errand.done(found))
            return
        self._post(lambda: errand.failed(problem))

    def _answered(self, errand: _Errand) -> Any:
        if self.client is None:
            self.client = Client.connect(start=_can_be_started())
        if errand.job is not None and errand.told is not None:
            self._watch(errand.job, errand.told)
        return errand.work(self.client)

    def _watch(self, job: str, told: Callable[[dict[str, Any]], None]) -> None:
        client = self.client

        def follow() -> None:
            try:
                for event in client.events(job):
                    self._post(lambda event=event: told(event))
            except ClientError:
                return  # the errand itself says what went wrong

        threading.Thread(target=follow, name="matted-watch", daemon=True).start()


def _can_be_started() -> bool:
    """Whether it is known how: by default the client starts it with this Python, which here may be Krita."""
    recorded = matted_client.state_dir() / matted_client.LAUNCH_FILE
    return recorded.exists() or Path(sys.executable or "").stem.startswith("python")


def _asked_in_passing(errand: _Errand) -> Any:
    with Client.connect(start=False) as client:
        return errand.work(client)
