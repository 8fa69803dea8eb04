"""The subjects of a picture: the connected pieces of its matte, small parts with the larger beside them.

They are looked for on the matte reduced to a few hundred pixels across, which tells people apart as well as
the whole does, in a few milliseconds and no memory to speak of. Knows numpy and OpenCV only.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from matted.matting.planes import Plane, full_scale, reduced
from matted.matting.tiles import in_parallel, strips

Labels = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]

GRID_SIDE = 640  # px; the longer side of what the subjects are looked for on
SOLID = 0.5  # alpha from which a pixel is the subject's own
LINK = 0.25  # alpha that links a small part to a larger one: a strap, hair, a blurred arm
SMALL_SHARE = 0.05  # of the largest piece: what has less is a part of the nearest subject
LINKED_SHARE = 0.4  # of the largest piece: what has less and is linked softly is a part, too
SPECK_SHARE = 2e-4  # of the picture: what has less is no subject, unless there is nothing else
MOST = 64


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject of a matte.

    `number`: 1 is the largest. `box`: left, top, right, bottom in pixels of the picture, right and bottom
    excluded, around all its alpha from one half on (to the grid's precision). `at`: a point (x, y) well
    inside it. `area_px`: its alpha added up, in pixels. `share`: that of the picture, 0 to 1.
    `confidence`: how near to 0 or 1 its alpha is where it is not 0, from 0 to 1, each pixel counting by
    its alpha.
    """

    number: int
    box: tuple[int, int, int, int]
    at: tuple[float, float]
    area_px: float
    share: float
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Subjects:
    """The subjects of one matte, largest first, and which of them each place belongs to.

    `labels`: (h, w), the nearest subject's number at each place of the grid, 0 everywhere if there is none.
    `alpha`: (h, w), the reduced matte. `width`, `height`: of the picture.
    """

    all: tuple[Subject, ...]
    labels: Labels
    alpha: Float
    width: int
    height: int

    @property
    def nbytes(self) -> int:
        """Bytes of its planes."""
        return self.labels.nbytes + self.alpha.nbytes

    @classmethod
    def of(cls, alpha: Plane) -> "Subjects":
        """Those of a matte (H, W), float32 in [0, 1], uint8 or uint16."""
        height, width = alpha.shape
        grid = _reduced(alpha)
        labels = _labelled(grid)
        return cls(_measured(grid, labels, width, height), labels, grid, width, height)

    def at(self, x: float, y: float) -> int:
        """The number of the subject at, or nearest to, a point of the picture; 0 if there is none."""
        rows, columns = self.labels.shape
        row = min(max(int(y * rows / self.height), 0), rows - 1)
        column = min(max(int(x * columns / self.width), 0), columns - 1)
        return int(self.labels[row, column])

    def places(self, shape: tuple[int, ...]) -> Labels:
        """The nearest subject's number at each place of a plane of `shape` (h, w) of the same picture."""
        rows, columns = self.labels.shape
        down = (np.arange(shape[0]) * rows) // shape[0]
        return self.labels[down][:, (np.arange(shape[1]) * columns) // shape[1]]

    def largest(self, limit: Plane | None = None) -> int:
        """The number of the subject with most alpha within `limit` (H, W), or of all; 0 if there is none."""
        if limit is None:
            return min(1, len(self.all))
        rows, columns = self.labels.shape
        seen = reduced(limit, columns, rows).astype(np.float32)
        areas = _areas(self.labels, np.minimum(self.alpha, seen * np.float32(1 / full_scale(limit.dtype))))
        return int(areas.argmax()) if areas.any() else 0

    def matte(self, alpha: Plane, numbers: tuple[int, ...]) -> Plane:
        """`alpha`, of any size of the same picture, where it is of the subjects of these numbers; else 0.

        The mattes of all subjects add up to the whole: each pixel belongs to the nearest one.
        """
        table = np.zeros(256, bool)
        table[list(numbers)] = True
        height, width = alpha.shape
        rows, columns = self.labels.shape
        wanted = table[self.labels][:, (np.arange(width) * columns) // width]
        down = (np.arange(height) * rows) // height
        made = np.empty_like(alpha)

        def work(strip: slice) -> None:
            np.multiply(alpha[strip], wanted[down[strip]], out=made[strip])

        in_parallel(work, strips(alpha.shape))
        return made


def _reduced(alpha: Plane) -> Float:
    height, width = alpha.shape
    scale = min(1.0, GRID_SIDE / max(height, width))
    step = max(1, max(height, width) // (2 * GRID_SIDE))  # every so many pixels are enough to average
    some = np.ascontiguousarray(alpha[::step, ::step])
    small = reduced(some, max(1, round(width * scale)), max(1, round(height * scale)))
    return small.astype(np.float32) * np.float32(1 / full_scale(alpha.dtype))


def _labelled(grid: Float) -> Labels:
    """Each place's subject, numbered by size from 1; places between them belong to the nearest."""
    solid = (grid >= SOLID).astype(np.uint8)
    count, pieces = cv2.connectedComponents(solid, connectivity=8)
    if count < 2:
        return np.zeros(grid.shape, np.uint8)
    areas = np.bincount(pieces.ravel(), minlength=count)
    areas[0] = 0
    largest = int(areas.max())
    own = areas >= max(SMALL_SHARE * largest, SPECK_SHARE * grid.size)
    own[int(areas.argmax())] = True
    _, links = cv2.connectedComponents((grid >= LINK).astype(np.uint8), connectivity=8)
    group = np.zeros(count, np.int64)  # of each piece: the soft link it lies in
    group[pieces.ravel()] = links.ravel() * (pieces.ravel() > 0)
    belongs = np.arange(count)
    for link in np.unique(group[own]):
        together = np.flatnonzero(own & (group == link))
        head = together[areas[together].argmax()]
        for piece in together:
            if areas[piece] < LINKED_SHARE * areas[head]:
                belongs[piece], own[piece] = head, False
    seeds = np.where(own | (belongs != np.arange(count)), belongs, 0)
    ranked = np.argsort(-areas * own)[: min(MOST, int(own.sum()))]
    number = np.zeros(count, np.uint8)
    number[ranked] = np.arange(1, len(ranked) + 1)
    return _by_size(_nearest(number[seeds][pieces]), grid)


def _nearest(seeds: Labels) -> Labels:
    """Every place with the number of the nearest place that has one."""
    _, index = cv2.distanceTransformWithLabels(
        (seeds == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = seeds != 0
    table = np.zeros(int(index.max()) + 1, np.uint8)
    table[index[places]] = seeds[places]
    return table[index]


def _by_size(labels: Labels, grid: Float) -> Labels:
    """`labels` renumbered by the alpha in `grid` that belongs to each, the most first."""
    areas = _areas(labels, grid)
    number = np.zeros(256, np.uint8)
    there = int((areas > 0).sum())
    number[np.argsort(-areas, kind="stable")[:there]] = np.arange(1, there + 1)
    return number[labels]


def _areas(labels: Labels, grid: Float) -> npt.NDArray[np.float64]:
    """The alpha in `grid` that belongs to each of 256 labels; of 0, which is no subject's, none."""
    areas = np.bincount(labels.ravel(), weights=grid.ravel(), minlength=256).astype(np.float64)
    areas[0] = 0
    return areas


def _measured(grid: Float, labels: Labels, width: int, height: int) -> tuple[Subject, ...]:
    rows, columns = grid.shape
    across, down = width / columns, height / rows
    found = []
    for number in range(1, int(labels.max()) + 1):
        mine = (labels == number).view(np.uint8)
        x, y, w, h = cv2.boundingRect(mine & (grid >= SOLID).view(np.uint8))
        solid = np.pad(mine[y : y + h, x : x + w] & (grid[y : y + h, x : x + w] >= SOLID), 1)
        _, _, _, (cx, cy) = cv2.minMaxLoc(cv2.distanceTransform(solid, cv2.DIST_L2, cv2.DIST_MASK_5))
        alpha = grid[mine.view(bool)]
        total = float(alpha.sum())
        right, bottom = math.ceil((x + w) * across), math.ceil((y + h) * down)
        found.append(
            Subject(
                number=number,
                box=(int(x * across), int(y * down), min(right, width), min(bottom, height)),
                at=((x + cx - 0.5) * across, (y + cy - 0.5) * down),
                area_px=total * across * down,
                share=total / grid.size,
                confidence=float((alpha * np.abs(2 * alpha - 1)).sum() / total),
            )
        )
    return tuple(found)
