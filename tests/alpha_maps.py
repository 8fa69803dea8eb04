"""Generated alphas and truths for the tests of the measures, the same on every computer: whole numbers only.
Run as a script it writes what pysodmetrics says of them to `models/pysodmetrics.json`; that package is no
dependency of the tests, for it does not admit the newest NumPy and OpenCV:

    pip install pysodmetrics==1.6.2 && python tests/alpha_maps.py
"""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]

HEIGHT, WIDTH = 61, 83
PUBLISHED = Path(__file__).parent / "models" / "pysodmetrics.json"
LEVELS = slice(0, 256, 15)
"""Which levels of a curve are written down."""


def disc(x: int, y: int, radius: int) -> Plane:
    """255 within `radius` pixels of column x, row y; 0 elsewhere: (61, 83)."""
    return np.where(_squared_distance(x, y) < radius**2, 255, 0).astype(np.uint8)


def glow(x: int, y: int, radius: int) -> Plane:
    """255 at column x, row y, falling with the squared distance to 0 at `radius`: (61, 83)."""
    return np.clip(255 - 255 * _squared_distance(x, y) // radius**2, 0, 255).astype(np.uint8)


def noise(seed: int) -> Plane:
    """Any value from 0 to 255 at each pixel: (61, 83)."""
    place = np.arange(HEIGHT * WIDTH, dtype=np.uint64) + np.uint64(seed * 7919)
    mixed = (place * np.uint64(2654435761)) ^ (place * place * np.uint64(40503))
    return (mixed >> np.uint64(13)).astype(np.uint8).reshape(HEIGHT, WIDTH)


def flat(value: int) -> Plane:
    """One value everywhere: (61, 83)."""
    return np.full((HEIGHT, WIDTH), value, np.uint8)


def cases() -> dict[str, tuple[Plane, Plane]]:
    """Alpha and truth, 255 = subject, by a name that says what they are to each other."""
    one, two = disc(35, 28, 17), np.maximum(disc(20, 20, 11), disc(62, 41, 13))
    return {
        "exact": (one, one),
        "opposite": (255 - one, one),
        "noise": (noise(1), one),
        "soft and moved": (glow(41, 30, 25), one),
        "two, one of them found": (glow(21, 20, 16), two),
        "two under noise": (np.maximum(glow(60, 41, 20), noise(2) // 3), two),
        "nothing found": (flat(0), two),
        "everything found": (flat(255), two),
        "half everywhere": (flat(127), two),
        "truth is empty": (glow(30, 30, 12), flat(0)),
        "truth is everything": (noise(3), flat(255)),
        "cut by the border": (glow(3, 55, 30), disc(0, 60, 26)),
        "soft truth": (glow(40, 30, 28), glow(36, 27, 31)),
    }


def _squared_distance(x: int, y: int) -> npt.NDArray[np.int64]:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (columns - x) ** 2 + (rows - y) ** 2


def _write_published() -> None:
    import py_sod_metrics

    found = {}
    for name, (alpha, truth) in cases().items():
        measures = {
            "mae": py_sod_metrics.MAE(),
            "f": py_sod_metrics.Fmeasure(),
            "wf": py_sod_metrics.WeightedFmeasure(),
            "s": py_sod_metrics.Smeasure(),
            "e": py_sod_metrics.Emeasure(),
        }
        for measure in measures.values():
            measure.step(alpha / 255, truth >= 128, normalize=False)
        results = {key: measure.get_results() for key, measure in measures.items()}
        found[name] = {
            "MAE": float(results["mae"]["mae"]),
            "wF": float(results["wf"]["wfm"]),
            "S": float(results["s"]["sm"]),
            "F curve": results["f"]["fm"]["curve"][::-1][LEVELS].tolist(),
            "E curve": results["e"]["em"]["curve"][::-1][LEVELS].tolist(),
        }
    PUBLISHED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write_published()
