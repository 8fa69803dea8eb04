"""What the tests let Point at the Subject do without windows, and a real paintbrush before Refine Mask.

Runs inside the root; a scene is a function of a folder, as in `gimp_scenes`. The layer has a large subject on
the left and a small one on the right.
"""

import queue
import sys
import time
from pathlib import Path

from gimp_desk import Gegl, Gimp, call, pixels
from gimp_scenes import KEYED, SIDE, give_mask, mask_of, old_mask, packed, picture, remove, two_subjects

OFFSET = (10, 6)  # of the layer in the image
LARGE, SMALL, NOWHERE = (17, 30), (50, 28), (34, 60)  # in the layer's pixels


def pointed(_folder):
    told = {}
    for name, asked in (
        ("small", {"points": at(SMALL)}),
        ("both", {"points": f"{at(SMALL)}; {at(LARGE)}"}),
        ("not the large one", {"points": at(LARGE, ",0")}),
        ("small, not the large one", {"points": f"{at(SMALL)} {at(LARGE, ', 0')}"}),
        ("in a box", {"box": "42,14,76,52"}),
    ):
        image, layer = placed()
        told[name] = {"status": point(image, [layer], **asked), "mask": mask_of(layer)}
    image, layer = placed(offset=(-20, -10))
    told["partly outside"] = {
        "status": point(image, [layer], points=at(SMALL, offset=(-20, -10))),
        "mask": mask_of(layer),
    }
    image, layer = placed()
    for x, y in (SMALL, (90, 70)):  # the second lies on the canvas, but not on the layer
        image.add_sample_point(x + OFFSET[0], y + OFFSET[1])
    told["sample point"] = {"status": point(image, [layer]), "mask": mask_of(layer)}
    told["large, not the sample point"] = {
        "status": point(image, [layer], points=at(LARGE), existing="replace"),
        "mask": mask_of(layer),
    }
    return told


def with_a_selection(_folder):
    image, layer = placed()
    point(image, [layer], points=at(SMALL))
    whole = mask_of(layer)
    image, layer = placed()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, OFFSET[0] + 50, 80)
    told = {"whole": whole, "limited": [point(image, [layer], points=at(SMALL)), mask_of(layer)]}
    image, layer = placed()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *OFFSET, 32, SIDE)
    told["elsewhere"] = [point(image, [layer], points=at(SMALL)), mask_of(layer)]
    image, layer = placed()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *OFFSET, SIDE, SIDE)
    said = point(image, [layer], points=at(LARGE, ",0"), selection="box")
    told["as a box"] = [said, mask_of(layer)]
    return told


def made_of_points(_folder):
    """The other results, and what becomes of a mask that the layer has."""
    told = {}
    image, layer = placed()
    give_mask(layer, old_mask())
    told["kept"] = [point(image, [layer], points=at(SMALL)), mask_of(layer), len(image.get_channels())]
    image, layer = placed()
    told["layer"] = [point(image, [layer], points=at(SMALL), output="layer")]
    told["layer"] += [mask_of(image.get_layers()[0]), layer.get_mask() is None]
    image, layer = placed()
    said = point(image, [layer], points=at(SMALL), output="selection")
    box = Gegl.Rectangle.new(*OFFSET, SIDE, SIDE)
    selected = image.get_selection().get_buffer().get(box, 1.0, "Y u8", Gegl.AbyssPolicy.NONE)
    told["selection"] = [said, packed(selected), layer.get_mask() is None]
    image, layer = placed()
    point(image, [layer], points=at(SMALL))
    before = mask_of(layer)
    layer.get_mask().detach_parasite("matted-made")  # what it was made with alone tells what was made
    told["refined"] = [call("matted-refine-mask", image, [layer]), before, mask_of(layer)]
    return told


def missed(_folder):
    told = {}
    for name, asked in (
        ("nothing there", {"points": at(NOWHERE)}),
        ("beside the layer", {"points": "2,2"}),
        ("no numbers", {"points": "left, top"}),
        ("neither wanted nor not", {"points": "20,20,7"}),
        ("no box", {"box": "20,20"}),
        ("an empty box", {"box": "20,20,20,30"}),
        ("nothing", {}),
        ("infinite", {"points": "inf,20"}),
    ):
        image, layer = placed()
        told[name] = [*point(image, [layer], **asked), layer.get_mask() is None, len(image.get_channels())]
    image, layer = placed()
    point(image, [layer], points=at(SMALL))
    one = mask_of(layer)
    said = point(image, [layer], points=f"{at(SMALL)} {at(NOWHERE)}", existing="replace")
    told["one of two"] = [*said, mask_of(layer) == one]
    image = picture()
    told["two layers"] = [*point(image, [*image.get_layers(), layer], points="5,5"), True]
    return told


def superseded(_folder):
    """What the window asks for: a mask that never comes, and while it is made another one."""
    sys.path.insert(0, str(Path(Gimp.directory(), "plug-ins", "matted")))
    from engine import Engine, Previews
    from pixels import Pixels

    _, layer = placed()
    told = queue.SimpleQueue()
    options = {"coarse": {"model": "red-key"}, "refine": {"level": "none"}, "side_px": SIDE // 2}
    asked = Previews(Engine(start=False), Pixels(layer).planes, None, options, lambda *one: told.put(one))
    first = told.get(timeout=60)
    wishes = {
        name: [({**options, "coarse": {"model": name}, "prompt": {"points": [[*SMALL, 1]]}}, False)]
        for name in ("slow-key", "red-key")
    }
    asked.ask(wishes["slow-key"])
    running = Engine(start=False).client()
    while running.status()["jobs"]["running"] == 0:
        time.sleep(0.02)
    wanted = asked.ask(wishes["red-key"])
    number, answer, error = told.get(timeout=60)
    while running.status()["jobs"]["running"]:
        time.sleep(0.02)
    asked.close()
    size = [answer.width, answer.height]
    return {"first": first, "last": number == wanted, "error": error, "size": size, "left": told.qsize()}


def held(_folder):
    """What the engine has of a layer already: taken as it is, sent again if it was forgotten or changed."""
    sys.path.insert(0, str(Path(Gimp.directory(), "plug-ins", "matted")))
    from engine import Engine
    from matted import as_held, masked
    from pixels import Pixels, Refused

    _, layer = placed()
    client = Engine(start=False).client()
    planes = Pixels(layer).planes
    uploaded = client.upload(planes)
    black = planes._replace(data=bytes(len(planes.data)))
    mistaken = uploaded._replace(source=black)  # only what is sent again is black
    options = {"coarse": {"model": "red-key"}, "prompt": {"points": [[*SMALL, 1]]}}

    def made():
        try:
            _, mask, _ = masked(
                client, None, planes=mistaken, options=options, missing=None, limit=None, clean=False
            )
        except Refused:
            return None
        return packed(bytes(mask.data))

    told = {"same": as_held(Pixels(layer).planes, (uploaded, None)) is uploaded, "taken": made()}
    client.forget(uploaded)
    told["forgotten"] = made()
    told["changed"] = as_held(black, (uploaded, None)) is black
    return told


def painted(_folder):
    """Removes the background, paints on the mask with GIMP's own brush, and refines it."""
    image, layer = placed()
    remove(image, [layer])
    mask = layer.get_mask()
    told = {"made": mask_of(layer)}
    Gimp.context_push()
    brush = Gimp.Brush.new("round")
    brush.set_hardness(1)
    Gimp.context_set_brush(brush)
    Gimp.context_set_brush_size(6)
    Gimp.context_enable_dynamics(False)
    for colour, stroke in (("black", (44, 24, 56, 24)), ("white", (4, 60, 24, 60))):
        Gimp.context_set_foreground(Gegl.Color.new(colour))
        assert Gimp.paintbrush_default(mask, [side + OFFSET[n % 2] for n, side in enumerate(stroke)])
    Gimp.context_pop()
    told["painted"] = packed(pixels(mask, "Y u8"))
    told["refined"] = [call("matted-refine-mask", image, [mask]), mask_of(layer)]
    return told


def placed(*, offset=OFFSET):
    image = two_subjects()
    [layer] = image.get_layers()
    layer.set_offsets(*offset)
    return image, layer


def at(place, more="", offset=OFFSET):
    return f"{place[0] + offset[0]},{place[1] + offset[1]}{more}"


def point(image, drawables, **properties):
    return call("matted-point", image, drawables, **{**KEYED, **properties})
