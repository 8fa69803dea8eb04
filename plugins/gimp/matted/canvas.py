"""The picture that a person clicks in: the layer, what is dropped of it dimmed, and the marks on it.

Imports GTK; what it shows comes as bytes, what was clicked goes out as calls. Knows no GIMP and no engine.
Pictures are put together by GdkPixbuf: GIMP's Python has neither cairo nor numpy everywhere.
"""

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GdkPixbuf, GLib, Gtk

_CHECKS, _CHECK_PX = (0x666666, 0x999999), 8  # GIMP's own, behind what is transparent
_DARK = 0x181818
_DIMMED = bytes(64 + value * 191 // 255 for value in range(256))  # what is dropped can still be clicked on
_LARGEST = 8  # how many times its size a small picture is shown
_DRAG_PX = 5  # a click that moves less is a click
_DOT_PX = 20
_INVERTS = Gdk.ModifierType.SHIFT_MASK | Gdk.ModifierType.MOD1_MASK | Gdk.ModifierType.CONTROL_MASK
_STYLE = b"""
.matted-dot { color: white; border: 2px solid white; border-radius: 10px; padding: 0;
  font: bold 13px sans-serif; min-width: 16px; min-height: 16px; box-shadow: 0 0 0 1px rgba(0, 0, 0, 0.6); }
.matted-wanted { background: #23883f; }
.matted-unwanted { background: #c22f2f; }
.matted-box { border: 2px dashed white; box-shadow: 0 0 0 1px rgba(0, 0, 0, 0.7),
  inset 0 0 0 1px rgba(0, 0, 0, 0.7); }
"""


class Canvas(Gtk.Layout):
    """Shows a layer of `size` (width, height) by its view: `data`, RGBA bytes of `width` x `height`.

    `pointed(x, y, other)` is called with every click, in the layer's pixels; `other` with the second button
    or with Shift, Alt or Ctrl. `boxed([left, top, right, bottom])` is called with every box that was dragged.
    """

    def __init__(self, view, size, pointed, boxed):
        super().__init__(can_focus=True)
        data, self._width, self._height = view
        self._size, self._pointed, self._boxed = size, pointed, boxed
        seen = _pixbuf(data, self._width, self._height).composite_color_simple(
            self._width, self._height, GdkPixbuf.InterpType.NEAREST, 255, _CHECK_PX, *_CHECKS
        )
        self._colours = seen.add_alpha(False, 0, 0, 0).get_pixels()
        self._mask, self._dimmed = None, True
        self._points, self._box, self._pressed = (), None, None
        self._place = (0, 0, 1.0)  # of the picture in the widget: left, top, pixels for one of the layer's
        self._drawn = None
        self._style = Gtk.CssProvider()
        self._style.load_from_data(_STYLE)
        self._picture = Gtk.Image()
        self.put(self._picture, 0, 0)
        self._band = self._styled(Gtk.Box(no_show_all=True), "matted-box")
        self.put(self._band, 0, 0)
        self._dots = []
        events = Gdk.EventMask
        self.add_events(events.BUTTON_PRESS_MASK | events.BUTTON_RELEASE_MASK | events.BUTTON_MOTION_MASK)
        self.connect("realize", self._realized)
        self.connect("size-allocate", lambda *_: GLib.idle_add(self._draw))
        self.connect("button-press-event", self._press)
        self.connect("motion-notify-event", self._move)
        self.connect("button-release-event", self._release)

    def mark(self, points, box):
        """Shows the marks: points (x, y, 1 or 0), and a box or None, in the layer's pixels."""
        self._points, self._box = tuple(points), box
        self._show_marks()

    def show_mask(self, mask):
        """Shows what a mask of the view's size keeps, as bytes; None shows everything."""
        self._mask = mask
        self._draw(anew=True)

    def set_dimmed(self, dimmed):
        """Whether what is dropped is dimmed; else it is transparent."""
        self._dimmed = dimmed
        self._draw(anew=True)

    # -- showing

    def _draw(self, *, anew=False):
        room = (self.get_allocated_width(), self.get_allocated_height())
        if min(room) < 2 or (self._drawn == room and not anew):
            return
        self._drawn = room
        scale = min(room[0] / self._width, room[1] / self._height, _LARGEST)
        width, height = max(round(self._width * scale), 1), max(round(self._height * scale), 1)
        left, top = (room[0] - width) // 2, (room[1] - height) // 2
        self._place = (left, top, width / self._size[0])
        view = (self._colours, self._width, self._height)
        shown = drawn(view, self._mask, width, height, dimmed=self._dimmed)
        self._picture.set_from_pixbuf(shown)
        self.move(self._picture, left, top)
        self._show_marks()

    def _show_marks(self):
        for dot in self._dots:
            dot.destroy()
        self._dots = [self._dot(*point) for point in self._points]
        self._show_box(self._box)

    def _dot(self, x, y, wanted):
        dot = Gtk.Label(label="+" if wanted else "\N{MINUS SIGN}", visible=True)
        self._styled(dot, "matted-dot", "matted-wanted" if wanted else "matted-unwanted")
        left, top, scale = self._place
        dot.set_size_request(_DOT_PX, _DOT_PX)
        self.put(dot, round(left + x * scale - _DOT_PX / 2), round(top + y * scale - _DOT_PX / 2))
        return dot

    def _show_box(self, box):
        self._band.set_visible(box is not None)
        if box is not None:
            left, top, scale = self._place
            self._band.set_size_request(*(max(round((box[n + 2] - box[n]) * scale), 4) for n in (0, 1)))
            self.move(self._band, round(left + box[0] * scale), round(top + box[1] * scale))

    def _styled(self, widget, *classes):
        context = widget.get_style_context()
        context.add_provider(self._style, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION + 100)
        for name in classes:
            context.add_class(name)
        return widget

    # -- clicking

    def _realized(self, _widget):
        cursor = Gdk.Cursor.new_from_name(self.get_display(), "crosshair")
        self.get_bin_window().set_cursor(cursor)

    def _at(self, event):
        """Where an event is, in tenths of the layer's pixels; it may be beside the layer."""
        left, top, scale = self._place
        return round((event.x - left) / scale, 1), round((event.y - top) / scale, 1)

    def _press(self, _widget, event):
        if event.type == Gdk.EventType.BUTTON_PRESS and event.button in (1, 3):
            self.grab_focus()
            self._pressed = (event.button, event.x, event.y, self._at(event))
            return True
        return False

    def _move(self, _widget, event):
        if self._drags(event):
            self._show_box(self._dragged(event))
        return True

    def _release(self, _widget, event):
        if self._pressed is None or event.button != self._pressed[0]:
            return False
        drags, box, (x, y) = self._drags(event), self._dragged(event), self._pressed[3]
        self._pressed = None
        if drags:
            self._show_box(self._box)
            if box[0] < box[2] and box[1] < box[3]:
                self._boxed(box)
        elif 0 <= x <= self._size[0] and 0 <= y <= self._size[1]:
            self._pointed(x, y, event.button == 3 or bool(event.state & _INVERTS))
        return True

    def _drags(self, event):
        if self._pressed is None or self._pressed[0] != 1:
            return False
        _, x, y, _ = self._pressed
        return max(abs(event.x - x), abs(event.y - y)) >= _DRAG_PX

    def _dragged(self, event):
        """The box from where the button was pressed to here, within the layer."""
        ends, (width, height) = (self._pressed[3], self._at(event)), self._size
        left, right = sorted(min(max(x, 0), width) for x, _ in ends)
        top, bottom = sorted(min(max(y, 0), height) for _, y in ends)
        return [left, top, right, bottom]


def drawn(view, mask, width, height, *, dimmed):
    """The picture to show: a view (RGBA bytes, width, height) under its mask or None, at another size."""
    pixels, *size = view
    below = _CHECKS if mask is not None and not dimmed else (_DARK, _DARK)
    if mask is not None:
        pixels = bytearray(pixels)
        pixels[3::4] = mask.translate(_DIMMED) if dimmed else mask
    smooth = GdkPixbuf.InterpType.BILINEAR
    return _pixbuf(pixels, *size).composite_color_simple(width, height, smooth, 255, _CHECK_PX, *below)


def _pixbuf(pixels, width, height):
    data, colours = GLib.Bytes.new(bytes(pixels)), GdkPixbuf.Colorspace.RGB
    return GdkPixbuf.Pixbuf.new_from_bytes(data, colours, True, 8, width, height, 4 * width)
