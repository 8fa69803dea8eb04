"""What a person points at: a box, points that are the subject, points that are not.

Pure values in pixels of the picture, checked as far as they can be without one. Knows no model.
"""

import math
from dataclasses import dataclass, replace

from matted.errors import BadOption

MOST_POINTS = 100
LEAST_SIDE_PX = 4  # of a box, within the picture

Box = tuple[float, float, float, float]  # left, top, right, bottom
Point = tuple[float, float, int]  # x, y, and 1 for the subject, 0 for what is not


@dataclass(frozen=True, slots=True)
class Prompt:
    """A box, points, or both.

    `box`: left, top, right, bottom in pixels of the picture. `points`: (x, y, 1) on what is wanted, (x, y, 0)
    on what is not. `model`: the prompt model to ask; "none" to choose among what the saliency model finds;
    None takes an installed prompt model if there is one. Raises BadOption.
    """

    box: Box | None = None
    points: tuple[Point, ...] = ()
    model: str | None = None

    def __post_init__(self) -> None:
        if self.box is None and not self.points:
            raise BadOption("A prompt is a box, one or more points, or both.")
        if self.box is not None:
            if not all(map(math.isfinite, self.box)):
                raise BadOption("The box must be four numbers: left, top, right, bottom.")
            left, top, right, bottom = self.box
            if right <= left or bottom <= top:
                raise BadOption(f"The box {_told(self.box)} is empty: it is left, top, right, bottom.")
        if len(self.points) > MOST_POINTS:
            raise BadOption(f"A prompt has at most {MOST_POINTS} points, not {len(self.points)}.")
        for x, y, wanted in self.points:
            if not (math.isfinite(x) and math.isfinite(y)):
                raise BadOption("The points must be numbers: x, y.")
            if wanted not in (0, 1):
                raise BadOption(f"A point is 1 (this is the subject) or 0 (this is not), not {wanted}.")

    @property
    def wanted(self) -> tuple[tuple[float, float], ...]:
        """The points on what is wanted."""
        return tuple((x, y) for x, y, wanted in self.points if wanted)

    @property
    def unwanted(self) -> tuple[tuple[float, float], ...]:
        """The points on what is not."""
        return tuple((x, y) for x, y, wanted in self.points if not wanted)

    @property
    def says_what(self) -> bool:
        """Something is wanted, not only something unwanted."""
        return self.box is not None or bool(self.wanted)

    def within(self, width: int, height: int) -> "Prompt":
        """The same in a picture of that size, its box clipped to it. Raises BadOption for what is outside."""
        for x, y, _ in self.points:
            if not (0 <= x <= width and 0 <= y <= height):
                raise BadOption(
                    f"The point {_told((x, y))} lies outside the picture of {width} x {height} pixels."
                )
        if self.box is None:
            return self
        left, top, right, bottom = self.box
        if right <= 0 or bottom <= 0 or left >= width or top >= height:
            raise BadOption(
                f"The box {_told(self.box)} lies outside the picture of {width} x {height} pixels."
            )
        box = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
        if min(box[2] - box[0], box[3] - box[1]) < min(LEAST_SIDE_PX, width, height):
            raise BadOption(
                f"The box {_told(self.box)} is too small: draw it at least {LEAST_SIDE_PX} pixels wide and "
                "high within the picture."
            )
        return replace(self, box=box)


def _told(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:g}" for number in numbers)
