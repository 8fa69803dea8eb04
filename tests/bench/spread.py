"""Where a stroke's factors come from: `python tests/bench/spread.py DATA SET... [--most N]`.

DATA holds folders with `images/` and `masks/` (same stem; 255 is subject) that nothing is measured on.
Simulated people (`people.py`) correct the built-in model's matte with three strokes each. Every place around
a stroke that is not as it says is asked whether it should be, by the truth, and counts by the error that
hangs on it. Prints the factors of `matting/spread.py`, by logistic regression, that of "flat" given;
then those of the model's looks alone, all others given.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from brush import loaded, pairs
from people import painted, stroke

from matted.config import Settings
from matted.matting import spread
from matted.matting.brush import REACH, Look, _ground, _seeds, _seen, _Window, brush_refine
from matted.matting.strokes import find_strokes
from matted.pipeline import Pipeline

STROKES = 3
PLACES = 1500  # of each stroke
PENALTY = 1e-3
LOOKS_ASIDE = {
    kind: {name: factor for name, factor in factors.items() if name not in spread.SEEN}
    for kind, factors in spread.ODDS.items()
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--most", type=int, default=30, help="pictures of each set, evenly taken")
    parser.add_argument("--but", type=int, help="all but so many of each set, which `brush.py --most` takes")
    args = parser.parse_args()
    pipeline = Pipeline(Settings())
    rows: dict[str, list[Rows]] = {}
    for name in args.sets:
        for pair in pairs(args.data / name, args.but or args.most, rest=args.but is not None):
            for found in rounds(*loaded(pipeline, pair)):
                for kind, seen in found.items():
                    rows.setdefault(kind, []).append(seen)
    for kind, some in rows.items():
        told(kind, some, {"flat": 1.0})
        told(f"{kind}, of looks alone", some, LOOKS_ASIDE[kind])


Rows = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]  # features, truth, what hangs on it


def rounds(colour: np.ndarray, truth: np.ndarray, made: np.ndarray, look: Look) -> Iterator[dict[str, Rows]]:
    """What each of `spread.ODDS` has to go by around each stroke."""
    random = np.random.default_rng(0)
    for number in range(STROKES):
        drawn = stroke(truth, made, soft=number % 2 == 1)
        if drawn is None:
            return
        left = painted(made, drawn)
        strokes = find_strokes(made, left)
        if strokes is None:
            return
        window = _Window.around(strokes, made.shape)
        place = (window.rows, window.columns)
        seen = _seen(strokes, window, made.shape, look)
        ground = _ground(colour[place], made[place], window, max(made.shape), seen)
        seeds = _seeds(window, strokes, strokes.keep if drawn.white else strokes.remove)
        if not seeds.any():
            return
        against = np.zeros_like(seeds)
        wanted, state = window.reduced(truth[place]), ground.alpha
        if not drawn.white:
            wanted, state = 1 - wanted, 1 - state
        stake = np.abs(np.abs(wanted - state) - np.abs(1 - wanted))
        piece = spread.piece_of(ground, seeds, against, keep=drawn.white, reach=REACH * ground.side)
        asked, found = None, {}
        for kind, first in (("first", None), ("again", piece)):
            planes, is_open = spread.features(ground, seeds, against, keep=drawn.white, first=first)
            if asked is None:
                places = np.flatnonzero(is_open & ~seeds)
                asked = random.choice(places, min(PLACES, len(places)), replace=False)
            table = {name: plane.ravel()[asked] for name, plane in planes.items()}
            found[kind] = (table, wanted.ravel()[asked] > 0.5, stake.ravel()[asked])
        yield found
        made = brush_refine(made, left, colour, look=look)


def told(name: str, rows: list[Rows], given: dict[str, float]) -> None:
    """Fits and prints the constant and the factors but those that are given."""
    wanted, stake = (np.concatenate([row[k] for row in rows]).astype(float) for k in (1, 2))
    columns = {key: np.concatenate([row[0][key] for row in rows]).astype(float) for key in rows[0][0]}
    columns["constant"] = np.ones(len(wanted))
    offset = np.sum([factor * columns.pop(key) for key, factor in given.items()], axis=0)
    table = np.column_stack([*columns.values()])
    scale = np.array([1.0 if key == "constant" else columns[key].std() + 1e-9 for key in columns])
    table, weights = table / scale, np.zeros(table.shape[1])
    penalty = np.diag([0.0 if key == "constant" else PENALTY for key in columns]) * stake.sum()
    for _ in range(30):
        chance = 1 / (1 + np.exp(-(table @ weights + offset)))
        slope = table.T @ (stake * (wanted - chance)) - penalty @ weights
        curve = (table * (stake * chance * (1 - chance))[:, None]).T @ table + penalty
        weights += np.linalg.solve(curve, slope)
    wrong = (stake * ((chance > 0.5) != wanted)).sum() / (stake * wanted).sum()
    factors = dict(zip(columns, (weights / scale).round(3).tolist(), strict=True))
    print(f"{name}: {len(rows)} strokes, left wrong {wrong:.3f} of what was wrong\n  {factors}")


if __name__ == "__main__":
    main()
