"""Layers as Photoshop keeps them, in a PSD as in a TIFF: records of all, then their planes.

May import the packing of planes; knows neither file around them. Source: Adobe Photoshop File Formats
Specification (2019), layer info.
"""

import shutil
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from matted.imaging.picture import COLOUR_CHANNELS, Metadata, Pixels, Space
from matted.imaging.psd_planes import Method, PackedPlane, Packing
from matted.imaging.psd_resources import unicode_text

_TRANSPARENCY, _USER_MASK = -1, -2
_VISIBLE, _HIDDEN = 8, 8 | 2  # layer flags; 8: the meaning of the others is Photoshop 5's


@dataclass(frozen=True, slots=True)
class PsdLayer:
    """A layer as large as the canvas. `rows`: colours and straight alpha (n, W, C + 1) for a slice of rows;
    `mask`: its user mask (n, W), None for none. Both of the file's depth.
    """

    name: str
    rows: Callable[[slice], Pixels]
    mask: Callable[[slice], Pixels] | None = None
    visible: bool = True


@dataclass(frozen=True, slots=True)
class PsdCanvas:
    """What all layers share. `dtype`: uint8 or uint16. `space`: gray or rgb."""

    width: int
    height: int
    dtype: npt.DTypeLike
    space: Space = "rgb"
    icc: bytes | None = None
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def is_deep(self) -> bool:
        """16 bits per channel."""
        return np.dtype(self.dtype) == np.uint16


class PackedLayers:
    """Layers, the lowest first, packed by `packing`; `size` and `write` once that is finished.

    8-bit layers are packed by runs and 16-bit ones deflated, as Photoshop does itself. `has_alpha`: the
    merged picture has an alpha channel. `big`: with the longer counts of a PSB.
    """

    def __init__(
        self, packing: Packing, canvas: PsdCanvas, layers: Sequence[PsdLayer], *, has_alpha: bool
    ) -> None:
        self._canvas, self.has_alpha = canvas, has_alpha
        self.key = b"Lr16" if canvas.is_deep else b"Layr"
        method: Method = "zip" if canvas.is_deep else "rle"
        colours = COLOUR_CHANNELS[canvas.space]
        self._layers = [
            (layer, packing.planes(_with_mask(layer), colours + 1 + (layer.mask is not None), method))
            for layer in layers
        ]

    def size(self, *, big: bool = False) -> int:
        """Bytes that `write` writes, a multiple of 4."""
        size = len(self._head(big=big)) + self._plane_bytes(big=big)
        return size + -size % 4

    def write(self, target: BinaryIO, *, big: bool = False) -> None:
        """Writes the layers' records and planes, without the length that stands before them."""
        head = self._head(big=big)
        target.write(head)
        for _, planes in self._layers:
            for plane in planes:
                target.write(struct.pack(">H", plane.code) + plane.counts(4 if big else 2))
                shutil.copyfileobj(plane.rewound(), target)
        target.write(b"\0" * (-(len(head) + self._plane_bytes(big=big)) % 4))

    def _plane_bytes(self, *, big: bool) -> int:
        return sum(2 + plane.size(4 if big else 2) for _, planes in self._layers for plane in planes)

    def _head(self, *, big: bool) -> bytes:
        count = -len(self._layers) if self.has_alpha else len(self._layers)
        records = (_record(self._canvas, layer, planes, big=big) for layer, planes in self._layers)
        return struct.pack(">h", count) + b"".join(records)


def _with_mask(layer: PsdLayer) -> Callable[[slice], Pixels]:
    mask = layer.mask
    if mask is None:
        return layer.rows
    return lambda rows: np.dstack([layer.rows(rows), mask(rows)])


def _record(canvas: PsdCanvas, layer: PsdLayer, planes: list[PackedPlane], *, big: bool) -> bytes:
    ids = [*range(COLOUR_CHANNELS[canvas.space]), _TRANSPARENCY, _USER_MASK][: len(planes)]
    box = struct.pack(">iiii", 0, 0, canvas.height, canvas.width)
    channels = b"".join(
        struct.pack(">hQ" if big else ">hI", number, 2 + plane.size(4 if big else 2))
        for number, plane in zip(ids, planes, strict=True)
    )
    mask = struct.pack(">I", 0)
    if layer.mask is not None:  # outside its box it would be black; nothing disables it
        mask = struct.pack(">I", 20) + box + struct.pack(">BB2x", 0, 0)
    no_ranges = struct.pack(">I", 0)
    plain = layer.name.encode("ascii", "replace")[:255]
    name = bytes([len(plain)]) + plain
    name += b"\0" * (-len(name) % 4)
    wide = unicode_text(layer.name)
    wide += b"\0" * (-len(wide) % 4)
    extra = mask + no_ranges + name + b"8BIMluni" + struct.pack(">I", len(wide)) + wide
    look = b"8BIMnorm" + bytes([255, 0, _VISIBLE if layer.visible else _HIDDEN, 0])
    return box + struct.pack(">H", len(planes)) + channels + look + struct.pack(">I", len(extra)) + extra
