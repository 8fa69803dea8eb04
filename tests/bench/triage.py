"""How well the confidence finds bad mattes: `python tests/bench/triage.py DATA [--write]`.

DATA holds folders with `images/` and `masks/` (same stem; 255 is subject). A matte is bad when its overlap
with the truth (intersection over union at one half) is below 0.7. The pictures are dealt into two halves by
their names, frames of one film together. A logistic function of the measures of `matting/triage.py` is
fitted on the first half; what it catches, and what it suspects wrongly, is counted on the second. With
`--write` the constants go to `matting/calibration.py`; without it they are printed.
"""

import argparse
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matted.config import Settings
from matted.imaging.picture import Picture
from matted.imaging.read import read_picture
from matted.inference.predict import Predictor
from matted.matting import calibration
from matted.matting.triage import UNSURE_SHARE, measures, triage
from matted.matting.upsample import upsample
from matted.pipeline import Pipeline

SETS = ("am2k", "bags", "cats", "ccp", "davis", "grabcut", "human", "lemur", "voc")
USED = (
    *("inside", "unsure", "share", "steepness", "contrast"),
    *("drawn", "border", "scattered", "ragged", "aside"),
)
FACTS = ("touches-border", "several-subjects", "small-picture")  # of the picture: the truth can say so, too
BAD_BELOW = 0.7
PENALTY = 3.0  # on the squared weights of measures in units of their spread: half of the pictures are few
ALARMS = 0.15  # of the good mattes: as many false alarms the threshold may raise on the half it is fitted on


@dataclass(frozen=True)
class Judged:
    """A picture's measures, how well its matte overlaps the truth, and its warnings.

    `told`: their codes for the matte, without the confidence's; `true`: for the truth in its place.
    """

    set: str
    stem: str
    overlap: float
    found: dict[str, float]
    told: tuple[str, ...]
    true: tuple[str, ...]

    @property
    def half(self) -> int:
        """0 or 1, by the name without a frame's number."""
        name = re.sub(r"[-_]?\d+$", "", self.stem) if self.set == "davis" else self.stem
        return zlib.crc32(name.encode()) % 2


def judged(data: Path, sets: list[str], model: str) -> list[Judged]:
    """Every picture of the sets that has a mask."""
    pipeline = Pipeline(Settings())
    predictor = Predictor(pipeline.catalogue, pipeline.weights, pipeline.sessions)
    rows = []
    for name in sets:
        for image in sorted((data / name / "images").iterdir()):
            mask = data / name / "masks" / f"{image.stem}.png"
            if not mask.exists():
                continue
            picture = read_picture(image, max_pixels=10**8)
            truth = read_picture(mask, max_pixels=10**8).pixels[..., 0] >= 128
            alpha = predictor.coarse(picture, model).alpha
            made = upsample(alpha, picture.width, picture.height) >= 128
            union = int((made | truth).sum())
            overlap = int((made & truth).sum()) / union if union else 1.0
            found = measures(alpha, picture.pixels)
            told, true = (codes(plane, picture) for plane in (alpha, truth.astype(np.float32)))
            rows.append(Judged(name, image.stem, overlap, found, told, true))
    pipeline.close()
    return rows


def codes(alpha: np.ndarray, picture: Picture) -> tuple[str, ...]:
    """The warnings of an alpha (h, w) but the confidence's, which is yet to be fitted."""
    found = triage(alpha, picture.pixels, full_size=picture.full_size).notices
    return tuple(notice.code for notice in found if notice.code != "low-confidence")


@dataclass(frozen=True)
class Fit:
    """A logistic function of standardised measures."""

    constant: float
    middle: np.ndarray
    spread: np.ndarray
    weights: np.ndarray

    def __call__(self, rows: list[Judged]) -> np.ndarray:
        scores = (table(rows) - self.middle) / self.spread @ self.weights + self.constant
        return 1 / (1 + np.exp(-np.clip(scores, -30, 30)))


def table(rows: list[Judged]) -> np.ndarray:
    """(pictures, measures)"""
    return np.array([[row.found[name] for name in USED] for row in rows])


def fitted(rows: list[Judged]) -> Fit:
    """By Newton's method; the constant is not penalised."""
    values, good = table(rows), np.array([row.overlap >= BAD_BELOW for row in rows], float)
    middle, spread = values.mean(axis=0), values.std(axis=0) + 1e-6
    inputs = np.column_stack([np.ones(len(rows)), (values - middle) / spread])
    penalty = np.diag([0.0] + [PENALTY] * len(USED))
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (good - chance) - penalty @ weights
        curve = inputs.T @ (inputs * (chance * (1 - chance))[:, None]) + penalty
        weights += np.linalg.solve(curve, slope)
    return Fit(float(weights[0]), middle, spread, weights[1:])


def threshold(trust: np.ndarray, rows: list[Judged]) -> float:
    """The confidence below which ALARMS of the good mattes lie."""
    good = np.array([row.overlap >= BAD_BELOW for row in rows])
    return round(float(np.quantile(trust[good], ALARMS)), 2)


def report(title: str, trust: np.ndarray, rows: list[Judged], below: float) -> None:
    """What is caught and what is suspected wrongly, at `below` and beside it; the area under the curve."""
    bad = np.array([row.overlap < BAD_BELOW for row in rows])
    order = trust[~bad][None] - trust[bad][:, None]
    area = float(((order > 0) + 0.5 * (order == 0)).mean())
    overlaps = np.array([row.overlap for row in rows])
    print(f"{title}: {len(rows)} mattes, {bad.sum()} bad; area under the curve {area:.3f}")
    for at in sorted({0.3, 0.5, 0.7, 0.9, below}):
        caught, alarms = (trust[bad] < at).mean(), (trust[~bad] < at).mean()
        rest = overlaps[trust >= at]
        print(
            f"  below {at:.2f}{'*' if at == below else ' '} caught {caught:4.0%}   false alarms {alarms:4.0%}"
            f"   of the rest bad {(rest < BAD_BELOW).mean():4.0%}, mean overlap {rest.mean():.3f}"
        )


def warnings(rows: list[Judged]) -> None:
    """How often each warning is given of good and of bad mattes, and how often the truth bears it out."""
    bad = np.array([row.overlap < BAD_BELOW for row in rows])
    limit = np.quantile([row.found["unsure"] for row in rows if row.overlap >= BAD_BELOW], 0.95)
    print(f"warnings; 95 % of good mattes are unsure of at most {limit:.2f} of the subject ({UNSURE_SHARE=})")
    for code in sorted({code for row in rows for code in row.told}):
        told = np.array([code in row.told for row in rows])
        line = f"  {code:16} good {told[~bad].mean():4.0%}   bad {told[bad].mean():4.0%}"
        if code in FACTS:
            true = np.array([code in row.true for row in rows])
            line += f"   {true[told].mean():4.0%} of those true, {told[true].mean():4.0%} of the true told"
        print(line)


def source(fit: Fit, below: float) -> str:
    """The text of `calibration.py`."""
    found = zip(USED, fit.middle, fit.spread, fit.weights, strict=True)
    lines = [f'    "{name}": ({m:.4f}, {s:.4f}, {w:.4f}),' for name, m, s, w in found]
    head = Path(calibration.__file__).read_text("utf-8").split("\n\nCONSTANT")[0]
    return (
        f"{head}\n\nCONSTANT = {fit.constant:.4f}\n"
        "MEASURES: dict[str, tuple[float, float, float]] = {\n" + "\n".join(lines) + "\n}\n"
        f"REVIEW_BELOW = {below:.2f}  # the confidence below which a person should look\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--write", action="store_true", help="write the constants instead of printing them")
    parser.add_argument("--keep", type=Path, help="a JSON file for the measures: read if there, else written")
    args = parser.parse_args()
    if args.keep and args.keep.exists():
        rows = [Judged(**row) for row in json.loads(args.keep.read_text("utf-8"))]
    else:
        rows = judged(args.data, args.sets, args.model)
        if args.keep:
            args.keep.write_text(json.dumps([vars(row) for row in rows]), encoding="utf-8")
    halves = [row for row in rows if row.half == 0], [row for row in rows if row.half == 1]
    for name in args.sets:
        some = np.array([row.overlap for row in rows if row.set == name])
        bad = (some < BAD_BELOW).mean()
        print(f"{name:8} {len(some):4} pictures, mean overlap {some.mean():.3f}, bad {bad:4.0%}")
    fit = fitted(halves[0])
    below = threshold(fit(halves[0]), halves[0])
    report("the half it was fitted on", fit(halves[0]), halves[0], below)
    report("the other half", fit(halves[1]), halves[1], below)
    turned = fitted(halves[1])
    report("the halves exchanged", turned(halves[0]), halves[0], threshold(turned(halves[1]), halves[1]))
    for name, weight in sorted(zip(USED, fit.weights, strict=True), key=lambda pair: -abs(pair[1])):
        print(f"  {name:10} {weight:+.2f}")
    warnings(rows)
    text = source(fit, below)
    if args.write:
        Path(calibration.__file__).write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
