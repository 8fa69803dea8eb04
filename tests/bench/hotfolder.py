"""A folder of 24-megapixel JPEGs, `matted watch --once` beside `rembg p`, same graph: whole processes.

`python tests/bench/hotfolder.py [--pictures 50] [--rounds 1]`. Needs `pip install -e '.[bench]'`. Both cut
the same pictures to transparent PNGs; the two take turns. Wall time, processor time and the largest resident
size are those the system counted for each process. Writes nothing but to a temporary folder.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


@dataclass(frozen=True)
class Run:
    """One process that cut all pictures."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--edges", choices=("none", "fast", "fine"), default="fast", help="of Matted's side")
    args = parser.parse_args()
    from against_rembg import prepare

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = prepare(folder) | {"MATTED_MODEL": "bench"}
        shots = folder / "shots"
        write_pictures(shots, args.pictures)
        ours, theirs = [], []
        for turn in range(args.rounds):
            hot, out = folder / f"hot-{turn}", folder / f"out-{turn}"
            hot.mkdir()
            out.mkdir()
            (hot / "matted.toml").write_text(f'edges = "{args.edges}"\nreview_below = 0.0\n')
            for shot in shots.iterdir():
                os.link(shot, hot / shot.name)
            command = [sys.executable, "-m", "matted", "watch", str(hot), "--once"]
            ours.append(measured(command, environment))
            check(len(list(hot.rglob("*/*.png"))), args.pictures)
            python = Path(sys.executable).parent
            rembg = [str(python / "rembg"), "p", "-m", "u2netp", str(shots), str(out)]
            theirs.append(measured(rembg, environment))
            check(len(list(out.glob("*.png"))), args.pictures)
            tell("matted watch --once", ours[-1], args.pictures)
            tell("rembg p", theirs[-1], args.pictures)
            shutil.rmtree(hot)
            shutil.rmtree(out)
    for what in ("wall_s", "cpu_s"):
        ratio = statistics.median(
            getattr(b, what) / getattr(a, what) for a, b in zip(ours, theirs, strict=True)
        )
        print(f"{what}: {ratio:.2f}x the throughput")
    print(f"peak memory: {max(r.peak_mib for r in ours) / max(r.peak_mib for r in theirs):.2f} of rembg's")


def write_pictures(folder: Path, count: int) -> None:
    """So many different JPEGs of 24 megapixels: a few photographs, each shifted sideways again and again."""
    import numpy as np
    import pictures

    folder.mkdir()
    photographs = [pictures.photograph(24, seed=seed) for seed in range(1, min(count, 4) + 1)]
    for number in range(count):
        pixels = np.roll(photographs[number % len(photographs)], 16 * (number // len(photographs)), axis=1)
        (folder / f"shot-{number:03}.jpg").write_bytes(pictures.jpeg(pixels))


def measured(command: list[str], environment: dict[str, str]) -> Run:
    """The process, from its start to its end."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    check(process.returncode, 0)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Run(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def check(found: int, wanted: int) -> None:
    """A run that did not do its work is no measurement."""
    if found != wanted:
        raise SystemExit(f"a side ended with {found} instead of {wanted}")


def tell(side: str, run: Run, count: int) -> None:
    """One line."""
    print(
        f"{side:20} {count} pictures in {run.wall_s:7.1f} s, {count / run.wall_s:5.2f} a second   "
        f"processor {run.cpu_s:7.1f} s   peak {run.peak_mib:6.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
