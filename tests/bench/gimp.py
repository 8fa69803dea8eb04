"""How long a layer of 24 megapixels takes between GIMP and the engine: read, send, receive, write.

    MATTED_EDITORS=DIR python tests/bench/gimp.py [--times 7] [--side 6000x4000]

runs the plug-in's own functions in real GIMP, without windows; DIR is what `tests/editors/install.py` filled.
The model's work is not counted. Medians of wall time, and of the processor time of plug-in and GIMP. `call`
is a whole call of the procedure, with the plug-in's start, for a picture whose mask the engine still holds.
`click`: from a click in the window of Point at the Subject to the rough mask shown, `settled`: to the one
with its edges, `draw`: of that the putting together of the picture; the model has seen the layer. `whole`,
`1:1`, `4:1`: the same for another part of the layer, as whoever zooms and moves about waits for.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image

from bench.pictures import photograph
from editors.editor import Gimp
from editors.engine import Engine
from editors.install import MARK
from editors.room import Room

SCRIPT = r"""
import os, sys, time
from functools import partial
sys.path.insert(0, arguments[0])
import gi
gi.require_version("Babl", "0.1")
import matted_client
import pixels as matted_pixels

times, width, height = int(arguments[1]), int(arguments[2]), int(arguments[3])
taken = {}

def worked():  # processor seconds of this process and of GIMP
    fields = open(f"/proc/{os.getppid()}/stat").read().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

def timed(name, call):
    wall, work = time.monotonic(), worked()
    result = call()
    taken.setdefault(name, []).append((time.monotonic() - wall, worked() - work))
    return result

received = matted_client._received
def receive(response):
    return timed("receive", partial(received, response))

for kind, precision in (("8-bit RGBA", "U8_NON_LINEAR"), ("16-bit RGBA", "U16_NON_LINEAR")):
    image = Gimp.Image.new_with_precision(
        width, height, Gimp.ImageBaseType.RGB, getattr(Gimp.Precision, precision)
    )
    row = b"".join(bytes((x * 7 & 255, x >> 5 & 255, x >> 2 & 255, 255)) for x in range(width))
    layer = layer_of(image, row * height, width, height)
    taken.clear()
    client = matted_client.Client.connect(start=False)
    options = {"coarse": {"model": "auto"}, "refine": {"level": "fast"}}
    for _ in range(times + 1):  # the first warms up and is not counted
        planes = timed("read", lambda: matted_pixels.Pixels(layer)).planes
        picture = timed("send", lambda: client.upload(planes))
        matted_client._received = receive
        answer = client.mask(picture, options)
        matted_client._received = received
        image.undo_group_start()
        timed("write", lambda: matted_pixels.set_mask(layer, answer, options, "replace", limited=False))
        image.undo_group_end()
    for _ in range(times + 1):
        said = timed("call", lambda: call("matted-remove-background", image, [layer], existing="replace"))
        assert said == ("success", None), said
    client.forget(picture)
    report(**{kind: taken})
    image.delete()
"""

CLICKS = r"""
import queue, sys, time
sys.path.insert(0, arguments[0])
import gi
gi.require_version("Babl", "0.1")
import drawing
import engine as matted_engine
import pixels as matted_pixels
from view import View

times, side = int(arguments[1]), 1024
image = load(arguments[2])
[layer] = image.get_layers()
size = (layer.get_width(), layer.get_height())
view, read = View.fitted(size, (1024, 683)), matted_pixels.parts_of(layer)
told = queue.SimpleQueue()
options = {"coarse": {"model": "auto"}, "side_px": side}
rough, fine = ({**options, "refine": {"level": level}} for level in ("none", "fine"))
planes = matted_pixels.Pixels(layer).planes
started = time.monotonic()
asked = matted_engine.Previews(matted_engine.Engine(), planes, None, rough, lambda *one: told.put(one))
assert told.get() == (0, None, None)
report(first=time.monotonic() - started)
drawing.drawn(view, read, None, dimmed=True)
taken = {"click": [], "settled": [], "draw": [], "whole": [], "1:1": [], "4:1": []}
for number in range(times + 1):  # the first warms up and is not counted
    prompt = {"points": [[size[0] / 2 + 7 * number, size[1] * 0.45, 1]]}
    started = time.monotonic()
    asked.ask([({**wish, "prompt": prompt}, False) for wish in (rough, fine)])
    for name in ("click", "settled"):
        _, answer, error = told.get()
        assert error is None and max(answer.width, answer.height) == side and max(answer.data) == 255
        begun = time.monotonic()
        mask = drawing.as_alpha(bytes(answer.data), answer.width, answer.height)
        drawing.drawn(view, read, mask, dimmed=True)
        taken["draw"].append(time.monotonic() - begun)
        taken[name].append(time.monotonic() - started)
    for name, scale in (("whole", 0), ("1:1", 1), ("4:1", 4)):
        part = view.zoomed(scale, 200, 100).moved(-90 * number, -50 * number)
        begun = time.monotonic()
        drawing.drawn(part, read, mask, dimmed=True)
        taken[name].append(time.monotonic() - begun)
asked.close()
report(**taken)
"""


def clicks(gimp: Gimp, engine: Engine, asked: argparse.Namespace) -> None:
    """Prints how long a click in a photograph takes until its mask is shown."""
    path = engine.folder / "photograph.ppm"
    Image.fromarray(photograph(24)).save(path)
    plugin = gimp.home / "plug-ins" / "matted"
    played = gimp.run(CLICKS, plugin, asked.times, path, environment=engine.environment, timeout_s=600).good()
    print(f"Point at the Subject, 24 MP; sent and looked at first in {played.report.pop('first'):.2f} s")
    for name, every in played.report.items():
        print(f"  {name:8}{statistics.median(every[1:]):6.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--side", default="6000x4000")
    asked = parser.parse_args()
    folder = os.environ.get("MATTED_EDITORS")
    roots = sorted(path.parent for path in Path(folder).glob(f"*/{MARK}")) if folder else []
    if not roots:
        raise SystemExit("MATTED_EDITORS names no folder with editors: run tests/editors/install.py DIR.")
    room = Room(roots[0])
    engine = Engine(room.desk / "engine")
    try:
        gimp = Gimp(room)
        assert gimp.install_plugin("gimp").rc == 0
        engine.start()
        plugin = gimp.home / "plug-ins" / "matted"
        numbers = (asked.times, *asked.side.split("x"))
        played = gimp.run(SCRIPT, plugin, *numbers, environment=engine.environment, timeout_s=900).good()
        print(f"GIMP {gimp.version}, {asked.side}, median of {asked.times}: wall (processor)")
        for kind, taken in played.report.items():
            print(kind)
            sums = [0.0, 0.0]
            for name, every in taken.items():
                wall, work = (statistics.median(one[at] for one in every[1:]) for at in (0, 1))
                if name == "call":
                    print(f"  {'sum':8}{sums[0]:6.2f} s ({sums[1]:.2f} s)")
                sums = [sums[0] + wall, sums[1] + work]
                print(f"  {name:8}{wall:6.2f} s ({work:.2f} s)")
        clicks(gimp, engine, asked)
    finally:
        engine.stop()
        room.close()


if __name__ == "__main__":
    main()
