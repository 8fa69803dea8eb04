"""What was pointed at, on top of a picture: points, a box, and the cross that the arrow keys move.

Imports GTK; each mark is a small widget of its own, of the same size however large the picture is. Knows no
GIMP and no engine.
"""

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk

_DOT_PX, _CROSS_PX = 20, 33
_BEYOND_PX = 8  # how far a box that goes on is drawn out of sight
_STYLE = b"""
.matted-dot { color: white; border: 2px solid white; border-radius: 10px; padding: 0;
  font: bold 13px sans-serif; min-width: 16px; min-height: 16px; box-shadow: 0 0 0 1px rgba(0, 0, 0, 0.6); }
.matted-wanted { background: #23883f; }
.matted-unwanted { background: #c22f2f; }
.matted-box { border: 2px dashed white; box-shadow: 0 0 0 1px rgba(0, 0, 0, 0.7),
  inset 0 0 0 1px rgba(0, 0, 0, 0.7); }
.matted-cross { background-image: image(white), image(white), image(black), image(black);
  background-size: 1px 100%, 100% 1px, 3px 100%, 100% 3px; background-position: center;
  background-repeat: no-repeat; }
"""


class Marks:
    """The marks on a Gtk.Layout, in the pixels of the layer that a view shows there."""

    def __init__(self, layout, view):
        self._layout = layout
        self._style = Gtk.CssProvider()
        self._style.load_from_data(_STYLE)
        self._view, self._points, self._box, self._cross = view, (), None, None
        self._dots = []
        self._frame = self._put(Gtk.Box(no_show_all=True), "matted-box")
        self._hair = self._put(Gtk.Box(no_show_all=True), "matted-cross")
        self._hair.set_size_request(_CROSS_PX, _CROSS_PX)

    def show_points(self, points):
        """Points (x, y, 1 if wanted, else 0)."""
        for dot in self._dots:
            dot.destroy()
        self._points, self._dots = tuple(points), []
        for _, _, wanted in self._points:
            dot = Gtk.Label(label="+" if wanted else "\N{MINUS SIGN}", visible=True)
            dot.set_size_request(_DOT_PX, _DOT_PX)
            self._dots.append(self._put(dot, "matted-dot", "matted-wanted" if wanted else "matted-unwanted"))
        self._place()

    def show_box(self, box):
        """A box (left, top, right, bottom), or None."""
        self._box = box
        self._place()

    def show_cross(self, at):
        """The cross at (x, y), or None."""
        self._cross = at
        self._place()

    def follow(self, view):
        """Puts every mark where this view has it."""
        self._view = view
        self._place()

    def _place(self):
        for dot, (x, y, _) in zip(self._dots, self._points, strict=True):
            self._centre(dot, _DOT_PX, x, y)
        self._frame.set_visible(self._box is not None)
        if self._box is not None:
            (left, top), (right, bottom) = (self._view.place(*self._box[n : n + 2]) for n in (0, 2))
            left, right = (_in_sight(x, self._view.room[0]) for x in (left, right))
            top, bottom = (_in_sight(y, self._view.room[1]) for y in (top, bottom))
            self._frame.set_size_request(max(right - left, 4), max(bottom - top, 4))
            self._layout.move(self._frame, left, top)
        self._hair.set_visible(self._cross is not None)
        if self._cross is not None:
            self._centre(self._hair, _CROSS_PX, *self._cross)

    def _centre(self, widget, side, x, y):
        across, down = self._view.place(x, y)
        self._layout.move(widget, round(across - side / 2), round(down - side / 2))

    def _put(self, widget, *classes):
        context = widget.get_style_context()
        context.add_provider(self._style, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION + 100)
        for name in classes:
            context.add_class(name)
        self._layout.put(widget, 0, 0)
        return widget


def _in_sight(place, room):
    return round(min(max(place, -_BEYOND_PX), room + _BEYOND_PX))
