"""Islands and holes of a matte by their size: small islands dropped, small holes filled.

Pieces are labelled strip by strip on all cores and joined where strips meet, so that no label plane of the
whole picture is ever made. Pure functions of an alpha plane, float32 in [0, 1] or the integer masks. Knows
numpy and OpenCV only.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from matted.matting.planes import Plane, full_scale, level
from matted.matting.tiles import Tile, in_parallel, strips, tiles

Binary = npt.NDArray[np.uint8]  # 0 or 1
Counts = npt.NDArray[np.int64]

VISIBLE = 0.05  # alpha up to this joins nothing: models leave a haze of it over whole backgrounds
HALF = 0.5
FRINGE_SHARE = 0.005  # of the longer side: how far a piece's own softness reaches beyond it
LEAST_FRINGE_PX = 4
TILE = 512
ENDLESS = 2**40  # pixels: the size of what is no piece of its own


def drop_islands(alpha: Plane, pixels: float) -> Plane:
    """The matte without its islands of fewer than `pixels` pixels.

    An island is what nothing visible joins to the rest: pixels of alpha above 0.05 that touch at a side or
    a corner. It becomes 0 together with the fainter pixels around it that are nearer to it than to what
    stays, up to half a percent of the picture's longer side away. Nothing else changes.
    """
    at = level(alpha.dtype, VISIBLE)
    gone = small_pieces(alpha, pixels, inside=lambda rows: _above(rows, at), corners_join=True)
    return alpha.copy() if gone is None else _with_fringe(alpha, gone, at, to=0.0)


def fill_holes(alpha: Plane, pixels: float) -> Plane:
    """The matte with its holes of fewer than `pixels` pixels filled.

    A hole is a place of alpha below 0.5 closed in on all sides by alpha of 0.5 or more, which may touch at
    corners; what reaches the picture's border is none. It becomes 1 together with the softer pixels around
    it that are nearer to it than to other places below 0.5, up to half a percent of the picture's longer
    side away. Nothing else changes.
    """
    at = level(alpha.dtype, HALF)
    gone = small_pieces(
        alpha, pixels, inside=lambda rows: _below(rows, at), corners_join=False, border_counts=True
    )
    return alpha.copy() if gone is None else _with_fringe(alpha, gone, at, to=1.0)


def small_pieces(
    alpha: Plane,
    pixels: float,
    *,
    inside: Callable[[Plane], Binary],
    corners_join: bool,
    border_counts: bool = False,
) -> Binary | None:
    """Where the pieces of fewer than `pixels` pixels are: (H, W), 1 there and 0 elsewhere; None if nowhere.

    `inside`: rows of `alpha` to 1 where a piece is, else 0. `corners_join`: eight neighbours instead of
    four. `border_counts`: a piece at the picture's border is not small, however few pixels it has.
    """
    if pixels <= 1:
        return None
    places = strips(alpha.shape)
    joins = 8 if corners_join else 4

    def pieces(rows: slice) -> tuple[int, npt.NDArray[np.int32]]:
        count, labels = cv2.connectedComponents(inside(alpha[rows]), connectivity=joins, ltype=cv2.CV_32S)
        return count, np.asarray(labels, np.int32)

    def labelled(rows: slice) -> _Strip:
        count, labels = pieces(rows)
        sizes = np.bincount(labels.ravel(), minlength=count)
        if border_counts:
            for line in (labels[:, 0], labels[:, -1]):
                sizes[line] = ENDLESS
        return _Strip(rows, sizes, labels[0].copy(), labels[-1].copy())

    found = in_parallel(labelled, places)
    if border_counts:
        found[0].sizes[found[0].first] = ENDLESS
        found[-1].sizes[found[-1].last] = ENDLESS
    small = [whole < pixels for whole in _joined(found, corners_join=corners_join)]
    for one in small:
        one[0] = False  # what is no piece
    if not any(one.any() for one in small):
        return None
    gone = np.zeros(alpha.shape, np.uint8)

    def marked(number: int) -> None:
        if small[number].any():
            rows = places[number]
            _, labels = pieces(rows)
            np.take(small[number].view(np.uint8), labels, out=gone[rows])

    in_parallel(marked, range(len(places)))
    return gone


@dataclass(frozen=True, slots=True)
class _Strip:
    """A strip's pieces: how many pixels each has, and which lie along its first and its last row."""

    rows: slice
    sizes: Counts
    first: npt.NDArray[np.int32]
    last: npt.NDArray[np.int32]


def _joined(found: list[_Strip], *, corners_join: bool) -> list[Counts]:
    """For each strip and piece: the pixels of the whole piece that it is a part of."""
    starts = [0, *np.cumsum([len(strip.sizes) for strip in found]).tolist()]
    root: dict[int, int] = {}

    def find(one: int) -> int:
        while (above := root.setdefault(one, one)) != one:
            root[one] = root[above]
            one = above
        return one

    for n in range(len(found) - 1):
        for a, b in _touching(found[n].last, found[n + 1].first, corners_join=corners_join):
            root[find(starts[n] + a)] = find(starts[n + 1] + b)
    whole = np.concatenate([strip.sizes for strip in found])
    parts = np.fromiter(root, np.int64, len(root))
    roots = np.fromiter((find(one) for one in parts.tolist()), np.int64, len(root))
    sums = whole.copy()
    sums[roots] = 0
    np.add.at(sums, roots, whole[parts])
    whole[parts] = sums[roots]
    return [whole[starts[n] : starts[n + 1]] for n in range(len(found))]


def _touching(above: Any, below: Any, *, corners_join: bool) -> list[tuple[int, int]]:
    """Pairs of labels of two neighbouring rows that touch; 0 is no piece."""
    pairs = [np.stack([above, below])]
    if corners_join:
        pairs += [np.stack([above[1:], below[:-1]]), np.stack([above[:-1], below[1:]])]
    both = np.concatenate(pairs, axis=1)
    both = both[:, (both != 0).all(axis=0)]
    return [(int(a), int(b)) for a, b in np.unique(both, axis=1).T]


def _with_fringe(alpha: Plane, gone: Binary, at: float, *, to: float) -> Plane:
    """`alpha` with `to` where `gone` is and in the softness around it."""
    made = alpha.copy()
    value = full_scale(alpha.dtype) * to
    reach = max(LEAST_FRINGE_PX, round(FRINGE_SHARE * max(alpha.shape)))

    def work(tile: Tile) -> None:
        away = gone[tile.around]
        if not away.any():
            return
        around = alpha[tile.around]
        piece = _above(around, at) if to == 0 else _below(around, at)
        stays = piece & (away ^ 1)
        from_gone = cv2.distanceTransform(away ^ 1, cv2.DIST_L2, cv2.DIST_MASK_5)
        near = from_gone <= reach
        if stays.any():
            near &= from_gone < cv2.distanceTransform(stays ^ 1, cv2.DIST_L2, cv2.DIST_MASK_5)
        made[tile.inside][near[tile.core]] = value

    in_parallel(work, tiles(alpha.shape, TILE, reach + 1))
    return made


def _above(rows: Plane, at: float) -> Binary:
    return (rows > (math.floor(at) if rows.dtype.kind == "u" else np.float32(at))).view(np.uint8)


def _below(rows: Plane, at: float) -> Binary:
    return (rows < (math.ceil(at) if rows.dtype.kind == "u" else np.float32(at))).view(np.uint8)
