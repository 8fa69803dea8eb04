"""The window of Point at the Subject: clicks in the layer, and at once what they would keep.

Imports widgets of GIMP and GTK, which need a display. The engine is asked in a thread of `Previews`; only the
main one touches a widget. Nothing of the image is changed: the marks go into the procedure's arguments.
"""

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gimp, GimpUi, GLib, GObject, Gtk

import pixels
from canvas import Canvas
from engine import POINTED, Previews, adjustments, in_gimp, mask_options, nothing_in, sentence_of
from zoombar import framed, zoom_bar

_SIDE_PX = 1024  # of the masks asked for while the person points
_LEAST_PX = (620, 440)
_LINE = 60  # letters of what is told
_GUIDE = (
    "Click on what you want, right-click or Shift-click on what you do not want, or drag a box. "
    "Ctrl+wheel zooms, the middle button or Space moves. Arrow keys move a cross, Enter clicks there."
)
_KEYS = """Ctrl+wheel, + and \N{MINUS SIGN}: larger, smaller
1 to 5: 100 % to 1600 %; 0 or Shift+Ctrl+J: all of the layer
Wheel, Shift+wheel, middle button, Space and the pointer: move
Arrow keys: move the cross; with Shift, further
Enter or Space at the cross: wanted; with Shift, not wanted
Backspace or Ctrl+Z: takes the last mark away"""


def point_out(procedure, config, layer, engine):
    """The window, until it is left; what was pointed at is in `config`. Returns what the engine holds of the
    layer by then, None if the person does not go on.
    """
    GimpUi.init("matted")
    return _Window(procedure, config, layer, engine).run()


class _Window:
    def __init__(self, procedure, config, layer, engine):
        self._config, self._layer = config, layer
        self._steps = [((), None)]  # points and box, one step for each mark
        self._asked, self._awaited = 0, 0  # the number of the last wishes, and how many are not answered
        self._seen = False
        size = (layer.get_width(), layer.get_height())
        limit = pixels.selection_of(layer)
        self._selected, self._limited = pixels.selection_box(layer), limit is not None
        planes = pixels.Pixels(layer).planes
        self._previews = Previews(engine, planes, limit, self._options("none"), self._told)
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, "Point at the Subject")
        self._dialog.set_ok_label("Cut _Out")
        self._dialog.connect("key-press-event", self._key)
        self._canvas = Canvas(pixels.parts_of(layer), size, self._point, self._draw_box)
        self._canvas.set_size_request(*_LEAST_PX)
        self._canvas.get_accessible().set_name("The layer: arrow keys move a cross, Enter clicks there")
        self._fill()
        for name in ("edges", "selection", "output"):
            config.connect(f"notify::{name}", lambda *_: self._changed())

    def run(self):
        self._changed()
        self._canvas.grab_focus()
        going_on = self._dialog.run()
        self._previews.close()
        points, box = self._steps[-1]
        _, left, top = self._layer.get_offsets()
        told = [f"{x + left:.1f},{y + top:.1f},{wanted}" for x, y, wanted in points]
        self._config.set_property("points", " ".join(told))
        told = [f"{side + (left, top)[n % 2]:.1f}" for n, side in enumerate(box or ())]
        self._config.set_property("box", ",".join(told))
        self._dialog.destroy()
        return self._previews.held if going_on else None

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
        options.set_hexpand(False)  # the canvas gets all the room there is
        values = Gimp.ValueArray.new(1)
        values.append(GObject.Value(GObject.TYPE_STRING, "layer"))
        self._dialog.set_sensitive_if_in("decontaminate", self._config, "output", values, True)
        tools = Gtk.Box(spacing=6)
        self._wants = Gtk.RadioButton(label="+ _Wanted", use_underline=True, draw_indicator=False)
        self._wants.set_tooltip_text("A click says: this is what I want.")
        unwanted = Gtk.RadioButton(
            label="\N{MINUS SIGN} _Not wanted", use_underline=True, draw_indicator=False, group=self._wants
        )
        unwanted.set_tooltip_text("A click says: this is not what I want. So does a right click.")
        kinds = Gtk.Box()
        kinds.get_style_context().add_class("linked")
        for kind in (self._wants, unwanted):
            kind.set_focus_on_click(False)
            kinds.add(kind)
        tools.pack_start(kinds, False, False, 0)
        if pixels.sample_points(self._layer):
            _button(tools, "From Sample _Points", "Marks the image's sample points as wanted.", self._sample)
        self._clear = _button(tools, "C_lear", "Takes all marks away.", self._clear_all, at_end=True)
        self._undo = _button(
            tools, "_Undo", "Takes the last mark away (Ctrl+Z).", self._undo_last, at_end=True
        )
        dims = Gtk.CheckButton(label="S_how what is dropped", use_underline=True, active=True)
        dims.set_tooltip_text("Dimmed, to be clicked on; otherwise it is transparent.")
        dims.set_focus_on_click(False)
        dims.connect("toggled", lambda *_: self._canvas.set_dimmed(dims.get_active()))
        tools.pack_end(dims, False, False, 6)
        self._spinner = Gtk.Spinner()
        self._sentence = Gtk.Label(xalign=0, yalign=0, wrap=True, height_request=54)
        self._sentence.set_width_chars(_LINE)  # the same for every sentence: nothing moves
        self._sentence.set_max_width_chars(_LINE)
        self._sentence.set_tooltip_text(_KEYS)
        below = Gtk.Box(spacing=6)
        below.pack_start(self._sentence, True, True, 0)
        below.pack_end(zoom_bar(self._canvas), False, False, 0)
        below.pack_end(self._spinner, False, False, 0)
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        left.pack_start(framed(self._canvas), True, True, 0)
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
        return self._canvas.zoom_key(event)

    def _changed(self):
        points, box = self._steps[-1]
        self._canvas.mark(points, self._box())
        self._undo.set_sensitive(len(self._steps) > 1)
        self._clear.set_sensitive(bool(points or box))
        self._ask()

    def _box(self):
        """The box that was drawn, or else that around the selection if it shall be one."""
        _, box = self._steps[-1]
        return box or (self._selected if self._config.get_property("selection") == "box" else None)

    # -- what the engine says

    def _ask(self):
        points, box = self._steps[-1][0], self._box()
        wishes = []
        if points or box:
            prompt = {**({"box": box} if box else {}), "points": [list(point) for point in points]}
            levels = dict.fromkeys(("none", self._config.get_property("edges")))
            # a rough mask at once, then the one that going on will give
            wishes = [({**self._options(level), "prompt": prompt}, self._is_limited()) for level in levels]
        else:
            self._canvas.show_mask(None)
        self._asked, self._awaited = self._previews.ask(wishes), len(wishes)
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, bool(wishes))
        self._say(_GUIDE)

    def _locked(self):
        """Why the layer can have no mask, as a sentence; "" if it can, or shall not."""
        try:
            if self._config.get_property("output") == "mask":
                pixels.check_unlocked(self._layer)
        except pixels.Refused as error:
            return str(error)
        return ""

    def _is_limited(self):
        return self._limited and self._config.get_property("selection") == "limit"

    def _options(self, level):
        options = {**mask_options(self._config), "adjust": adjustments(self._config), "side_px": _SIDE_PX}
        return {**options, "refine": {"level": level}}

    def _told(self, number, answer, error):
        GLib.idle_add(self._answered, number, answer, error)

    def _answered(self, number, answer, error):
        if error is not None and number == self._asked:
            self._awaited, self._seen = 0, True
            self._dialog.set_response_sensitive(Gtk.ResponseType.OK, False)
            self._say(sentence_of(error))
        if number == 0:
            self._seen = True
            self._say(self._sentence.get_text())
        if answer is None or number != self._asked:
            return
        self._awaited -= 1
        nothing = nothing_in(answer, limited=self._is_limited()) or self._locked()
        told = [in_gimp(one["sentence"]) for one in answer.warnings if one["code"] in POINTED]
        self._say(nothing or " ".join(told) or _GUIDE)
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, not nothing)
        step = 2 if answer.format == "gray16" else 1
        self._canvas.show_mask((bytes(answer.data[step - 1 :: step]), answer.width, answer.height))

    def _say(self, sentence):
        self._sentence.set_text(sentence)
        busy = self._awaited > 0 or not self._seen
        (self._spinner.start if busy else self._spinner.stop)()


def _button(box, label, tip, action, *, at_end=False):
    button = Gtk.Button(label=label, use_underline=True)
    button.set_tooltip_text(tip)
    button.set_focus_on_click(False)  # the canvas keeps its keys
    button.connect("clicked", lambda *_: action())
    (box.pack_end if at_end else box.pack_start)(button, False, False, 0)
    return button
