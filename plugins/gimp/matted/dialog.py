"""What a person sees: the settings of Remove Background, the list of subjects, the engine's status.

Imports GIMP's and GTK's widgets, which need a display. What takes long runs in threads of
their own, and only the main one touches a widget.
"""

import contextlib
import threading

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GdkPixbuf, Gimp, GimpUi, GLib, GObject, Gtk

from engine import Engine, sentence_of
from matted_client import ClientError
from pixels import reduced

_BOUNDS_PX = {"grow": (-20.0, 20.0), "feather": (0.0, 50.0)}  # the sliders'; more can be typed
_IDLE = "The engine is not running. It starts by itself when a mask is asked for."


def ask_options(procedure, config, title, engine):
    """The dialog of Remove Background; the answers are in `config`. Returns whether to go on."""
    GimpUi.init("matted")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, title)
    dialog.set_ok_label("Remove _Background")
    model = _model_choice(config, engine)
    for name, bounds in _BOUNDS_PX.items():
        dialog.get_scale_entry(name, 1.0).set_bounds(*bounds, True)
    looks, makes = (
        ["subject", "edges", "grow", "feather"],
        ["output", "decontaminate", "existing", "selection"],
    )
    look = dialog.fill_box("matted-look", looks)
    look.pack_start(model, False, False, 0)
    look.reorder_child(model, 0)
    dialog.fill_box("matted-make", makes)
    labels = Gtk.SizeGroup(mode=Gtk.SizeGroupMode.HORIZONTAL)
    for widget in (model, *(dialog.get_widget(name, GObject.TYPE_NONE) for name in looks + makes)):
        if isinstance(widget, GimpUi.Labeled):
            labels.add_widget(widget.get_label())
    for name, title_id, label, content in (
        ("matted-look-frame", "matted-look-title", "Cut-Out", "matted-look"),
        ("matted-make-frame", "matted-make-title", "Result", "matted-make"),
    ):
        dialog.get_label(title_id, label, False, False)
        dialog.fill_frame(name, title_id, False, content)
    _only_for(dialog, config, "decontaminate", "output", "layer")
    _only_for(dialog, config, "subject", "model", "auto")
    dialog.fill(["matted-look-frame", "matted-make-frame"])
    going_on = dialog.run()
    dialog.destroy()
    return going_on


def choose_subjects(procedure, config, layer, subjects):
    """The list of a layer's subjects; the numbers chosen are in `config`. Returns whether to go on."""
    GimpUi.init("matted")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Subjects")
    dialog.set_ok_label("Kee_p Subjects")
    listed = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
    kept = {number.strip() for number in config.get_property("keep").split(",")}
    known = kept & {str(subject.number) for subject in subjects}
    checks = {}
    for subject in subjects:
        check = Gtk.CheckButton(active=not known or str(subject.number) in known)
        row = Gtk.Box(spacing=12)
        row.pack_start(_thumbnail(layer, subject), False, False, 0)
        share = f"{100 * subject.share:.1f} % of the layer"
        row.pack_start(Gtk.Label(label=f"Subject {subject.number}\n{share}", xalign=0), False, False, 0)
        check.add(row)
        listed.pack_start(check, False, False, 0)
        checks[subject.number] = check

    def changed(*_):
        numbers = [str(number) for number, check in checks.items() if check.get_active()]
        config.set_property("keep", ",".join(numbers))
        dialog.set_response_sensitive(Gtk.ResponseType.OK, bool(numbers))

    for check in checks.values():
        check.connect("toggled", changed)
    scrolled = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER, min_content_height=110)
    scrolled.set_propagate_natural_height(True)
    scrolled.set_max_content_height(480)
    scrolled.add(listed)
    dialog.fill_box("matted-subjects", ["output", "decontaminate", "existing"])
    dialog.fill(["matted-subjects"])
    _only_for(dialog, config, "decontaminate", "output", "layer")
    dialog.get_content_area().pack_start(scrolled, True, True, 0)
    dialog.get_content_area().reorder_child(scrolled, 0)
    scrolled.show_all()
    changed()
    going_on = dialog.run()
    dialog.destroy()
    return going_on


def show_status():
    """The window of Matted Status, until it is closed."""
    GimpUi.init("matted")
    _Status().run()


def _only_for(dialog, config, name, other, value):
    values = Gimp.ValueArray.new(1)
    values.append(GObject.Value(GObject.TYPE_STRING, value))
    dialog.set_sensitive_if_in(name, config, other, values, True)


def _thumbnail(layer, subject):
    data, width, height = reduced(layer, subject.box, 96)
    colours, row = GdkPixbuf.Colorspace.RGB, 3 * width
    pixbuf = GdkPixbuf.Pixbuf.new_from_bytes(GLib.Bytes.new(data), colours, False, 8, width, height, row)
    picture = Gtk.Image.new_from_pixbuf(pixbuf)
    picture.set_size_request(96, 72)
    return picture


def _model_choice(config, engine):
    """A combo box of the models that are installed, filled when the engine has answered."""
    store = Gtk.ListStore(str, str)
    store.append(["auto", "Automatic"])
    combo = GimpUi.StringComboBox(model=store, id_column=0, label_column=1)
    wished = config.get_property("model")
    if wished != "auto":
        store.append([wished, wished])
    combo.set_active(wished)
    flags = GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE
    config.bind_property("model", combo, "value", flags)

    def fill(models):
        for model in models:
            if model["kind"] != "saliency" or not model["installed"]:
                continue
            if model["id"] == wished:
                store[1][1] = model["title"]
            else:
                store.append([model["id"], model["title"]])

    def ask():
        with contextlib.suppress(ClientError):  # told when the mask is asked for, where it matters
            GLib.idle_add(fill, engine.client().models())

    threading.Thread(target=ask, daemon=True).start()
    combo.set_hexpand(True)
    widget = GimpUi.LabelStringWidget.new("_Model", combo)
    widget.show_all()
    return widget


class _Status:
    """The window: what the engine says of itself, the models, and the buttons."""

    def __init__(self):
        self._dialog = GimpUi.Dialog(title="Matted Status", role="matted-status")
        self._dialog.add_button("_Close", Gtk.ResponseType.CLOSE)
        box = self._dialog.get_content_area()
        box.set_spacing(12)
        box.set_border_width(12)
        self._text = Gtk.Label(label="Asking the engine…", xalign=0, selectable=True, wrap=True)
        box.pack_start(self._text, False, False, 0)
        buttons = Gtk.Box(spacing=6)
        self._start = self._button(buttons, "_Start Engine", lambda: Engine().client())
        self._stop = self._button(buttons, "S_top Engine", lambda: Engine(start=False).client().shutdown())
        box.pack_start(buttons, False, False, 0)
        self._store = Gtk.ListStore(str, str, str, str, bool)
        self._models = Gtk.TreeView(model=self._store)
        for column, title in enumerate(("Model", "Size", "State", "Licence")):
            self._models.append_column(Gtk.TreeViewColumn(title, Gtk.CellRendererText(), text=column))
        self._models.get_selection().connect("changed", lambda *_: self._sensitive())
        scrolled = Gtk.ScrolledWindow(min_content_height=220, min_content_width=680)
        scrolled.add(self._models)
        box.pack_start(scrolled, True, True, 0)
        self._pull = Gtk.Button(label="_Download Model", use_underline=True, halign=Gtk.Align.START)
        self._pull.connect("clicked", lambda *_: self._download())
        box.pack_start(self._pull, False, False, 0)
        self._bar = Gtk.ProgressBar(show_text=True, no_show_all=True)
        box.pack_start(self._bar, False, False, 0)
        self._rows = []
        self._busy = False
        self._running = False

    def run(self):
        self._dialog.show_all()
        self._work(lambda: None)
        self._dialog.run()
        self._dialog.destroy()

    def _button(self, box, label, action):
        button = Gtk.Button(label=label, use_underline=True)
        button.connect("clicked", lambda *_: self._work(action))
        box.pack_start(button, False, False, 0)
        return button

    def _work(self, action):
        """Runs `action` in a thread, then shows how things are."""
        self._busy = True
        self._sensitive()

        def work():
            told, status, models = "", None, None
            try:
                action()
            except ClientError as error:
                told = sentence_of(error)
            try:
                client = Engine(start=False).client()
                status, models = client.status(), client.models()
            except ClientError as error:
                idle = str(error).startswith("Matted is not running")
                told = told or (_IDLE if idle else sentence_of(error))
            GLib.idle_add(self._show, told, status, models)

        threading.Thread(target=work, daemon=True).start()

    def _show(self, told, status, models):
        self._busy, self._running = False, status is not None
        self._bar.hide()
        if status is not None:
            loaded = [f"{m['id']} on {m['provider']}, {_size(m['memory_bytes'])}" for m in status["models"]]
            held = f"version {status['version']}, {_size(status['memory_bytes'])} of memory"
            lines = [
                f"The engine is running: {held}.",
                f"Loaded: {'; '.join(loaded) or 'no model yet, so no device is in use'}.",
                *status["fallbacks"],
            ]
            told = "\n".join([*filter(None, [told]), *lines])
        if models is not None:
            self._rows = sorted(models, key=lambda model: not model["installed"])
            self._store.clear()
            for model in self._rows:
                state = "loaded" if model["loaded"] else "installed" if model["installed"] else ""
                use = "" if model["commercial"] else ", not for commercial use"
                size = _size(model["size"]) if model["size"] else ""
                self._store.append([model["title"], size, state, model["licence"] + use, model["installed"]])
        self._text.set_text(told)
        self._sensitive()

    def _sensitive(self):
        self._start.set_sensitive(not self._busy and not self._running)
        self._stop.set_sensitive(not self._busy and self._running)
        chosen = self._chosen()
        self._pull.set_sensitive(
            not self._busy and self._running and bool(chosen) and not chosen["installed"]
        )

    def _chosen(self):
        _, at = self._models.get_selection().get_selected()
        return self._rows[self._store.get_path(at)[0]] if at is not None else None

    def _download(self):
        model = self._chosen()
        if not model["commercial"] and not self._accepts(model):
            return
        self._bar.set_text(f"Downloading {model['title']}")
        self._bar.show()

        def pull():
            client = Engine().client()
            for event in client.pull(model["id"], accept_licence=True):
                GLib.idle_add(self._bar.set_fraction, event.get("done", 0) / (event.get("total") or 1))

        self._work(pull)

    def _accepts(self, model):
        question = Gtk.MessageDialog(
            transient_for=self._dialog,
            modal=True,
            message_type=Gtk.MessageType.QUESTION,
            buttons=Gtk.ButtonsType.OK_CANCEL,
            text=f"{model['title']} may not be used commercially.",
            secondary_text=f"Its licence is {model['licence']}. Download it and keep to that?",
        )
        answer = question.run()
        question.destroy()
        return answer == Gtk.ResponseType.OK


def _size(count):
    return f"{count / 1e6:.0f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"
