"""Layered files out: Photoshop's PSD, and PSB beyond its limits, with layers whose masks stay editable.

May import the layers, planes and resources beside it. Source: Adobe Photoshop File Formats Specification
(2019).
"""

import shutil
import struct
from collections.abc import Callable, Sequence
from typing import BinaryIO

import numpy as np

from matted.imaging.picture import COLOUR_CHANNELS, Pixels, Space
from matted.imaging.psd_layers import PackedLayers, PsdCanvas, PsdLayer
from matted.imaging.psd_planes import PackedPlane, Packing
from matted.imaging.psd_resources import image_resources

_PSD_SIDE, _PSD_BYTES = 30_000, 2**31 - 1
_MODES: dict[Space, int] = {"gray": 1, "rgb": 3}
_RLE = 1


def write_psd(
    target: BinaryIO,
    canvas: PsdCanvas,
    layers: Sequence[PsdLayer],
    merged: Callable[[slice], Pixels],
    *,
    has_alpha: bool,
) -> None:
    """Writes `layers`, the lowest first, and the picture they make for programs that read no layers.

    `merged`: rows (n, W, C), or with straight alpha (n, W, C + 1) if `has_alpha`. Sides beyond 30,000 px or a
    file beyond 2 GiB make it a PSB. The target need not seek. Raises what reading the rows and writing raise.
    """
    with Packing(canvas.width, canvas.height, canvas.dtype) as packing:
        packed = PackedLayers(packing, canvas, layers, has_alpha=has_alpha)
        shown = (lambda rows: _on_white(merged(rows))) if has_alpha else merged
        whole = packing.planes(shown, COLOUR_CHANNELS[canvas.space] + has_alpha, "rle")
        packing.finish()
        _write(target, canvas, packed, whole)


def _on_white(rows: Pixels) -> Pixels:
    """Colours mixed with white by the alpha that follows them, as Photoshop stores a merged picture."""
    top = np.float32(np.iinfo(rows.dtype).max)
    if (rows[..., -1] == top).all():
        return rows
    weight = rows[..., -1:].astype(np.float32) / top
    mixed = top + weight * (rows[..., :-1].astype(np.float32) - top) + np.float32(0.5)
    return np.concatenate([mixed.astype(rows.dtype), rows[..., -1:]], axis=2)


def _write(target: BinaryIO, canvas: PsdCanvas, layers: PackedLayers, whole: list[PackedPlane]) -> None:
    resources = image_resources(canvas.icc, canvas.metadata)
    total = layers.size(big=True) + sum(plane.size(4) for plane in whole) + len(resources) + 1000
    big = max(canvas.width, canvas.height) > _PSD_SIDE or total > _PSD_BYTES
    bits = 8 * np.dtype(canvas.dtype).itemsize
    target.write(b"8BPS" + struct.pack(">H6x", 2 if big else 1))
    target.write(struct.pack(">HIIHH", len(whole), canvas.height, canvas.width, bits, _MODES[canvas.space]))
    target.write(struct.pack(">II", 0, len(resources)) + resources)
    _write_layers(target, layers, big=big)
    target.write(struct.pack(">H", _RLE))
    for plane in whole:
        target.write(plane.counts(4 if big else 2))
    for plane in whole:
        shutil.copyfileobj(plane.rewound(), target)


def _write_layers(target: BinaryIO, layers: PackedLayers, *, big: bool) -> None:
    """The section of layers; those of 16 bits stand in a block of their own, where Photoshop puts them."""
    length = ">Q" if big else ">I"
    size = layers.size(big=big)
    no_masks = struct.pack(">I", 0)
    if layers.key == b"Layr":
        before, after = struct.pack(length, size), no_masks
    else:
        before = struct.pack(length, 0) + no_masks
        if layers.has_alpha:
            before += b"8BIMMt16" + struct.pack(length, 0)
        before, after = before + b"8BIM" + layers.key + struct.pack(length, size), b""
    target.write(struct.pack(length, len(before) + size + len(after)) + before)
    layers.write(target, big=big)
    target.write(after)
