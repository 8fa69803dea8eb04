"""What of a layer is seen, how large and where: the arithmetic of zooming and moving about.

Standard library only; knows no widget and no GIMP. The screen's pixels are whole and count from the widget's
upper left corner; the layer's go on in fractions, so the middle of its first one is (0.5, 0.5).
"""

from dataclasses import dataclass, replace

_FITTED = 8  # how many times its size a small layer is shown when it fits
_LEVELS = [*(2.0**power * part for power in range(-12, 5) for part in (1, 1.5)), 32.0]
_NEAR_PX = 30  # what shall be seen is at least so far from the widget's edge


@dataclass(frozen=True)
class View:
    """A layer of `size` in a widget of `room`, both width and height: it begins at (`left`, `top`), and each
    of its pixels is `scale` of the screen's wide. Make one by `fitted`.
    """

    size: tuple
    room: tuple
    scale: float
    left: int
    top: int

    @classmethod
    def fitted(cls, size, room):
        """All of the layer, as large as there is room."""
        return cls(size, room, _fitting(size, room), 0, 0)._placed()

    @property
    def is_fitted(self):
        """Whether it is what `fitted` gives."""
        return self.scale == _fitting(self.size, self.room)

    @property
    def extent(self):
        """How large the whole layer is on the screen: width, height."""
        return tuple(max(round(side * self.scale), 1) for side in self.size)

    @property
    def seen(self):
        """The part of that extent which lies in the widget: left, top, right, bottom."""
        (width, height), (across, down) = self.extent, self.room
        return (
            max(-self.left, 0),
            max(-self.top, 0),
            min(width, across - self.left),
            min(height, down - self.top),
        )

    @property
    def middle(self):
        """The screen's pixel in the middle of the widget."""
        return self.room[0] // 2, self.room[1] // 2

    def at(self, x, y):
        """Where in the layer the middle of a pixel of the screen is; it may be beside the layer."""
        return (x + 0.5 - self.left) / self.scale, (y + 0.5 - self.top) / self.scale

    def place(self, x, y):
        """Where on the screen a place in the layer is, in fractions of its pixels."""
        return self.left + x * self.scale, self.top + y * self.scale

    def zoomed(self, scale, x, y):
        """At another scale, with the same of the layer at that pixel of the screen if it can be."""
        scale = min(max(scale, min(_fitting(self.size, self.room), 1)), _LEVELS[-1])
        across, down = self.at(x, y)
        left, top = round(x + 0.5 - across * scale), round(y + 0.5 - down * scale)
        return replace(self, scale=scale, left=left, top=top)._placed()

    def stepped(self, steps, x, y):
        """As `zoomed`, to the next of the usual scales, larger or with -1 smaller."""
        scale = self.scale
        for _ in range(abs(steps)):
            if steps > 0:
                scale = min((level for level in _LEVELS if level > scale), default=scale)
            else:
                scale = max((level for level in _LEVELS if level < scale), default=scale)
        return self.zoomed(scale, x, y)

    def moved(self, across, down):
        """With the layer moved by so many pixels of the screen, as far as it goes."""
        return replace(self, left=self.left + across, top=self.top + down)._placed()

    def resized(self, room):
        """In a widget of another size: all of the layer if it was all, else around the same middle."""
        if self.is_fitted:
            return View.fitted(self.size, room)
        (x, y), (across, down) = self.at(*self.middle), (room[0] // 2, room[1] // 2)
        left, top = round(across + 0.5 - x * self.scale), round(down + 0.5 - y * self.scale)
        return replace(self, room=room, left=left, top=top).zoomed(self.scale, across, down)

    def showing(self, x, y):
        """Moved just so far that a place in the layer is seen."""
        place = self.place(x, y)
        away = [_beyond(place[n], min(_NEAR_PX, self.room[n] / 2), self.room[n]) for n in (0, 1)]
        return self.moved(*(round(-one) for one in away))

    def _placed(self):
        """In the middle where there is room to spare, else without a gap at either side."""
        left, top = (
            (room - side) // 2 if side <= room else min(max(begin, room - side), 0)
            for begin, side, room in zip((self.left, self.top), self.extent, self.room, strict=True)
        )
        return replace(self, left=left, top=top)


def _fitting(size, room):
    return min(room[0] / size[0], room[1] / size[1], _FITTED)


def _beyond(place, near, room):
    return min(place - near, 0) or max(place - (room - near), 0)
