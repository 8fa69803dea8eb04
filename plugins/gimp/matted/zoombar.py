"""What stands around the canvas: scroll bars and the focus at its edges, the zoom and its buttons below.

Imports GTK. Knows the canvas by what it offers, no GIMP and no engine.
"""

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk

_STYLE = b"""
.matted-canvas > border { border: 1px solid alpha(currentColor, 0.25); border-radius: 0; }
.matted-focused > border { border-color: currentColor; }
"""


def framed(canvas):
    """The canvas between its scroll bars, in a frame that shows when it has the focus."""
    frame = Gtk.Frame(shadow_type=Gtk.ShadowType.IN)
    frame.add(canvas)
    context, style = frame.get_style_context(), Gtk.CssProvider()
    style.load_from_data(_STYLE)
    context.add_provider(style, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION + 100)
    context.add_class("matted-canvas")
    canvas.connect("focus-in-event", lambda *_: context.add_class("matted-focused"))
    canvas.connect("focus-out-event", lambda *_: context.remove_class("matted-focused"))
    frame.set_hexpand(True)
    frame.set_vexpand(True)
    grid = Gtk.Grid()
    grid.attach(frame, 0, 0, 1, 1)
    grid.attach(_scroll_bar(canvas, 0, Gtk.Orientation.HORIZONTAL), 0, 1, 1, 1)
    grid.attach(_scroll_bar(canvas, 1, Gtk.Orientation.VERTICAL), 1, 0, 1, 1)
    return grid


def zoom_bar(canvas):
    """How large the layer is shown, and buttons for those who look for them."""
    bar = Gtk.Box()
    shown = Gtk.Label(width_chars=7, xalign=1, margin_end=6)
    shown.set_tooltip_text("How large the layer is shown; at 100 % each of its pixels is one of the screen.")
    canvas.connect("viewed", lambda _: shown.set_text(f"{100 * canvas.view.scale:.3g} %"))
    bar.add(shown)
    for icon, tip, action in (
        ("zoom-out", "Smaller (\N{MINUS SIGN}, or Ctrl and the wheel)", lambda: canvas.zoom_by(-1)),
        ("zoom-in", "Larger (+, or Ctrl and the wheel)", lambda: canvas.zoom_by(1)),
        ("zoom-original", "100 % (1); 2 to 5 show it larger still", lambda: canvas.zoom_to(1)),
        ("zoom-fit-best", "All of the layer (0, or Shift+Ctrl+J)", canvas.fit),
    ):
        button = Gtk.Button.new_from_icon_name(icon, Gtk.IconSize.MENU)
        button.set_relief(Gtk.ReliefStyle.NONE)
        button.set_focus_on_click(False)
        button.set_tooltip_text(tip)
        button.get_accessible().set_name(tip)
        button.connect("clicked", lambda _, action=action: action())
        bar.add(button)
    return bar


def _scroll_bar(canvas, axis, orientation):
    bar = Gtk.Scrollbar(orientation=orientation)
    along = bar.get_adjustment()

    def follow(_canvas):
        side, room = canvas.view.extent[axis], canvas.view.room[axis]
        along.configure(canvas.view.seen[axis], 0, max(side, room), room / 10, room * 0.9, room)

    def lead(_along):
        away = canvas.view.seen[axis] - round(along.get_value())
        canvas.move_by(*((away, 0), (0, away))[axis])

    canvas.connect("viewed", follow)
    along.connect("value-changed", lead)
    return bar
