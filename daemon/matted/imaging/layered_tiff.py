"""Layered TIFF out: the flat picture for every program, and in Adobe's tag the layers of a PSD.

Big-endian throughout, as layers are in a PSD: in little-endian files readers disagree on what is swapped. May
import the writers beside it. Sources: Adobe Photoshop TIFF technical notes (2002), Adobe Photoshop File
Formats Specification (2019), Photoshop-specific TIFF tags.
"""

import struct
from collections.abc import Callable, Sequence
from typing import BinaryIO

import numpy as np

from matted.errors import BadOption
from matted.imaging.ifd import entry
from matted.imaging.picture import COLOUR_CHANNELS, Pixels
from matted.imaging.psd_layers import PackedLayers, PsdCanvas, PsdLayer
from matted.imaging.psd_planes import Packing
from matted.imaging.psd_resources import version_info
from matted.imaging.tiff_writer import TiffStripWriter

_RESOURCES, _LAYERS = 34377, 37724
_BYTE = 1
_STRIP_BYTES = 4 << 20
_MOST_LAYER_BYTES = 2**31 - 1  # what Krita and GIMP can take of one tag
_MOST_BYTES = 3_900_000_000  # beyond is BigTIFF, which Krita 5 does not open


def write_layered_tiff(
    target: BinaryIO,
    canvas: PsdCanvas,
    layers: Sequence[PsdLayer],
    merged: Callable[[slice], Pixels],
    *,
    has_alpha: bool,
) -> None:
    """Writes `layers`, the lowest first, and the picture they make for programs that read no layers.

    `merged`: rows (n, W, C), or with straight alpha (n, W, C + 1) if `has_alpha`. Raises BadOption, before
    anything is written, when it is too much for the programs that read it, and what reading the rows and
    writing raise.
    """
    channels = COLOUR_CHANNELS[canvas.space] + has_alpha
    row_bytes = canvas.width * channels * np.dtype(canvas.dtype).itemsize
    with Packing(canvas.width, canvas.height, canvas.dtype) as packing:
        packed = PackedLayers(packing, canvas, layers, has_alpha=has_alpha)
        packing.finish()
        mark = b"Adobe Photoshop Document Data Block\0" + b"8BIM" + packed.key
        size = len(mark) + 4 + packed.size()
        if size > _MOST_LAYER_BYTES or size + row_bytes * canvas.height > _MOST_BYTES:
            raise BadOption("These layers take more bytes than a layered TIFF can hold: choose PSD.")

        def put(file: BinaryIO) -> None:
            file.write(mark + struct.pack(">I", packed.size()))
            packed.write(file)

        writer = TiffStripWriter(
            target,
            width=canvas.width,
            height=canvas.height,
            channels=channels,
            dtype=canvas.dtype,
            space=canvas.space,
            has_alpha=has_alpha,
            icc=canvas.icc,
            metadata=canvas.metadata,
            order=">",
            tags={_RESOURCES: entry(_BYTE, version_info())},
        )
        try:
            step = max(1, _STRIP_BYTES // row_bytes)
            for top in range(0, canvas.height, step):
                writer.write(merged(slice(top, min(top + step, canvas.height))))
            writer.place(_LAYERS, size, put)
            writer.close()
        except BaseException:
            writer.abort()
            raise
