"""Parts of a picture that a model looks at by themselves, and where their alpha belongs in the whole.

A part is a whole number of the picture's pixels; its alpha is laid onto a finer plane of the whole frame
with pixel centres at half-integers, so that nothing shifts. Knows pictures, no model.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from matted.imaging.picture import Picture
from matted.inference.prepare import Alpha

MOST_SIDE_PX = 2048  # of a plane that several looks are laid onto


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of a picture in whole pixels; right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @classmethod
    def around(
        cls, box: tuple[float, float, float, float], size: tuple[int, int], margin: float, least_px: float = 0
    ) -> "Frame":
        """`box` (left, top, right, bottom) with `margin` of its sides on every side, within a picture of
        `size` (width, height); no side shorter than `least_px` where the picture is as large.
        """
        sides = []
        for low, high, whole in ((box[0], box[2], size[0]), (box[1], box[3], size[1])):
            more = max((high - low) * margin, (least_px - (high - low)) / 2)
            start, stop = low - more, high + more
            if high - low < least_px:  # moved rather than cut at the picture's border
                start = min(max(start, 0.0), max(whole - least_px, 0.0))
                stop = start + least_px
            sides.append((max(0, math.floor(start)), min(whole, math.ceil(stop))))
        (left, right), (top, bottom) = sides
        return cls(left, top, right, bottom)

    def cut(self, picture: Picture) -> Picture:
        """This part of the picture, as a picture."""
        part = np.ascontiguousarray(picture.pixels[self.top : self.bottom, self.left : self.right])
        return replace(picture, pixels=part, full_size=(self.width, self.height))

    def inner(self, x: float, y: float, shape: tuple[int, ...]) -> tuple[float, float]:
        """A point of the picture in the pixels of a plane of `shape` that covers this part."""
        return (x - self.left) * shape[1] / self.width, (y - self.top) * shape[0] / self.height


def plane_shape(size: tuple[int, int], looks: Iterable[tuple[Alpha, Frame]]) -> tuple[int, int]:
    """The (rows, columns) of a plane of a picture of `size` (width, height) as fine as the finest look.

    At most MOST_SIDE_PX a side, and no finer than the picture.
    """
    across = down = 0.0
    for alpha, frame in looks:
        across = max(across, alpha.shape[1] / frame.width)
        down = max(down, alpha.shape[0] / frame.height)
    sides = []
    for side, scale in ((size[1], down), (size[0], across)):
        sides.append(max(1, min(round(side * min(scale, 1.0)), MOST_SIDE_PX)))
    return sides[0], sides[1]


def laid(
    alpha: Alpha, frame: Frame, size: tuple[int, int], shape: tuple[int, int]
) -> tuple[tuple[slice, slice], Alpha]:
    """Where on a plane of `shape` (rows, columns), which covers a picture of `size` (width, height), the part
    `frame` lies, and its `alpha` there: (h, w) float32.
    """
    rows, columns = shape
    across, down = size[0] / columns, size[1] / rows  # pixels of the picture in one of the plane
    top, bottom = _covered(frame.top / down, frame.bottom / down, rows)
    left, right = _covered(frame.left / across, frame.right / across, columns)
    finer = (across * alpha.shape[1] / frame.width, down * alpha.shape[0] / frame.height)
    if max(finer) > 1:  # the plane is coarser than the look
        small = [
            max(1, round(side / max(1.0, step))) for side, step in zip(alpha.shape[::-1], finer, strict=True)
        ]
        alpha = np.asarray(cv2.resize(alpha, small, interpolation=cv2.INTER_AREA))
    x, y = frame.inner((left + 0.5) * across, (top + 0.5) * down, alpha.shape)
    step_x, step_y = across * alpha.shape[1] / frame.width, down * alpha.shape[0] / frame.height
    placed = cv2.warpAffine(
        alpha,
        np.array([[step_x, 0, x - 0.5], [0, step_y, y - 0.5]]),
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return (slice(top, bottom), slice(left, right)), np.asarray(placed, np.float32)


def _covered(start: float, stop: float, count: int) -> tuple[int, int]:
    """The pixels of a line of `count` whose centres lie from `start` to `stop`; one at least."""
    first = min(max(0, math.ceil(start - 0.5)), count - 1)
    return first, max(first + 1, min(count, math.floor(stop + 0.5)))
