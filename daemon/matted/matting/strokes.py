"""What a person painted: the difference between the mask as it was made and as it was left, as strokes.

A stroke's core is hard: alpha there is what was painted. Its soft fringe, gray paint and a guide are unsure:
alpha there is to be found again. May import numpy, OpenCV and this folder; knows no colour and no solver.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from matted.matting.planes import Mask, Plane, full_scale, in_depth
from matted.matting.tiles import in_parallel, strips

ROUNDING = 1.5 / 255  # a difference up to here is a mask's way through 8 bits and back, not paint
GAP_CELLS = 16  # into which a gap between strokes is divided when it is looked for
HARD = 1.5 / 255  # painted this near to 0 or 1 is the core of a stroke

Marked = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """What was painted within a box of the picture; outside of it nothing was.

    `rows`, `columns`: the box. `keep`, `remove`, `unsure`: (h, w) bool of its size, no two of them true at
    one place: alpha is to be 1, to be 0, to be found again.
    """

    rows: slice
    columns: slice
    keep: Marked
    remove: Marked
    unsure: Marked

    def apart(self, gap_px: float) -> "list[Strokes]":
        """The same in groups, each with its own box, that lie about `gap_px` or more from each other."""
        step = max(1, round(gap_px / GAP_CELLS))
        touched = (self.keep | self.remove | self.unsure).view(np.uint8)
        rows, columns = (-(-side // step) for side in touched.shape)
        whole = np.pad(touched, ((0, rows * step - touched.shape[0]), (0, columns * step - touched.shape[1])))
        cells = whole.reshape(rows, step, columns, step).max(axis=(1, 3))
        wider = cv2.dilate(cells, np.ones((GAP_CELLS, GAP_CELLS), np.uint8))
        count, pieces = cv2.connectedComponents(wider, connectivity=8)
        if count <= 2:
            return [self]
        pieces = np.where(cells > 0, pieces, 0)
        return [self._of_cells(pieces == number, step) for number in range(1, count)]

    def _of_cells(self, cells: Marked, step: int) -> "Strokes":
        """What lies in these cells of `step` x `step` pixels."""
        x, y, width, height = cv2.boundingRect(cells.view(np.uint8))
        rows = slice(y * step, min((y + height) * step, self.keep.shape[0]))
        columns = slice(x * step, min((x + width) * step, self.keep.shape[1]))
        mine = np.repeat(np.repeat(cells[y : y + height, x : x + width], step, axis=0), step, axis=1)
        mine = mine[: rows.stop - rows.start, : columns.stop - columns.start]
        keep, remove, unsure = (
            plane[rows, columns] & mine for plane in (self.keep, self.remove, self.unsure)
        )
        top, left = self.rows.start, self.columns.start
        return Strokes(
            slice(top + rows.start, top + rows.stop),
            slice(left + columns.start, left + columns.stop),
            keep,
            remove,
            unsure,
        )


def find_strokes(made: Mask, painted: Plane, guide: Plane | None = None) -> Strokes | None:
    """What was painted on `made` (H, W) uint8 or uint16 to leave it as `painted`; None if nothing was.

    painted, guide: (H, W), uint8, uint16 or float32 in [0, 1], of any depth; a guide is unsure wherever it is
    not 0 and no stroke's core lies there. A difference of ROUNDING is none. Raises ValueError where sizes
    differ.
    """
    if painted.shape != made.shape or (guide is not None and guide.shape != made.shape):
        raise ValueError("the planes are not of one size")

    def touched(rows: slice, columns: slice = slice(None)) -> tuple[Plane, Marked, Marked]:
        """As it was left there; where that is paint; where it is paint or the guide."""
        left = in_depth(painted[rows, columns], made.dtype)
        paint = cv2.absdiff(np.ascontiguousarray(made[rows, columns]), left) > ROUNDING * full_scale(
            made.dtype
        )
        return left, paint, paint if guide is None else paint | (guide[rows, columns] > 0)

    def box(rows: slice) -> tuple[int, int, int, int]:
        x, y, width, height = cv2.boundingRect(touched(rows)[2].view(np.uint8))
        return x, x + width, rows.start + y, rows.start + y + height

    boxes = [found for found in in_parallel(box, strips(made.shape)) if found[1] > found[0]]
    if not boxes:
        return None
    lefts, rights, tops, bottoms = zip(*boxes, strict=True)
    rows, columns = slice(min(tops), max(bottoms)), slice(min(lefts), max(rights))
    left, paint, marked = touched(rows, columns)
    keep = paint & (left >= (1 - HARD) * full_scale(made.dtype))
    remove = paint & (left <= HARD * full_scale(made.dtype))
    return Strokes(rows, columns, keep, remove, marked & ~keep & ~remove)
