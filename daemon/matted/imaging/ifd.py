"""TIFF directories as plain values: the structure that TIFF files, EXIF blocks and most camera files share.

Reads and writes entries; does not know what a tag means. Source: TIFF 6.0 (1992), section 2; BigTIFF; EXIF
2.32.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal

_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_CODES = {
    1: "B",
    3: "H",
    4: "I",
    6: "b",
    8: "h",
    9: "i",
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
    17: "q",
    18: "Q",
}
_WORDS = {5: 4, 10: 4}  # rationals are swapped as two words of 4 bytes
_MAX_ENTRIES = 4096
_MAX_VALUE_BYTES = 64 << 20

ByteOrder = Literal["<", ">"]


class BrokenDirectoryError(ValueError):
    """The structure does not hold together; callers turn this into their own sentence or ignore the block."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag's value: `kind` is TIFF's type number, `raw` its bytes in the directory's byte order."""

    kind: int
    count: int
    raw: bytes
    order: ByteOrder
    at: int = 0  # where the value's bytes stand in the file

    def numbers(self) -> tuple[float, ...]:
        """The values as numbers; a rational as its quotient (0 where it divides by 0). Empty for text."""
        if self.kind in _WORDS:
            words = struct.unpack(f"{self.order}{2 * self.count}{'iI'[self.kind == 5]}", self.raw)
            return tuple(a / b if b else 0.0 for a, b in zip(words[::2], words[1::2], strict=True))
        code = _CODES.get(self.kind)
        return struct.unpack(f"{self.order}{self.count}{code}", self.raw) if code else ()

    def integer(self) -> int:
        """The first value as an integer; 0 when there is none."""
        numbers = self.numbers()
        return int(numbers[0]) if numbers else 0

    def in_order(self, order: ByteOrder) -> bytes:
        """The value's bytes in another byte order."""
        word = _WORDS.get(self.kind, _SIZES[self.kind])
        if order == self.order or word == 1:
            return self.raw
        return b"".join(self.raw[i : i + word][::-1] for i in range(0, len(self.raw), word))


@dataclass(frozen=True, slots=True)
class Placed:
    """A value of `count` bytes (type 7) that stands at offset `at` of the file already."""

    count: int
    at: int


Directory = dict[int, Entry]


class DirectoryReader:
    """Reads directories out of a seekable file whose TIFF structure starts at byte 0.

    Raises BrokenDirectoryError for anything that does not hold together; bounds every read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)
        head = file.read(16)
        if head[:2] not in (b"II", b"MM") or len(head) < 8:
            raise BrokenDirectoryError("no TIFF header")
        self.order: ByteOrder = "<" if head[:2] == b"II" else ">"
        magic = struct.unpack(f"{self.order}H", head[2:4])[0]
        self.big = magic == 43
        self.first = self._offset(head[8:16] if self.big else head[4:8])

    def read(self, offset: int) -> tuple[Directory, int]:
        """The directory at `offset` and the offset of the next one (0: none)."""
        count_bytes, entry_bytes, value_bytes = (8, 20, 8) if self.big else (2, 12, 4)
        count = int.from_bytes(self._at(offset, count_bytes), "little" if self.order == "<" else "big")
        if count > _MAX_ENTRIES:
            raise BrokenDirectoryError(f"a directory of {count} entries")
        body = self._at(offset + count_bytes, count * entry_bytes + value_bytes, partial=True)
        if len(body) < count * entry_bytes:
            raise BrokenDirectoryError("a directory that is cut off")
        entries: Directory = {}
        for i in range(count):
            at = i * entry_bytes
            tag, kind = struct.unpack(f"{self.order}HH", body[at : at + 4])
            if kind in _SIZES:
                entry = self._entry(kind, body[at + 4 : at + entry_bytes], offset + count_bytes + at + 4)
                if entry is not None:
                    entries[tag] = entry
        following = body[count * entry_bytes :]
        return entries, self._offset(following) if len(following) == value_bytes else 0

    def _entry(self, kind: int, field: bytes, field_at: int) -> Entry | None:
        half = len(field) // 2
        count, size = self._offset(field[:half]), 0
        size = count * _SIZES[kind]
        if size > _MAX_VALUE_BYTES:
            return None
        if size <= half:
            return Entry(kind, count, field[half : half + size], self.order, field_at + half)
        at = self._offset(field[half:])
        raw = self._at(at, size, partial=True)
        return Entry(kind, count, raw, self.order, at) if len(raw) == size else None

    def _offset(self, raw: bytes) -> int:
        return int.from_bytes(raw, "little" if self.order == "<" else "big")

    def _at(self, offset: int, count: int, *, partial: bool = False) -> bytes:
        self._file.seek(offset)
        raw = self._file.read(count)
        if len(raw) < count and not partial:
            raise BrokenDirectoryError("a directory beyond the end of the file")
        return raw


def entry(kind: int, values: Iterable[int] | bytes) -> Entry:
    """A little-endian entry from integers, or from bytes for text (2) and undefined (7)."""
    if isinstance(values, bytes):
        return Entry(kind, len(values) // _SIZES[kind], values, "<")
    numbers = tuple(values)
    return Entry(kind, len(numbers), struct.pack(f"<{len(numbers)}{_CODES[kind]}", *numbers), "<")


def rational(value: float) -> Entry:
    """An unsigned rational entry with a precision of 1/10000."""
    return Entry(5, 1, struct.pack("<II", max(0, round(value * 10000)), 10000), "<")


def pack_directory(
    entries: Mapping[int, Entry | Placed],
    start: int,
    *,
    big: bool = False,
    children: dict[int, Directory] | None = None,
    order: ByteOrder = "<",
) -> bytes:
    """The directory as bytes in `order` standing at offset `start`, its values and children behind it.

    `children`: tag -> directory that the tag's offset shall point to (the EXIF and GPS directories).
    """
    children = children or {}
    count_bytes, entry_bytes, value_bytes = (8, 20, 8) if big else (2, 12, 4)
    offset = f"{order}Q" if big else f"{order}I"
    tags = sorted({*entries, *children})
    fields: list[bytes] = []
    values = bytearray()
    values_at = start + count_bytes + len(tags) * entry_bytes + value_bytes
    for tag in tags:
        value = children[tag] if tag in children else entries[tag]
        if isinstance(value, Placed):
            kind, count, inline = 7, value.count, struct.pack(offset, value.at)
        elif isinstance(value, Entry):
            kind, count, raw = value.kind, value.count, value.in_order(order)
            inline = raw.ljust(value_bytes, b"\0")
            if len(raw) > value_bytes:
                inline = struct.pack(offset, values_at + len(values))
                values += raw
        else:
            kind, count, inline = 18 if big else 4, 1, struct.pack(offset, values_at + len(values))
            values += pack_directory(value, values_at + len(values), big=big, order=order)
        values += b"\0" * (len(values) % 2)
        fields.append(struct.pack(f"{order}HH", tag, kind) + struct.pack(offset, count) + inline)
    head = len(tags).to_bytes(count_bytes, "little" if order == "<" else "big")
    return head + b"".join(fields) + b"\0" * value_bytes + bytes(values)
