"""Matted beside rembg, same graph and pictures, in one run: `python tests/bench/against_rembg.py`.

Needs `pip install -e '.[bench]'`. Every figure is a median; the two take turns, so that whatever else the
machine does falls on both. Writes nothing but to a temporary folder. With names of parts as arguments
(warm, cold, editor, start, memory, matting) only those run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

HERE = Path(__file__).parent
PARTS = ("warm", "cold", "editor", "start", "memory", "matting")
MATTING_GIB = {1: 2, 12: 8, 24: 15}  # free memory that rembg's alpha matting asks for, by megapixels
CATALOGUE = """format = 1
[[model]]
id = "bench"
title = "U2-Net-p cost, random weights"
like = "u2netp"
source = "tests/bench/graphs.py"
[[model.file]]
path = "{path}"
"""


class Worker:
    """One side of a comparison in its own process, asked again and again over a pipe."""

    def __init__(self, side: str, folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "sides.py"), side, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, **what: Any) -> dict[str, Any]:
        """Sends one request, waits for its answer: seconds, peak memory and what else the side says."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a side ended early with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """Lets the process finish."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = prepare(folder)
        for part in args.parts or PARTS:
            globals()[part](folder, environment, args.rounds)


def prepare(folder: Path) -> dict[str, str]:
    """The graph, the pictures, a catalogue that names the graph, and an environment of our own."""
    import pictures

    from graphs import u2netp_like

    graph = u2netp_like(folder / "u2netp.onnx")
    (folder / "catalogue.toml").write_text(CATALOGUE.format(path=graph.as_posix()))
    for megapixels in (12, 24, 45):
        pixels = pictures.photograph(megapixels)
        (folder / f"{megapixels}.jpg").write_bytes(pictures.jpeg(pixels))
    environment = dict(os.environ)
    for variable, sub in (("XDG_CONFIG_HOME", "c"), ("XDG_DATA_HOME", "d"), ("XDG_RUNTIME_DIR", "r")):
        (folder / sub).mkdir(mode=0o700)
        environment[variable] = str(folder / sub)
    return environment | {
        "U2NET_HOME": str(folder),
        "MODEL_CHECKSUM_DISABLED": "1",
        "MATTED_CATALOGUE": str(folder / "catalogue.toml"),
        "OMP_NUM_THREADS": "2",
    }


def compare(title: str, ours: list[float], theirs: list[float]) -> None:
    """One line: both medians and their ratio."""
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{title:44} matted {a * 1000:7.0f} ms   rembg {b * 1000:7.0f} ms   {b / a:5.2f}x", flush=True)


def warm(folder: Path, environment: dict[str, str], rounds: int) -> None:
    """A file in memory to a file in memory, everything loaded."""
    ours, theirs = Worker("matted", folder, environment), Worker("rembg", folder, environment)
    cases = [
        ("warm 24 MP JPEG -> cut-out PNG, no edges", {"what": "cutout", "edges": "none"}),
        ("warm 24 MP JPEG -> cut-out PNG, fast edges", {"what": "cutout", "edges": "fast"}),
        ("warm 24 MP JPEG -> mask PNG, no edges", {"what": "mask", "edges": "none"}),
        ("warm 24 MP JPEG -> mask PNG, fast edges", {"what": "mask", "edges": "fast"}),
    ]
    for title, case in cases:
        taken: tuple[list[float], list[float]] = ([], [])
        for turn in range(rounds + 1):
            for side, seconds in zip((ours, theirs), taken, strict=True):
                answer = side.ask(file="24.jpg", **case)
                if turn:
                    seconds.append(answer["seconds"])
        compare(title, *taken)
        print(f"{'':44} last: {ours.ask(file='24.jpg', **case)['stages']}")
    ours.end()
    theirs.end()


def cold(folder: Path, environment: dict[str, str], rounds: int) -> None:
    """Whole processes."""
    python = Path(sys.executable).parent
    source, ours, theirs = folder / "24.jpg", folder / "ours.png", folder / "theirs.png"
    cut = [str(python / "matted"), "cut", str(source), "-o", str(ours), "--overwrite", "--no-daemon"]
    rembg = [str(python / "rembg"), "i", "-m", "u2netp", str(source), str(theirs)]
    cases = [
        ("cold 24 MP cut-out, same graph, fast edges", [*cut, "--model", "bench"], rembg),
        ("cold 24 MP cut-out, builtin, fast edges", cut, rembg),
        ("--help", [str(python / "matted"), "--help"], [str(python / "rembg"), "--help"]),
    ]
    for title, left, right in cases:
        taken: tuple[list[float], list[float]] = ([], [])
        for turn in range(max(3, rounds - 2) + 1):
            for command, seconds in zip((left, right), taken, strict=True):
                elapsed = _timed(command, environment)
                if turn:
                    seconds.append(elapsed)
        compare(title, *taken)


def editor(folder: Path, environment: dict[str, str], rounds: int) -> None:
    """An editor's 24 MP layer: raw pixels to the daemon over loopback, raw mask back."""
    side, bare = Worker("editor", folder, environment), Worker("bare", folder, environment)
    for megapixels, planes in ((24, "rgb8"), (24, "rgba8")):
        for edges in ("none", "fast"):
            taken: tuple[list[float], list[float]] = ([], [])
            stages: dict[str, int] = {}
            for turn in range(rounds + 2):
                for worker, seconds in zip((side, bare), taken, strict=True):
                    answer = worker.ask(file=f"{megapixels}.jpg", planes=planes, edges=edges)
                    stages = answer.get("stages", stages)
                    if turn > 1:
                        seconds.append(answer["seconds"])
            a, b = statistics.median(taken[0]), statistics.median(taken[1])
            beyond = statistics.median(x - y for x, y in zip(*taken, strict=True))
            title = f"editor {megapixels} MP {planes}, {edges} edges"
            print(
                f"{title:44} {a * 1000:7.0f} ms   bare inference {b * 1000:4.0f} ms   "
                f"beyond {beyond * 1000:4.0f} ms   {stages}",
                flush=True,
            )
    side.end()
    bare.end()


def start(folder: Path, environment: dict[str, str], rounds: int) -> None:
    """From no daemon to the first mask of a 1 MP layer with the built-in model."""
    taken = []
    for _ in range(rounds):
        worker = Worker("start", folder, environment)
        taken.append(worker.ask()["seconds"])
        worker.end()
    print(f"{'daemon start to first mask, builtin':44} {statistics.median(taken) * 1000:7.0f} ms")


def memory(folder: Path, environment: dict[str, str], _rounds: int) -> None:
    """Peak resident memory of a fresh process that makes three cut-outs of one size."""
    peaks: dict[str, dict[int, float]] = {"matted": {}, "rembg": {}}
    for side, of_size in peaks.items():
        for megapixels in (12, 24, 45):
            worker = Worker(side, folder, environment)
            for _ in range(3):
                answer = worker.ask(file=f"{megapixels}.jpg", what="cutout", edges="fast")
            of_size[megapixels] = answer["peak_mib"]
            worker.end()
        growth = (of_size[45] - of_size[12]) / (45.4 - 12.0)
        sizes = "  ".join(f"{mp} MP {mib:6.0f} MiB" for mp, mib in of_size.items())
        print(f"peak memory, cut-out, {side:8} {sizes}   {growth:5.1f} MiB/MP")
    print(f"at 45 MP: {peaks['matted'][45] / peaks['rembg'][45]:.2f} of rembg's peak")


def matting(folder: Path, environment: dict[str, str], _rounds: int) -> None:
    """Solved edges from the same coarse alpha, each side and size in a fresh process: first call, best after.

    rembg's side is left out where this computer has not the memory it needs.
    """
    import psutil

    for megapixels in (1, 12, 24, 100):
        found = {}
        for side in ("fine", "closed-form"):
            free = psutil.virtual_memory().available / 2**30
            if side == "closed-form" and free < MATTING_GIB.get(megapixels, float("inf")):
                continue
            worker = Worker(side, folder, environment)
            answers = [worker.ask(megapixels=megapixels) for _ in range(3 if side == "fine" else 2)]
            worker.end()
            failures = [answer["failed"] for answer in answers if "failed" in answer]
            if failures:
                print(f"{megapixels:3} MP {side:11}   {failures[0]}", flush=True)
                continue
            wall, cpu = (min(answer[kind] for answer in answers[1:]) for kind in ("seconds", "cpu"))
            peak, rest = answers[-1]["peak_mib"], answers[0]["held_mib"]
            found[side] = wall, cpu, peak, peak - rest
            print(
                f"{megapixels:3} MP {side:11}   first {answers[0]['seconds']:6.2f} s   then {wall:6.2f} s   "
                f"processor {cpu:6.2f} s   peak {peak:6.0f} MiB, of it for matting {peak - rest:6.0f}",
                flush=True,
            )
        if len(found) == 2:
            ratios = [theirs / ours for ours, theirs in zip(*found.values(), strict=True)]
            print("{:.0f}x in time, {:.0f}x in processor time, {:.1f}x and {:.1f}x in memory".format(*ratios))


def _timed(command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
