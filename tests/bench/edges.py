"""What edge refinement brings: `python tests/bench/edges.py DATA [SET...]`.

DATA holds folders with `images/` and `masks/` (same stem; 255 is subject). For each set the sum of absolute
differences to the truth, relative to plain interpolation (1.0): with `fast`, `fine`, and with a colour guided
filter for comparison. The coarse alpha is the built-in model's, or the truth itself reduced and blurred.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from matted.config import Settings
from matted.imaging.picture import Picture
from matted.imaging.read import read_picture
from matted.inference.predict import Predictor
from matted.matting.fine import fine_upsample
from matted.matting.upsample import guided_upsample, upsample
from matted.pipeline import Pipeline

SETS = ("am2k", "lemur", "grabcut", "bags", "human", "cats", "davis")
SIDE = 320


def guided_filter(
    alpha: np.ndarray, colour: np.ndarray, *, reach: float = 2.5, epsilon: float = 1e-4
) -> np.ndarray:
    """He, Sun, Tang 2013 with a colour guide, plainly, at full resolution: (H, W) float32 in [0, 1]."""
    height, width = colour.shape[:2]
    guide = colour.astype(np.float32) / 255
    coarse = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)
    radius = max(2, round(reach * max(height, width) / max(alpha.shape)))

    def mean(plane: np.ndarray) -> np.ndarray:
        return cv2.blur(plane, (2 * radius + 1,) * 2)

    mean_guide, mean_alpha = mean(guide), mean(coarse)
    joint = mean(guide * coarse[..., None]) - mean_guide * mean_alpha[..., None]
    spread = np.empty((height, width, 3, 3), np.float32)
    for i in range(3):
        for j in range(3):
            spread[..., i, j] = mean(guide[..., i] * guide[..., j]) - mean_guide[..., i] * mean_guide[..., j]
        spread[..., i, i] += epsilon
    factors = np.linalg.solve(spread, joint[..., None])[..., 0]
    constant = mean_alpha - (factors * mean_guide).sum(-1)
    return np.clip((mean(factors) * guide).sum(-1) + mean(constant), 0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--most", type=int, default=20, help="pictures of each set")
    args = parser.parse_args()
    pipeline = Pipeline(Settings())
    predictor = Predictor(pipeline.catalogue, pipeline.weights, pipeline.sessions)
    coarse_from: dict[str, Callable[[Picture, np.ndarray], np.ndarray]] = {
        "builtin": lambda picture, _truth: predictor.coarse(picture, "builtin").alpha,
        "blurred truth": lambda _picture, truth: cv2.GaussianBlur(
            cv2.resize(truth, (SIDE, SIDE), interpolation=cv2.INTER_AREA), (0, 0), 2
        ),
    }
    for kind, coarse_of in coarse_from.items():
        for name in args.sets:
            rows = [errors(pair, coarse_of) for pair in pairs(args.data / name)[: args.most]]
            if rows:
                plain, fast, fine, guided = np.transpose(rows)
                print(
                    f"{kind:14} {name:8} {len(rows):3} pictures   SAD {plain.mean():7.2f}k   "
                    f"fast {np.mean(fast / plain):.3f}   fine {np.mean(fine / plain):.3f}   "
                    f"guided filter {np.mean(guided / plain):.3f}",
                    flush=True,
                )


def pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Pictures that have a mask, in order."""
    found = []
    for image in sorted((folder / "images").iterdir()):
        mask = folder / "masks" / f"{image.stem}.png"
        if mask.exists():
            found.append((image, mask))
    return found


def errors(pair: tuple[Path, Path], coarse_of: Callable[[Picture, np.ndarray], np.ndarray]) -> list[float]:
    """Sums of absolute differences in thousands: plain, fast, fine, guided filter."""
    picture = read_picture(pair[0], max_pixels=10**8)
    colour = picture.pixels[..., : picture.colour_channels]
    if picture.space == "gray":
        colour = np.repeat(colour, 3, axis=2)
    truth = read_picture(pair[1], max_pixels=10**8).pixels[..., 0].astype(np.float32) / 255
    coarse = coarse_of(picture, truth)
    made = [
        upsample(coarse, picture.width, picture.height) / 255,
        guided_upsample(coarse, colour) / 255,
        fine_upsample(coarse, colour) / 255,
        guided_filter(coarse, colour),
    ]
    return [float(np.abs(alpha - truth).sum()) / 1000 for alpha in made]


if __name__ == "__main__":
    main()
