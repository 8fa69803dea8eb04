"""What is seen of a layer and of its mask, put together as large as it is on the screen.

Imports GdkPixbuf alone, which is everywhere: GIMP's Python has neither cairo nor numpy on every computer.
Knows no widget.
"""

import math

import gi

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, GLib

_CHECKS, _CHECK_PX = (0x666666, 0x999999), 8  # GIMP's own, behind what is transparent
_DARK = 0x181818
_DIMMED = bytes(64 + value * 191 // 255 for value in range(256))  # what is dropped can still be clicked on


def drawn(view, read, mask, *, dimmed):
    """What is to be seen of a layer under its mask (a pixbuf of any size) or None: a pixbuf as large as it is
    on the screen. The layer's pixels are squares where they are larger than the screen's.
    """
    left, top, right, bottom = view.seen
    width, height, scale = right - left, bottom - top, view.scale
    if scale <= 1:
        shown = _pixbuf(read(left, top, width, height, scale), width, height)
    else:
        x, y = math.floor(left / scale), math.floor(top / scale)
        across, down = (math.ceil(end / scale) for end in (right, bottom))
        part = _pixbuf(read(x, y, across - x, down - y, 1.0), across - x, down - y)
        shown = _blank(width, height)
        squares = GdkPixbuf.InterpType.NEAREST
        part.scale(shown, 0, 0, width, height, x * scale - left, y * scale - top, scale, scale, squares)
    shown = _on(_CHECKS, shown)
    if mask is None:
        return shown
    coverage = _blank(width, height)
    ratios = view.extent[0] / mask.get_width(), view.extent[1] / mask.get_height()
    mask.scale(coverage, 0, 0, width, height, -left, -top, *ratios, GdkPixbuf.InterpType.BILINEAR)
    kept = coverage.get_pixels()[3::4]
    pixels = bytearray(shown.add_alpha(False, 0, 0, 0).get_pixels())
    pixels[3::4] = kept.translate(_DIMMED) if dimmed else kept
    return _on((_DARK, _DARK) if dimmed else _CHECKS, _pixbuf(pixels, width, height))


def _on(colours, shown):
    size = (shown.get_width(), shown.get_height())
    return shown.composite_color_simple(*size, GdkPixbuf.InterpType.NEAREST, 255, _CHECK_PX, *colours)


def as_alpha(values, width, height):
    """A mask's bytes as `drawn` takes them."""
    pixels = bytearray(4 * width * height)
    pixels[3::4] = values
    return _pixbuf(pixels, width, height)


def _blank(width, height):
    return GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, True, 8, width, height)


def _pixbuf(pixels, width, height):
    data, colours = GLib.Bytes.new(bytes(pixels)), GdkPixbuf.Colorspace.RGB
    return GdkPixbuf.Pixbuf.new_from_bytes(data, colours, True, 8, width, height, 4 * width)
