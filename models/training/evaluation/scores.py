"""What one alpha scores against one truth, and what a set of them scores. Joins the measures; knows no model
and no file but the pair's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.matting_errors import connectivity_error, gradient_error, mse, sad
from evaluation.sets import Pair
from evaluation.weighted_f import Surroundings, surroundings, weighted_f
from metrics import boundary_iou, e_curve, f_curve, iou_at_half, mean_absolute_error, s_measure

SALIENCY = ("MAE", "max-F", "wF", "S", "max-E", "mean-E", "IoU", "BIoU")
"""Columns by a truth cut at 0.5, but for MAE, which takes it soft."""
MATTING = ("SAD", "MSE", "Grad", "Conn")
"""Columns by soft truth; SAD, Grad and Conn in thousands."""
SOFT_FROM = 0.02
"""A set is soft where the median picture has this share of truth strictly between 0.05 and 0.95."""


@dataclass(frozen=True)
class Truth:
    """A truth, float32 (H, W) in [0, 1], with what all alphas of its picture share."""

    alpha: NDArray[np.float32]
    around: Surroundings
    soft_share: float

    @classmethod
    def of(cls, alpha: NDArray[np.float32]) -> Truth:
        """Prepares a truth."""
        return cls(alpha, surroundings(alpha), float(((alpha > 0.05) & (alpha < 0.95)).mean()))


@dataclass(frozen=True)
class Score:
    """How one model did on one picture. `plain`: the columns that are means over a set; `f_levels`,
    `e_levels`: float64 (256,), of which a set's figures are made.
    """

    pair: Pair
    plain: Mapping[str, float]
    f_levels: NDArray[np.float64]
    e_levels: NDArray[np.float64]
    soft_share: float


def score(pair: Pair, alpha: NDArray[np.float32], truth: Truth) -> Score:
    """Judges an alpha, float32 (H, W) in [0, 1]."""
    wanted = truth.alpha
    plain = {
        "MAE": mean_absolute_error(alpha, wanted),
        "wF": weighted_f(alpha, wanted, truth.around),
        "S": s_measure(alpha, wanted),
        "IoU": iou_at_half(alpha, wanted),
        "BIoU": boundary_iou(alpha, wanted),
        "SAD": sad(alpha, wanted),
        "MSE": mse(alpha, wanted),
        "Grad": gradient_error(alpha, wanted),
        "Conn": connectivity_error(alpha, wanted),
    }
    return Score(pair, plain, f_curve(alpha, wanted), e_curve(alpha, wanted), truth.soft_share)


def figures(scores: Sequence[Score]) -> dict[str, float]:
    """Every column of `SALIENCY` and `MATTING` for these pictures together.

    The curves are averaged over the pictures first; max-F and max-E are the highest value of that.
    """
    f_levels = np.mean([s.f_levels for s in scores], axis=0)
    e_levels = np.mean([s.e_levels for s in scores], axis=0)
    curves = {"max-F": f_levels.max(), "max-E": e_levels.max(), "mean-E": e_levels.mean()}
    means = {name: np.mean([s.plain[name] for s in scores]) for name in scores[0].plain}
    found = {**curves, **means}
    return {name: float(found[name]) for name in (*SALIENCY, *MATTING)}


def is_soft(scores: Sequence[Score]) -> bool:
    """Whether the truth of these pictures is soft enough for the errors of `MATTING` to mean something."""
    return float(np.median([s.soft_share for s in scores])) >= SOFT_FROM


def best_to_worst(scores: Sequence[Score]) -> list[Score]:
    """By falling IoU at 0.5, then by rising MAE."""
    return sorted(scores, key=lambda s: (-s.plain["IoU"], s.plain["MAE"]))
