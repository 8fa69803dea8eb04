"""GIMP's layers, masks and selection as planes for the engine, and the way back.

Imports GIMP, GEGL and the client's plain tuples. Knows no dialog and no daemon. A layer's own pixels are only
ever read here: what is made goes into a mask, a channel, the selection or a new layer.
"""

import base64
import json
import zlib

from gi.repository import Babl, Gegl, Gimp

from matted_client import Planes

_OPTIONS = "matted-made-with"  # parasites of a mask: the options it was made with, and what was made where
_PLANE = "matted-made"  # those alone would not give it again
_DEPTHS = {"u8": "8", "u16": "16", "half": "f16", "float": "f32"}  # babl's words, and the daemon's
_UNSIGNED = {"8": "B", "16": "H", "f16": "H", "f32": "I"}  # as memoryview calls values of that width


class Refused(Exception):
    """Something cannot be done; `str(error)` is the sentence to show."""


class Pixels:
    """A layer's pixels: `planes` for the daemon, and the babl name to write the same bytes back with."""

    def __init__(self, layer):
        layout = layer.get_format()
        model, _, depth = Babl.format_get_encoding(layout).partition(" ")
        self.colours = "gray" if layer.is_gray() else "rgb"
        self.has_alpha = layer.has_alpha()
        profile = None
        if depth in _DEPTHS and "~" not in model and not layer.is_indexed():
            self.name = Babl.get_name(layout)  # as they lie in memory, in the image's own colour space
            image = layer.get_image()
            if "'" not in model or image.get_color_profile() is not None:
                profile = bytes(image.get_effective_color_profile().get_icc_profile())
        else:  # GIMP converts: palettes and odd 8 bits to 8-bit sRGB, what is deeper than float to float
            depth = "u8" if layer.is_indexed() or depth == "u8" else "float"
            self.name = ("Y'" if self.colours == "gray" else "R'G'B'") + "A" * self.has_alpha + " " + depth
        self.depth = _DEPTHS[depth]
        kind = self.colours + "a" * self.has_alpha + self.depth
        data = _read(layer, self.name)
        self.planes = Planes(data, layer.get_width(), layer.get_height(), kind, profile)

    def recoloured(self, clean):
        """The bytes with the colours of the answer `clean`, which has no alpha, under these pixels' alpha."""
        if clean.format != self.colours + self.depth:
            raise Refused(f"The engine sent {clean.format} colours for a layer of {self.planes.format}.")
        if not self.has_alpha:
            return bytes(clean.data)
        count = 1 if self.colours == "gray" else 3
        pixels = bytearray(self.planes.data)
        into = memoryview(pixels).cast(_UNSIGNED[self.depth])
        colours = memoryview(clean.data).cast(_UNSIGNED[self.depth])
        for channel in range(count):
            into[channel :: count + 1] = colours[channel::count]
        return bytes(pixels)


# ------------------------------------------------------------------------------------------------ reading


def layers_of(image, drawables):
    """The layers a procedure was given, each once; a selected mask stands for its layer. Raises Refused."""
    found = []
    for item in drawables:
        layer = Gimp.Layer.from_mask(item) if isinstance(item, Gimp.LayerMask) else item
        if not isinstance(layer, Gimp.Layer):
            raise Refused(f"“{item.get_name()}” is a channel. Select a layer in the Layers dialog.")
        if layer.is_floating_sel():
            raise Refused("There is a floating selection. Anchor it or make it a layer first.")
        if layer not in found:
            found.append(layer)
    if image.get_floating_sel() is not None:
        raise Refused("There is a floating selection. Anchor it or make it a layer first.")
    if not found:
        raise Refused("No layer is selected. Select one in the Layers dialog.")
    return found


def check_unlocked(layer):
    """Raises Refused if the pixels of the layer or of a group around it are locked: GIMP ends a plug-in that
    writes to those, and to their masks.
    """
    item = layer
    while item is not None:
        if item.get_lock_content():
            where = f" by the group “{item.get_name()}”" if item is not layer else ""
            raise Refused(
                f"The pixels of the layer “{layer.get_name()}” are locked{where}. Unlock them in the Layers "
                "dialog, or choose another result than a layer mask."
            )
        item = item.get_parent()


def selection_of(layer):
    """The selection where the layer lies, as a gray plane; None if nothing is selected."""
    image = layer.get_image()
    if Gimp.Selection.is_empty(image):
        return None
    _, left, top = layer.get_offsets()
    return _coverage(image.get_selection(), left, top, layer.get_width(), layer.get_height())


def selection_box(layer):
    """The box around the selection in the layer's pixels: left, top, right, bottom; None without one."""
    _, exists, left, top, right, bottom = Gimp.Selection.bounds(layer.get_image())
    _, x, y = layer.get_offsets()
    return [left - x, top - y, right - x, bottom - y] if exists else None


def mask_plane(mask):
    """A layer mask as a gray plane."""
    return _coverage(mask, 0, 0, mask.get_width(), mask.get_height())


def prompt_on(layer, points, box, *, by_selection):
    """What was pointed at, from pixels of the image to those of the layer, for the engine. Raises Refused.

    `points`: [x, y, 1 or 0] each; `box`: left, top, right, bottom or None. Without a box that around the
    selection, if `by_selection`; without anything the sample points.
    """
    _, left, top = layer.get_offsets()
    width, height = layer.get_width(), layer.get_height()
    found = []
    for x, y, wanted in points:
        if not (0 <= x - left <= width and 0 <= y - top <= height):
            raise Refused(f"The point {x:g},{y:g} does not lie on the layer “{layer.get_name()}”.")
        found.append([round(x - left, 1), round(y - top, 1), wanted])
    if box is not None:
        box = [round(side - (left, top)[n % 2], 1) for n, side in enumerate(box)]
    elif by_selection:
        box = selection_box(layer)
    if box is None and not found:
        found = [[x, y, 1] for x, y in sample_points(layer)]
    if box is None and not found:
        raise Refused("Nothing was pointed at. Give points or a box, or set sample points on the layer.")
    return {**({"box": box} if box else {}), "points": found}


def sample_points(layer):
    """The image's sample points that lie on the layer, in the layer's pixels: [x, y] each."""
    image = layer.get_image()
    _, left, top = layer.get_offsets()
    found = []
    number = image.find_next_sample_point(0)
    while number:
        x, y = image.get_sample_point_position(number)[-2:]
        if 0 <= x - left < layer.get_width() and 0 <= y - top < layer.get_height():
            found.append([x - left + 0.5, y - top + 0.5])  # the middle of the pixel
        number = image.find_next_sample_point(number)
    return found


def reduced(layer, box, side):
    """A part of the layer as 8-bit RGB, at most `side` wide and high: bytes, width, height."""
    left, top, right, bottom = box
    scale = min(side / max(right - left, bottom - top), 1)
    width, height = max(round((right - left) * scale), 1), max(round((bottom - top) * scale), 1)
    area = Gegl.Rectangle.new(round(left * scale), round(top * scale), width, height)
    data = layer.get_buffer().get(area, scale, "R'G'B' u8", Gegl.AbyssPolicy.CLAMP)
    return data, width, height


def parts_of(layer):
    """A function (left, top, width, height, scale) that reads a part of the layer as it lies there at that
    scale, as 8-bit RGBA; nothing of a layer that is gone. What was read once is quick to read again.
    """
    buffer = layer.get_buffer()

    def read(left, top, width, height, scale):
        if not layer.is_valid():  # GIMP ends a plug-in that asks for its pixels
            return bytes(4 * width * height)
        area = Gegl.Rectangle.new(left, top, width, height)
        return buffer.get(area, scale, "R'G'B'A u8", Gegl.AbyssPolicy.CLAMP)

    return read


def made_with(mask):
    """The options that a mask was made with, {} for one that Matted did not make."""
    note = mask.get_parasite(_OPTIONS)
    try:
        return dict(json.loads(bytes(note.get_data()))) if note is not None else {}
    except ValueError:
        return {}


def made_plane(mask):
    """The mask as it was made, before anybody painted on it, where that was noted; else None."""
    note = mask.get_parasite(_PLANE)
    if note is None:
        return None
    width, height = mask.get_width(), mask.get_height()
    data = zlib.decompress(base64.b64decode(bytes(note.get_data())))
    depth = {width * height: "gray8", 2 * width * height: "gray16"}.get(len(data))
    return Planes(data, width, height, depth) if depth else None  # None: the mask was cropped or scaled


def with_mask_applied(layer, pixels):
    """The layer's pixels with alpha times its mask, read from a scratch image."""
    image, mask, planes = layer.get_image(), layer.get_mask(), pixels.planes
    scratch = Gimp.Image.new_with_precision(
        planes.width, planes.height, image.get_base_type(), image.get_precision()
    )
    try:
        if image.get_color_profile() is not None:
            scratch.set_color_profile(image.get_color_profile())
        copy = _blank_layer(scratch, pixels, has_alpha=True)
        scratch.insert_layer(copy, None, 0)
        _fill(copy, pixels.name, planes.data)
        copy.add_mask(_copied(mask, copy.create_mask(Gimp.AddMaskType.WHITE)))
        copy.remove_mask(Gimp.MaskApplyMode.APPLY)
        return Pixels(copy)
    finally:
        scratch.delete()


# ------------------------------------------------------------------------------------------------ writing


def set_mask(layer, answer, options, existing, *, limited):
    """Give the layer the mask of `answer`; what becomes of one it has is `existing`: keep, intersect or
    replace. `options` are noted on the mask, for refining it later; `limited`: they do not tell it all.
    """
    old = layer.get_mask()
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    _fill(mask, *_values(answer, layer.get_width(), layer.get_height()))
    if old is not None:
        if existing == "intersect":
            mask.combine_masks(old, Gimp.ChannelOps.INTERSECT, 0, 0)
            limited = True
        elif existing == "keep":
            _keep(layer, old)
        layer.remove_mask(Gimp.MaskApplyMode.DISCARD)
    _note(mask, _OPTIONS, json.dumps(options).encode())
    if limited:
        _note(mask, _PLANE, base64.b64encode(zlib.compress(mask_plane(mask).data, 1)))
    if not layer.add_mask(mask):
        raise Refused(f"GIMP refused the mask for the layer “{layer.get_name()}”.")


def change_mask(mask, answer):
    """Write over a layer mask, within the selection if there is one; one step that can be undone."""
    shadow = mask.get_shadow_buffer()
    width, height = mask.get_width(), mask.get_height()
    shadow.set(Gegl.Rectangle.new(0, 0, width, height), *_values(answer, width, height))
    shadow.flush()
    mask.merge_shadow(True)
    mask.update(0, 0, width, height)
    _note(mask, _PLANE, base64.b64encode(zlib.compress(mask_plane(mask).data, 1)))


def add_channel(layer, answer):
    """A channel of the image that holds the mask where the layer lies, and nothing elsewhere."""
    image = layer.get_image()
    spelling, data = _values(answer, layer.get_width(), layer.get_height())
    channel = _blank_channel(image, f"{layer.get_name()} cut-out")
    if image.get_precision() == Gimp.Precision.U8_NON_LINEAR:  # the one whose channels are not linear
        spelling = Babl.get_name(channel.get_format())
    _, left, top = layer.get_offsets()
    _fill(channel, spelling, data, Gegl.Rectangle.new(left, top, layer.get_width(), layer.get_height()))
    image.insert_channel(channel, None, 0)
    return channel


def select(layer, answer, *, adding):
    """Make the mask the selection, or add it to that."""
    image = layer.get_image()
    channel = add_channel(layer, answer)
    Gimp.context_push()
    Gimp.context_set_feather(False)
    image.select_item(Gimp.ChannelOps.ADD if adding else Gimp.ChannelOps.REPLACE, channel)
    Gimp.context_pop()
    image.remove_channel(channel)


def add_layer(layer, pixels, data, name):
    """A new layer above `layer`, which is hidden, with `data` as its pixels; it has no mask yet."""
    image = layer.get_image()
    new = _blank_layer(image, pixels, has_alpha=pixels.has_alpha)
    new.set_name(name)
    if not layer.is_group():
        new.set_mode(layer.get_mode())
    new.set_opacity(layer.get_opacity())
    _, left, top = layer.get_offsets()
    new.set_offsets(left, top)
    _fill(new, pixels.name, data)
    image.insert_layer(new, layer.get_parent(), image.get_item_position(layer))
    layer.set_visible(False)
    return new


def copy_mask(layer, new):
    """Give the layer `new`, of the same size, a copy of the layer's mask."""
    new.add_mask(_copied(layer.get_mask(), new.create_mask(Gimp.AddMaskType.WHITE)))


# ------------------------------------------------------------------------------------------------- inside


def _read(drawable, name, area=None):
    area = area or Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return drawable.get_buffer().get(area, 1.0, name, Gegl.AbyssPolicy.NONE)


def _fill(drawable, name, data, area=None):
    """Writes straight into the buffer, past undo and selection: for what is not in the image yet."""
    area = area or Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    buffer = drawable.get_buffer()
    buffer.set(area, name, data)
    buffer.flush()
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def _coverage(drawable, left, top, width, height):
    """Masks and selections hold linear coverage, of the image's depth; outside of them there is none."""
    deep = not Babl.format_get_encoding(drawable.get_format()).endswith(" u8")
    area = Gegl.Rectangle.new(left, top, width, height)
    data = _read(drawable, "Y u16" if deep else "Y u8", area)
    return Planes(data, width, height, "gray16" if deep else "gray8")


def _values(answer, width, height):
    """The babl name and the bytes of a mask from the engine; GEGL would drop a wrong count in silence."""
    size = {"gray8": 1, "gray16": 2}.get(answer.format, 0)
    if not size or len(answer.data) != width * height * size:
        raise Refused("The engine's answer does not fit the layer. Is the engine of another version?")
    return f"Y u{8 * size}", bytes(answer.data)


def _note(mask, name, data):
    """`data`: bytes below 128, all that GIMP takes from Python."""
    lasting = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
    mask.attach_parasite(Gimp.Parasite.new(name, lasting, data))


def _copied(mask, blank):
    name = Babl.get_name(mask.get_format())
    _fill(blank, name, _read(mask, name))
    return blank


def _blank_layer(image, pixels, *, has_alpha):
    kind = {
        ("gray", False): Gimp.ImageType.GRAY_IMAGE,
        ("gray", True): Gimp.ImageType.GRAYA_IMAGE,
        ("rgb", False): Gimp.ImageType.RGB_IMAGE,
        ("rgb", True): Gimp.ImageType.RGBA_IMAGE,
    }[pixels.colours, has_alpha]
    planes = pixels.planes
    return Gimp.Layer.new(image, "Matted", planes.width, planes.height, kind, 100.0, Gimp.LayerMode.NORMAL)


def _blank_channel(image, name):
    return Gimp.Channel.new(image, name, image.get_width(), image.get_height(), 50.0, Gegl.Color.new("black"))


def _keep(layer, old):
    """The old mask as a channel; a channel ends at the canvas, so a layer that does not is copied, hidden."""
    image = layer.get_image()
    _, left, top = layer.get_offsets()
    right, bottom = left + layer.get_width(), top + layer.get_height()
    name = f"{layer.get_name()} mask before"
    if left < 0 or top < 0 or right > image.get_width() or bottom > image.get_height():
        copy = layer.copy()
        copy.set_name(name)
        copy.set_visible(False)
        image.insert_layer(copy, layer.get_parent(), image.get_item_position(layer) + 1)
        return
    channel = _blank_channel(image, name)
    area = Gegl.Rectangle.new(left, top, layer.get_width(), layer.get_height())
    # the same bytes: coverage stays what it was also where channels are not linear and masks are
    _fill(channel, Babl.get_name(channel.get_format()), _read(old, Babl.get_name(old.get_format())), area)
    image.insert_channel(channel, None, 0)
