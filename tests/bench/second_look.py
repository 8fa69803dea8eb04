"""What a second look brings: `python tests/bench/second_look.py DATA [SET...]`.

DATA holds folders with `images/` and `masks/` (same stem; 255 is subject). For each set the built-in model's
matte without edge refinement is compared with the truth, looking once, twice, and as `auto` decides: mean
absolute error, highest F over all thresholds, overlap at one half, boundary overlap; how many pictures got a
second look, and the looks each took on average.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "training"))

from metrics import boundary_iou, f_curve, iou_at_half, mean_absolute_error

from matted.config import Settings
from matted.imaging.read import read_picture
from matted.looks import How
from matted.options import CoarseOptions, RefineOptions
from matted.pipeline import Pipeline

SETS = ("davis", "voc", "bags", "grabcut", "am2k", "human", "ccp", "cats")


@dataclass
class Row:
    """One picture, one way of looking."""

    error: float
    f_levels: np.ndarray
    overlap: float
    boundary: float
    looks: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--every", type=int, default=1, help="take every so many pictures of a set")
    args = parser.parse_args()
    pipeline = Pipeline(Settings(model=args.model))
    for name in args.sets:
        rows: dict[str, list[Row]] = {look: [] for look in get_args(How)}
        for image in sorted((args.data / name / "images").iterdir())[:: args.every]:
            mask = args.data / name / "masks" / f"{image.stem}.png"
            if mask.exists():
                picture = read_picture(image, max_pixels=10**8)
                truth = read_picture(mask, max_pixels=10**8).pixels[..., 0].astype(np.float32) / 255
                for look in rows:
                    rows[look].append(judged(pipeline, picture, truth, look))
        for look, some in rows.items():
            best_f = np.mean([row.f_levels for row in some], axis=0).max()
            means = [
                np.mean([getattr(row, kind) for row in some]) for kind in ("error", "overlap", "boundary")
            ]
            twice = sum(row.looks > 1 for row in some)
            print(
                f"{name:8} {look:6} {len(some):4} pictures   MAE {means[0]:.4f}   max-F {best_f:.4f}   "
                f"IoU {means[1]:.4f}   boundary-IoU {means[2]:.4f}   {twice:3} looked at twice, "
                f"{np.mean([row.looks for row in some]):.2f} looks each",
                flush=True,
            )
    pipeline.close()


def judged(pipeline: Pipeline, picture, truth: np.ndarray, look: How) -> Row:
    before = runs(pipeline)
    matte = pipeline.matte(picture, CoarseOptions(look=look), RefineOptions("none"))
    alpha = matte.mask.astype(np.float32) / np.iinfo(matte.mask.dtype).max
    return Row(
        mean_absolute_error(alpha, truth),
        f_curve(alpha, truth),
        iou_at_half(alpha, truth),
        boundary_iou(alpha, truth),
        runs(pipeline) - before,
    )


def runs(pipeline: Pipeline) -> int:
    return sum(model.runs for model in pipeline.sessions.loaded())


if __name__ == "__main__":
    main()
