"""How a picture lies in a view that is zoomed and moved: numbers only.

Standard library only: no Qt, no Krita. Lengths are the view's; its upper left corner is (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Size = tuple[float, float]


@dataclass(frozen=True)
class Zoom:
    """`times`: as large as where the whole picture fits into the view, 1 or more.

    `x`, `y`: what lies in the middle of the view, as parts of the picture's sides, 0 to 1.
    """

    times: float = 1.0
    x: float = 0.5
    y: float = 0.5

    def place(self, view: Size, picture: Size) -> tuple[int, int, int, int]:
        """Where the picture lies: left, top, width, height. It never leaves room that it could fill."""
        scale = min(view[0] / picture[0], view[1] / picture[1]) * self.times
        wide, high = (max(1, int(side * scale)) for side in picture)
        return _begin(view[0], wide, self.x), _begin(view[1], high, self.y), wide, high

    def closer(self, factor: float, at: Size, most: float, view: Size, picture: Size) -> Zoom:
        """Larger by `factor`, within 1 and `most` times; what lies at `at` stays there."""
        times = max(1.0, min(self.times * factor, most))
        left, top, wide, high = self.place(view, picture)
        ratio = times / self.times
        x = (at[0] - left) / wide + (view[0] / 2 - at[0]) / (wide * ratio)
        y = (at[1] - top) / high + (view[1] / 2 - at[1]) / (high * ratio)
        return Zoom(times, x, y)._kept(view, picture)

    def moved(self, right: float, down: float, view: Size, picture: Size) -> Zoom:
        """The picture drawn along by so much."""
        _, _, wide, high = self.place(view, picture)
        return Zoom(self.times, self.x - right / wide, self.y - down / high)._kept(view, picture)

    def _kept(self, view: Size, picture: Size) -> Zoom:
        """The same, with the middle that is truly seen there."""
        if self.times == 1.0:
            return WHOLE
        left, top, wide, high = self.place(view, picture)
        return Zoom(self.times, (view[0] / 2 - left) / wide, (view[1] / 2 - top) / high)


WHOLE = Zoom()


def _begin(room: float, side: int, middle: float) -> int:
    if side <= room:
        return int(room - side) // 2
    return min(0, max(int(room) - side, round(room / 2 - middle * side)))
