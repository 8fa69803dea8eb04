"""Readers of PSD, PSB and layered TIFF for tests, from the specifications, with no code of the writers."""

import io
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
import tifffile


@dataclass
class PsdLayerFound:
    """A layer as it stands in the file. `raw`: the packed bytes of each channel, by its number."""

    name: str
    visible: bool
    box: tuple[int, int, int, int]
    channels: dict[int, np.ndarray]
    raw: dict[int, bytes]

    @property
    def pixels(self) -> np.ndarray:
        """Colours and transparency."""
        colours = [self.channels[number] for number in sorted(n for n in self.channels if n >= 0)]
        return np.stack([*colours, self.channels[-1]], axis=-1)

    @property
    def mask(self) -> np.ndarray | None:
        """The user mask."""
        return self.channels.get(-2)


@dataclass
class _Reader:
    content: bytes
    at: int = 0

    def bytes(self, count: int) -> bytes:
        found = self.content[self.at : self.at + count]
        assert len(found) == count, f"the file ends at {len(self.content)}, {self.at + count} were promised"
        self.at += count
        return found

    def number(self, kind: str) -> int:
        return struct.unpack(f">{kind}", self.bytes(struct.calcsize(f">{kind}")))[0]


@dataclass
class Psd:
    """A whole file."""

    version: int
    bits: int
    mode: int
    merged: np.ndarray
    layers: list[PsdLayerFound]
    first_alpha_is_transparency: bool
    resources: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def read(cls, content: bytes) -> "Psd":
        """Reads every byte there is; fails where one is missing or too many."""
        reader = _Reader(content)
        assert reader.bytes(4) == b"8BPS"
        version = reader.number("H")
        assert reader.bytes(6) == b"\0" * 6
        channels, height, width, bits, mode = (reader.number(kind) for kind in "HIIHH")
        assert reader.number("I") == 0
        resources = _resources(_Reader(reader.bytes(reader.number("I"))))
        long = "Q" if version == 2 else "I"
        section = _Reader(reader.bytes(reader.number(long)))
        layers, transparent = _layers(section, long, bits)
        assert section.at == len(section.content)
        assert reader.number("H") == 1
        counts = [reader.number("I" if version == 2 else "H") for _ in range(channels * height)]
        rows = [unpacked(reader.bytes(count)) for count in counts]
        assert reader.at == len(content)
        planes = np.frombuffer(b"".join(rows), f">u{bits // 8}").reshape(channels, height, width)
        merged = planes.transpose(1, 2, 0).astype(f"u{bits // 8}")
        return cls(version, bits, mode, merged, layers, transparent, resources)


@dataclass
class LayeredTiff:
    """A TIFF whose layers stand in Photoshop's tag. `flat`: the picture that others see."""

    flat: np.ndarray
    layers: list[PsdLayerFound]
    first_alpha_is_transparency: bool
    resources: dict[int, bytes]

    @classmethod
    def read(cls, content: bytes) -> "LayeredTiff":
        """Reads every byte of the layers; fails where one is missing or too many."""
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            assert (tiff.byteorder, tiff.is_bigtiff, len(tiff.pages)) == (">", False, 1)
            tags = {tag.code: tag.value for tag in tiff.pages[0].tags}
            assert [tiff.pages[0].tags[number].dtype for number in (34377, 37724)] == [1, 7]
            flat = tiff.pages[0].asarray()
        source = _Reader(tags[37724])
        assert source.bytes(36) == b"Adobe Photoshop Document Data Block\0"
        bits = 8 * flat.dtype.itemsize
        assert source.bytes(8) == {8: b"8BIMLayr", 16: b"8BIMLr16"}[bits]
        layers, transparent = _layer_info(_Reader(source.bytes(source.number("I"))), "I", bits)
        assert source.at == len(source.content)
        flat = flat.astype(flat.dtype.newbyteorder("=")).reshape(*flat.shape[:2], -1)
        return cls(flat, layers, transparent, _resources(_Reader(tags[34377])))


def unpacked(packed: bytes) -> bytes:
    """PackBits undone."""
    out, at = bytearray(), 0
    while at < len(packed):
        count = struct.unpack("b", packed[at : at + 1])[0]
        if count >= 0:
            out += packed[at + 1 : at + 2 + count]
            at += 2 + count
        elif count > -128:
            out += packed[at + 1 : at + 2] * (1 - count)
            at += 2
        else:
            at += 1
    return bytes(out)


def _resources(reader: _Reader) -> dict[int, bytes]:
    found = {}
    while reader.at < len(reader.content):
        assert reader.bytes(4) == b"8BIM"
        number, name = reader.number("H"), reader.number("H")
        assert name == 0
        size = reader.number("I")
        found[number] = reader.bytes(size)
        reader.bytes(size % 2)
    return found


def _layers(section: _Reader, long: str, bits: int) -> tuple[list[PsdLayerFound], bool]:
    size = section.number(long)
    if bits == 8:
        layers = _layer_info(_Reader(section.bytes(size)), long, bits)
        assert section.number("I") == 0
        return layers
    assert (size, section.number("I")) == (0, 0)
    blocks = {}
    while section.at < len(section.content):
        assert section.bytes(4) == b"8BIM"
        key = section.bytes(4)
        blocks[key] = section.bytes(section.number(long))
    layers, transparent = _layer_info(_Reader(blocks[b"Lr16"]), long, bits)
    assert (b"Mt16" in blocks) == transparent
    return layers, transparent


def _layer_info(reader: _Reader, long: str, bits: int) -> tuple[list[PsdLayerFound], bool]:
    count = reader.number("h")
    records = [_record(reader, long) for _ in range(abs(count))]
    layers = []
    for name, visible, box, lengths in records:
        height, width = box[2] - box[0], box[3] - box[1]
        planes, raw = {}, {}
        for number, length in lengths:
            channel = _Reader(reader.bytes(length))
            planes[number], raw[number] = _plane(channel, height, width, bits, long)
        layers.append(PsdLayerFound(name, visible, box, planes, raw))
    assert len(reader.content) % 4 == 0
    assert not any(reader.content[reader.at :])
    assert len(reader.content) - reader.at < 4
    return layers, count < 0


def _record(reader: _Reader, long: str) -> tuple[str, bool, tuple[int, int, int, int], list[tuple[int, int]]]:
    box = struct.unpack(">iiii", reader.bytes(16))
    lengths = [(reader.number("h"), reader.number(long)) for _ in range(reader.number("H"))]
    assert reader.bytes(8) == b"8BIMnorm"
    opacity, clipping, flags, filler = reader.bytes(4)
    assert (opacity, clipping, filler) == (255, 0, 0)
    extra = _Reader(reader.bytes(reader.number("I")))
    mask = _Reader(extra.bytes(extra.number("I")))
    if mask.content:
        assert struct.unpack(">iiii", mask.bytes(16)) == box
        assert mask.bytes(4) == bytes(4)
    assert extra.number("I") == 0
    length = extra.number("B")
    extra.bytes(length + -(length + 1) % 4)
    name = ""
    while extra.at < len(extra.content):
        assert extra.bytes(4) == b"8BIM"
        key, block = extra.bytes(4), _Reader(extra.bytes(extra.number("I")))
        if key == b"luni":
            name = block.bytes(2 * block.number("I")).decode("utf-16-be")
    return name, not flags & 2, box, lengths


def _plane(channel: _Reader, height: int, width: int, bits: int, long: str) -> tuple[np.ndarray, bytes]:
    kind = np.dtype(f">u{bits // 8}")
    method = channel.number("H")
    if method == 1:
        counts = [channel.number("I" if long == "Q" else "H") for _ in range(height)]
        raw = channel.content[channel.at :]
        values = b"".join(unpacked(channel.bytes(count)) for count in counts)
        assert channel.at == len(channel.content)
        plane = np.frombuffer(values, kind).reshape(height, width)
    else:
        assert method == 3
        raw = channel.content[channel.at :]
        steps = np.frombuffer(zlib.decompress(raw), kind).reshape(height, width)
        plane = np.cumsum(steps.astype(kind.newbyteorder("=")), axis=1, dtype=kind.newbyteorder("="))
    return plane.astype(f"u{bits // 8}"), raw
