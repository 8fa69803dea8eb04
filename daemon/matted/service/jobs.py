"""One job per request: admitted or refused, worked on by a small pool of threads, watched, stopped.

A job begins when a request's headers are in and ends with its answer. Everything here runs on the event
loop except the work itself. Knows no pictures and no HTTP.
"""

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

from matted.errors import BadOption, Busy, Cancelled, MattedError, OutOfMemory, TimedOut

Result = TypeVar("Result")
State = Literal["waiting", "running", "done", "failed", "cancelled"]

_REMEMBERED = 256  # ended jobs whose end can still be asked for
_AWAITED_S = 30.0  # how long a watcher waits for a job that was not begun yet
_NO_MEMORY = "There is not enough memory for this picture. Close other programs or use a smaller one."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Where a job stands: in `stage`, with `fraction` of the whole done, 0..1; `error` when it failed.

    `done` of `total` bytes, for downloads.
    """

    state: State
    stage: str = ""
    fraction: float = 0.0
    error: MattedError | None = None
    done: int = 0
    total: int = 0

    @property
    def is_last(self) -> bool:
        """Nothing will follow."""
        return self.state in ("done", "failed", "cancelled")


class Job:
    """A request being served. `cancelled` is what the work looks at, from its own thread."""

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        self.cancelled = threading.Event()
        self.began = time.monotonic()
        self.queued_s = 0.0
        self.event = Event("waiting", "receive")
        self.asked_to_stop = False
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def progress(self, stage: str, fraction: float) -> None:
        """Say where the work stands; from any thread."""
        self.tell(Event("running", stage, min(max(fraction, 0.0), 1.0)))

    def tell(self, event: Event) -> None:
        """As `publish`, but from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop may be closed already
            self._loop.call_soon_threadsafe(self.publish, event)

    def publish(self, event: Event) -> None:
        """Make `event` where the job stands, and wake those who watch."""
        if self.event.is_last:
            return
        self.event = event
        self._changed.set()
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """Ask the job to end; its request is answered `Cancelled` at once."""
        if self.event.is_last or self._task is None:
            return
        self.asked_to_stop = True
        self.cancelled.set()
        self._task.cancel()

    async def changed(self) -> None:
        """Wait for the next event."""
        await self._changed.wait()


class Jobs:
    """All jobs of the daemon."""

    def __init__(self, *, workers: int, queue_length: int, timeout_s: float) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="matted-work")
        self._errands = ThreadPoolExecutor(2, thread_name_prefix="matted-errand")
        self._workers = workers
        self._queue_length = queue_length
        self._timeout_s = timeout_s
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._begun = asyncio.Event()
        self._busy = 0
        self._busy_lock = threading.Lock()

    @property
    def active(self) -> int:
        """Jobs that are not ended."""
        return sum(not job.event.is_last for job in self._jobs.values())

    @property
    def running(self) -> int:
        """Worker threads in use, also by jobs whose client has left."""
        return self._busy

    @asynccontextmanager
    async def begin(self, name: str | None, kind: str, *, timed: bool = True) -> AsyncIterator[Job]:
        """The life of a job, around everything its request does. `timed`: held to the time limit.

        Raises Busy when too many wait, BadOption for a name in use, TimedOut, Cancelled; an ended client's
        asyncio.CancelledError passes through, with the work told to stop.
        """
        job = self._admitted(name, kind)
        try:
            async with asyncio.timeout(self._timeout_s if timed else None):
                yield job
        except TimeoutError:
            job.cancelled.set()
            error = TimedOut(f"The picture took longer than {self._timeout_s:g} s and was given up.")
            job.publish(Event("failed", job.event.stage, job.event.fraction, error))
            raise error from None
        except asyncio.CancelledError:
            job.cancelled.set()
            job.publish(Event("cancelled", job.event.stage, job.event.fraction))
            task = asyncio.current_task()
            if job.asked_to_stop and task is not None and task.uncancel() == 0:
                raise Cancelled("The job was cancelled.") from None
            raise
        except Cancelled:
            job.publish(Event("cancelled", job.event.stage, job.event.fraction))
            raise
        except Exception as error:
            known = error if isinstance(error, MattedError) else MattedError("Matted failed unexpectedly.")
            job.publish(Event("failed", job.event.stage, job.event.fraction, known))
            raise
        job.publish(Event("done", job.event.stage, 1.0))

    async def work(self, job: Job, function: Callable[[], Result]) -> Result:
        """`function()` in a worker thread, when its turn comes."""
        asked = time.monotonic()

        def run() -> Result:
            job.queued_s += time.monotonic() - asked
            if job.cancelled.is_set():
                raise Cancelled("The job was cancelled.")
            job.progress(job.event.stage, job.event.fraction)
            self._count(1)
            try:
                return function()
            except MemoryError as error:
                raise OutOfMemory(_NO_MEMORY) from error
            finally:
                self._count(-1)

        future = self._pool.submit(run)
        future.add_done_callback(_note_lost_error(job))
        return await asyncio.wrap_future(future)

    async def errand(self, function: Callable[[], Result]) -> Result:
        """`function()` in a thread that is not a worker's: for waiting, not for computing."""
        return await asyncio.wrap_future(self._errands.submit(function))

    def get(self, name: str) -> Job | None:
        """The job of that name, also shortly after its end."""
        return self._jobs.get(name)

    async def watch(self, name: str) -> AsyncIterator[Event]:
        """Every event of a job from now to its end; waits a while for one that was not begun yet."""
        job = await self._awaited(name)
        while job is not None:
            event = job.event
            yield event
            if event.is_last:
                return
            if job.event is event:
                await job.changed()

    def stop_all(self) -> None:
        """Tell all work to stop."""
        for job in self._jobs.values():
            job.cancelled.set()

    def close(self, *, patience_s: float) -> bool:
        """Stop everything; True when no thread is left working. Blocks up to `patience_s`."""
        self.stop_all()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._errands.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + patience_s
        while self._busy and time.monotonic() < deadline:
            time.sleep(0.01)
        return self._busy == 0

    def _count(self, change: int) -> None:
        with self._busy_lock:
            self._busy += change

    def _admitted(self, name: str | None, kind: str) -> Job:
        if name is None:
            name = secrets.token_hex(8)
        elif not (
            8 <= len(name) <= 64 and name.isascii() and name.replace("-", "").replace("_", "").isalnum()
        ):
            raise BadOption("A job's name must be 8 to 64 letters, digits, - or _.")
        held = self._jobs.get(name)
        if held is not None and not held.event.is_last:
            raise BadOption(f"A job named {name} is being worked on already: choose another name.")
        if self.active >= self._workers + self._queue_length:
            raise Busy("Matted has as much to do as it may queue. Try again in a moment.")
        self._jobs.pop(name, None)
        self._jobs[name] = job = Job(name, kind)
        self._forget_old()
        self._begun.set()
        self._begun = asyncio.Event()
        return job

    def _forget_old(self) -> None:
        spare = len(self._jobs) - _REMEMBERED
        for name in [n for n, job in self._jobs.items() if job.event.is_last][: max(spare, 0)]:
            del self._jobs[name]

    async def _awaited(self, name: str) -> Job | None:
        try:
            async with asyncio.timeout(_AWAITED_S):
                while name not in self._jobs:
                    await self._begun.wait()
        except TimeoutError:
            return None
        return self._jobs[name]


def _note_lost_error(job: Job) -> Callable[["Future[Result]"], None]:
    def note(future: "Future[Result]") -> None:
        if future.cancelled() or not job.cancelled.is_set():
            return
        error = future.exception()
        if error is not None and not isinstance(error, MattedError):
            _log.warning("job %s failed after it was given up: %r", job.name, error)

    return note
