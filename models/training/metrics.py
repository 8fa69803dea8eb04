"""The three figures an alpha is judged by. NumPy only; every function takes one picture at its own size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BETA_SQUARED = 0.3
_LEVELS = 255


def mean_absolute_error(alpha: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Mean |alpha - truth|, both (H, W) in [0, 1]."""
    return float(np.abs(alpha - truth).mean())


def iou_at_half(alpha: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Intersection over union of both cut at 0.5; 1 where both are empty."""
    a, t = alpha >= 0.5, truth >= 0.5
    either = np.count_nonzero(a | t)
    return np.count_nonzero(a & t) / either if either else 1.0


def f_curve(alpha: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float64]:
    """F-measure (beta squared 0.3, Achanta et al. 2009) of alpha cut at each of 255 levels: float64 (255,).

    The max-F of a set is the highest value of its pictures' mean curve.
    """
    t = truth >= 0.5
    level = np.clip((alpha * _LEVELS).astype(np.int32), 0, _LEVELS)
    hits = np.bincount(level[t], minlength=_LEVELS + 1)[::-1].cumsum()[::-1][1:].astype(np.float64)
    taken = np.bincount(level.ravel(), minlength=_LEVELS + 1)[::-1].cumsum()[::-1][1:].astype(np.float64)
    precision = hits / np.maximum(taken, 1)
    recall = hits / max(int(np.count_nonzero(t)), 1)
    return (1 + _BETA_SQUARED) * precision * recall / np.maximum(_BETA_SQUARED * precision + recall, 1e-9)
