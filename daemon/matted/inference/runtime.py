"""ONNX Runtime, wrapped once: open a file on a provider, run it, prove where it ran, give memory back.

The only file that runs `onnxruntime` (`examine.py` merely looks at it); imports it at the first use. Knows
providers; knows neither the catalogue nor how long anything is kept.

Session options, measured on two cores of a Zen 4 server CPU with graphs of U2-Net-p's and U2-Net's shape
at 320 px (onnxruntime 1.31, fresh process each; resident MiB added by loading and running; repeated by
`tests/bench/bench_sessions.py`):

=========================  ==============  =============  ================================================
option                     U2-Net-p        U2-Net         taken
=========================  ==============  =============  ================================================
all defaults               431 MiB 220 ms  881 MiB
memory pattern off         246 MiB 215 ms  667 MiB        yes: same speed, the pattern is a second arena
arena and pattern off      120 to 200 MiB  440 to 490     no: 1.1 to 1.2x time, the pages are faulted in anew
shrinking after each run    91 MiB 274 ms  500 MiB        no: 1.25x time; when idle, see `shrink`
extended / basic graph     1.45x / 1.4x CPU time          no: all optimisations
spinning threads           1.15x CPU time                 off: the machine is shared with an editor
two runs at once           255 against 221 ms a run, +200 MiB each: one run at a time
optimised graph on disk    loads in 9 against 25 ms, 120 against 300 ms: not worth a second copy of the file
=========================  ==============  =============  ================================================

After a session is dropped and `release_memory` called, 19 MiB remain whatever the options and however often
it is repeated, so sessions live in this process and no worker process is needed on the CPU.
"""

import contextlib
import ctypes
import io
import json
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from matted.inference.providers import BY_NAME, CPU, Provider, is_out_of_memory, openings

Array = npt.NDArray[Any]

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}
_HEAVY = ("Conv", "MatMul", "Gemm", "Attention")
_DAMAGED = ("InvalidProtobuf", "InvalidGraph", "NoSuchFile", "NoModel")
_TOO_NEW = ("under development", "is not a registered function/op", "Could not find an implementation")


class OpenError(Exception):
    """A file could not be opened on a provider. `kind` says whose fault it is."""

    def __init__(self, message: str, *, kind: Literal["provider", "memory", "damaged", "too new"]) -> None:
        super().__init__(message)
        self.kind = kind


class RunError(Exception):
    """A run ended without a result."""

    def __init__(self, message: str, *, kind: Literal["provider", "memory", "input", "stopped"]) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Placement:
    """What a provider made of a graph."""

    took_part: bool = True  # it ran some of it
    instead: Provider = CPU  # who ran it when it took no part
    heavy_left: int = 0  # convolutions and matrix products that the CPU had to run for it


class Engine:
    """One file opened on one provider. Several threads may call `run`."""

    def __init__(self, session: Any, module: ModuleType, provider: Provider, profile: Path | None) -> None:
        self.provider = provider
        self.inputs: dict[str, np.dtype[Any]] = {
            one.name: np.dtype(_DTYPES.get(one.type, np.float32)) for one in session.get_inputs()
        }
        self.outputs: tuple[str, ...] = tuple(one.name for one in session.get_outputs())
        self._session = session
        self._module = module
        self._profile = profile  # folder of the profile that proves the placement; None: nothing to prove
        self._shapes: dict[str, tuple[int, ...]] = {}  # of the last run, to repeat it in `shrink`

    def sample(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array] | None:
        """Zeros for every input, open dimensions taken from `shapes`; None when one stays unknown."""
        feed: dict[str, Array] = {}
        for one in self._session.get_inputs():
            shape = shapes.get(one.name) or tuple(one.shape)
            if shape and not isinstance(shape[0], int):
                shape = (1, *shape[1:])  # an open first dimension is the batch
            if not all(isinstance(side, int) and side > 0 for side in shape):
                return None
            feed[one.name] = np.zeros(shape, self.inputs[one.name])
        return feed

    def run(
        self, outputs: Sequence[str], feed: Mapping[str, Array], stops: Sequence[threading.Event] = ()
    ) -> list[Array]:
        """Runs the graph once. Any event of `stops` ends it between two operators. Raises RunError."""
        options = self._module.RunOptions()
        self._shapes = {name: array.shape for name, array in feed.items()}
        try:
            with _stopped_by(options, stops):
                results: list[Array] = self._session.run(list(outputs), dict(feed), options)
        except Exception as error:  # the runtime's exceptions share no public base class
            raise _run_failed(error) from error
        # Copied, because the runtime's own array is part of its arena: whoever kept one (a cache) would keep
        # all of the working memory (200 MiB for U2-Net-p) after the model is unloaded.
        return [np.array(one, np.float32 if one.dtype == np.float16 else None, copy=True) for one in results]

    def placement(self) -> Placement:
        """Where the first successful run ran; asked once, right after it.

        A provider that is listed, registered and silent may leave every operator to the CPU. The profile of
        the first run tells; where it tells nothing, the provider is believed.
        """
        if self._profile is None:
            return Placement()
        folder, self._profile = self._profile, None
        try:
            events = json.loads(Path(self._session.end_profiling()).read_text("utf-8"))
        except (OSError, ValueError):
            return Placement()
        finally:
            with contextlib.suppress(OSError):
                for file in folder.iterdir():
                    file.unlink()
                folder.rmdir()
        ran = [event.get("args") or {} for event in events if event.get("cat") == "Node"]
        ran = [one for one in ran if one.get("provider")]
        left = [one for one in ran if one["provider"] == CPU.runtime_name]
        heavy = sum(any(word in one.get("op_name", "") for word in _HEAVY) for one in left)
        names = {one["provider"] for one in ran}
        cuda = BY_NAME["cuda"]  # TensorRT hands what it cannot do to CUDA
        return Placement(
            took_part=not names or self.provider.runtime_name in names,
            instead=cuda if cuda.runtime_name in names else CPU,
            heavy_left=heavy,
        )

    def close(self) -> None:
        """Lets the session go; a run still under way in another thread keeps it until it ends."""
        self.placement()  # ends and removes an unread profile
        self._session = None

    def shrink(self) -> None:
        """Gives the working memory of past runs back, keeping the weights; about 10 ms.

        The runtime shrinks its arena at the end of a run only; a run that is told to stop before its first
        operator counts (measured: U2-Net-p 246 -> 67 MiB, U2-Net 640 -> 460). The next run takes 1.25x.
        """
        if self.provider is not CPU or not self._shapes:
            return
        options = self._module.RunOptions()
        options.terminate = True
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        feed = {name: np.zeros(shape, self.inputs[name]) for name, shape in self._shapes.items()}
        with contextlib.suppress(Exception):  # it always ends in "terminated"
            self._session.run(None, feed, options)


class Runtime:
    """Opens engines. `threads`: 0 for one per physical core; `cache`: where compiled engines are kept."""

    def __init__(self, *, threads: int, cache: Path) -> None:
        self._threads = threads or usable_cores()
        self._cache = cache
        self._lock = threading.Lock()
        self._module: ModuleType | None = None
        self._preloaded = False

    def load(self) -> ModuleType:
        """Imports ONNX Runtime (0.02 to 0.2 s) and silences its own logger, whose part our sentences take."""
        with self._lock:
            if self._module is None:
                self._module = import_runtime()
                self._module.set_default_logger_severity(4)
            return self._module

    def available(self) -> list[str]:
        """ONNX Runtime's names of the providers it was built with. None of them is proven to run."""
        names: list[str] = self.load().get_available_providers()
        return names

    def open(self, path: Path, provider: Provider, *, half_ok: bool) -> Engine:
        """Opens a file on one provider, with the CPU behind it for operators it does not know.

        Raises OpenError.
        """
        module = self.load()
        if provider.package == "onnxruntime-gpu":
            self._preload()
        try:
            state = path.stat()
        except OSError as error:
            raise OpenError(f"the file {path} cannot be read", kind="damaged") from error
        cache = self._cache / provider.name / f"{path.stem}-{state.st_size:x}-{state.st_mtime_ns:x}"
        failure = OpenError("it offered no way to open it", kind="provider")
        for chosen in openings(provider, half_ok=half_ok, cache=cache):
            if any(value == str(cache) for value in chosen.values()):
                cache.mkdir(parents=True, exist_ok=True)
            try:
                return self._open(module, path, provider, chosen)
            except OpenError as error:
                failure = error
        raise failure

    def _open(self, module: ModuleType, path: Path, provider: Provider, chosen: dict[str, str]) -> Engine:
        options = module.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = self._threads
        options.enable_mem_pattern = False  # also what DirectML demands
        options.execution_mode = (
            module.ExecutionMode.ORT_SEQUENTIAL
        )  # likewise; parallel is 1.35 to 1.7x slower
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        names: list[Any] = [CPU.runtime_name]
        profile = None
        if provider is not CPU:
            names.insert(0, (provider.runtime_name, chosen))
            if provider.name == "tensorrt":
                cuda = BY_NAME["cuda"]
                names.insert(1, (cuda.runtime_name, openings(cuda, half_ok=False, cache=self._cache)[0]))
            profile = Path(tempfile.mkdtemp(prefix="matted-placement-"))
            options.enable_profiling = True
            options.profile_file_prefix = str(profile / "run")
        try:
            session = self.create(path, options, names)
        except Exception as error:  # the runtime's exceptions share no public base class
            raise _open_failed(error, provider) from error
        if provider.runtime_name not in session.get_providers():
            raise OpenError(self._why_absent(module, provider), kind="provider")
        return Engine(session, module, provider, profile)

    def create(self, path: Path, options: Any, names: list[Any]) -> Any:
        """The runtime's own session, its own silent fall-back switched off. Tests put failures here."""
        return self.load().InferenceSession(str(path), options, providers=names, enable_fallback=0)

    def _preload(self) -> None:
        with self._lock:
            if self._preloaded:
                return
            self._preloaded = True
        if self._module is not None:
            preload_libraries(self._module)

    def _why_absent(self, module: ModuleType, provider: Provider) -> str:
        """A provider that cannot load is left out in silence; loading its library alone names the cause."""
        if provider.library is None or module.__file__ is None:
            return "ONNX Runtime left it out without saying why"
        name = f"{provider.library}.dll" if sys.platform == "win32" else f"lib{provider.library}.so"
        try:
            ctypes.CDLL(str(Path(module.__file__).parent / "capi" / name))
        except OSError as error:
            return str(error)
        return "ONNX Runtime left it out though its library loads"


def import_runtime() -> ModuleType:
    """ONNX Runtime, with its telemetry off: nothing may leave the computer.

    Since 1.29 its packages send events to their makers and keep a device id on Linux and macOS, unless one of
    these variables stands in the environment before the import (pull requests 27379 and 29843 of
    microsoft/onnxruntime); on Windows the call stops them.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = os.environ["ORT_TELEMETRY_DISABLED"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def preload_libraries(module: ModuleType) -> None:
    """Loads the CUDA libraries that pip installed, which ONNX Runtime does not find by itself."""
    preload = getattr(module, "preload_dlls", None)  # since 1.21
    if preload is not None:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what loading the provider tells again
            preload()


def usable_cores() -> int:
    """Physical cores, or fewer where this process may use fewer."""
    import psutil

    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed))


@contextlib.contextmanager
def _stopped_by(options: Any, events: Sequence[threading.Event]) -> Iterator[None]:
    if not events:
        yield
        return
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            if any(event.is_set() for event in events):
                options.terminate = True
                return

    options.terminate = any(event.is_set() for event in events)
    watcher = threading.Thread(target=watch, name="matted-stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _open_failed(error: Exception, provider: Provider) -> OpenError:
    message, kind = str(error), type(error).__name__
    if isinstance(error, MemoryError) or is_out_of_memory(message):
        return OpenError(message, kind="memory")
    if any(part in message for part in _TOO_NEW):
        return OpenError(message, kind="too new")
    if kind in _DAMAGED or "External" in message or provider is CPU:
        return OpenError(message, kind="damaged")
    return OpenError(message, kind="provider")


def _run_failed(error: Exception) -> RunError:
    message = str(error)
    if "terminate flag" in message:
        return RunError(message, kind="stopped")
    if isinstance(error, MemoryError) or is_out_of_memory(message):
        return RunError(message, kind="memory")
    if type(error).__name__ == "InvalidArgument" or isinstance(error, ValueError):
        return RunError(message, kind="input")
    return RunError(message, kind="provider")
