"""Mixed requests, several at a time, against a real daemon with the built-in model: lost, wrong, memory.

    python tests/bench/load.py --requests 500 --clients 8

Every kind of request is first made alone; its answer is what the same request must get under load. Among
them are refused and abandoned ones, as real clients send them. Memory is read when all is quiet, after each
quarter: it may grow while buffers and arenas are made for the first time, and must be flat from then on.
"""

import argparse
import io
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import psutil
from PIL import Image

from matted.client import Client, ClientError, Encoded, Planes

MB = 1 << 20


@dataclass
class Tally:
    """What became of the requests."""

    answered: int = 0
    refused_as_wished: int = 0
    abandoned: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


Case = Callable[[Client], bytes]


def picture(width: int, height: int, channels: int, seed: int) -> np.ndarray:
    """A soft blob on a gradient, with noise: (height, width, channels) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    blob = ((x / width - rng.uniform(0.3, 0.7)) ** 2 + (y / height - rng.uniform(0.3, 0.7)) ** 2) < 0.05
    base = np.stack([255 * x / width, 255 * y / height, np.full_like(x, 90)], -1)
    base[blob] = rng.integers(0, 255, 3)
    noisy = np.clip(base + rng.normal(0, 6, base.shape), 0, 255).astype(np.uint8)
    if channels == 1:
        return noisy[..., :1].copy()
    return np.dstack([noisy, np.full((height, width), 255, np.uint8)]) if channels == 4 else noisy


def encoded(pixels: np.ndarray, kind: str) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, kind, quality=90)
    return target.getvalue()


def planes(pixels: np.ndarray, name: str) -> Planes:
    return Planes(memoryview(np.ascontiguousarray(pixels)), pixels.shape[1], pixels.shape[0], name)


def cases() -> dict[str, tuple[int, Case]]:
    """Requests by name, with how often each comes."""
    small, wide = picture(640, 480, 3, 1), picture(1600, 900, 3, 2)
    large = picture(4000, 3000, 3, 3)
    alpha = picture(900, 1200, 4, 4)
    deep = (picture(800, 600, 3, 5).astype(np.uint16)) * 257
    floating = (picture(500, 400, 3, 6) / np.float32(255)).astype(np.float32)
    jpeg, png = encoded(wide, "jpeg"), encoded(small, "png")
    rough = {"refine": {"level": "none"}}

    def upload_then_ask(matted: Client) -> bytes:
        held = matted.upload(planes(wide, "rgb8"))
        first = bytes(matted.mask(held, rough).data)
        return first + bytes(matted.mask(held).data)

    return {
        "rgb8": (20, lambda m: bytes(m.mask(planes(small, "rgb8")).data)),
        "rgb8-rough": (10, lambda m: bytes(m.mask(planes(wide, "rgb8"), rough).data)),
        "rgba8": (10, lambda m: bytes(m.mask(planes(alpha, "rgba8")).data)),
        "bgra8": (10, lambda m: bytes(m.mask(planes(alpha, "bgra8")).data)),
        "rgb16": (8, lambda m: bytes(m.mask(planes(deep, "rgb16")).data)),
        "rgbf32": (6, lambda m: bytes(m.mask(planes(floating, "rgbf32")).data)),
        "gray8": (6, lambda m: bytes(m.mask(planes(picture(300, 700, 1, 7), "gray8")).data)),
        "12-megapixels": (3, lambda m: bytes(m.mask(planes(large, "rgb8")).data)),
        "jpeg": (15, lambda m: bytes(m.mask(Encoded(jpeg)).data)),
        "cutout": (15, lambda m: bytes(m.cutout(Encoded(png)).data)),
        "upload": (10, upload_then_ask),
        "status": (4, lambda m: b"ok" if m.status()["ready"] else b""),
    }


def refused(matted: Client) -> None:
    """A request that must be refused, each time another."""
    wish = random.choice(["option", "size", "model", "picture"])
    if wish == "option":
        matted.mask(planes(picture(20, 20, 3, 1), "rgb8"), {"coarse": {"modell": "x"}})
    elif wish == "size":
        matted.mask(planes(picture(20, 20, 3, 1), "rgba8"))
    elif wish == "model":
        matted.mask(planes(picture(20, 20, 3, 1), "rgb8"), {"coarse": {"model": "no-such-model"}})
    else:
        matted.upload(Encoded(b"this is no picture"))


def abandoned() -> None:
    """A request whose client leaves while it is being worked on."""
    own = Client.connect(start=False)
    name = f"abandoned-{random.getrandbits(60):x}"
    threading.Timer(random.uniform(0.0, 0.1), own.close).start()
    try:
        own.mask(planes(picture(1600, 900, 3, 2), "rgb8"), job=name)
    except (ClientError, OSError, ValueError, AttributeError, AssertionError):
        return


def one_client(
    todo: list[str], known: dict[str, tuple[int, Case]], expected: dict[str, bytes], tally: Tally
) -> None:
    with Client.connect(start=False) as matted:
        while True:
            with tally.lock:
                if not todo:
                    return
                name = todo.pop()
            started = time.perf_counter()
            try:
                if name == "refused":
                    refused(matted)
                    outcome = "was not refused"
                elif name == "abandoned":
                    abandoned()
                    outcome = "abandoned"
                else:
                    outcome = "" if known[name][1](matted) == expected[name] else "wrong"
            except ClientError as error:
                outcome = (
                    "refused" if name == "refused" and error.status in range(400, 500) else f"lost: {error}"
                )
            seconds = time.perf_counter() - started
            with tally.lock:
                note(tally, name, outcome, seconds)


def note(tally: Tally, name: str, outcome: str, seconds: float) -> None:
    if outcome == "":
        tally.answered += 1
        tally.seconds.append(seconds)
    elif outcome == "refused":
        tally.refused_as_wished += 1
    elif outcome == "abandoned":
        tally.abandoned += 1
    elif outcome.startswith("lost"):
        tally.lost.append(f"{name} {outcome}")
    else:
        tally.wrong.append(f"{name} {outcome}")


def resident_when_quiet(pid: int) -> int:
    time.sleep(0.5)
    return int(psutil.Process(pid).memory_info().rss)


def measure(requests: int, clients: int) -> dict[str, object]:
    """The whole run against the daemon that `Client.connect(start=False)` finds."""
    known = cases()
    with Client.connect(start=False) as matted:
        pid = matted.runtime.pid
        expected = {name: case(matted) for name, (_, case) in known.items()}
    weights = {name: weight for name, (weight, _) in known.items()} | {"refused": 6, "abandoned": 6}
    chosen = random.Random(1).choices(list(weights), list(weights.values()), k=requests)
    tally = Tally()
    resident = []
    started = time.perf_counter()
    for quarter in range(4):
        todo = chosen[requests * quarter // 4 : requests * (quarter + 1) // 4]
        threads = [
            threading.Thread(target=one_client, args=(todo, known, expected, tally)) for _ in range(clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        resident.append(resident_when_quiet(pid))
    with Client.connect(start=False) as matted:
        left = matted.status()
    return {
        "requests": requests,
        "clients": clients,
        "answered": tally.answered,
        "refused_as_wished": tally.refused_as_wished,
        "abandoned": tally.abandoned,
        "lost": tally.lost,
        "wrong": tally.wrong,
        "jobs_left": left["jobs"],
        "seconds": round(time.perf_counter() - started, 1),
        "latency_median_s": round(statistics.median(tally.seconds), 3),
        "latency_worst_s": round(max(tally.seconds), 3),
        "resident_mb_after_each_quarter": [size // MB for size in resident],
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--clients", type=int, default=8)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MATTED_RUNTIME"] = folder
        with Client.connect() as matted:  # starts it
            daemon = psutil.Process(matted.runtime.pid)
            try:
                found = measure(args.requests, args.clients)
            finally:
                daemon.terminate()
                daemon.wait(20)
    print(json.dumps(found, indent=1))
    return 1 if found["lost"] or found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
