"""Scores models on folders of pictures with truth, as Matted runs them. The command: reads its options, walks
the sets, writes the report. Needs Matted and SciPy, not PyTorch.

    python evaluate.py DATA/eval/* --report OUT \\
        --model builtin --model baselines.toml:csnet --weights DATA/baselines

SET is a folder with images/ and masks/ of the same stems. A model is an id of Matted's catalogue,
FILE.toml:ID for an entry of another catalogue file, or FILE.onnx for a graph exported by export.py; NAME=
before it names it. OUT gets report.md, pictures.csv and contact sheets.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matted.errors import BadOption, MattedError
from matted.imaging.colour import srgb_proxy
from matted.imaging.picture import Picture
from numpy.typing import NDArray
from tqdm import tqdm

from evaluation import report
from evaluation.models import Models
from evaluation.scores import Score, Truth, score
from evaluation.sets import Pair, pairs_of, pictures_without_subject
from evaluation.sheets import Cell, draw_sheet, thumbnail_size

_ROUNDS, _WARM_UP = 30, 3
_CAPTION = 34
"""Letters that fit under a cell."""


def score_set(models: Models, pairs: Sequence[Pair]) -> dict[str, list[Score]]:
    """The scores of every model on every picture of a set, by the model's name."""
    scores: dict[str, list[Score]] = {name: [] for name in models.names}
    for pair in tqdm(pairs, desc=pairs[0].set_name, disable=None):
        picture = pair.picture()
        truth = Truth.of(pair.truth(picture))
        for name in models.names:
            scores[name].append(score(pair, models.alpha(name, picture), truth))
    return scores


def mean_alphas(models: Models, pairs: Sequence[Pair]) -> dict[str, list[float]]:
    """The mean alpha every model gives every picture, by the model's name."""
    means: dict[str, list[float]] = {name: [] for name in models.names}
    for pair in tqdm(pairs, desc=pairs[0].set_name, disable=None):
        picture = pair.picture()
        for name in models.names:
            means[name].append(float(models.alpha(name, picture).mean()))
    return means


def median_ms(models: Models) -> dict[str, float]:
    """The median milliseconds of each model's graph on one picture, measured in turns after warming up."""
    noise = Picture(np.random.default_rng(0).integers(0, 256, (640, 640, 3), np.uint8))
    times: dict[str, list[float]] = {name: [] for name in models.names}
    for _ in range(_WARM_UP + _ROUNDS):
        for name in models.names:
            times[name].append(models.inference_ms(name, noise))
    return {name: float(np.median(found[_WARM_UP:])) for name, found in times.items()}


def sheet_row(models: Models, pair: Pair, captions: Sequence[str]) -> list[Cell]:
    """Photo, truth and every model's alpha. captions: a line for each model."""
    picture = pair.picture()
    size = thumbnail_size(picture.width, picture.height)
    cells = [
        Cell(srgb_proxy(picture, *size), f"{pair.set_name}/{pair.name}"[:_CAPTION]),
        Cell(_grey(pair.truth(picture), size), "truth"),
    ]
    for name, caption in zip(models.names, captions, strict=True):
        cells.append(Cell(_grey(models.alpha(name, picture), size), f"{name} {caption}"))
    return cells


def write_report(models: Models, sets: dict[str, dict[str, list[Score]]], folder: Path) -> str:
    """Writes the CSV and the sheets of these sets into a folder; the Markdown that belongs to them."""
    report.write_pictures(folder / "pictures.csv", sets)
    by_pair = {
        (model, one.pair): one
        for by_model in sets.values()
        for model, all_ in by_model.items()
        for one in all_
    }

    def rows(scores: Sequence[Score]) -> list[list[Cell]]:
        made = []
        for one in scores:
            found = [by_pair[name, one.pair].plain for name in models.names]
            made.append(
                sheet_row(models, one.pair, [f"IoU {f['IoU']:.2f} MAE {f['MAE']:.3f}" for f in found])
            )
        return made

    first = models.names[0]
    for name, by_model in sets.items():
        draw_sheet(folder / "sheets" / f"{name}.png", rows(report.shown(by_model[first])))
    worst = report.worst(sets)
    draw_sheet(folder / "worst.png", rows(worst))
    return (
        f"{report.summary_table(sets)}\n## All figures\n\n{report.full_tables(sets)}\n"
        f"## The worst {len(worst)} pictures of {first}\n\n{report.worst_table(worst)}"
    )


def write_empties(models: Models, pairs: Sequence[Pair], folder: Path) -> str:
    """Writes the CSV and the sheet of pictures without subject; the Markdown that belongs to them."""
    means = mean_alphas(models, pairs)
    report.write_empties(folder / "empty.csv", [pair.name for pair in pairs], means)
    first = means[models.names[0]]
    fullest = sorted(range(len(pairs)), key=lambda row: -first[row])[:12]
    draw_sheet(
        folder / "empty.png",
        [
            sheet_row(models, pairs[row], [f"mean {means[name][row]:.3f}" for name in models.names])
            for row in fullest
        ],
    )
    return f"## Pictures without subject\n\n{report.empty_table(means)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or the exit code of what went wrong, told on stderr."""
    given = _parser().parse_args(arguments)
    try:
        return _run(given)
    except MattedError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _run(given: argparse.Namespace) -> int:
    chosen = {folder.name: pairs_of(folder) for folder in given.sets}
    if len(chosen) < len(given.sets):
        raise BadOption("Two sets have one name: score them apart.")
    empties = pictures_without_subject(given.empty) if given.empty else []
    models = Models(
        given.model or ["builtin"],
        weights=given.weights,
        threads=given.threads,
        refine=given.refine,
        flip=given.flip,
    )
    given.report.mkdir(parents=True, exist_ok=True)
    parts = [f"# {', '.join(models.names)}\n\nedges: {given.refine}; mirrored as well: {given.flip}\n"]
    if chosen:
        sets = {name: score_set(models, pairs) for name, pairs in chosen.items()}
        parts.append(write_report(models, sets, given.report))
    if empties:
        parts.append(write_empties(models, empties, given.report))
    if given.timing:
        times = [[name, f"{ms:.1f}"] for name, ms in median_ms(models).items()]
        parts.append(f"## Time\n\n{report.table(['model', f'ms on {given.threads} threads'], times)}")
    models.close()
    text = "\n".join(parts)
    (given.report / "report.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def _grey(alpha: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    return (small * 255 + 0.5).astype(np.uint8)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET")
    parser.add_argument("--model", action="append", metavar="[NAME=]SPEC", help="again for more; first: ours")
    parser.add_argument("--weights", type=Path, help="folder with files that a catalogue entry only names")
    parser.add_argument("--report", type=Path, required=True, help="folder for the report")
    parser.add_argument("--empty", type=Path, help="folder of pictures without a subject")
    parser.add_argument(
        "--refine", choices=("none", "fast", "fine"), default="none", help="edges, as in Matted"
    )
    parser.add_argument("--flip", action="store_true", help="average with the mirrored picture")
    parser.add_argument("--timing", action="store_true", help="also time the graphs, in turns")
    parser.add_argument("--threads", type=int, default=2)
    return parser


if __name__ == "__main__":
    sys.exit(main())
