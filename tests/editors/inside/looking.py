"""Where a colour is on the screen, for scripts that click on what they see. Runs inside the root.

Standard library only. The dump is that of `editors/screen.py`: 25 big-endian numbers, the colour table, then
rows of 32-bit pixels, blue first.
"""

import os
import struct
import time
from pathlib import Path

from desk import xdotool

STEP = 3  # pixels between those that are looked at


def spot(colour, within, *, near=12):
    """The middle of all of about this colour in `within` (left, top, right, bottom); None for nothing."""
    places = spots(colour, within, near=near)
    return places and tuple(sum(place[n] for place in places) // len(places) for n in (0, 1))


def spots(colour, within, *, near=12):
    """The places (x, y), a few pixels apart, that have about this colour."""
    dump = Path(os.environ["MATTED_SCREEN"]).read_bytes()
    header = struct.unpack(">25I", dump[:100])
    start, stride = header[0] + 12 * header[19], header[12]
    red, green, blue = colour
    left, top, right, bottom = within
    found = []
    for y in range(top, bottom, STEP):
        row = dump[start + y * stride : start + (y + 1) * stride]
        for x in range(left, right, STEP):
            b, g, r = row[4 * x : 4 * x + 3]
            if abs(r - red) <= near and abs(g - green) <= near and abs(b - blue) <= near:
                found.append((x, y))
    return found


def until(true, timeout_s=60):
    """What `true()` is, once it is."""
    ends = time.monotonic() + timeout_s
    while not (found := true()):
        assert time.monotonic() < ends, "it did not come true"
        time.sleep(0.1)
    return found


def area(window):
    """Where a window is: left, top, right, bottom."""
    told = dict(line.split("=") for line in xdotool("getwindowgeometry", "--shell", window).splitlines())
    left, top = int(told["X"]), int(told["Y"])
    return left, top, left + int(told["WIDTH"]), top + int(told["HEIGHT"])
