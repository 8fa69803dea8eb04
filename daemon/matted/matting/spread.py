"""How far a stroke's correction reaches: the piece of the picture that the person meant by it.

On a reduced window around the strokes, from the colours under them, the way from them and what the matte said
before. May import numpy, OpenCV and this folder; knows nothing of native resolution.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from matted.matting.laplacian import solve
from matted.matting.planes import Plane

Marked = npt.NDArray[np.bool_]

BINS = 20  # of a colour histogram along each axis
FLOOR = 2e-4  # the share that a colour never seen counts as
RIGHT = 0.9  # alpha this near to what the strokes say is right already
EVEN = 0.3  # change of colour along a way that makes it uneven
FLAT = 0.05  # change of colour along a way that is none
CONTRAST = 120.0  # how much a colour edge holds back what spreads over it
UNARY = 0.06  # what a place's own colour counts, against its neighbours
STILL = 0.001  # change of colour that a pixel of even colour counts as, along a way
STEPS = 150
TOLERANCE = 1e-3
FAR = 1e6
UNSURE_PX = 0.7  # of the window: how far from an edge hair is looked for
UNSURE_SEEN = 1.0  # what each look counts there, against the colours
RIM = 4  # px of the window: as wide as the soft rim of something right may be
SHARPNESS = 6.0  # how much of a soft border between the piece and the rest is left

# Log odds that a place belongs to the strokes' piece, as factors of `features`, for the first look at the
# window and for the one again, which knows the first one's piece. Fitted as in `tests/bench/spread.py`, on
# pictures that nothing is measured on, but for "flat": it was settled by hand, for photographs hardly tell it
# from "swept", and yet an even surface should be taken as a whole. "seen" and "closer" were fitted with all
# others given: fitted together, rounds with the same mask before no longer settle.
ODDS = {
    "first": {
        "constant": 2.455,
        "colour": 0.255,
        "same": 0.247,
        "swept": 2.072,
        "flat": 1.0,
        "distance": -0.589,
        "state": 0.722,
        "stroke": -0.384,
        "aside": -0.806,
        "seen": 0.2,
        "closer": 0.2,
    },
    "again": {
        "constant": 0.566,
        "colour": 0.19,
        "same": 0.324,
        "swept": 1.816,
        "flat": 1.0,
        "distance": -0.458,
        "state": 0.753,
        "stroke": -0.354,
        "aside": -0.388,
        "first": 1.717,
        "seen": 0.2,
        "closer": 0.2,
    },
}
SEEN = ("seen", "closer")  # the looks' names, from the widest


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The reduced window: `lab` (h, w, 3) float32, smoothed; `alpha` (h, w) float32 in [0, 1], as made."""

    lab: Plane
    alpha: Plane
    side: float  # the picture's longer side in pixels of this window
    seen: tuple[Plane, ...] = ()  # a model's alpha of ever smaller parts, (h, w); not a number beyond them


def features(
    ground: Ground, seeds: Marked, against: Marked, *, keep: bool, first: Plane | None = None
) -> tuple[dict[str, Plane], Marked]:
    """What speaks for each place to belong to the strokes' piece, and where that is a question at all.

    `colour`: how much likelier its colour is under the strokes than in the rest; `same`: than where alpha is
    already what they say. `swept`: how even the colours are on the way from the strokes. `distance`: from
    them, `aside`: from what is already as they say, in radii of the brush. `state`: how far it is already,
    as log odds; `stroke`: how far that was under the strokes. `seen`, `closer`, where a model looked: how
    far it says so, as log odds, as far as it agrees under the strokes. `first`, (h, w) in [0, 1]: the piece
    as the first look found it, from which the second takes its colours.
    """
    state = ground.alpha if keep else 1 - ground.alpha  # 1: as the strokes want it
    is_open = (state < RIGHT) & ~against
    same, rest = state >= RIGHT, (state < 0.5) & ~seeds
    distance = _distance(seeds)
    radius = _radius(seeds)
    trust = 1 - np.exp(-((distance / (4 * radius)) ** 2))  # the rest beside a stroke may be its piece
    cells = _cells(ground.lab)
    if first is None:
        under, of_rest = _histogram(cells, seeds)[cells], _histogram(cells, rest * trust + against)[cells]
    else:
        mine = np.maximum(first * is_open, seeds)
        under, of_rest = _histogram(cells, mine)[cells], _histogram(cells, rest * (1 - mine) + against)[cells]
    like_same = np.log(_histogram(cells, same)[cells] / of_rest) if same.any() else np.zeros_like(under)
    way = _way(ground.lab, seeds)
    aside = _distance(same) if same.any() else np.full_like(distance, radius)
    before = float(state[seeds].mean())
    found = {
        "colour": np.clip(np.log(under / of_rest), -5, 5),
        "same": np.clip(like_same, -2, 5),
        "swept": np.exp(-way / EVEN),
        "flat": np.exp(-way / FLAT),
        "distance": np.log1p(distance / radius),
        "state": np.log((state + 0.02) / (1.02 - state)),
        "stroke": np.full_like(distance, np.log((before + 0.02) / (1.02 - before))),
        "aside": np.log1p(aside / radius),
    }
    for name, plane in zip(SEEN, ground.seen, strict=bool(ground.seen)):
        found[name] = _agreed(plane if keep else 1 - plane, seeds)
    if first is not None:
        found["first"] = first
    return {name: plane.astype(np.float32) for name, plane in found.items()}, is_open


def _agreed(says: Plane, seeds: Marked) -> Plane:
    """The log odds of what a look says, as far as it says so under the strokes, too; 0 beyond the look."""
    known = np.isfinite(says)
    agrees = float(says[seeds & known].mean()) if (seeds & known).any() else 0.0
    sure = np.where(known, says, 0.5)
    return np.where(known, agrees * np.log((sure + 0.02) / (1.02 - sure)), 0)


def _cells(lab: Plane) -> npt.NDArray[np.intp]:
    low = np.array([0, -0.6, -0.6], np.float32)
    span = np.array([1, 1.2, 1.2], np.float32)
    steps = np.clip((lab - low) / span * BINS, 0, BINS - 1).astype(np.intp)
    return (steps[..., 0] * BINS + steps[..., 1]) * BINS + steps[..., 2]


def _histogram(cells: npt.NDArray[np.intp], weight: npt.NDArray[Any]) -> Plane:
    """The share of each colour (BINS**3,), smoothed, and FLOOR more."""
    counts = np.bincount(cells.ravel(), weights=weight.ravel(), minlength=BINS**3).astype(np.float32)
    cube = counts.reshape(BINS, BINS, BINS)
    for axis in range(3):
        rim = np.pad(cube, [(1, 1) if a == axis else (0, 0) for a in range(3)])
        low, middle, high = (np.take(rim, range(k, k + BINS), axis) for k in range(3))
        cube = 0.25 * low + 0.5 * middle + 0.25 * high
    return cube.ravel() / np.float32(max(float(cube.sum()), 1e-6)) + np.float32(FLOOR)


def _distance(marked: Marked) -> Plane:
    """The distance to the nearest marked place: (h, w) float32."""
    return np.asarray(cv2.distanceTransform((~marked).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5))


def _radius(seeds: Marked) -> float:
    inside = cv2.distanceTransform(np.pad(seeds, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return max(1.0, float(inside.max()))


def _way(lab: Plane, seeds: Marked) -> Plane:
    """How much colour changes along the path from the nearest seed on which it changes least: (h, w).

    Swept as in Weber et al., "Parallel algorithms for approximation of distance maps on parametric surfaces",
    ACM Transactions on Graphics 27, 2008.
    """
    found = np.where(seeds, np.float32(0), np.float32(FAR))
    for _ in range(2):
        _sweep(found, lab)
        _sweep(found[::-1], lab[::-1])
        across, turned = np.ascontiguousarray(found.T), np.ascontiguousarray(lab.transpose(1, 0, 2))
        _sweep(across, turned)
        _sweep(across[::-1], turned[::-1])
        found = np.ascontiguousarray(across.T)
    return found


def _sweep(found: Plane, lab: Plane) -> None:
    width = found.shape[1]

    def step(rows_to: Plane, rows_from: Plane) -> Plane:
        return np.sqrt(((rows_to - rows_from) ** 2).sum(-1))

    straight = step(lab[1:], lab[:-1]) + np.float32(STILL)
    slant = np.float32(1.414 * STILL)
    right = step(lab[1:, 1:], lab[:-1, :-1]) + slant
    left = step(lab[1:, :-1], lab[:-1, 1:]) + slant
    for row in range(1, len(found)):
        here, above = found[row], found[row - 1]
        np.minimum(here, above + straight[row - 1], out=here)
        if width > 1:
            np.minimum(here[1:], above[:-1] + right[row - 1], out=here[1:])
            np.minimum(here[:-1], above[1:] + left[row - 1], out=here[:-1])


def settled(lab: Plane, wish: Plane, weight: Plane, start: Plane, free: Marked) -> Plane:
    """The plane that is even where colours are, and near `wish` as far as `weight` says: (h, w) in [0, 1].

    Random walks with priors: Grady, "Multilabel Random Walker Image Segmentation Using Prior Models", CVPR
    2005. Where not `free` it stays `start`.
    """
    down = np.exp(-np.float32(CONTRAST) * ((lab[1:] - lab[:-1]) ** 2).sum(-1)) + np.float32(1e-4)
    side = np.exp(-np.float32(CONTRAST) * ((lab[:, 1:] - lab[:, :-1]) ** 2).sum(-1)) + np.float32(1e-4)

    def matrix(plane: Plane) -> Plane:
        result = weight * plane
        flow = down * (plane[1:] - plane[:-1])
        result[1:] += flow
        result[:-1] -= flow
        flow = side * (plane[:, 1:] - plane[:, :-1])
        result[:, 1:] += flow
        result[:, :-1] -= flow
        return result

    right, where = weight * wish, free.astype(np.float32)
    found = solve(matrix, right, start.astype(np.float32), where, steps=STEPS, tolerance=TOLERANCE)
    return np.clip(found, 0, 1)


def piece_of(ground: Ground, seeds: Marked, against: Marked, *, keep: bool, reach: float) -> Plane:
    """How far each place belongs to the strokes' piece: (h, w) float32 in [0, 1], 1 at the strokes.

    `seeds`: where the strokes are; `against`: those of the other kind, which the piece never covers. `keep`:
    whether the strokes say alpha 1 or 0. `reach`: pixels of the window; beyond, the piece is 0. What is the
    strokes' already counts for nothing: there the piece may end unseen.
    """
    distance = _distance(seeds)
    near = np.clip((reach - distance) / (0.2 * reach), 0, 1)

    def look(first: Plane | None) -> tuple[Plane, Marked]:
        factors = ODDS["first" if first is None else "again"]
        found, is_open = features(ground, seeds, against, keep=keep, first=first)
        odds = np.full(seeds.shape, factors["constant"], np.float32)
        for name, value in found.items():
            odds += np.float32(factors[name]) * value
        wish = (is_open * near / (1 + np.exp(-odds))).astype(np.float32)
        weight = np.where(is_open | (near <= 0), np.float32(UNARY), np.float32(0.02 * UNARY))
        start = np.where(seeds, 1, np.where(against, 0, wish))
        return settled(ground.lab, wish, weight, start, ~(seeds | against)) * (near > 0), is_open

    plane, is_open = look(look(None)[0])
    sharp = np.clip((plane - 0.5) * np.float32(SHARPNESS) + 0.5, 0, 1)
    inside = ((plane > 0.5) & is_open) | seeds
    inside &= ~_rim(inside, ground.alpha >= RIGHT if keep else ground.alpha <= 1 - RIGHT, distance, seeds)
    return sharp.astype(np.float32) * _connected(inside, seeds)


def unsure_alpha(ground: Ground, unsure: Marked) -> Plane:
    """The window's alpha found again where `unsure`: (h, w) float32 in [0, 1], soft only near an edge.

    From the colours of both sides around and what a model sees there, where one looked; what alpha was counts
    as far as those do not tell.
    """
    cells = _cells(ground.lab)
    distance = _distance(unsure)
    near = np.exp(-distance / np.float32(max(4.0, 2 * _radius(unsure)))) * ~unsure
    inside, outside = (_histogram(cells, side * near)[cells] for side in (ground.alpha, 1 - ground.alpha))
    before = np.log((ground.alpha + 0.2) / (1.2 - ground.alpha))
    odds = np.log(inside / outside) + before
    for plane in ground.seen:
        says = np.where(np.isfinite(plane), plane, np.float32(0.5))
        odds += np.float32(UNSURE_SEEN) * np.log((says + 0.02) / (1.02 - says))
    wish = (1 / (1 + np.exp(-odds))).astype(np.float32)
    start = np.where(unsure, wish, ground.alpha)
    plane = settled(ground.lab, wish, np.full(wish.shape, UNARY, np.float32), start, unsure)
    sharp = np.clip((plane - 0.5) * np.float32(SHARPNESS) + 0.5, 0, 1)
    soft = cv2.GaussianBlur(sharp.astype(np.float32), (0, 0), UNSURE_PX)
    return np.where(unsure, soft, ground.alpha)


def _rim(inside: Marked, same: Marked, distance: Plane, seeds: Marked) -> Marked:
    """Of `inside` what is but the soft rim of something right already, away from the strokes."""
    if not same.any():
        return np.zeros_like(inside)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (RIM + 1, RIM + 1))
    broad = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_OPEN, disc).astype(bool)
    aside = _distance(same)
    return inside & ~broad & (aside <= RIM) & (distance > 2 * _radius(seeds))


def _connected(inside: Marked, seeds: Marked) -> Marked:
    """What of `inside` hangs together with the seeds, and what lies right beside that."""
    wider = cv2.dilate(inside.astype(np.uint8), np.ones((5, 5), np.uint8))
    _, pieces = cv2.connectedComponents(wider, connectivity=8)
    mine = np.zeros(int(pieces.max()) + 1, bool)
    mine[pieces[seeds]] = True
    mine[0] = False
    return mine[pieces]
