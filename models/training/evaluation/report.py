"""The report of an evaluation: Markdown tables, one line per picture as CSV, and which pictures its contact
sheets show. Knows names and scores; runs no model.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from evaluation.scores import MATTING, SALIENCY, Score, best_to_worst, figures, is_soft

SUMMARY = ("MAE", "max-F", "IoU")
EMPTY_MEAN = 0.02
"""Mean alpha below which a picture counts as empty."""

ByModel = Mapping[str, Sequence[Score]]
"""The scores of one set's pictures, in one order, by the model's name."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, its lines ending in a line break."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def summary_table(sets: Mapping[str, ByModel]) -> str:
    """A row for each set: the number of pictures, then MAE, max-F and IoU of each model."""
    models = next(iter(sets.values())).keys()
    head = ["set", "pictures", *(f"{model} {column}" for model in models for column in SUMMARY)]
    return table(head, [_row(name, scores, SUMMARY) for name, scores in sets.items()])


def full_tables(sets: Mapping[str, ByModel]) -> str:
    """For each model a table with a row for each set; the matting errors stand only where truth is soft."""
    models = next(iter(sets.values())).keys()
    soft = {name for name, scores in sets.items() if is_soft(next(iter(scores.values())))}
    parts = []
    for model in models:
        rows = []
        for name, scores in sets.items():
            row = _row(name, {model: scores[model]}, (*SALIENCY, *MATTING))
            rows.append(row if name in soft else row[: -len(MATTING)] + ["-"] * len(MATTING))
        parts.append(f"### {model}\n\n" + table(["set", "pictures", *SALIENCY, *MATTING], rows))
    return "\n".join(parts)


def empty_table(means: Mapping[str, Sequence[float]]) -> str:
    """A row for each model: of how many pictures without subject the mean alpha is below 0.02."""
    head = ["model", "pictures", f"mean alpha below {EMPTY_MEAN}", "mean", "highest"]
    return table(
        head,
        [
            [
                model,
                str(len(found)),
                str(sum(value < EMPTY_MEAN for value in found)),
                f"{np.mean(found):.4f}",
                f"{max(found):.4f}",
            ]
            for model, found in means.items()
        ],
    )


def worst_table(scores: Sequence[Score]) -> str:
    """A row for each picture."""
    rows = [
        [s.pair.set_name, s.pair.name, *(f"{figures([s])[column]:.3f}" for column in SUMMARY)] for s in scores
    ]
    return table(["set", "picture", *SUMMARY], rows)


def write_pictures(path: Path, sets: Mapping[str, ByModel]) -> None:
    """Every figure of every picture and model as CSV; the matting errors also where truth is hard."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["set", "picture", "model", *SALIENCY, *MATTING])
        for name, by_model in sets.items():
            for model, scores in by_model.items():
                for one in scores:
                    values = (f"{value:.6g}" for value in figures([one]).values())
                    lines.writerow([name, one.pair.name, model, *values])


def write_empties(path: Path, names: Sequence[str], means: Mapping[str, Sequence[float]]) -> None:
    """The mean alpha of every picture without subject, a column for each model, as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["picture", *means])
        lines.writerows(zip(names, *([f"{v:.6f}" for v in found] for found in means.values()), strict=True))


def shown(scores: Sequence[Score], count: int = 12) -> list[Score]:
    """The pictures for a set's sheet, best first: the best, the middle and the worst `count` / 3."""
    ranked, third = best_to_worst(scores), count // 3
    if len(ranked) <= count:
        return ranked
    middle = (len(ranked) - third) // 2
    return ranked[:third] + ranked[middle : middle + third] + ranked[-third:]


def worst(sets: Mapping[str, ByModel], count: int = 20) -> list[Score]:
    """The first model's worst pictures over all sets, the worst first."""
    everything = [score for by_model in sets.values() for score in next(iter(by_model.values()))]
    return best_to_worst(everything)[::-1][:count]


def _row(name: str, scores: ByModel, columns: Sequence[str]) -> list[str]:
    values = []
    for found in scores.values():
        total = figures(found)
        values += [
            f"{total[column]:.3f}" if column != "MSE" else f"{total[column]:.4f}" for column in columns
        ]
    return [name, str(len(next(iter(scores.values())))), *values]
