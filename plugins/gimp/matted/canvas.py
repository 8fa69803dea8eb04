"""The picture that a person points in: the layer, what is dropped of it dimmed, and the marks on it.

Imports GTK; the layer's pixels come from a function, as bytes, and only those that are seen; what was pointed
at goes out as calls. Knows no GIMP and no engine.
"""

import math

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, GObject, Gtk

from drawing import as_alpha, drawn
from marks import Marks
from view import View

_DRAG_PX = 5  # a click that moves less is a click
_NOTCH = 2 / 3  # a notch of the wheel moves by the room to the power of it, as everywhere in GTK
_STRIDE = 20  # how many times as far the cross goes with Shift
_CONTROL, _SHIFT = Gdk.ModifierType.CONTROL_MASK, Gdk.ModifierType.SHIFT_MASK
_ALT = Gdk.ModifierType.MOD1_MASK
_INVERTS = _SHIFT | _ALT | _CONTROL
_WHEEL = {
    Gdk.ScrollDirection.UP: (0, -1),
    Gdk.ScrollDirection.DOWN: (0, 1),
    Gdk.ScrollDirection.LEFT: (-1, 0),
    Gdk.ScrollDirection.RIGHT: (1, 0),
}
_ARROWS = {"Left": (-1, 0), "Right": (1, 0), "Up": (0, -1), "Down": (0, 1)}
_TIMES = {"1": 1, "2": 2, "3": 4, "4": 8, "5": 16}  # GIMP's own keys
_ENTER = ("Return", "Enter", "ISO_Enter")


class Canvas(Gtk.Layout):
    """Shows a layer of `size` (width, height), at first all of it.

    `read(left, top, width, height, scale)` gives a part of it as RGBA bytes: in the pixels, and as large, as
    the layer has them at that scale of 1 at most. `pointed(x, y, other)` is called with every click and with
    every Enter or Space at the cross, in the layer's pixels; `other` with the second button or with Shift,
    Alt or Ctrl. `boxed([left, top, right, bottom])` is called with every box that was dragged. The signal
    `viewed` tells that `view` is another.
    """

    __gsignals__ = {"viewed": (GObject.SignalFlags.RUN_FIRST, None, ())}  # noqa: RUF012 (PyGObject's way)

    def __init__(self, read, size, pointed, boxed):
        super().__init__(can_focus=True)
        self.view = View.fitted(size, (1, 1))  # until there is room
        self._read, self._size, self._pointed, self._boxed = read, size, pointed, boxed
        self._mask, self._dimmed = None, True
        self._box, self._cross = None, None
        self._pressed, self._pan, self._panned, self._space = None, None, False, False
        self._pointer, self._turned = None, 0.0
        self._drawing = False
        self._picture = Gtk.Image()
        self.put(self._picture, 0, 0)
        self._marks = Marks(self, self.view)
        events = Gdk.EventMask
        self.add_events(
            events.BUTTON_PRESS_MASK
            | events.BUTTON_RELEASE_MASK
            | events.POINTER_MOTION_MASK
            | events.LEAVE_NOTIFY_MASK
            | events.SCROLL_MASK
            | events.SMOOTH_SCROLL_MASK
            | events.KEY_RELEASE_MASK
        )
        self.connect("realize", lambda _: self._show_cursor())
        self.connect("size-allocate", lambda *_: GLib.idle_add(self._resize))
        self.connect("button-press-event", self._press)
        self.connect("motion-notify-event", self._move)
        self.connect("leave-notify-event", self._leave)
        self.connect("button-release-event", self._release)
        self.connect("scroll-event", self._scroll)
        self.connect("key-press-event", self._key_press)
        self.connect("key-release-event", self._key_release)
        self.connect("focus-in-event", lambda *_: self._show_cross())
        self.connect("focus-out-event", lambda *_: self._unfocused())

    def mark(self, points, box):
        """Shows the marks: points (x, y, 1 or 0), and a box or None, in the layer's pixels."""
        self._box = box
        self._marks.show_points(points)
        self._marks.show_box(box)

    def show_mask(self, mask):
        """Shows what a mask of all of the layer keeps: bytes, width and height; None shows everything."""
        self._mask = mask and as_alpha(*mask)
        self._redraw()

    def set_dimmed(self, dimmed):
        """Whether what is dropped is dimmed; else it is transparent."""
        self._dimmed = dimmed
        self._redraw()

    # -- looking closer

    def fit(self):
        """Shows all of the layer."""
        self._look(View.fitted(self._size, self.view.room))

    def zoom_to(self, scale):
        """Shows the layer at a scale, 1 for a pixel of the screen to each of its own."""
        self._look(self.view.zoomed(scale, *self._aim()))

    def zoom_by(self, steps):
        """Shows the layer larger, or with less than 0 smaller, by so many of the usual steps."""
        self._look(self.view.stepped(steps, *self._aim()))

    def move_by(self, across, down):
        """Moves the layer by pixels of the screen."""
        self._look(self.view.moved(across, down))

    def _aim(self):
        """What stays where it is while a key or a button zooms: the cross, the pointer, or the middle."""
        if self._cross is not None and self.has_focus():
            place, room = self.view.place(*self._cross), self.view.room
            if all(0 <= place[n] < room[n] for n in (0, 1)):
                return math.floor(place[0]), math.floor(place[1])
        return self._pointer or self.view.middle

    def _look(self, view):
        if view != self.view:
            self.view = view
            self._redraw()
            self.emit("viewed")

    def _resize(self):
        room = (self.get_allocated_width(), self.get_allocated_height())
        self._look(self.view.resized(room))

    def _redraw(self):
        if not self._drawing:
            self._drawing = True  # once for all events that are waiting
            GLib.idle_add(self._draw, priority=GLib.PRIORITY_HIGH_IDLE)

    def _draw(self):
        self._drawing = False
        self._picture.set_from_pixbuf(drawn(self.view, self._read, self._mask, dimmed=self._dimmed))
        self.move(self._picture, max(self.view.left, 0), max(self.view.top, 0))
        self._marks.follow(self.view)

    # -- the pointer

    def _press(self, _widget, event):
        if event.type != Gdk.EventType.BUTTON_PRESS or event.button not in (1, 2, 3):
            return False
        self.grab_focus()
        if event.button == 2:
            self._begin_pan(event.x, event.y)
        elif not self._space:
            self._cross = None
            self._show_cross()
            self._pressed = (event.button, event.x, event.y, self._at(event))
        return True

    def _move(self, _widget, event):
        self._pointer = (math.floor(event.x), math.floor(event.y))
        if self._space and self._pan is None:
            self._begin_pan(event.x, event.y)
        if self._pan is not None:
            across, down = round(event.x - self._pan[0]), round(event.y - self._pan[1])
            if self._panned or max(abs(across), abs(down)) >= _DRAG_PX:
                self._panned = True
                self._pan = (self._pan[0] + across, self._pan[1] + down)
                self.move_by(across, down)
        elif self._drags(event):
            self._marks.show_box(self._dragged(event))
        return True

    def _leave(self, *_):
        self._pointer = None
        return False

    def _release(self, _widget, event):
        if event.button == 2:
            self._end_pan()
            return True
        if self._pressed is None or event.button != self._pressed[0]:
            return False
        drags, box, (x, y) = self._drags(event), self._dragged(event), self._pressed[3]
        self._pressed = None
        if drags:
            self._marks.show_box(self._box)
            if box[0] < box[2] and box[1] < box[3]:
                self._boxed(box)
        elif 0 <= x <= self._size[0] and 0 <= y <= self._size[1]:
            self._pointed(x, y, event.button == 3 or bool(event.state & _INVERTS))
        return True

    def _scroll(self, _widget, event):
        smooth = event.direction == Gdk.ScrollDirection.SMOOTH
        across, down = (event.delta_x, event.delta_y) if smooth else _WHEEL[event.direction]
        if event.state & _CONTROL:
            self._turned -= down
            steps = math.trunc(self._turned)
            self._turned -= steps
            self._look(self.view.stepped(steps, math.floor(event.x), math.floor(event.y)))
            return True
        if event.state & _SHIFT:
            across, down = down, across
        room = self.view.room
        self.move_by(round(-across * room[0] ** _NOTCH), round(-down * room[1] ** _NOTCH))
        return True

    def _begin_pan(self, x, y):
        self._pan, self._panned = (x, y), False
        self._show_cursor("grabbing")

    def _end_pan(self):
        if self._pan is not None:
            self._pan = None
            self._show_cursor()

    def _show_cursor(self, name="crosshair"):
        self.get_bin_window().set_cursor(Gdk.Cursor.new_from_name(self.get_display(), name))

    def _at(self, event):
        """Where an event is, in tenths of the layer's pixels; it may be beside the layer."""
        x, y = self.view.at(math.floor(event.x), math.floor(event.y))
        return math.floor(10 * x) / 10, math.floor(10 * y) / 10

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

    # -- the keyboard

    def zoom_key(self, event):
        """Zooms if a key is one that does in GIMP, or 0 for all of the layer; returns whether it was."""
        name, modifiers = _key(event)
        if name in ("J", "j") and modifiers == _CONTROL | _SHIFT:
            self.fit()
        elif modifiers & (_CONTROL | _ALT):
            return False
        elif name in ("plus", "equal", "Add"):
            self.zoom_by(1)
        elif name in ("minus", "Subtract"):
            self.zoom_by(-1)
        elif name == "0":
            self.fit()
        elif name in _TIMES:
            self.zoom_to(_TIMES[name])
        else:
            return False
        return True

    def _key_press(self, _widget, event):
        name, modifiers = _key(event)
        if name in _ARROWS and not modifiers & (_CONTROL | _ALT):
            self._step(*_ARROWS[name], _STRIDE if modifiers else 1)
        elif name in _ENTER and self._cross is not None:
            self._pointed(*self._cross, bool(modifiers))
        elif name == "space":
            if not self._space:  # the key repeats
                self._space, self._panned = True, False
                if self._pointer is not None:
                    self._begin_pan(*self._pointer)
        else:
            return False
        return True

    def _key_release(self, _widget, event):
        if event.keyval != Gdk.KEY_space or not self._space:
            return False
        self._space = False
        self._end_pan()
        if not self._panned and self._cross is not None:
            self._pointed(*self._cross, bool(event.state & _INVERTS))
        return True

    def _step(self, across, down, stride):
        """Moves the cross by the screen's pixels, or by the layer's where those are larger."""
        if self._cross is None:
            ends = self.view.at(*self.view.middle)
        else:
            far = stride * max(1 / self.view.scale, 1)
            ends = (self._cross[0] + across * far, self._cross[1] + down * far)
        x, y = (min(max(math.floor(ends[n]), 0), self._size[n] - 1) for n in (0, 1))
        self._cross = (x + 0.5, y + 0.5)  # the middle of a pixel
        self._show_cross()
        self._look(self.view.showing(*self._cross))

    def _show_cross(self):
        self._marks.show_cross(self._cross if self.has_focus() else None)

    def _unfocused(self):
        self._space = False
        self._end_pan()
        self._show_cross()


def _key(event):
    """A key's name, on whichever part of the keyboard it is, and what is held with it."""
    return (Gdk.keyval_name(event.keyval) or "").replace("KP_", ""), event.state & _INVERTS
