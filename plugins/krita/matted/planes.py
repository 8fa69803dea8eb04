"""Arithmetic on masks as plain bytes: strokes kept, a guide layer read, planes made smaller.

Standard library only. Every plane holds one byte per pixel, rows from the top. Long planes are worked on
in pieces, so that other threads get their turn between two of them.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 1 << 19
_ANY = bytes([0]) + bytes([255]) * 255
_OPAQUE = bytes(255 if value >= 64 else 0 for value in range(256))
_LIGHT = bytes(255 if value >= 192 else 0 for value in range(256))
_DARK = bytes(255 if value < 64 else 0 for value in range(256))


def with_strokes(made: bytes, before: bytes, painted: bytes) -> bytes:
    """`made` anew, but `painted` where the person changed `before`, all planes of one size."""
    if before == painted:
        return bytes(made)
    parts = []
    for piece in _pieces(len(made)):
        new, old, now = made[piece], before[piece], painted[piece]
        parts.append(new if old == now else _chosen(_differing(old, now), now, new))
    return b"".join(parts)


def marked(mask: bytes, gray: bytes, alpha: bytes) -> tuple[bytes, bytes]:
    """What strokes on a guide layer say: (the mask with them, the places marked unsure).

    `gray`, `alpha`: the guide layer's lightness and coverage. Light strokes keep, dark ones remove, any
    other tone is unsure: 255 there in the second plane.
    """
    masks, unsure = [], []
    for piece in _pieces(len(mask)):
        covered = alpha[piece].translate(_OPAQUE)
        if not any(covered):
            masks.append(bytes(mask[piece]))
            unsure.append(bytes(len(covered)))
            continue
        light = _and(covered, gray[piece].translate(_LIGHT))
        dark = _and(covered, gray[piece].translate(_DARK))
        known = _or(light, dark)
        masks.append(_chosen(known, light, mask[piece]))
        unsure.append(_chosen(known, bytes(len(covered)), covered))
    return b"".join(masks), b"".join(unsure)


def lesser(one: bytes, other: bytes) -> bytes:
    """The lesser of two planes at each pixel."""
    parts = []
    for piece in _pieces(len(one)):
        first, second = one[piece], other[piece]
        plain = second == b"\xff" * len(second)
        parts.append(bytes(first) if plain else bytes(map(min, first, second)))
    return b"".join(parts)


def smaller(plane: bytes, width: int, height: int, to_width: int, to_height: int) -> bytes:
    """A plane of `to_width` x `to_height` made of the nearest pixels."""
    columns = [int((column + 0.5) * width / to_width) for column in range(to_width)]
    picked = operator.itemgetter(*columns, columns[-1])  # one more, so that it is always several
    rows = []
    for row in range(to_height):
        begin = int((row + 0.5) * height / to_height) * width
        rows.append(bytes(picked(plane[begin : begin + width])[:to_width]))
    return b"".join(rows)


def _pieces(size: int) -> Iterator[slice]:
    for begin in range(0, size, _PIECE):
        yield slice(begin, min(begin + _PIECE, size))


def _number(plane: bytes) -> int:
    return int.from_bytes(plane, "little")


def _differing(one: bytes, other: bytes) -> bytes:
    return (_number(one) ^ _number(other)).to_bytes(len(one), "little").translate(_ANY)


def _and(one: bytes, other: bytes) -> bytes:
    return (_number(one) & _number(other)).to_bytes(len(one), "little")


def _or(one: bytes, other: bytes) -> bytes:
    return (_number(one) | _number(other)).to_bytes(len(one), "little")


def _chosen(where: bytes, yes: bytes, no: bytes) -> bytes:
    base = _number(no)
    return (base ^ ((base ^ _number(yes)) & _number(where))).to_bytes(len(no), "little")
