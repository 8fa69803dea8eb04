"""The window of Point at the Subject: clicks in the layer, and at once what they would keep.

Imports GIMP's and GTK's widgets, which need a display. The engine is asked in a thread of `Previews`; only the
main one touches a widget. Nothing of the image is changed here: the marks go into the procedure's arguments.
"""

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gimp, GimpUi, GLib, GObject, Gtk

import pixels
from canvas import Canvas
from engine import POINTED, Previews, adjustments, mask_options, nothing_in, sentence_of

_SIDE_PX = 1024  # of the view, and of the masks asked for while the person points
_LEAST_PX = (620, 440)
_GUIDE = "Click on what you want, right-click or Shift-click on what you do not want, or drag a box."


def point_out(procedure, config, layer, engine):
    """The window, until it is left; what was pointed at is in `config`. Returns whether to go on."""
    GimpUi.init("matted")
    return _Window(procedure, config, layer, engine).run()


class _Window:
    def __init__(self, procedure, config, layer, engine):
        self._config, self._layer = config, layer
        self._steps = [((), None)]  # points and box, one step for each mark
        self._asked, self._settled = 0, None
        size = (layer.get_width(), layer.get_height())
        view = pixels.reduced(layer, (0, 0, *size), _SIDE_PX, "R'G'B'A u8")
        self._view = view[1:]
        limit = pixels.selection_of(layer)
        self._selected, self._limited = pixels.selection_box(layer), limit is not None
        self._previews = Previews(engine, pixels.Pixels(layer).planes, limit, self._told)
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, "Point at the Subject")
        self._dialog.set_ok_label("Cut _Out")
        self._dialog.connect("key-press-event", self._key)
        self._canvas = Canvas(view, size, self._point, self._draw_box)
        self._canvas.set_size_request(*_LEAST_PX)
        self._fill()
        for name in ("edges", "selection"):
            config.connect(f"notify::{name}", lambda *_: self._ask())
        middle = {"points": [[size[0] / 2, size[1] / 2, 1]]}  # any: the model has seen the layer by the first
        self._previews.ask([({**self._options("none"), "prompt": middle}, False)])

    def run(self):
        self._changed()
        going_on = self._dialog.run()
        self._previews.close()
        points, box = self._steps[-1]
        _, left, top = self._layer.get_offsets()
        told = [f"{x + left:.1f},{y + top:.1f},{wanted}" for x, y, wanted in points]
        self._config.set_property("points", " ".join(told))
        corners = box or ()
        told = [f"{side + offset:.1f}" for side, offset in zip(corners, (left, top, left, top))]
        self._config.set_property("box", ",".join(told))
        self._dialog.destroy()
        return going_on

    # -- what is in the window

    def _fill(self):
        shown = ["edges", "output", "decontaminate", "existing"]
        if self._limited:
            shown.append("selection")
        self._dialog.fill_box("matted-result", shown)
        self._dialog.get_label("matted-result-title", "Result", False, False)
        options = self._dialog.fill_frame(
            "matted-result-frame", "matted-result-title", False, "matted-result"
        )
        options.set_valign(Gtk.Align.START)
        values = Gimp.ValueArray.new(1)
        values.append(GObject.Value(GObject.TYPE_STRING, "layer"))
        self._dialog.set_sensitive_if_in("decontaminate", self._config, "output", values, True)
        tools = Gtk.Box(spacing=6)
        self._wants = Gtk.RadioButton(label="_Wanted", use_underline=True, draw_indicator=False)
        self._wants.set_tooltip_text("A click says: this is what I want.")
        unwanted = Gtk.RadioButton(
            label="_Not wanted", use_underline=True, draw_indicator=False, group=self._wants
        )
        unwanted.set_tooltip_text(
            "A click says: this is not what I want. So do right-clicks and Shift-clicks."
        )
        kinds = Gtk.Box()
        kinds.get_style_context().add_class("linked")
        kinds.add(self._wants)
        kinds.add(unwanted)
        tools.pack_start(kinds, False, False, 0)
        if pixels.sample_points(self._layer):
            _button(tools, "From Sample _Points", "Marks the image's sample points as wanted.", self._sample)
        self._clear = _button(tools, "C_lear", "Takes all marks away.", self._clear_all, at_end=True)
        self._undo = _button(
            tools, "_Undo", "Takes the last mark away (Ctrl+Z).", self._undo_last, at_end=True
        )
        dims = Gtk.CheckButton(label="_Show what is dropped", use_underline=True, active=True)
        dims.set_tooltip_text("Dimmed, to be clicked on; otherwise it is transparent.")
        dims.connect("toggled", lambda *_: self._canvas.set_dimmed(dims.get_active()))
        tools.pack_end(dims, False, False, 6)
        self._spinner = Gtk.Spinner()
        self._sentence = Gtk.Label(label=_GUIDE, xalign=0, wrap=True, max_width_chars=60)
        below = Gtk.Box(spacing=6)
        below.pack_start(self._sentence, True, True, 0)
        below.pack_end(self._spinner, False, False, 0)
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        frame = Gtk.Frame(shadow_type=Gtk.ShadowType.IN)
        frame.add(self._canvas)
        left.pack_start(frame, True, True, 0)
        left.pack_start(tools, False, False, 0)
        left.pack_start(below, False, False, 0)
        both = Gtk.Box(spacing=12, border_width=12)
        both.pack_start(left, True, True, 0)
        both.pack_start(options, False, False, 0)
        both.show_all()
        area = self._dialog.get_content_area()
        area.pack_start(both, True, True, 0)
        area.reorder_child(both, 0)

    # -- marks

    def _point(self, x, y, other):
        points, box = self._steps[-1]
        wanted = int(self._wants.get_active() != other)
        self._step((*points, (x, y, wanted)), box)

    def _draw_box(self, box):
        self._step(self._steps[-1][0], box)

    def _sample(self):
        points, box = self._steps[-1]
        new = [(x, y, 1) for x, y in pixels.sample_points(self._layer) if (x, y, 1) not in points]
        self._step((*points, *new), box)

    def _clear_all(self):
        self._step((), None)

    def _undo_last(self):
        if len(self._steps) > 1:
            self._steps.pop()
            self._changed()

    def _step(self, points, box):
        if (points, box) != self._steps[-1]:
            self._steps.append((points, box))
            self._changed()

    def _key(self, _widget, event):
        control = event.state & Gdk.ModifierType.CONTROL_MASK
        if event.keyval == Gdk.KEY_BackSpace or (control and event.keyval in (Gdk.KEY_z, Gdk.KEY_Z)):
            self._undo_last()
            return True
        return False

    def _changed(self):
        points, box = self._steps[-1]
        self._canvas.mark(points, box)
        self._undo.set_sensitive(len(self._steps) > 1)
        self._clear.set_sensitive(bool(points or box))
        self._ask()

    # -- what the engine says

    def _ask(self):
        prompt = self._prompt()
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, prompt is not None)
        if prompt is None:
            self._asked = 0
            self._canvas.show_mask(None)
            self._say(_GUIDE)
            return
        limited = self._limited and self._config.get_property("selection") == "limit"
        edges = self._config.get_property("edges")
        levels = dict.fromkeys(("none", edges))  # a rough one at once; then the one that OK will give
        wishes = [({**self._options(level), "prompt": prompt}, limited) for level in levels]
        self._say(_GUIDE, busy=True)
        self._asked, self._settled = self._previews.ask(wishes), len(wishes)

    def _prompt(self):
        points, box = self._steps[-1]
        if box is None and self._config.get_property("selection") == "box":
            box = self._selected
        if not points and box is None:
            return None
        return {**({"box": box} if box else {}), "points": [list(point) for point in points]}

    def _options(self, level):
        options = {**mask_options(self._config), "adjust": adjustments(self._config), "side_px": _SIDE_PX}
        return {**options, "refine": {"level": level}}

    def _told(self, number, answer, error):
        GLib.idle_add(self._answered, number, answer, error)

    def _answered(self, number, answer, error):
        if number != self._asked:
            return
        if error is not None:
            self._say(sentence_of(error))
            return
        self._settled -= 1
        limited = self._limited and self._config.get_property("selection") == "limit"
        nothing = nothing_in(answer, limited=limited)
        told = [one["sentence"] for one in answer.warnings if one["code"] in POINTED]
        self._say(nothing or " ".join(told) or _GUIDE, busy=self._settled > 0)
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, not nothing)
        step = 2 if answer.format == "gray16" else 1
        if (answer.width, answer.height) == self._view:
            self._canvas.show_mask(bytes(answer.data[step - 1 :: step]))

    def _say(self, sentence, *, busy=False):
        self._sentence.set_text(sentence)
        (self._spinner.start if busy else self._spinner.stop)()


def _button(box, label, tip, action, *, at_end=False):
    button = Gtk.Button(label=label, use_underline=True)
    button.set_tooltip_text(tip)
    button.connect("clicked", lambda *_: action())
    (box.pack_end if at_end else box.pack_start)(button, False, False, 0)
    return button
