"""One picture out, in rows: `open_writer` gives the writer of a format.

May import the writers beside it; knows no model. PNG and TIFF are written as the rows come; the other
formats' encoders want the whole picture, which is gathered. Layered files are `psd_writer`'s and
`layered_tiff`'s.
"""

from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from matted.errors import BadOption
from matted.imaging.encoding import FORMATS, Encoding, FormatName
from matted.imaging.picture import COLOUR_CHANNELS, Metadata, Pixels, Space
from matted.imaging.png_writer import PngStripWriter


class RowWriter(Protocol):
    """Takes a picture's rows from top to bottom."""

    def write(self, rows: Pixels) -> None:
        """The next rows, (n, width, channels); they may be changed by the caller afterwards."""
        ...

    def close(self) -> None:
        """Complete the file. Raises ValueError when rows are missing. The target stays open."""
        ...

    def abort(self) -> None:
        """Give up: end threads, free memory; what stands in the target so far is no picture."""
        ...


def open_writer(
    target: BinaryIO,
    *,
    width: int,
    height: int,
    channels: int,
    dtype: npt.DTypeLike,
    space: Space,
    has_alpha: bool,
    encoding: Encoding,
    icc: bytes | None = None,
    metadata: Metadata | None = None,
) -> RowWriter:
    """A writer for rows (n, width, channels) of `dtype`: colours of `space`, then straight alpha if
    `has_alpha`.

    Values as in `Picture.pixels`. `icc` and `metadata` are stored as far as the format has a place for them.
    Raises BadOption when the format cannot hold such a picture; ValueError when `channels` contradicts
    `space`, and for layered formats.
    """
    kind = np.dtype(dtype)
    metadata = metadata or Metadata()
    if channels != COLOUR_CHANNELS[space] + has_alpha:
        raise ValueError(f"{channels} channels are not {space}{' with alpha' if has_alpha else ''}")
    if encoding.facts.layered:
        raise ValueError(f"a {encoding.format} is written by layers")
    check_holds(encoding.format, width=width, height=height, dtype=kind, space=space, has_alpha=has_alpha)
    if encoding.format == "tiff":
        from matted.imaging.tiff_writer import TiffStripWriter

        return TiffStripWriter(
            target,
            width=width,
            height=height,
            channels=channels,
            dtype=kind,
            space=space,
            has_alpha=has_alpha,
            compression=encoding.compression,
            icc=icc,
            metadata=metadata,
        )
    if encoding.format == "png":
        return PngStripWriter(
            target,
            width=width,
            height=height,
            channels=channels,
            dtype=kind,
            compression=encoding.compression,
            icc=icc,
            metadata=metadata,
        )
    from matted.imaging.whole_writer import WholeWriter

    return WholeWriter(
        target, width=width, height=height, channels=channels, encoding=encoding, icc=icc, metadata=metadata
    )


def check_holds(
    name: FormatName, *, width: int, height: int, dtype: npt.DTypeLike, space: Space, has_alpha: bool
) -> None:
    """Raises BadOption, saying what to do, when a format cannot hold such pixels."""
    facts, kind = FORMATS[name], np.dtype(dtype)
    shown = facts.title
    if has_alpha and not facts.alpha:
        raise BadOption(f"A {shown} file cannot be transparent: add a background or choose PNG.")
    if space not in facts.spaces:
        raise BadOption(f"A {shown} file cannot hold {space.upper()} colours: choose TIFF.")
    if kind.kind == "f" and not facts.floats:
        raise BadOption(f"A {shown} file cannot hold floating-point values: choose TIFF.")
    if kind.kind == "u" and 8 * kind.itemsize not in facts.bits:
        raise BadOption(
            f"A {shown} file cannot hold {8 * kind.itemsize} bits per channel: choose PNG or TIFF."
        )
    if max(width, height) > facts.max_side:
        raise BadOption(
            f"A {shown} file is at most {facts.max_side} pixels wide or high, not {width} x {height}: "
            f"choose {'PSD' if name == 'layered-tiff' else 'PNG or TIFF'}."
        )
