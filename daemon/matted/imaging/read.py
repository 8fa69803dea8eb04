"""One picture in: recognise it by content, check the bounds, decode, turn upright, keep what must be kept.

May import the format modules beside it; knows no model. The two calls are `read_header` and `read_picture`.
"""

from typing import Protocol

from matted.errors import UnreadablePicture, UnsupportedPicture
from matted.imaging.header import Header, Layout, check_bounds, sniff
from matted.imaging.jpeg import open_jpeg
from matted.imaging.picture import Picture
from matted.imaging.png import open_png
from matted.imaging.source import Opened, Source


class PictureFile(Protocol):
    """What every format module hands out: a parsed header that can decode the pixels behind it."""

    @property
    def layout(self) -> Layout:
        """The stored size, depth and orientation."""
        ...

    def decode(self, *, min_side: int | None = None) -> Picture:
        """The picture, upright. `min_side`: a smaller one will do while both sides are at least this."""
        ...


def read_header(source: Source) -> Header:
    """Format and upright size; no pixel is decoded.

    Raises UnreadablePicture or UnsupportedPicture with a sentence.
    """
    with Opened(source) as opened:
        name, file = _parse(opened)
        width, height = file.layout.upright()
        return Header(name, width, height)


def read_picture(source: Source, *, max_pixels: int, min_side: int | None = None) -> Picture:
    """The picture at its own depth, in its own space, upright, with profile and metadata.

    `max_pixels`: more than so many are refused before anything is decoded. `min_side`: only a proxy is
    wanted, so the decoder may scale down as long as width and height stay at least this; `Picture.full_size`
    stays the file's. Raises PictureTooLarge, UnreadablePicture or UnsupportedPicture, each with a sentence.
    """
    with Opened(source) as opened:
        name, file = _parse(opened)
        check_bounds(file.layout, max_pixels)
        try:
            return file.decode(min_side=min_side)
        except MemoryError as error:
            raise UnreadablePicture(f"{opened.name} ({name}) does not fit into memory.") from error


def _parse(opened: Opened) -> tuple[str, PictureFile]:
    match sniff(opened.head(), opened.name):
        case "jpeg":
            return "jpeg", open_jpeg(opened)
        case "png":
            return "png", open_png(opened)
        case other:
            raise UnsupportedPicture(f"{opened.name} is {other.upper()}, which cannot be read yet.")
