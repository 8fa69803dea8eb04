"""What a script in GIMP starts with: the libraries, pixels as bytes, calls through the procedure database.

Runs inside the root, in GIMP's own Python.
"""

import desk
import gi

for _name, _version in (("Gimp", "3.0"), ("Gegl", "0.4")):
    gi.require_version(_name, _version)

from desk import arguments, report, shot, window, xdotool  # noqa: E402
from gi.repository import Gegl, Gimp, Gio, GLib  # noqa: E402

__all__ = [
    "GLib",
    "Gegl",
    "Gimp",
    "Gio",
    "arguments",
    "call",
    "choose",
    "cover",
    "export",
    "focus",
    "layer_of",
    "load",
    "opened",
    "pdb",
    "pixels",
    "report",
    "search_action",
    "shot",
    "window",
    "xdotool",
]

Gegl.init(None)
pdb = Gimp.get_pdb()


def call(name, image=None, drawables=(), **properties):
    """Call a procedure without windows; (status nick, message or None). None for an unknown procedure."""
    procedure = pdb.lookup_procedure(name)
    if procedure is None:
        return None
    config = procedure.create_config()
    names = {found.name for found in config.list_properties()}
    if "run-mode" in names:
        config.set_property("run-mode", properties.pop("run_mode", Gimp.RunMode.NONINTERACTIVE))
    if image is not None:
        config.set_property("image", image)
        config.set_core_object_array("drawables", list(drawables))
    for key, value in properties.items():
        config.set_property(key.replace("_", "-"), value)
    values = procedure.run(config)
    return values.index(0).value_nick, values.index(1) if values.length() > 1 else None


def load(path):
    """Open a picture file as an image."""
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(path)))


def export(image, path):
    """Write an image into a file of the kind its name says."""
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(path)), None)


def layer_of(image, data, width, height, *, name="layer", form="R'G'B'A u8", kind=None):
    """A new layer with these pixels on top of an image."""
    kind = Gimp.ImageType.RGBA_IMAGE if kind is None else kind  # RGB_IMAGE is 0
    layer = Gimp.Layer.new(image, name, width, height, kind, 100.0, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    buffer = layer.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, width, height), form, data)
    buffer.flush()
    layer.update(0, 0, width, height)
    return layer


def pixels(drawable, form):
    """All of a drawable's pixels; `form`: a babl format such as "R'G'B'A u8", or "Y u8" for masks."""
    area = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return drawable.get_buffer().get(area, 1.0, form, Gegl.AbyssPolicy.NONE)


def opened(path):
    """A file in GIMP's window, which is as large as the screen is seen; the image and its only layer."""
    image = load(path)
    [layer] = image.get_layers()
    Gimp.Display.new(image)
    main = window("GIMP")
    xdotool("windowsize", "--sync", main, "1390", "880")
    xdotool("windowmove", main, "0", "0")
    return image, layer


def cover(image, layer):
    """Hides a layer below a black one in GIMP's window; it stays the selected one."""
    size = (image.get_width(), image.get_height())
    layer_of(image, b"\0\0\0\xff" * (size[0] * size[1]), *size)
    image.set_selected_layers([layer])
    Gimp.displays_flush()


def focus(name):
    """Brings the window of that name to the front; its number."""
    found = window(name)
    xdotool("windowraise", found, "windowfocus", "--sync", found)
    return found


def choose(label):
    """Runs a menu entry of GIMP's window."""
    focus("GIMP")
    search_action(label)


def search_action(label):
    """Choose a menu entry as a person does who types its name into the action search."""
    xdotool("key", "slash")
    window("Search Actions")
    xdotool("type", "--delay", "20", label)
    GLib.usleep(500000)
    xdotool("key", "Return")


def go():
    """Run the test's script."""
    names = {name: globals()[name] for name in __all__}
    exec(desk.source(), {"__name__": "__script__", **names})
