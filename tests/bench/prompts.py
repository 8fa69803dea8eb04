"""What prompts cost and what they bring: `python tests/bench/prompts.py [DATA [SET...]]`.

Without DATA: the time of a click on a 24 MP photograph whose embedding is kept, `fast` edges, with the tests'
own small encoder and decoder; what the networks themselves take is left out, so that the figure is what any
prompt model's click costs beyond its decoder. With DATA (folders with `images/` and `masks/`, same stem; 255
is subject): overlap with the truth without a prompt, with a box around the truth, and with a click inside it,
all without a prompt model.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.pictures import photograph
from graphs import red_key_catalogue
from matted.config import Settings
from matted.imaging.picture import Picture
from matted.imaging.read import read_picture
from matted.inference.prompt import Prompt
from matted.options import RefineOptions
from matted.pipeline import Pipeline
from prompt_graphs import add_prompt_models

SETS = ("davis", "voc", "grabcut", "bags")
PLAIN = RefineOptions("none")
NETWORK = ("encoder", "decoder", "load", "wait")


def clicks(megapixels: int, rounds: int) -> None:
    """Prints the seconds of a click beyond its decoder."""
    picture = Picture(photograph(megapixels))
    middle = (picture.width / 2, picture.height * 0.45)
    with tempfile.TemporaryDirectory() as folder:
        catalogue = add_prompt_models(red_key_catalogue(Path(folder)))
        pipeline = Pipeline(Settings(models_dir=Path(folder) / "models", catalogue=catalogue))
        first = pipeline.matte(picture, prompt=Prompt(points=((*middle, 1),)), key="a")
        walls, cores, stages = [], [], []
        for number in range(rounds):
            point = (middle[0] + 7 * (number + 1), middle[1] + 5, 1)
            began, worked = time.perf_counter(), time.process_time()
            matte = pipeline.matte(picture, prompt=Prompt(points=(point,)), key="a")
            beyond = sum(matte.times.get(stage, 0.0) for stage in NETWORK)
            walls.append(time.perf_counter() - began - beyond)
            cores.append(time.process_time() - worked)
            stages.append(matte.times)
        pipeline.close()
    assert all("encoder" not in times for times in stages)
    print(f"first click, {megapixels} MP: {', '.join(f'{k} {v:.3f} s' for k, v in first.times.items())}")
    print(
        f"click with a kept embedding, beyond the decoder: median {statistics.median(walls):.3f} s, fastest "
        f"{min(walls):.3f} s, slowest {max(walls):.3f} s of {rounds}; processor time with the decoder "
        f"{statistics.median(cores):.3f} s"
    )
    for stage in stages[0]:
        print(f"  {stage:8} {statistics.median(times.get(stage, 0.0) for times in stages):.4f} s")


def overlaps(data: Path, sets: list[str], every: int) -> None:
    """Prints mean overlaps (intersection over union at one half) for each set."""
    pipeline = Pipeline(Settings(model="builtin"))
    for name in sets:
        rows = []
        for image in sorted((data / name / "images").iterdir())[::every]:
            mask = data / name / "masks" / f"{image.stem}.png"
            if not mask.exists():
                continue
            picture = read_picture(image, max_pixels=10**8)
            truth = read_picture(mask, max_pixels=10**8).pixels[..., 0] >= 128
            if truth.any():
                rows.append(judged(pipeline, picture, truth, image.stem))
        plain, within, box, single, click = np.mean(rows, axis=0)
        print(
            f"{name:8} {len(rows):3} pictures  no prompt {plain:.3f}   cut to the box {within:.3f}   "
            f"box {box:.3f}   box of the largest piece, against it: {single:.3f}   click {click:.3f}",
            flush=True,
        )
    pipeline.close()


def judged(pipeline: Pipeline, picture: Picture, truth: np.ndarray, key: str) -> list[float]:
    def asked(prompt: Prompt | None) -> np.ndarray:
        matte = pipeline.matte(picture, refine=PLAIN, prompt=prompt, key=key)
        return matte.mask >= np.iinfo(matte.mask.dtype).max / 2

    largest = largest_piece(truth)
    plain, box = asked(None), boxed(truth)
    left, top, right, bottom = (round(side) for side in box)
    inside = np.zeros_like(plain)
    inside[top:bottom, left:right] = plain[top:bottom, left:right]
    return [
        overlap(plain, truth),
        overlap(inside, truth),
        overlap(asked(Prompt(box)), truth),
        overlap(asked(Prompt(boxed(largest))), largest),
        overlap(asked(Prompt(points=((*deepest(largest), 1),))), largest),
    ]


def boxed(truth: np.ndarray) -> tuple[float, float, float, float]:
    rows, columns = np.nonzero(truth)
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)


def largest_piece(truth: np.ndarray) -> np.ndarray:
    _, pieces = cv2.connectedComponents(truth.astype(np.uint8))
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    return pieces == areas.argmax()


def deepest(truth: np.ndarray) -> tuple[float, float]:
    """The place farthest inside."""
    _, _, _, (x, y) = cv2.minMaxLoc(cv2.distanceTransform(np.pad(truth.astype(np.uint8), 1), cv2.DIST_L2, 5))
    return x - 0.5, y - 0.5


def overlap(made: np.ndarray, truth: np.ndarray) -> float:
    union = int((made | truth).sum())
    return int((made & truth).sum()) / union if union else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--megapixels", type=int, default=24, choices=(1, 12, 24, 45, 100))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--every", type=int, default=1, help="take every so many pictures of a set")
    args = parser.parse_args()
    if args.data is None:
        clicks(args.megapixels, args.rounds)
    else:
        overlaps(args.data, args.sets, args.every)


if __name__ == "__main__":
    main()
