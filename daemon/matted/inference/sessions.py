"""Warm models: one load however many ask, runs in turn, kept for a while, evicted under a memory budget.

`Sessions` owns every loaded model. It starts no thread that outlives a run: the daemon calls `sweep` every
few seconds. Knows no catalogue, no picture and no HTTP. Importing it does not import ONNX Runtime.

One run at a time, whatever the model: two at once on the same cores gain nothing (255 against 221 ms a run)
and cost 200 MiB of working memory each; on one GPU they would compete for its memory.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
from platformdirs import user_cache_path

from matted.config import Settings
from matted.errors import Cancelled, MattedError
from matted.inference.graph import Graph, Key
from matted.inference.opening import Choice, Opener
from matted.inference.providers import left_some
from matted.inference.runtime import Array, Engine, RunError, Runtime
from matted.inference.turns import Turns
from matted.memory import release_memory

__all__ = ["Graph", "LoadedModel", "Ran", "Sessions"]

_LOG = logging.getLogger(__name__)
_SHRINK_AFTER_S = 20.0  # a model unused for so long gives its working memory back, but stays loaded
_POLL_S = 0.05  # how soon one who waits for a load notices that it was cancelled
_CLOSE_S = 10.0  # how long closing waits for runs to end


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished run. Times in seconds; `load_s` is 0 when the model was warm."""

    outputs: list[Array]  # as asked in `Graph.outputs`; float16 arrives as float32
    provider: str  # short name of the one that really ran
    fell_back: str | None  # a sentence (wanted, reason, cure) when it is not the one that was wanted
    load_s: float
    wait_s: float  # spent waiting for other runs
    run_s: float


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory, for `matted status`."""

    id: str
    provider: str
    bytes: int  # measured growth of this process when it was loaded and first run; at least the file's size
    idle_s: float
    expires_s: float | None  # None: never
    runs: int
    in_use: bool


class _Slot:
    """A model that is loaded or about to be. Guarded by the lock of `Sessions`."""

    def __init__(self, graph: Graph, key: Key, choice: Choice, keep_alive_s: float, now: float) -> None:
        self.graph = graph
        self.key = key
        self.choice = choice
        self.keep_alive_s = keep_alive_s
        self.engine: Engine | None = None
        self.loading = False
        self.failure: MattedError | None = None  # of the load that others waited for
        self.users = 0
        self.runs = 0  # finished on the present engine
        self.bytes = 0
        self.last_used = now
        self.shrunk = True

    def expires_at(self) -> float | None:
        return None if self.keep_alive_s < 0 else self.last_used + self.keep_alive_s


class Sessions:
    """Every loaded model of this process. All methods may be called from any thread."""

    def __init__(
        self,
        settings: Settings,
        *,
        runtime: Runtime | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep_alive_s = settings.keep_alive_s
        self._budget = settings.model_memory_mb * 2**20
        cache = user_cache_path("matted", appauthor=False) / "engines"
        self._runtime = runtime or Runtime(threads=settings.threads, cache=cache)
        self._opener = Opener(self._runtime, settings.providers)
        self._clock = clock
        self._changed = threading.Condition()
        self._slots: dict[Key, _Slot] = {}
        self._turns = Turns()
        self._closing = threading.Event()
        self._known_bytes: dict[Key, int] = {}

    def run(
        self,
        graph: Graph,
        feed: Array | Mapping[str, Array],
        *,
        keep_alive_s: float | None = None,
        cancelled: threading.Event | None = None,
    ) -> Ran:
        """Runs a graph, loading it first if need be. Its first run is its warm-up and its provider's proof.

        `feed`: arrays by input name, or one array for the first input; float32 and float16 are fitted to
        the file. `keep_alive_s` replaces the setting for this model from now on: 0 unloads it after this run,
        negative keeps it for ever. `cancelled` ends waiting and running.
        Raises Cancelled, WeightsDamaged, ProviderFailed, OutOfMemory, and ModelError when the feed does not
        fit the file.
        """
        with self._held(graph, keep_alive_s) as slot:
            return self._run(slot, feed, cancelled)

    def load(
        self, graph: Graph, *, keep_alive_s: float | None = None, cancelled: threading.Event | None = None
    ) -> None:
        """Loads a graph without running it, e.g. while the picture it is for is being decoded.

        Raises what `run` raises.
        """
        with self._held(graph, keep_alive_s) as slot:
            self._ready(slot, cancelled)

    def warm(
        self, graph: Graph, *, keep_alive_s: float | None = None, cancelled: threading.Event | None = None
    ) -> LoadedModel:
        """Loads a graph and runs it once on zeros, or only loads it when its shapes are not known.

        Raises what `run` raises.
        """
        with self._held(graph, keep_alive_s) as slot:
            _, engine = self._ready(slot, cancelled)
            feed = engine.sample(graph.shapes) if slot.runs == 0 else None
            if feed is not None:
                self._run(slot, feed, cancelled)
            with self._changed:
                return self._described(slot)

    def unload(self, graph_id: str) -> int:
        """Drops every model of that id, its parts (`id/...`) too, those running once they end. How many."""
        with self._changed:
            keys = [key for key in self._slots if graph_id in (key[0], key[0].partition("/")[0])]
            dropped = [self._slots.pop(key) for key in keys]
            idle = [slot for slot in dropped if not slot.users]
        _drop(idle)
        return len(dropped)

    def loaded(self) -> list[LoadedModel]:
        """What is in memory, most recently used first."""
        with self._changed:
            slots = [slot for slot in self._slots.values() if slot.engine is not None]
            return [self._described(slot) for slot in sorted(slots, key=lambda slot: -slot.last_used)]

    def fallbacks(self) -> list[str]:
        """Every fall-back so far, as sentences."""
        return self._opener.said()

    def sweep(self) -> float | None:
        """Unloads what has expired and shrinks what has been idle for a while.

        Gives the seconds until there is something to do again, None when there is not.
        """
        now = self._clock()
        with self._changed:
            expired = [slot for slot in self._idle() if (at := slot.expires_at()) is not None and at <= now]
            for slot in expired:
                del self._slots[slot.key]
            rested = [s for s in self._idle() if not s.shrunk and s.last_used + _SHRINK_AFTER_S <= now]
        _drop(expired)
        for slot in rested:
            self._shrink(slot)
        with self._changed:
            times = [at for slot in self._slots.values() if (at := slot.expires_at()) is not None]
            times += [slot.last_used + _SHRINK_AFTER_S for slot in self._slots.values() if not slot.shrunk]
        return max(0.0, min(times) - now) if times else None

    def close(self) -> None:
        """Ends what is running (it raises Cancelled) and drops everything. May be called again."""
        self._closing.set()
        with self._changed:
            self._changed.wait_for(lambda: len(self._idle()) == len(self._slots), _CLOSE_S)
            idle = self._idle()
            self._slots.clear()
        _drop(idle)

    @contextlib.contextmanager
    def _held(self, graph: Graph, keep_alive_s: float | None) -> Iterator[_Slot]:
        """The graph's slot, not to be evicted while the block lasts."""
        key = graph.key()
        self._runtime.load()  # not under the lock
        with self._changed:
            if self._closing.is_set():
                raise self._cancelled()
            slot = self._slots.get(key)
            if slot is None:
                slot = _Slot(graph, key, self._opener.choice(), self._keep_alive_s, self._clock())
                self._slots[key] = slot
            slot.users += 1
            if keep_alive_s is not None:
                slot.keep_alive_s = keep_alive_s
        try:
            yield slot
        finally:
            with self._changed:
                slot.users -= 1
                slot.last_used = self._clock()
                never_ran = slot.engine is None and not slot.runs
                over = not slot.users and (slot.keep_alive_s == 0 or never_ran)
                if over and self._slots.get(key) is slot:
                    del self._slots[key]
                unreachable = not slot.users and self._slots.get(key) is not slot
                self._changed.notify_all()
            if unreachable:
                _drop([slot])

    def _run(self, slot: _Slot, feed: Array | Mapping[str, Array], cancelled: threading.Event | None) -> Ran:
        load_s = wait_s = 0.0
        made_room = False
        while True:
            seconds, engine = self._ready(slot, cancelled)
            load_s += seconds
            outputs, fitted = slot.graph.names(engine), slot.graph.fitted(engine, feed)
            stops = (self._closing,) if cancelled is None else (self._closing, cancelled)
            asked = time.perf_counter()
            with self._turns.mine(lambda: self._check(cancelled)):
                wait_s += time.perf_counter() - asked
                if slot.engine is not engine:
                    continue  # it failed for the one before
                before, started = _resident(), time.perf_counter()
                try:
                    results = engine.run(outputs, fitted, stops)
                except RunError as error:
                    if error.kind == "stopped":
                        raise self._cancelled() from error
                    if error.kind == "input":
                        raise slot.graph.misfit(str(error)) from error
                    if error.kind == "memory" and not made_room:
                        made_room = True
                        if self._evict(slot, needed=self._budget):
                            continue
                    self._opener.failed(slot.graph, slot.choice, error)
                    self._close(slot, engine)
                    continue
                run_s = time.perf_counter() - started
                provider = engine.provider
                if self._counted(slot, _resident() - before) == 1:
                    placement = engine.placement()
                    if not placement.took_part:  # the result is right, but it was another's
                        self._opener.idle(slot.choice)
                        self._close(slot, engine)
                        provider = placement.instead
                    elif placement.heavy_left:
                        _LOG.warning("%s", left_some(provider, slot.graph.id, placement.heavy_left))
                    self._evict(slot, needed=0)
            return Ran(results, provider.name, slot.choice.sentence(), load_s, wait_s, run_s)

    def _ready(self, slot: _Slot, cancelled: threading.Event | None) -> tuple[float, Engine]:
        """The slot's engine, opened by who comes first while the others wait, and the seconds that took."""
        started = time.perf_counter()
        with self._changed:
            self._check(cancelled)
            while slot.loading:
                self._changed.wait(_POLL_S)
                self._check(cancelled)
                if slot.failure is not None:
                    raise type(slot.failure)(str(slot.failure))
            if slot.engine is not None:
                return time.perf_counter() - started, slot.engine
            slot.loading = True
            slot.failure = None
        try:
            self._evict(slot, needed=self._known_bytes.get(slot.key, 2 * _size(slot.graph.path)))
            before = _resident()
            engine = self._opener.open(slot.graph, slot.choice)
            release_memory()
            with self._changed:
                slot.engine, slot.runs = engine, 0
                slot.bytes = max(_size(slot.graph.file_for(engine.provider)), _resident() - before)
            return time.perf_counter() - started, engine
        except MattedError as error:
            slot.failure = error
            raise
        finally:
            with self._changed:
                slot.loading = False
                self._changed.notify_all()

    def _close(self, slot: _Slot, engine: Engine) -> None:
        with self._changed:
            slot.engine = None
        engine.close()

    def _counted(self, slot: _Slot, grown: int) -> int:
        """Books a finished run; how many there were on this engine."""
        with self._changed:
            slot.runs += 1
            slot.shrunk = False
            if slot.runs == 1:
                slot.bytes += max(0, grown)
                self._known_bytes[slot.key] = slot.bytes
            return slot.runs

    def _evict(self, wanting: _Slot, *, needed: int) -> int:
        """Unloads idle models, least recently used first, until `needed` more bytes fit the budget."""
        dropped: list[_Slot] = []
        with self._changed:
            total = sum(slot.bytes for slot in self._slots.values()) + needed
            for slot in sorted(self._idle(), key=lambda slot: slot.last_used):
                if total <= self._budget:
                    break
                total -= slot.bytes
                dropped.append(self._slots.pop(slot.key))
        for slot in dropped:
            _LOG.info("%s was unloaded to make room for %s", slot.graph.id, wanting.graph.id)
        _drop(dropped)
        return len(dropped)

    def _idle(self) -> list[_Slot]:
        return [slot for slot in self._slots.values() if not slot.users]

    def _shrink(self, slot: _Slot) -> None:
        with self._turns.spare() as free:
            if not free:
                return  # somebody is at work: the next sweep will do
            with self._changed:
                engine = None if slot.users else slot.engine
                slot.shrunk = True
            if engine is not None:
                engine.shrink()
                release_memory()

    def _check(self, cancelled: threading.Event | None) -> None:
        if self._closing.is_set() or (cancelled is not None and cancelled.is_set()):
            raise self._cancelled()

    def _cancelled(self) -> Cancelled:
        return Cancelled(
            "Matted is shutting down." if self._closing.is_set() else "The cut-out was cancelled."
        )

    def _described(self, slot: _Slot) -> LoadedModel:
        now, expires = self._clock(), slot.expires_at()
        return LoadedModel(
            id=slot.graph.id,
            provider=slot.choice.provider.name,
            bytes=slot.bytes,
            idle_s=0.0 if slot.users else max(0.0, now - slot.last_used),
            expires_s=None if expires is None else max(0.0, expires - now),
            runs=slot.runs,
            in_use=slot.users > 0,
        )


def _drop(slots: list[_Slot]) -> None:
    """Lets go of models that nobody can reach any more."""
    for slot in slots:
        engine, slot.engine = slot.engine, None
        if engine is not None:
            engine.close()
    if slots:
        release_memory()


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _resident() -> int:
    """Bytes of this process in memory now."""
    size: int = psutil.Process().memory_info().rss
    return size
