"""What a person has pointed at on a layer: points that are wanted, points that are not, a box.

Standard library only: no Qt, no Krita. Everything is in pixels of the layer, from its own top left corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LEAST_SIDE_PX = 4.0  # of a box, as the engine takes it


@dataclass(frozen=True)
class Prompt:
    """`marks` in the order they were made: (x, y, 1) wanted, (x, y, 0) not, (left, top, right, bottom) a box.

    A new box takes the place of the one before, which is back when the new one is undone.
    """

    marks: tuple[tuple[float, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.marks)

    @property
    def points(self) -> tuple[tuple[float, ...], ...]:
        """The points, (x, y, 1 or 0) each."""
        return tuple(mark for mark in self.marks if len(mark) == 3)

    @property
    def box(self) -> tuple[float, ...] | None:
        """The latest box."""
        return next((mark for mark in reversed(self.marks) if len(mark) == 4), None)

    def with_point(self, x: float, y: float, *, wanted: bool) -> Prompt:
        """The same with one more point."""
        return Prompt((*self.marks, (round(x, 2), round(y, 2), 1 if wanted else 0)))

    def with_box(self, left: float, top: float, right: float, bottom: float) -> Prompt:
        """The same with this box."""
        return Prompt((*self.marks, tuple(round(side, 2) for side in (left, top, right, bottom))))

    def undone(self) -> Prompt:
        """The same without the latest mark."""
        return Prompt(self.marks[:-1])

    def moved(self, right: float, down: float, width: int, height: int) -> Prompt:
        """The same on a layer that has grown or shrunk, whose corner lay elsewhere, less what is off it."""
        kept: list[tuple[float, ...]] = []
        for mark in self.marks:
            if len(mark) == 3:
                x, y = mark[0] + right, mark[1] + down
                if 0 <= x <= width and 0 <= y <= height:
                    kept.append((x, y, mark[2]))
                continue
            sides = (mark[0] + right, mark[1] + down, mark[2] + right, mark[3] + down)
            box = (max(sides[0], 0), max(sides[1], 0), min(sides[2], width), min(sides[3], height))
            if min(box[2] - box[0], box[3] - box[1]) >= LEAST_SIDE_PX:
                kept.append(box)
        return Prompt(tuple(kept))

    def asked(
        self, *, box: list[int] | None = None, scale: tuple[float, float] = (1.0, 1.0)
    ) -> dict[str, Any] | None:
        """The engine's option `prompt`; None where nothing was pointed at.

        `box`: that of the selection, for want of one of ours. `scale`: how many pixels across and down the
        picture that is asked about has for each of the layer's.
        """
        across, down = scale
        asked: dict[str, Any] = {}
        framed = self.box or box
        if framed is not None:
            left, right = _apart(framed[0] * across, framed[2] * across)
            top, bottom = _apart(framed[1] * down, framed[3] * down)
            asked["box"] = [left, top, right, bottom]
        if self.points:
            asked["points"] = [
                [round(x * across, 2), round(y * down, 2), int(wanted)] for x, y, wanted in self.points
            ]
        return asked or None


NOTHING = Prompt()


def _apart(least: float, most: float) -> tuple[float, float]:
    """Two sides of a box, moved apart where a small picture brings them too close for the engine."""
    if most - least < LEAST_SIDE_PX:
        middle = (least + most) / 2
        least, most = max(middle - LEAST_SIDE_PX, 0), middle + LEAST_SIDE_PX
    return round(least, 2), round(most, 2)
