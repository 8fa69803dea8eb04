"""What ONNX Runtime's session options cost in memory and time: the numbers behind `inference/runtime.py`.

Each row is a process of its own. `python tests/bench/bench_sessions.py [FILE.onnx]`; without a file, a graph
of U2-Net-p's cost. Asserts nothing.
"""

import contextlib
import ctypes
import functools
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import onnxruntime
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent))
from graphs import u2netp_like

DTYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}
ROWS = {
    "all defaults": (),
    "memory pattern off": ("no pattern",),
    "arena off": ("no arena",),
    "arena and pattern off": ("no pattern", "no arena"),
    "shrinking after each run": ("no pattern", "shrink"),
    "extended optimisation": ("no pattern", "extended"),
    "spinning": ("no pattern", "spin"),
    "two runs at once": ("no pattern", "two"),
}
RUNS = 12


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        file = sys.argv[1] if len(sys.argv) > 1 else str(u2netp_like(Path(folder) / "u2netp.onnx"))
        print(f"{'':26} load ms  run ms  CPU ms   MiB: loaded   run  idle-shrunk  unloaded")
        for name, options in ROWS.items():
            command = [sys.executable, __file__, file, json.dumps(options)]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(
                f"{name:26} {told['load']:7.0f} {told['run']:7.0f} {told['cpu']:7.0f} {told['loaded']:12.0f} "
                f"{told['ran']:6.0f} {told['shrunk']:12.0f} {told['unloaded']:9.0f}"
            )


def measure(file: str, wanted: list[str]) -> dict[str, float]:
    """One row. Milliseconds (median), and MiB above what this process had before loading."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.enable_mem_pattern = "no pattern" not in wanted
    options.enable_cpu_mem_arena = "no arena" not in wanted
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int("spin" in wanted)))
    if "extended" in wanted:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    each = onnxruntime.RunOptions()
    if "shrink" in wanted:
        each.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    base = _resident()
    started = time.perf_counter()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    load = time.perf_counter() - started
    _trim()
    loaded = _resident() - base
    feed = {
        one.name: np.zeros([side if isinstance(side, int) else 1 for side in one.shape], DTYPES[one.type])
        for one in session.get_inputs()
    }
    first = [session.get_outputs()[0].name]

    run = functools.partial(session.run, first, feed, each)
    times, work = [], []
    for _ in range(RUNS):
        started, used = time.perf_counter(), time.process_time()
        threads = [threading.Thread(target=run) for _ in range(2)] if "two" in wanted else []
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if not threads:
            run()
        times.append((time.perf_counter() - started) / (len(threads) or 1))
        work.append((time.process_time() - used) / (len(threads) or 1))
    ran = _resident() - base
    last = onnxruntime.RunOptions()
    last.terminate = True
    last.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    if "no arena" not in wanted:
        with contextlib.suppress(Exception):  # it ends in "terminated"
            session.run(first, feed, last)
    _trim()
    shrunk = _resident() - base
    del session, run
    _trim()
    return {
        "load": load * 1e3,
        "run": statistics.median(times) * 1e3,
        "cpu": statistics.median(work) * 1e3,
        "loaded": loaded,
        "ran": ran,
        "shrunk": shrunk,
        "unloaded": _resident() - base,
    }


def _resident() -> float:
    return psutil.Process().memory_info().rss / 2**20


def _trim() -> None:
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(measure(sys.argv[1], json.loads(sys.argv[2]))))
    else:
        main()
