"""The four errors by which soft alpha is compared: sum of absolute differences, mean squared error, gradient
and connectivity, over whole pictures. NumPy and OpenCV only; knows no file and no model.

Every function takes alpha and truth as (H, W) floats in [0, 1]; 0 is exact. The two perceptual errors are
those of Rhemann, Rother, Wang, Gelautz, Kohli, Rott, "A perceptually motivated online benchmark for image
matting", CVPR 2009.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Alpha = NDArray[np.floating]

_THOUSAND = 1000.0
_SIGMA_PX = 1.4
_CUT_OFF = 1e-2
"""Where the Gaussian has fallen to this, its kernel ends."""
_STEP = 0.1
_NOTICEABLE = 0.15
"""Alpha this much above what connects it to the subject counts as disconnected."""


def sad(alpha: Alpha, truth: Alpha) -> float:
    """Sum of |alpha - truth|, in thousands of pixels."""
    return float(np.abs(alpha.astype(np.float64) - truth).sum()) / _THOUSAND


def mse(alpha: Alpha, truth: Alpha) -> float:
    """Mean of (alpha - truth) squared, in [0, 1]."""
    return float(((alpha.astype(np.float64) - truth) ** 2).mean())


def gradient_error(alpha: Alpha, truth: Alpha) -> float:
    """Sum of the squared differences of the gradients' magnitudes, in thousands.

    Gradients are by Gaussian derivatives of 1.4 px, each kernel of length 1 as the benchmark's; the picture's
    edge pixels go on beyond it.
    """
    return float(((_steepness(alpha) - _steepness(truth)) ** 2).sum()) / _THOUSAND


def connectivity_error(alpha: Alpha, truth: Alpha) -> float:
    """Sum of the differences in how connected each pixel is to the subject, in thousands.

    The subject at a level is the largest piece (4 neighbours) where both alpha and truth reach it. A pixel is
    connected up to the last of the levels 0, 0.1, .. 1 at which it belongs to the subject; what it has above
    that, from 0.15 on, it lacks in connectedness.
    """
    lowest = np.minimum(alpha, truth)
    connected_to = np.zeros(lowest.shape, np.float64)
    still = np.ones(lowest.shape, bool)
    for level in np.arange(1, round(1 / _STEP) + 1) * _STEP:
        still &= _largest_piece(lowest >= level - 1e-6)
        connected_to[still] = level
    lacks = [
        np.where(rest >= _NOTICEABLE, rest, 0.0) for rest in (alpha - connected_to, truth - connected_to)
    ]
    return float(np.abs(lacks[0] - lacks[1]).sum()) / _THOUSAND


def _steepness(alpha: Alpha) -> NDArray[np.float64]:
    reach = math.ceil(_SIGMA_PX * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * _SIGMA_PX * _CUT_OFF)))
    places = np.arange(-reach, reach + 1, dtype=np.float64)
    bell = np.exp(-(places**2) / (2 * _SIGMA_PX**2))
    slope = -places * bell
    bell, slope = bell / np.linalg.norm(bell), slope / np.linalg.norm(slope)
    plane = np.ascontiguousarray(alpha, np.float64)
    across, down = (
        cv2.sepFilter2D(plane, cv2.CV_64F, x, y, borderType=cv2.BORDER_REPLICATE)
        for x, y in ((slope, bell), (bell, slope))
    )
    return np.hypot(across, down)


def _largest_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    _, labels, pieces, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    areas = pieces[1:, cv2.CC_STAT_AREA]
    return labels == 1 + int(areas.argmax()) if areas.size else np.zeros_like(mask)
