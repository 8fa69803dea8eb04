"""What a moved slider costs: `python tests/bench/adjust.py [--size 1|12|24|45] [--repeat N]`.

The matte is that of `pictures.photograph`: a figure with hair. For each adjustment the median of N runs in
milliseconds: by the clock, and the time all cores together spent, which other work on the computer disturbs
less; then how much more memory than before the process held at most. Lengths at other sizes than 1 are
longer in proportion.
"""

import argparse
import os
import threading
import time
from collections.abc import Callable
from statistics import median

import cv2
import numpy as np
import psutil
from pictures import SIZES

from matted.matting.adjust import AdjustOptions, adjust
from matted.matting.subjects import Subjects
from matted.matting.triage import triage

WISHES = {
    "grow 0.5 px": AdjustOptions(grow_px=0.5),
    "grow 3.3 px": AdjustOptions(grow_px=3.3),
    "shrink 10 px": AdjustOptions(grow_px=-10),
    "grow 30 px": AdjustOptions(grow_px=30),
    "smooth 3 px": AdjustOptions(smooth_px=3),
    "smooth 10 px": AdjustOptions(smooth_px=10),
    "feather 2 px": AdjustOptions(feather_px=2),
    "feather 15 px": AdjustOptions(feather_px=15),
    "levels and contrast": AdjustOptions(low=0.1, high=0.9, contrast=0.4),
    "threshold": AdjustOptions(threshold=0.5),
    "fill holes of 300 px": AdjustOptions(fill_holes_px=300),
    "drop islands of 300 px": AdjustOptions(drop_islands_px=300),
    "keep the largest": AdjustOptions(keep="largest"),
    "an editor's four sliders": AdjustOptions(contrast=0.2, smooth_px=3, grow_px=-1.5, feather_px=2),
}


def matte(width: int, height: int) -> np.ndarray:
    """(height, width) uint8: a head with hair on shoulders, specks beside it, holes in it."""
    random = np.random.default_rng(1)
    small = np.zeros((1000, 1500), np.uint8)
    cv2.ellipse(small, (750, 1000), (330, 420), 0, 0, 360, 255, -1)
    cv2.circle(small, (750, 400), 190, 255, -1)
    for angle in np.linspace(np.pi, 2 * np.pi, 240):
        length = 230 + 60 * random.random()
        tip = (int(750 + length * np.cos(angle)), int(400 + length * np.sin(angle)))
        cv2.line(small, (750, 400), tip, 255, 1, cv2.LINE_AA)
    for x, y in random.integers(60, 900, (40, 2)):
        cv2.circle(small, (int(x), int(y)), 4, 255 if small[y, x] == 0 else 0, -1)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


class Peak:
    """The most memory this process held while the block ran, above what it held before, in MB."""

    def __enter__(self) -> "Peak":
        self._self, self._ended = psutil.Process(os.getpid()), threading.Event()
        self._before = self._most = self._self.memory_info().rss
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._ended.wait(0.002):
            self._most = max(self._most, self._self.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.mb = (self._most - self._before) / 2**20


def measured(name: str, work: Callable[[], object], repeat: int) -> None:
    """Prints one line."""
    clock, spent = [], []
    with Peak() as peak:
        for _ in range(repeat):
            started, before = time.perf_counter(), time.process_time()
            work()
            clock.append(time.perf_counter() - started)
            spent.append(time.process_time() - before)
    times = f"{1e3 * median(clock):8.1f} ms   all cores {1e3 * median(spent):8.1f} ms"
    print(f"  {name:26} {times}   +{peak.mb:4.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, choices=SIZES, default=1, help="megapixels")
    parser.add_argument("--repeat", type=int, default=9)
    args = parser.parse_args()
    width, height = SIZES[args.size]
    mask = matte(width, height)
    factor = width / SIZES[1][0]
    print(f"{width} x {height}, 8 bits, {os.cpu_count()} cores, a mask of {mask.nbytes / 2**20:.0f} MB")
    subjects = Subjects.of(mask)
    for name, wish in WISHES.items():
        scaled = wish.scaled(min(factor, 6.0))
        measured(name, lambda wish=scaled: adjust(mask, wish, subjects=subjects), args.repeat)
    measured("finding the subjects", lambda: Subjects.of(mask), args.repeat)
    alpha = cv2.resize(mask, (320, 320), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    colour = np.dstack([mask, mask, mask])
    measured("triage", lambda: triage(alpha, colour, full_size=(width, height)), args.repeat)


if __name__ == "__main__":
    main()
