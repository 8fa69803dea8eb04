"""The weighted F-measure, which counts an error less beside an edge and more far from the subject. Apart from
the other measures because it needs SciPy; knows no file and no model.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

_WINDOW, _SIGMA = (7, 7), 5.0
_HALVING_PX = 5.0
"""So far from the subject, half of the way to the double weight is done."""


@dataclass(frozen=True)
class Surroundings:
    """For every pixel of a picture: how far the subject is in pixels, and the row and column of the nearest
    pixel of it. All (H, W), as `surroundings` gives them.
    """

    distance: NDArray[np.float64]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]


def surroundings(truth: NDArray[np.floating]) -> Surroundings:
    """Those of a truth (H, W) in [0, 1] cut at 0.5. Costs most of the measure, so one serves many alphas."""
    distance, (rows, columns) = distance_transform_edt(truth < 0.5, return_indices=True)
    return Surroundings(distance, rows, columns)


def weighted_f(
    alpha: NDArray[np.floating], truth: NDArray[np.floating], around: Surroundings | None = None
) -> float:
    """Weighted F-measure with beta squared 1, in [0, 1]; 0 where the truth is empty.

    alpha, truth: (H, W) in [0, 1]; the truth is cut at 0.5. `around`: `surroundings(truth)` where the caller
    has it. Source: Margolin, Zelnik-Manor, Tal, "How to evaluate foreground maps?", CVPR 2014.
    """
    subject = truth >= 0.5
    wanted = int(np.count_nonzero(subject))
    if wanted == 0:
        return 0.0
    around = around or surroundings(truth)
    error = np.abs(alpha.astype(np.float64) - subject)
    # Background takes the error of the subject's nearest pixel: blurring mixes only the subject's own.
    drawn_out = error[around.rows, around.columns]
    blurred = cv2.GaussianBlur(drawn_out, _WINDOW, _SIGMA, borderType=cv2.BORDER_CONSTANT)
    missed = float(np.minimum(error, blurred)[subject].sum())
    weight = 2 - 0.5 ** (around.distance / _HALVING_PX)
    spilled = float((error * weight)[~subject].sum())
    hit = wanted - missed
    precision = hit / (hit + spilled) if hit + spilled > 0 else 0.0
    recall = hit / wanted
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
