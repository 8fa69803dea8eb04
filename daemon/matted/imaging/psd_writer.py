"""Layered files out: Photoshop's PSD, and PSB beyond its limits, with layers whose masks stay editable.

Rows are asked for layer by layer and packed in threads; what is packed waits in temporary files, for a PSD
has whole planes one after the other. May import the deflater and the packing beside it. Source: Adobe
Photoshop File Formats Specification (2019).
"""

import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from matted.imaging.deflate import OrderedPool
from matted.imaging.picture import COLOUR_CHANNELS, Metadata, Pixels, Space
from matted.imaging.psd_planes import PackedPlane

_PSD_SIDE, _PSD_BYTES = 30_000, 2**31 - 1
_STRIP_BYTES = 4 << 20
_MODES: dict[Space, int] = {"gray": 1, "rgb": 3}
_TRANSPARENCY, _USER_MASK = -1, -2
_RLE = 1
_IPTC, _RESOLUTION, _ICC, _VERSION_INFO, _EXIF, _XMP = 1028, 1005, 1039, 1057, 1058, 1060
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


def write_psd(
    target: BinaryIO,
    canvas: PsdCanvas,
    layers: Sequence[PsdLayer],
    merged: Callable[[slice], Pixels],
    *,
    has_alpha: bool,
) -> None:
    """Writes `layers`, the lowest first, and the picture they make for programs that read no layers.

    `merged`: rows (n, W, C), or with straight alpha (n, W, C + 1) if `has_alpha`. 8-bit layers are packed by
    runs and 16-bit ones deflated, as Photoshop does itself. Sides beyond 30,000 px or a file beyond 2 GiB
    make it a PSB. The target need not seek. Raises what reading the rows and writing raise.
    """
    colours = COLOUR_CHANNELS[canvas.space]
    method: Literal["rle", "zip"] = "rle" if np.dtype(canvas.dtype) == np.uint8 else "zip"
    with ExitStack() as stack:
        pool = OrderedPool(lambda put: put())
        stack.callback(pool.abandon)

        def planes(count: int, method: Literal["rle", "zip"]) -> list[PackedPlane]:
            return [
                stack.enter_context(PackedPlane(canvas.width, canvas.height, canvas.dtype, method))
                for _ in range(count)
            ]

        packed = []
        for layer in layers:
            own = planes(colours + 1 + (layer.mask is not None), method)
            _pack(canvas, _with_mask(layer), own, pool)
            packed.append(own)
        whole = planes(colours + has_alpha, "rle")
        _pack(canvas, (lambda rows: _on_white(merged(rows))) if has_alpha else merged, whole, pool)
        pool.finish()
        _write(target, canvas, list(zip(layers, packed, strict=True)), whole)


def _with_mask(layer: PsdLayer) -> Callable[[slice], Pixels]:
    mask = layer.mask
    if mask is None:
        return layer.rows
    return lambda rows: np.dstack([layer.rows(rows), mask(rows)])


def _pack(
    canvas: PsdCanvas, rows: Callable[[slice], Pixels], planes: list[PackedPlane], pool: OrderedPool
) -> None:
    plane_bytes = canvas.width * np.dtype(canvas.dtype).itemsize
    step = max(1, _STRIP_BYTES // (plane_bytes * len(planes)))
    for top in range(0, canvas.height, step):
        strip = rows(slice(top, min(top + step, canvas.height)))
        if strip.dtype != canvas.dtype or strip.shape[1:] != (canvas.width, len(planes)):
            raise ValueError(f"rows of shape {strip.shape} and {strip.dtype} do not fit the layer")
        size = len(strip) * plane_bytes
        for channel, plane in enumerate(planes):
            buffer = pool.buffer(size)
            np.copyto(buffer[:size].view(canvas.dtype).reshape(strip.shape[:2]), strip[..., channel])
            pool.submit(plane.packer(len(strip)), buffer, size)


def _on_white(rows: Pixels) -> Pixels:
    """Colours mixed with white by the alpha that follows them, as Photoshop stores a merged picture."""
    top = np.float32(np.iinfo(rows.dtype).max)
    if (rows[..., -1] == top).all():
        return rows
    weight = rows[..., -1:].astype(np.float32) / top
    mixed = top + weight * (rows[..., :-1].astype(np.float32) - top) + np.float32(0.5)
    return np.concatenate([mixed.astype(rows.dtype), rows[..., -1:]], axis=2)


def _write(
    target: BinaryIO,
    canvas: PsdCanvas,
    layers: list[tuple[PsdLayer, list[PackedPlane]]],
    whole: list[PackedPlane],
) -> None:
    resources = b"".join(_resources(canvas))
    total = sum(plane.size(4) + 200 for _, planes in layers for plane in planes)
    total += sum(plane.size(4) for plane in whole) + len(resources) + 1000
    big = max(canvas.width, canvas.height) > _PSD_SIDE or total > _PSD_BYTES
    bits = 8 * np.dtype(canvas.dtype).itemsize
    target.write(b"8BPS" + struct.pack(">H6x", 2 if big else 1))
    target.write(struct.pack(">HIIHH", len(whole), canvas.height, canvas.width, bits, _MODES[canvas.space]))
    target.write(struct.pack(">II", 0, len(resources)) + resources)
    _write_layers(target, canvas, layers, has_alpha=len(whole) > COLOUR_CHANNELS[canvas.space], big=big)
    target.write(struct.pack(">H", _RLE))
    for plane in whole:
        target.write(plane.counts(4 if big else 2))
    for plane in whole:
        shutil.copyfileobj(plane.rewound(), target)


def _write_layers(
    target: BinaryIO,
    canvas: PsdCanvas,
    layers: list[tuple[PsdLayer, list[PackedPlane]]],
    *,
    has_alpha: bool,
    big: bool,
) -> None:
    """The section of layers; those of 16 bits stand in a block of their own, where Photoshop puts them."""
    length = ">Q" if big else ">I"
    width = 4 if big else 2
    head = struct.pack(">h", -len(layers) if has_alpha else len(layers))
    head += b"".join(_record(canvas, layer, planes, big=big) for layer, planes in layers)
    size = len(head) + sum(2 + plane.size(width) for _, planes in layers for plane in planes)
    padded = size + -size % 4
    no_masks = struct.pack(">I", 0)
    if np.dtype(canvas.dtype) == np.uint8:
        before, after = struct.pack(length, padded), no_masks
    else:
        before = struct.pack(length, 0) + no_masks
        if has_alpha:
            before += b"8BIMMt16" + struct.pack(length, 0)
        before, after = before + b"8BIMLr16" + struct.pack(length, padded), b""
    target.write(struct.pack(length, len(before) + padded + len(after)) + before + head)
    for _, planes in layers:
        for plane in planes:
            target.write(struct.pack(">H", plane.code) + plane.counts(width))
            shutil.copyfileobj(plane.rewound(), target)
    target.write(b"\0" * (padded - size) + after)


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
    wide = _unicode(layer.name)
    wide += b"\0" * (-len(wide) % 4)
    extra = mask + no_ranges + name + b"8BIMluni" + struct.pack(">I", len(wide)) + wide
    look = b"8BIMnorm" + bytes([255, 0, _VISIBLE if layer.visible else _HIDDEN, 0])
    return box + struct.pack(">H", len(planes)) + channels + look + struct.pack(">I", len(extra)) + extra


def _resources(canvas: PsdCanvas) -> Iterator[bytes]:
    metadata = canvas.metadata
    if metadata.iptc:
        yield _resource(_IPTC, metadata.iptc)
    if metadata.dpi:
        across, down = (min(round(value * 65536), 2**32 - 1) for value in metadata.dpi)
        yield _resource(_RESOLUTION, struct.pack(">IHHIHH", across, 1, 1, down, 1, 1))
    if canvas.icc:
        yield _resource(_ICC, canvas.icc)
    who = _unicode("Matted")
    yield _resource(_VERSION_INFO, struct.pack(">IB", 1, 1) + who + who + struct.pack(">I", 1))
    if metadata.exif:
        yield _resource(_EXIF, metadata.exif)
    if metadata.xmp:
        yield _resource(_XMP, metadata.xmp)


def _resource(number: int, content: bytes) -> bytes:
    pad = b"\0" * (len(content) % 2)
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + pad


def _unicode(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return struct.pack(">I", len(encoded) // 2) + encoded
