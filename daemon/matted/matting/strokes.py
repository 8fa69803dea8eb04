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
