"""One real inference on one provider, in a process of its own.

`python -m matted.inference.trial PROVIDER FILE` prints a JSON object. Apart from the process that asks, since
a graphics driver that does not fit its libraries can end the process that calls it.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from matted.inference.providers import BY_NAME, Provider, explain, took_nothing
from matted.inference.runtime import OpenError, RunError, Runtime

RUNS = 3  # the first one warms up; the fastest counts


def attempt(runtime: Runtime, provider: Provider, path: Path) -> dict[str, Any]:
    """Loads and runs the file on zeros: `load_s`, `run_s` and `heavy_left`, or `reason` and `cure`."""
    started = time.perf_counter()
    try:
        engine = runtime.open(path, provider, half_ok=False)
        load_s = time.perf_counter() - started
        feed = engine.sample({}) or {}
        times = []
        placement = None
        for _ in range(RUNS):
            started = time.perf_counter()
            engine.run(engine.outputs, feed)
            times.append(time.perf_counter() - started)
            placement = placement or engine.placement()
        engine.close()
    except (OpenError, RunError) as error:
        failure = explain(provider, str(error))
    else:
        if placement is None or placement.took_part:
            left = placement.heavy_left if placement else 0
            return {"load_s": load_s, "run_s": min(times), "heavy_left": left}
        failure = took_nothing(provider)
    return {"reason": failure.reason, "cure": failure.cure}


def main(name: str, path: str) -> None:
    """Prints the outcome of `attempt`."""
    with tempfile.TemporaryDirectory() as cache:
        outcome = attempt(Runtime(threads=0, cache=Path(cache)), BY_NAME[name], Path(path))
    print(json.dumps(outcome))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
