"""Simulated people who correct a mask with a brush: where they see the largest error they draw one stroke.

The stroke lies along the middle of that error; unless told otherwise it is half as wide as the error there
and at most four brush widths long. Soft ones fade over half of their width. Knows the truth, and nothing of
what strokes are for.
"""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

LEAST_PX = 20  # an error of fewer pixels is not seen


@dataclass(frozen=True)
class Stroke:
    """`white`: whether the subject was missed. `cover`: (H, W) float32, how much paint there is, 0 to 1."""

    white: bool
    cover: np.ndarray


def stroke(
    truth: np.ndarray, mask: np.ndarray, *, soft: bool, width: float = 0.5, length: float = 4.0
) -> Stroke | None:
    """What a person paints next on `mask` (H, W) uint8, knowing `truth` (H, W) float32, or None.

    `width`: of the brush, as a share of the error's at its widest. `length`: at most so many widths.
    """
    wrong = np.abs(truth - mask / np.float32(255)) > 0.5
    found = {white: _largest(wrong & ((truth > 0.5) == white)) for white in (True, False)}
    white = found[True][0] >= found[False][0]
    size, piece = found[white]
    if size < LEAST_PX:
        return None
    x, y, across, down = cv2.boundingRect(piece)
    depth = cv2.distanceTransform(
        np.pad(piece[y : y + down, x : x + across], 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    radius = max(1.0, width * float(depth.max()))
    path = _path(depth, radius, length * radius) + np.array([y - 1, x - 1])
    line = np.ones(truth.shape, np.uint8)
    corners = path.round().astype(np.int32)[:, ::-1]
    cv2.polylines(line, [corners.reshape(-1, 1, 2)], isClosed=False, color=0)
    distance = cv2.distanceTransform(line, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    cover = (1.2 * radius - distance) / (0.6 * radius) if soft else radius - distance + 0.5
    return Stroke(white, np.clip(cover, 0, 1).astype(np.float32))


def painted(mask: np.ndarray, stroke: Stroke, *, gray: bool = False) -> np.ndarray:
    """`mask` (H, W) uint8 with the stroke on it, white or black as it is, or gray."""
    wish = 128 if gray else 255 if stroke.white else 0
    return (mask + stroke.cover * (wish - mask.astype(np.float32)) + 0.5).astype(np.uint8)


def _largest(marked: np.ndarray) -> tuple[int, np.ndarray]:
    """The largest connected piece, and how many pixels it has."""
    count, pieces, facts, _ = cv2.connectedComponentsWithStats(marked.astype(np.uint8), connectivity=4)
    if count < 2:
        return 0, np.zeros(marked.shape, np.uint8)
    number = 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax())
    return int(facts[number, cv2.CC_STAT_AREA]), (pieces == number).astype(np.uint8)


def _path(depth: np.ndarray, radius: float, half: float) -> np.ndarray:
    """The brush's way (n, 2), rows and columns: the longest that stays inside, cut around the deepest."""
    step = max(1, max(depth.shape) // 200)
    small = depth[::step, ::step]
    if small.max() < radius:
        step, small = 1, depth
    inside = small >= radius
    deepest = np.unravel_index(int(small.argmax()), small.shape)
    end = _farthest(inside, (int(deepest[0]), int(deepest[1])))[-1]
    way = np.array(_farthest(inside, end), float) * step
    along = (
        np.concatenate([[0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))]) if len(way) > 1 else np.zeros(1)
    )
    middle = along[int(np.hypot(*(way - np.array(deepest) * step).T).argmin())]
    return way[np.abs(along - middle) <= half]


def _farthest(inside: np.ndarray, start: tuple[int, int]) -> list[tuple[int, int]]:
    """The way from `start` to the place of its piece that is the most steps away."""
    before: dict[tuple[int, int], tuple[int, int] | None] = {start: None}
    waiting, last = deque([start]), start
    around = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    while waiting:
        last = row, column = waiting.popleft()
        for down, across in around:
            place = (row + down, column + across)
            within = 0 <= place[0] < inside.shape[0] and 0 <= place[1] < inside.shape[1]
            if within and inside[place] and place not in before:
                before[place] = last
                waiting.append(place)
    way, place = list[tuple[int, int]](), last
    while place is not None:
        way.append(place)
        place = before[place]
    return way
