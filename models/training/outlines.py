"""The subjects that we outlined by hand: reads `outlines.jsonl` and draws its masks, snapped to the picture's
own colours. NumPy and OpenCV only; it knows the outline file and nothing of the network.

One JSON object a line: "photo" is the picture's path below the data folder; "kind" is "subject" or
"none" (nothing to cut out); "in" and "out" list the outer outlines and the gaps, each a flat
list x, y, x, y, ... in percent of the picture's width and height.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

OUTLINES = Path(__file__).with_name("outlines.jsonl")
_SUBPIXEL_BITS = 4
_BAND = 0.022
"""How far the colours may move a drawn line, as a share of the picture's longer side."""
_LEAST_AGREEMENT = 0.75
"""IoU with the drawn mask under which the snapped one is not believed."""
_SPECK = 0.0015
"""Pieces and pinholes below this share of the picture are dropped after snapping."""


@dataclass(frozen=True)
class Outline:
    """One picture's outlines: `outer` and `gaps` are float64 (points, 2), in percent; none at all where the
    picture holds no subject."""

    photo: str
    outer: tuple[NDArray[np.float64], ...]
    gaps: tuple[NDArray[np.float64], ...]
    snaps: bool


def read_outlines(file: Path = OUTLINES) -> tuple[Outline, ...]:
    """All outlines of a file, in its order."""
    records = [json.loads(line) for line in file.read_text().splitlines() if line]
    return tuple(
        Outline(r["photo"], _points(r.get("in", [])), _points(r.get("out", [])), not r.get("raw", False))
        for r in records
    )


def _points(lists: list[list[float]]) -> tuple[NDArray[np.float64], ...]:
    return tuple(np.array(flat, np.float64).reshape(-1, 2) for flat in lists)


def drawn_mask(outline: Outline, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The outline filled, uint8 (H, W), 255 = subject."""
    height, width = shape
    mask = np.zeros(shape, np.uint8)
    to_pixels = np.array([width, height]) / 100 * 2**_SUBPIXEL_BITS
    for points, value in [(p, 255) for p in outline.outer] + [(p, 0) for p in outline.gaps]:
        cv2.fillPoly(mask, [np.round(points * to_pixels).astype(np.int32)], value, cv2.LINE_8, _SUBPIXEL_BITS)
    return mask


def snapped_mask(outline: Outline, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The outline moved to the edges of the picture, uint8 (H, W, 3), by GrabCut (Rother et al. 2004) within
    a narrow band: uint8 (H, W), 0 or 255.

    Parts too thin to hold a sure inside stay as drawn, and so does all of it where the colours disagree.
    """
    drawn = drawn_mask(outline, image.shape[:2])
    covered = drawn > 0
    if not outline.snaps or not covered.any() or covered.mean() > 0.995:
        return drawn
    band = _BAND * max(drawn.shape)
    margin = int(band) + 8
    beyond = cv2.copyMakeBorder(drawn, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    inside = cv2.distanceTransform(beyond, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(255 - beyond, cv2.DIST_L2, 5)
    reach = 2 * int(1.6 * band) + 1
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    thick = cv2.dilate((inside > band).astype(np.uint8), around)
    own = np.s_[margin:-margin, margin:-margin]
    thin = ((beyond > 0) & (thick == 0))[own]
    labels = np.where(covered, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[(inside[own] > band) | thin] = cv2.GC_FGD
    labels[outside[own] > band] = cv2.GC_BGD
    if not (np.isin(labels, (1, 3)).any() and np.isin(labels, (0, 2)).any()):
        return drawn
    cv2.setRNGSeed(0)
    cv2.grabCut(image, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    snapped = cv2.medianBlur(np.isin(labels, (1, 3)).astype(np.uint8) * 255, 5)
    snapped = _without_specks(np.maximum(snapped, thin.astype(np.uint8) * 255))
    agreement = np.count_nonzero(covered & (snapped > 0)) / np.count_nonzero(covered | (snapped > 0))
    return snapped if agreement >= _LEAST_AGREEMENT else drawn


def _without_specks(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Drops small pieces and fills small holes."""
    for piece_value in (255, 0):
        count, pieces, facts, _ = cv2.connectedComponentsWithStats((mask == piece_value).astype(np.uint8))
        for piece in range(1, count):
            if facts[piece, cv2.CC_STAT_AREA] < _SPECK * mask.size:
                mask[pieces == piece] = 255 - piece_value
    return mask
