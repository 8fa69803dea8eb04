"""TIFF in: the first full page at its own depth and in its own space, with alpha made straight.

May import tifffile and imagecodecs; knows no other format. Camera files that are TIFF inside are recognised
here and left to `raw`. Sources: TIFF 6.0 (1992), Adobe's TIFF technical notes (2002), Adobe DNG 1.7.
"""

import logging
import math
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tifffile

from matted.errors import UnreadablePicture, UnsupportedPicture
from matted.imaging import metadata as meta
from matted.imaging.header import Layout
from matted.imaging.ifd import BrokenDirectoryError, Directory, DirectoryReader
from matted.imaging.orientation import turn_upright
from matted.imaging.picture import COLOUR_CHANNELS, Metadata, Picture, Pixels, Space
from matted.imaging.profile import matching_profile
from matted.imaging.samples import (
    cielab_to_icc,
    icclab16_to_lab16,
    in_supported_depth,
    invert,
    looked_up,
    unpremultiply,
)
from matted.imaging.source import Opened

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _SUBFILE, _SUB_IFDS, _COLOUR_MAP, _EXTRA_SAMPLES = 277, 254, 330, 320, 338
_SAMPLE_FORMAT, _XMP, _IPTC, _PHOTOSHOP, _ICC, _DNG_VERSION = 339, 700, 33723, 34377, 34675, 50706
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _PALETTE, _SEPARATED, _YCBCR, _CIELAB, _ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
_SPACES: dict[int, Space] = {
    _MIN_IS_WHITE: "gray",
    _MIN_IS_BLACK: "gray",
    _RGB: "rgb",
    _PALETTE: "rgb",
    _SEPARATED: "cmyk",
    _YCBCR: "rgb",
    _CIELAB: "lab",
    _ICCLAB: "lab",
}
_SENSOR_PHOTOMETRICS = (32803, 34892)  # colour filter array, linear raw
_ASSOCIATED, _UNASSOCIATED = 1, 2
_JPEG = (6, 7)
_MAX_PAGES = 32
logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what it would print, our errors say
_FAILURES = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    struct.error,
    ArithmeticError,
)


@dataclass(frozen=True, slots=True)
class TiffFile:
    """A TIFF whose directories are parsed. `page`: which of its pages is the picture."""

    opened: Opened
    layout: Layout
    page: int
    directory: Directory = field(repr=False)
    exif: bytes | None = field(repr=False)

    def decode(self, *, min_side: int | None = None) -> Picture:  # noqa: ARG002 - strips have no smaller version
        """Palettes become RGB, min-is-white is inverted, premultiplied colours are divided by their alpha.

        Raises UnreadablePicture for damage, UnsupportedPicture for what cannot be shown.
        """
        self._check_extent()
        photometric = _number(self.directory, _PHOTOMETRIC, _MIN_IS_BLACK)
        space = _SPACES[photometric]
        pixels = in_supported_depth(self._samples(), self._bits(), self.opened.name)
        if photometric == _PALETTE:
            pixels = self._by_palette(pixels)
        colours = COLOUR_CHANNELS[space]
        if pixels.shape[2] < colours:
            raise UnreadablePicture(f"{self.opened.name} has fewer channels than its colours need.")
        alpha_kind = self._alpha_kind(colours)
        wanted = colours + (alpha_kind is not None)
        if pixels.shape[2] > wanted:
            pixels = np.ascontiguousarray(pixels[..., :wanted])
        if photometric == _MIN_IS_WHITE:
            invert(pixels, colours)
        elif photometric == _CIELAB:
            cielab_to_icc(pixels)
        elif photometric == _ICCLAB and pixels.dtype == np.uint16:
            icclab16_to_lab16(pixels)
        if alpha_kind == _ASSOCIATED:
            unpremultiply(pixels, space)
        icc = matching_profile(_raw(self.directory, _ICC), space)
        return Picture(
            turn_upright(pixels, self.layout.orientation),
            space=space,
            has_alpha=alpha_kind is not None,
            icc=icc,
            metadata=self._metadata(),
            format="tiff",
            linear=pixels.dtype.kind == "f" and icc is None and space in ("gray", "rgb"),
        )

    def _samples(self) -> Pixels:
        """(H, W, samples) as stored."""
        name = self.opened.name
        self.opened.file.seek(0)
        try:
            with tifffile.TiffFile(self.opened.file) as tiff:
                page: Any = tiff.pages[self.page]
                stored = page.asarray()
                planar = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and page.samplesperpixel > 1
        except _FAILURES as error:
            raise UnreadablePicture(f"{name} is damaged or cut off: copy or export it again.") from error
        height, width = self.layout.height, self.layout.width
        if planar and stored.size == height * width * page.samplesperpixel:
            return np.ascontiguousarray(np.moveaxis(stored.reshape(-1, height, width), 0, 2))
        if stored.size % (height * width):
            raise UnsupportedPicture(f"{name} is a TIFF of a rare kind: save it as an ordinary TIFF or PNG.")
        return np.ascontiguousarray(stored).reshape(height, width, -1)

    def _check_extent(self) -> None:
        """Every strip and tile must lie inside the file: decoders show what is missing as black."""
        for offsets, counts in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
            if offsets not in self.directory:
                continue
            starts = self.directory[offsets].numbers()
            lengths = self.directory[counts].numbers() if counts in self.directory else (1,) * len(starts)
            if any(
                a <= 0 or n <= 0 or a + n > self.opened.size for a, n in zip(starts, lengths, strict=False)
            ):
                raise UnreadablePicture(f"{self.opened.name} is cut off: copy or export it again.")

    def _by_palette(self, indices: Pixels) -> Pixels:
        entry = self.directory.get(_COLOUR_MAP)
        table = np.array(entry.numbers() if entry else (), np.uint16)
        if table.size < 3 or table.size % 3:
            raise UnreadablePicture(f"{self.opened.name} lacks its colour table: export it again.")
        return looked_up(indices[..., 0], table.reshape(3, -1))

    def _alpha_kind(self, colours: int) -> int | None:
        entry = self.directory.get(_EXTRA_SAMPLES)
        if entry is None or _number(self.directory, _PHOTOMETRIC, 1) == _PALETTE:
            return None
        kinds = [int(kind) for kind in entry.numbers()]
        samples = _number(self.directory, _SAMPLES, 1)
        first = kinds[0] if kinds and samples > colours else 0
        return first if first in (_ASSOCIATED, _UNASSOCIATED) else None

    def _bits(self) -> int:
        return _number(self.directory, _BITS, 1)

    def _metadata(self) -> Metadata:
        directory, orientation = self.directory, self.layout.orientation
        iptc = _raw(directory, _IPTC)
        if iptc is None or iptc[:1] != b"\x1c":
            iptc = meta.iptc_from_photoshop(_raw(directory, _PHOTOSHOP) or b"")
        return Metadata(
            exif=self.exif,
            xmp=meta.upright_xmp(_raw(directory, _XMP)),
            iptc=iptc,
            dpi=meta.turned_dpi(meta.directory_dpi(directory), orientation),
        )


def open_tiff(opened: Opened) -> TiffFile | None:
    """Parse the directories; None when this is a camera's raw file.

    Raises UnreadablePicture, UnsupportedPicture.
    """
    name = opened.name
    try:
        reader = DirectoryReader(opened.file)
        pages = _pages(reader)
        if _is_raw(reader, pages, opened.head(16)):
            return None
        number, directory = next(
            ((i, page) for i, page in enumerate(pages) if not _number(page, _SUBFILE, 0) & 1), (0, pages[0])
        )
        layout = _layout(directory)
        exif = meta.exif_from_tiff(reader, directory)
    except (BrokenDirectoryError, struct.error) as error:
        raise UnreadablePicture(f"{name} is damaged or cut off: copy or export it again.") from error
    photometric = _number(directory, _PHOTOMETRIC, _MIN_IS_BLACK)
    plain_ycbcr = photometric == _YCBCR and _number(directory, _COMPRESSION, 1) not in _JPEG
    if photometric not in _SPACES or plain_ycbcr:
        raise UnsupportedPicture(f"{name} is a TIFF of a rare kind: save it as an ordinary TIFF or PNG.")
    return TiffFile(opened, layout, number, directory, exif)


def _pages(reader: DirectoryReader) -> list[Directory]:
    pages: list[Directory] = []
    seen: set[int] = set()
    offset = reader.first
    while offset and offset not in seen and len(pages) < _MAX_PAGES:
        seen.add(offset)
        try:
            page, offset = reader.read(offset)
        except (BrokenDirectoryError, struct.error):
            if not pages:
                raise
            break
        pages.append(page)
    if not pages:
        raise BrokenDirectoryError("no page")
    return pages


def _is_raw(reader: DirectoryReader, pages: list[Directory], head: bytes) -> bool:
    if _DNG_VERSION in pages[0] or head[8:10] == b"CR" or head[8:12] in (b"IIII", b"MMMM"):
        return True
    children: list[Directory] = []
    for page in pages:
        entry = page.get(_SUB_IFDS)
        for offset in entry.numbers()[:_MAX_PAGES] if entry else ():
            try:
                children.append(reader.read(int(offset))[0])
            except (BrokenDirectoryError, struct.error):
                continue
    return any(_number(d, _PHOTOMETRIC, 0) in _SENSOR_PHOTOMETRICS for d in (*pages, *children))


def _layout(directory: Directory) -> Layout:
    bits = directory.get(_BITS)
    depth = max((int(b) for b in bits.numbers()), default=1) if bits else 1
    channels = 3 if _number(directory, _PHOTOMETRIC, 1) == _PALETTE else _number(directory, _SAMPLES, 1)
    orientation = _number(directory, meta.ORIENTATION, 1)
    return Layout(
        _number(directory, _WIDTH, 0),
        _number(directory, _LENGTH, 0),
        orientation if 1 <= orientation <= 8 else 1,
        max(1, channels) * math.ceil(depth / 8),
    )


def _number(directory: Directory, tag: int, default: int) -> int:
    entry = directory.get(tag)
    return entry.integer() if entry else default


def _raw(directory: Directory, tag: int) -> bytes | None:
    entry = directory.get(tag)
    return entry.raw if entry and entry.raw else None
