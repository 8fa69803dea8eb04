"""What freeing the soft edge of its old background costs and brings.

`python tests/bench/foreground.py [--data DATA] [--sheet OUT.png]`: time and peak memory at 24 megapixels
against pymatting's `estimate_foreground_ml` over the whole picture, each in a process of its own; then the
error in the soft edge on composites with known foreground, with the exact alpha and with one that reaches too
far. DATA may hold `rgba/people` and `rgba/lego` (cut-outs with true alpha) and `backgrounds`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from sides import peak_mib

sys.path.append(str(Path(__file__).resolve().parent.parent))

Estimate = Callable[[np.ndarray, np.ndarray], np.ndarray]
PLAIN = {"black": (0, 0, 0), "white": (255, 255, 255), "red": (255, 0, 0)}


def ours(colour: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 in, uint8 out."""
    from matted.matting.foreground import estimate_foreground

    return estimate_foreground(colour, mask)


def multilevel(colour: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Germer et al. 2020 as pymatting has it, over the whole picture."""
    from pymatting import estimate_foreground_ml

    found = estimate_foreground_ml(colour / 255.0, mask / 255.0)
    return (np.clip(found, 0, 1) * 255 + 0.5).astype(np.uint8)


def kept(colour: np.ndarray, _mask: np.ndarray) -> np.ndarray:
    """No estimate at all."""
    return colour


SIDES: dict[str, Estimate] = {"kept": kept, "multilevel": multilevel, "matted": ours}


def large(strands: int) -> tuple[np.ndarray, np.ndarray]:
    """A hairy subject of 24 megapixels and its mask."""
    from known_composites import hairy

    scene = hairy(1000, strands=strands)
    mask = np.zeros((4000, 6000), np.uint8)
    mask[:, 1000:5000] = cv2.resize(scene.mask, (4000, 4000), interpolation=cv2.INTER_CUBIC)
    colour = np.full((4000, 6000, 3), 128, np.uint8)
    seen = (scene.seen * 255 + 0.5).astype(np.uint8)
    colour[:, 1000:5000] = cv2.resize(seen, (4000, 4000), interpolation=cv2.INTER_CUBIC)
    return colour, mask


def one_side(name: str, strands: int, rounds: int) -> None:
    """Prints this process's times, its processor time, and what it adds to the peak."""
    estimate = SIDES[name]
    small = np.full((64, 64, 3), 90, np.uint8), np.full((64, 64), 128, np.uint8)
    estimate(*small)  # compiles what is compiled
    colour, mask = large(strands)
    before, times, used = peak_mib(), [], []
    for _ in range(rounds):
        started, worked = time.perf_counter(), time.process_time()
        estimate(colour, mask)
        times.append(time.perf_counter() - started)
        used.append(time.process_time() - worked)
    band = float(((mask > 0) & (mask < 255)).mean())
    print(json.dumps({"s": times, "cpu_s": used, "added_mib": peak_mib() - before, "band": band}))


def speed(rounds: int) -> None:
    """Both sides by turns at 24 megapixels, with little hair and with much."""
    for strands in (60, 600):
        for name in ("matted", "multilevel"):
            command = [sys.executable, __file__, "--side", name, "--strands", str(strands)]
            command += ["--rounds", str(rounds if name == "matted" else 1)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ))
            found = json.loads(done.stdout)
            print(
                f"24 MP, soft edge {100 * found['band']:4.1f} %   {name:10}"
                f"   median {statistics.median(found['s']):6.2f} s, least {min(found['s']):6.2f} s,"
                f"   processor {statistics.median(found['cpu_s']):6.2f} s   +{found['added_mib']:5.0f} MiB",
                flush=True,
            )


def scenes(folder: Path | None) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Kind, foreground (H, W, 3) and alpha (H, W) in [0, 1], background."""
    from PIL import Image

    from known_composites import hairy

    for seed in range(4):
        scene = hairy(700, seed, strands=400)
        yield "hair", scene.foreground, scene.alpha, scene.background
    if folder is None:
        return
    behind = sorted((folder / "backgrounds").rglob("*.jpg"))[::37]
    cut_outs = [("people", p) for p in sorted((folder / "rgba" / "people").glob("*.png"))]
    cut_outs += [("lego", p) for p in sorted((folder / "rgba" / "lego").glob("*.png"))[:6]]
    for number, (kind, path) in enumerate(cut_outs):
        rgba = np.asarray(Image.open(path).convert("RGBA")).astype(np.float32) / 255
        height, width = rgba.shape[:2]
        back = Image.open(behind[number % len(behind)]).convert("RGB").resize((width, height))
        yield kind, rgba[..., :3], rgba[..., 3], np.asarray(back).astype(np.float32) / 255


def errors(folder: Path | None) -> None:
    """Mean error of alpha times colour in the soft edge, in 8-bit levels."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for kind, foreground, alpha, background in scenes(folder):
        mask = (alpha * 255 + 0.5).astype(np.uint8)
        share = mask[..., None] / np.float32(255)
        seen = (background + share * (foreground - background)) * 255
        seen = (seen + 0.5).astype(np.uint8)
        wide = cv2.GaussianBlur(mask, (0, 0), 2)
        extended = cv2.inpaint(
            (foreground * 255 + 0.5).astype(np.uint8), (mask < 128).astype(np.uint8), 3, cv2.INPAINT_TELEA
        )
        for name, estimate in SIDES.items():
            exact = wrong(estimate(seen, mask), foreground * 255, mask)
            loose = wrong(estimate(seen, wide), extended.astype(np.float32), wide)
            found.setdefault(kind, {}).setdefault(name, []).append((exact, loose))
    for kind, by_side in found.items():
        for name, pairs in by_side.items():
            exact, loose = np.mean(pairs, axis=0)
            shown = f"exact alpha {exact:6.2f}   alpha too wide {loose:6.2f}"
            print(f"{kind:8} {len(pairs)} scenes   {name:10}   {shown}")


def wrong(colour: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Mean of alpha times the difference, where the mask is soft."""
    soft = (mask > 0) & (mask < 255)
    return float((np.abs(colour - truth)[soft] * (mask[soft][:, None] / 255)).mean())


def sheet(target: Path, folder: Path | None) -> None:
    """Hair at 300 %: columns kept, multilevel, matted, truth; rows black, white, red, per scene."""
    rows = []
    for _, foreground, alpha, background in list(scenes(folder))[:: 3 if folder else 1]:
        mask = (alpha * 255 + 0.5).astype(np.uint8)
        share = mask[..., None] / np.float32(255)
        seen = ((background + share * (foreground - background)) * 255 + 0.5).astype(np.uint8)
        soft = cv2.boxFilter(((mask > 0) & (mask < 255)).astype(np.float32), -1, (120, 120))
        y, x = np.unravel_index(soft[60:-60, 60:-60].argmax(), soft[60:-60, 60:-60].shape)
        part = (slice(y, y + 120), slice(x, x + 120))
        colours = [estimate(seen, mask) for estimate in SIDES.values()]
        colours.append((foreground * 255 + 0.5).astype(np.uint8))
        for plain in PLAIN.values():
            cells = [plain + share[part] * (colour[part] - np.float32(plain)) for colour in colours]
            rows.append(np.concatenate(cells, axis=1))
    whole = np.concatenate(rows).astype(np.uint8)
    large = cv2.resize(whole, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(target), large[..., ::-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--strands", type=int, default=60)
    args = parser.parse_args()
    if args.side:
        one_side(args.side, args.strands, args.rounds)
        return
    if args.sheet:
        sheet(args.sheet, args.data)
        return
    speed(args.rounds)
    errors(args.data)


if __name__ == "__main__":
    main()
