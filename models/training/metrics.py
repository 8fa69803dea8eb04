"""What an alpha is judged by, one picture at its own size: errors, overlaps and the measures of saliency
papers. NumPy and OpenCV only, so that training can use it anywhere; knows no file and no model. The errors of
soft alpha and the weighted F-measure are in `evaluation/`.

Every function takes alpha and truth as (H, W) floats in [0, 1]. Measures that want a yes or no of the truth
cut it at 0.5. None of them stretches the alpha to its own range first, as papers often do: who asks for a
mask gets it unstretched.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Alpha = NDArray[np.floating]

_BETA_SQUARED = 0.3
_LEVELS = 256
_BOUNDARY_SHARE = 0.02
_TINY = np.finfo(np.float64).eps


def mean_absolute_error(alpha: Alpha, truth: Alpha) -> float:
    """Mean |alpha - truth|: 0 is exact, 1 is the opposite. The truth is taken soft, as it is."""
    return float(np.abs(alpha - truth).mean())


def iou_at_half(alpha: Alpha, truth: Alpha) -> float:
    """Intersection over union of both cut at 0.5; 1 where both are empty."""
    return _overlap(alpha >= 0.5, truth >= 0.5)


def boundary_iou(alpha: Alpha, truth: Alpha) -> float:
    """Intersection over union of the two inner borders, both cut at 0.5; 1 where neither has one.

    A border is as wide as 2 % of the picture's diagonal, and the picture's own edge counts as one. Source:
    Cheng, Girshick, Dollár, Berg, Kirillov, "Boundary IoU", CVPR 2021.
    """
    width_px = max(1, round(_BOUNDARY_SHARE * float(np.hypot(*truth.shape))))
    return _overlap(_border(alpha >= 0.5, width_px), _border(truth >= 0.5, width_px))


def f_curve(alpha: Alpha, truth: Alpha) -> NDArray[np.float64]:
    """F-measure with beta squared 0.3 at each of 256 levels: float64 (256,) in [0, 1].

    Level k takes what an 8-bit mask would hold as k or more. The max-F of a set is the highest value of its
    pictures' mean curve. All 0 where the truth is empty. Source: Achanta, Hemami, Estrada, Süsstrunk,
    "Frequency-tuned salient region detection", CVPR 2009.
    """
    subject = truth >= 0.5
    hits, taken = _per_level(alpha, subject)
    precision = hits / np.maximum(taken, 1)
    recall = hits / max(int(np.count_nonzero(subject)), 1)
    weighed = (1 + _BETA_SQUARED) * precision * recall
    return weighed / np.maximum(_BETA_SQUARED * precision + recall, _TINY)


def e_curve(alpha: Alpha, truth: Alpha) -> NDArray[np.float64]:
    """Enhanced-alignment measure at each of the 256 levels of `f_curve`: float64 (256,) in [0, 1].

    Divided by the number of pixels, as in the paper; published code divides by one less. Max-E and mean-E of
    a set are the highest value and the mean of its pictures' mean curve. Source: Fan, Gong, Cao, Ren, Cheng,
    Borji, "Enhanced-alignment measure for binary foreground map evaluation", IJCAI 2018.
    """
    subject = truth >= 0.5
    hits, taken = _per_level(alpha, subject)
    pixels, wanted = subject.size, int(np.count_nonzero(subject))
    if wanted == 0:
        return 1 - taken / pixels
    if wanted == pixels:
        return taken / pixels
    share_taken, share_wanted = taken / pixels, wanted / pixels
    aligned = hits * _alignment(1 - share_taken, 1 - share_wanted)
    aligned += (taken - hits) * _alignment(1 - share_taken, -share_wanted)
    aligned += (wanted - hits) * _alignment(-share_taken, 1 - share_wanted)
    aligned += (pixels - wanted - taken + hits) * _alignment(-share_taken, -share_wanted)
    return aligned / pixels


def s_measure(alpha: Alpha, truth: Alpha) -> float:
    """Structure measure in [0, 1], half of it for objects and half for regions.

    Where the truth is empty or full, how far the alpha is so. Source: Fan, Cheng, Liu, Li, Borji,
    "Structure-measure: a new way to evaluate foreground maps", ICCV 2017.
    """
    subject = truth >= 0.5
    share = float(subject.mean())
    found = alpha.astype(np.float64)
    if share in (0.0, 1.0):
        return float(1 - np.abs(found - share).mean())
    objects = share * _evenness(found[subject]) + (1 - share) * _evenness(1 - found[~subject])
    return max(0.0, 0.5 * objects + 0.5 * _by_quarters(found, subject))


def _overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    either = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / either if either else 1.0


def _border(subject: NDArray[np.bool_], width_px: int) -> NDArray[np.bool_]:
    square = np.ones((2 * width_px + 1, 2 * width_px + 1), np.uint8)
    inner = cv2.erode(subject.astype(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return subject & (inner == 0)


def _per_level(alpha: Alpha, subject: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many pixels of the subject, and of all, reach each level: float64 (256,) both."""
    level = np.clip(alpha * (_LEVELS - 1) + 0.5, 0, _LEVELS - 1).astype(np.uint8)
    inside = np.bincount(level[subject], minlength=_LEVELS)
    everywhere = np.bincount(level.ravel(), minlength=_LEVELS)
    hits, taken = (counts[::-1].cumsum()[::-1].astype(np.float64) for counts in (inside, everywhere))
    return hits, taken


def _alignment(found: NDArray[np.float64], wanted: float) -> NDArray[np.float64]:
    """The paper's enhanced alignment of two values that have lost their means; a quarter where both are 0."""
    agreement = 2 * found * wanted / (found**2 + wanted**2 + _TINY)
    return (1 + agreement) ** 2 / 4


def _evenness(values: NDArray[np.float64]) -> float:
    """The paper's object score: 1 where all values are 1."""
    mean = float(values.mean())
    deviation = float(values.std(ddof=1)) if values.size > 1 else 0.0
    return 2 * mean / (mean**2 + 1 + deviation + _TINY)


def _by_quarters(found: NDArray[np.float64], subject: NDArray[np.bool_]) -> float:
    """Structural similarity of the four parts around the subject's centre, weighed by their areas."""
    row, column = (round(float(places.mean())) + 1 for places in np.nonzero(subject))
    score = 0.0
    for rows in (slice(None, row), slice(row, None)):
        for columns in (slice(None, column), slice(column, None)):
            part = subject[rows, columns]
            if part.size:
                score += part.size * _similarity(found[rows, columns], part.astype(np.float64))
    return score / subject.size


def _similarity(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    x, y = float(found.mean()), float(wanted.mean())
    freedom = max(found.size - 1, 1)
    spread = float(((found - x) ** 2).sum() + ((wanted - y) ** 2).sum()) / freedom
    together = float(((found - x) * (wanted - y)).sum()) / freedom
    if x * y * together != 0:
        return 4 * x * y * together / ((x**2 + y**2) * spread + _TINY)
    return 1.0 if (x**2 + y**2) * spread == 0 else 0.0
