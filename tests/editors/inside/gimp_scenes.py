"""What the tests let Matted's procedures do in GIMP: a scene builds an image, calls, and tells the result.

Runs inside the root. A scene is a function of a folder for its files; what it returns, or how it failed, is
reported under its name.
"""

import base64
import hashlib
import json
import traceback
from pathlib import Path

from gimp_desk import Gegl, Gimp, Gio, call, export, layer_of, pdb, pixels, report

SIDE = 64
KEYED = {"model": "red-key", "edges": "none"}  # a model whose alpha is the red channel
PRECISIONS = [
    *("u8-linear", "u8-non-linear", "u8-perceptual", "u16-linear", "u16-non-linear", "u32-linear"),
    *("u32-non-linear", "half-linear", "half-non-linear", "float-linear", "float-non-linear"),
    *("double-linear", "double-non-linear"),
]


def play(folder, *names, of=None):
    """Play scenes, those of the module `of` or of this one, and report them."""
    for name in names:
        try:
            report(**{name: (vars(of) if of else globals())[name](Path(folder))})
        except Exception:
            report(**{name: {"raised": traceback.format_exc()}})


# ---------------------------------------------------------------------------------------------- scenes


def precisions(folder):
    told = {}
    for name in PRECISIONS:
        image = picture(precision=name)
        [layer] = image.get_layers()
        before = fingerprint(layer)
        status = remove(image, [layer])
        export(image, folder / f"{name}.png")
        told[name] = {"status": status, "untouched": fingerprint(layer) == before}
    return told


def kinds(folder):
    told = {}
    for name in ("gray", "gray-alpha", "no-alpha", "indexed", "profiled", "profiled-deep", "gray-deep"):
        image = picture(
            precision="u16-non-linear" if name.endswith("deep") else "u8-non-linear",
            alpha=name in ("gray-alpha", "profiled", "profiled-deep"),
            gray=name.startswith("gray"),
        )
        [layer] = image.get_layers()
        if name.startswith("profiled"):
            assert image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
        if name == "indexed":
            kind = Gimp.ConvertPaletteType.GENERATE
            image.convert_indexed(Gimp.ConvertDitherType.NONE, kind, 256, False, False, "")
        seen = Gimp.Image.duplicate(image)
        before = fingerprint(layer)
        told[name] = {"status": remove(image, [layer]), "untouched": fingerprint(layer) == before}
        told[name]["red"] = packed(pixels(seen.get_layers()[0], "R'G'B' u8")[::3])
        told[name]["mask"] = packed(pixels(layer.get_mask(), "Y u8"))
        export(image, folder / f"{name}.png")
    return told


def places(_folder):
    told = {}
    for name, canvas, offset in (
        ("partly outside", (100, 80), (-10, 30)),
        ("larger than the canvas", (40, 30), (-12, -20)),
        ("far outside", (40, 30), (200, 100)),
        ("smaller", (200, 100), (50, 20)),
    ):
        image = picture(canvas=canvas)
        [layer] = image.get_layers()
        layer.set_offsets(*offset)
        told[name] = {"status": remove(image, [layer]), "mask": mask_of(layer)}
    image = picture(canvas=(120, 100))
    [layer] = image.get_layers()
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    layer.set_offsets(20, 10)
    told["in a group"] = {"status": remove(image, [layer]), "mask": mask_of(layer)}
    layer.remove_mask(Gimp.MaskApplyMode.DISCARD)
    told["a group"] = {
        "status": remove(image, [group]),
        "mask": mask_of(group),
        "inner": layer.get_mask() is None,
    }
    return told


def several(_folder):
    image = picture(canvas=(200, 100))
    first = image.get_layers()[0]
    second = layer_of(image, ramp(backward=True), SIDE, SIDE, name="second")
    third = layer_of(image, ramp(), SIDE, SIDE, name="third")
    status = remove(image, [first, second])
    kept = [mask_of(layer) for layer in (first, second)]
    # what is selected after a mask was added is the mask
    again = remove(image, [first.get_mask(), first], existing="replace")
    return {"status": status, "masks": kept, "third": third.get_mask() is None, "mask": again}


def limits(_folder):
    image = picture(canvas=(100, 80))
    [layer] = image.get_layers()
    layer.set_offsets(-6, 5)
    Gimp.context_set_feather(True)
    Gimp.context_set_feather_radius(20, 20)
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 5, 10, 40, 40)
    Gimp.context_set_feather(False)
    selection = (
        image.get_selection()
        .get_buffer()
        .get(Gegl.Rectangle.new(-6, 5, SIDE, SIDE), 1.0, "Y u8", Gegl.AbyssPolicy.NONE)
    )
    return {
        "status": remove(image, [layer]),
        "selection": packed(selection),
        "mask": mask_of(layer),
        "still": Gimp.Selection.is_empty(image) is False,
    }


def boxes(_folder):
    image = two_subjects()
    [layer] = image.get_layers()
    layer.set_offsets(10, 10)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10 + 36, 10 + 4, 28, 56)
    told = {"status": remove(image, [layer], selection="box"), "mask": mask_of(layer)}
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10 + 30, 10 + 10, 4, 4)
    told["nothing there"] = remove(image, [layer], selection="box")
    return told


def existing(_folder):
    told = {}
    for name in ("keep", "intersect", "replace"):
        image = picture(canvas=(100, 80))
        [layer] = image.get_layers()
        layer.set_offsets(20, 10)
        give_mask(layer, old_mask())
        told[name] = {"status": remove(image, [layer], existing=name), "mask": mask_of(layer)}
        told[name]["channels"] = [channel_of(channel, 20, 10) for channel in image.get_channels()]
        told[name]["layers"] = len(image.get_layers())
    image = picture(canvas=(100, 80))
    [layer] = image.get_layers()
    layer.set_offsets(-20, 10)
    give_mask(layer, old_mask())
    told["outside"] = {"status": remove(image, [layer]), "mask": mask_of(layer)}
    [_, copy] = image.get_layers()
    told["outside"]["copy"] = {"mask": mask_of(copy), "visible": copy.get_visible()}
    image = picture(canvas=(100, 80), precision="float-linear")
    [layer] = image.get_layers()
    give_mask(layer, old_mask())
    told["deep"] = {"status": remove(image, [layer]), "channels": []}
    told["deep"]["channels"] = [packed(pixels(channel, "Y u8")) for channel in image.get_channels()]
    return told


def outputs(_folder):
    told = {}
    for precision in ("u8-non-linear", "u16-non-linear", "float-linear", "u8-linear"):
        image = picture(canvas=(100, 80), precision=precision)
        [layer] = image.get_layers()
        layer.set_offsets(12, 5)
        selected = remove(image, [layer], output="selection")
        told[precision] = {
            "selection": [selected, window_of(image.get_selection(), 12, 5), len(image.get_channels())]
        }
        Gimp.Selection.none(image)
        status = remove(image, [layer], output="channel")
        [channel] = image.get_channels()
        # what the person gets from it with Channel to Selection
        image.select_item(Gimp.ChannelOps.REPLACE, channel)
        told[precision]["channel"] = [status, window_of(image.get_selection(), 12, 5), channel.get_name()]
        told[precision]["selected"] = [item.get_name() for item in image.get_selected_drawables()]
    return told


def new_layers(folder):
    told = {}
    for name, precision, kind, mode in (
        ("u8", "u8-non-linear", {}, {}),
        ("u8-no-alpha", "u8-non-linear", {"alpha": False}, {}),
        ("gray", "u8-non-linear", {"gray": True}, {}),
        ("u16", "u16-non-linear", {}, {}),
        ("half", "half-linear", {}, {}),
        ("float", "float-linear", {}, {}),
        ("double", "double-linear", {}, {}),
        ("profiled", "u8-non-linear", {"profiled": True}, {}),
        ("as it is", "u8-non-linear", {}, {"decontaminate": False}),
    ):
        image = picture(canvas=(100, 80), precision=precision, soft=True, **kind)
        [layer] = image.get_layers()
        layer.set_offsets(12, 5)
        layer.set_opacity(80)
        before = pixels(layer, None)
        status = remove(image, [layer], output="layer", **mode)
        [new, old] = image.get_layers()
        told[name] = {
            "status": status,
            "names": [new.get_name(), old.get_name()],
            "visible": [new.get_visible(), old.get_visible()],
            "offsets": list(new.get_offsets())[1:],
            "opacity": new.get_opacity(),
            "same kind": new.get_format() == old.get_format(),
            "untouched": pixels(old, None) == before and old.get_mask() is None,
            "mask": mask_of(new),
            "before": packed(before),
            "pixels": packed(pixels(new, None)),
        }
        export(image, folder / f"layer-{name}.png")
    return told


def decontaminated(_folder):
    told = {}
    for name, precision, gray in (
        ("u8", "u8-non-linear", False),
        ("u16", "u16-linear", False),
        ("gray", "u8-non-linear", True),
    ):
        image = picture(canvas=(100, 80), precision=precision, alpha=False, gray=gray, soft=True)
        [layer] = image.get_layers()
        give_mask(layer, soft_mask())
        before = pixels(layer, None)
        status = call("matted-decontaminate-edges", image, [layer])
        [new, old] = image.get_layers()
        told[name] = {
            "status": status,
            "mask": mask_of(new),
            "untouched": pixels(old, None) == before and mask_of(old) == packed(soft_mask()),
            "visible": [new.get_visible(), old.get_visible()],
            "before": packed(before),
            "pixels": packed(pixels(new, None)),
        }
    image = picture(alpha=False)
    told["hard"] = call("matted-decontaminate-edges", image, image.get_layers())
    return told


def refused(_folder):
    told = {}
    image = picture(canvas=(100, 80))
    [layer] = image.get_layers()
    layer.set_lock_content(True)
    told["locked"] = [*remove(image, [layer]), layer.get_mask() is None]
    told["locked selection"] = remove(image, [layer], output="selection")
    Gimp.Selection.none(image)
    told["locked layer"] = [*remove(image, [layer], output="layer"), len(image.get_layers())]
    image = picture(canvas=(100, 80))
    [layer] = image.get_layers()
    group = Gimp.GroupLayer.new(image, "the group")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    group.set_lock_content(True)
    told["locked group"] = [*remove(image, [layer]), layer.get_mask() is None]
    group.set_lock_content(False)
    layer.set_lock_position(True)
    layer.set_lock_alpha(True)
    told["other locks"] = [*remove(image, [layer]), layer.get_mask() is None]
    told["two, one locked"] = _two_one_locked()
    channel = Gimp.Channel.new(image, "a channel", 100, 80, 50.0, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    told["channel"] = remove(image, [channel])
    told["nothing"] = remove(image, [])
    told["no mask"] = call("matted-refine-mask", *_one_layer())
    told["two subjects' layers"] = call("matted-subjects", image, [layer, group])
    told["unknown model"] = call("matted-remove-background", *_one_layer(), model="nonesuch")
    told["bad numbers"] = call("matted-remove-background", *_one_layer(), keep="first")
    told["no such subject"] = call("matted-subjects", *_one_layer(), keep="7", **KEYED)
    image = picture()
    image.convert_indexed(
        Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 255, False, False, ""
    )
    told["palette"] = remove(image, image.get_layers(), output="layer")
    image = picture(canvas=(100, 80))
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 5, 5, 20, 20)
    Gimp.Selection.float(image, image.get_layers(), 0, 0)
    told["floating"] = remove(image, [image.get_floating_sel()])
    return told


def subjects(_folder):
    image = two_subjects()
    [layer] = image.get_layers()
    return {"status": call("matted-subjects", image, [layer], keep="2", **KEYED), "mask": mask_of(layer)}


def refined(_folder):
    image = two_subjects()
    [layer] = image.get_layers()
    remove(image, [layer])
    before = pixels(layer.get_mask(), "Y u8")
    paint(layer.get_mask(), (44, 20, 8, 8), 0)  # a hole in the small subject
    paint(layer.get_mask(), (2, 58, 10, 4), 255)  # and white beside the large one
    painted = pixels(layer.get_mask(), "Y u8")
    told = {"status": call("matted-refine-mask", image, [layer]), "before": packed(before)}
    told["painted"], told["mask"] = packed(painted), mask_of(layer)
    told["again"] = [call("matted-refine-mask", image, [layer.get_mask()]), mask_of(layer)]
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 32, 0, 32, SIDE)
    paint(layer.get_mask(), (10, 20, 8, 8), 0)
    paint(layer.get_mask(), (50, 50, 4, 4), 255)
    told["outside"] = [mask_of(layer), call("matted-refine-mask", image, [layer]), mask_of(layer)]
    image = picture()
    [layer] = image.get_layers()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 32, 0, 16, SIDE)
    remove(image, [layer])
    Gimp.Selection.none(image)
    limited = mask_of(layer)
    told["limited"] = [limited, call("matted-refine-mask", image, [layer]), mask_of(layer)]
    image = picture(precision="float-linear")
    [layer] = image.get_layers()
    remove(image, [layer])
    deep = pixels(layer.get_mask(), "Y u16")
    told["deep"] = [call("matted-refine-mask", image, [layer]), pixels(layer.get_mask(), "Y u16") == deep]
    return told


def stored(folder):
    """A mask in a file, and what it was made with."""
    image = picture()
    [layer] = image.get_layers()
    remove(image, [layer], grow=1.0)
    assert Gimp.file_save(
        Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(folder / "stored.xcf")), None
    )
    again = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(folder / "stored.xcf")))
    mask = again.get_layers()[0].get_mask()
    note = mask.get_parasite("matted-made-with")
    return {
        "same": pixels(mask, "Y u8") == pixels(layer.get_mask(), "Y u8"),
        "made": json.loads(bytes(note.get_data())),
    }


def built_in(folder):
    """The built-in model on a photograph, by the entry without a dialog."""
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(folder / "photo.png")))
    status = call("matted-remove-background-quick", image, image.get_layers())
    export(image, folder / "photo-cut.png")
    return {"status": status}


def documented(_folder):
    told = {}
    for name in pdb.query_procedures("matted-.*", "", "", "", "", "", "", ""):
        procedure = pdb.lookup_procedure(name)
        told[name] = {
            "label": procedure.get_menu_label(),
            "paths": procedure.get_menu_paths(),
            "blurb": procedure.get_blurb(),
            "help": procedure.get_help(),
            "arguments": {spec.name: spec.blurb for spec in procedure.get_arguments()},
        }
    return told


def script_fu(_folder):
    image = picture()
    [layer] = image.get_layers()
    text = (
        f"(matted-remove-background #:run-mode RUN-NONINTERACTIVE #:image {image.get_id()} "
        f'#:drawables (vector {layer.get_id()}) #:model "red-key" #:edges "none")'
    )
    return {"status": call("plug-in-script-fu-eval", script=text), "mask": mask_of(layer)}


def status(_folder):
    procedure = pdb.lookup_procedure("matted-status")
    values = procedure.run(procedure.create_config())
    return {"status": values.index(0).value_nick, "said": json.loads(values.index(1))}


# ----------------------------------------------------------------------------------------------- making


def remove(image, drawables, **properties):
    return call("matted-remove-background", image, drawables, **{**KEYED, **properties})


def ramp(*, backward=False, alpha=255):
    values = [255 - 4 * x if backward else 4 * x for x in range(SIDE)]
    return b"".join(bytes((value, 2 * y, 77, alpha)) for y in range(SIDE) for value in values)


def soft_ramp():
    """Red over blue: full on the left, then a soft edge, then none."""
    values = [min(max(255 - 8 * (x - 16), 0), 255) for x in range(SIDE)]
    return b"".join(bytes((value, 0, 255 - value, 255)) for _ in range(SIDE) for value in values)


def soft_mask():
    return bytes(min(max(255 - 8 * (x - 16), 0), 255) for x in range(SIDE)) * SIDE


def old_mask():
    return bytes((x * 3 + y) % 256 for y in range(SIDE) for x in range(SIDE))


def picture(
    *, canvas=(SIDE, SIDE), precision="u8-non-linear", alpha=True, gray=False, soft=False, profiled=False
):
    """An image with one layer: a ramp of red, or a soft edge."""
    base = Gimp.ImageBaseType.GRAY if gray else Gimp.ImageBaseType.RGB
    deep = getattr(Gimp.Precision, precision.upper().replace("-", "_"))
    image = Gimp.Image.new_with_precision(*canvas, base, deep)
    if profiled:
        assert image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
    kind = {
        (False, False): Gimp.ImageType.RGB_IMAGE,
        (False, True): Gimp.ImageType.RGBA_IMAGE,
        (True, False): Gimp.ImageType.GRAY_IMAGE,
        (True, True): Gimp.ImageType.GRAYA_IMAGE,
    }[gray, alpha]
    data = soft_ramp() if soft else ramp()
    if gray:
        data = b"".join(data[at : at + 1] * 3 + b"\xff" for at in range(0, len(data), 4))
    layer_of(image, data, SIDE, SIDE, name="first", kind=kind)
    return image


def two_subjects():
    image = Gimp.Image.new(100, 80, Gimp.ImageBaseType.RGB)
    rows = []
    for y in range(SIDE):
        for x in range(SIDE):
            large = 4 <= x < 30 and 8 <= y < 56
            small = 40 <= x < 60 and 16 <= y < 40
            rows.append(bytes((255 if large or small else 0, 0, 0, 255)))
    layer_of(image, b"".join(rows), SIDE, SIDE, name="two")
    return image


def give_mask(layer, data):
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    buffer = mask.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, SIDE, SIDE), "Y u8", data)
    buffer.flush()
    layer.add_mask(mask)


def paint(mask, box, value):
    buffer = mask.get_buffer()
    buffer.set(Gegl.Rectangle.new(*box), "Y u8", bytes([value]) * (box[2] * box[3]))
    buffer.flush()


def _two_one_locked():
    image = picture(canvas=(100, 80))
    free = image.get_layers()[0]
    locked = layer_of(image, ramp(), SIDE, SIDE, name="locked one")
    locked.set_lock_content(True)
    return [*remove(image, [free, locked]), free.get_mask() is None and locked.get_mask() is None]


def _one_layer():
    image = picture()
    return image, image.get_layers()


# ----------------------------------------------------------------------------------------------- telling


def packed(data):
    return base64.b64encode(data).decode()


def mask_of(layer):
    mask = layer.get_mask()
    return None if mask is None else packed(pixels(mask, "Y u8"))


def window_of(drawable, left, top):
    area = Gegl.Rectangle.new(left, top, SIDE, SIDE)
    return packed(drawable.get_buffer().get(area, 1.0, "Y u8", Gegl.AbyssPolicy.NONE))


def channel_of(channel, left, top):
    """A channel of an 8-bit image as selecting it would give; its bytes are not linear."""
    area = Gegl.Rectangle.new(left, top, SIDE, SIDE)
    return packed(channel.get_buffer().get(area, 1.0, "Y' u8", Gegl.AbyssPolicy.NONE))


def fingerprint(layer):
    return hashlib.sha256(pixels(layer, None)).hexdigest()
