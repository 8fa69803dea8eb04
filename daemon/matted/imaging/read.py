"""One picture in: recognise it by content, check the bounds, decode, turn upright, keep what must be kept.

May import the format modules beside it, the rarer ones only when their file comes; knows no model. The two
calls are `read_header` and `read_picture`.
"""

from importlib.util import find_spec

from matted.errors import UnreadablePicture, UnsupportedPicture
from matted.imaging.header import Header, check_bounds, sniff
from matted.imaging.isolated import IsolatedFile, open_isolated
from matted.imaging.jpeg import open_jpeg
from matted.imaging.picture import Picture
from matted.imaging.picture_file import PictureFile
from matted.imaging.pillow import open_by_pillow
from matted.imaging.png import open_png
from matted.imaging.source import Opened, Source


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
        case "tiff":
            return _parse_tiff(opened)
        case "heif":
            return "heif", open_isolated(opened, "heif")
        case "avif":
            from matted.imaging.avif import open_avif

            return "avif", open_avif(opened)
        case "raw":
            return "raw", _open_raw(opened)
        case pillow_format:
            return pillow_format, open_by_pillow(opened, pillow_format)


def _parse_tiff(opened: Opened) -> tuple[str, PictureFile]:
    from matted.imaging.tiff import open_tiff

    tiff = open_tiff(opened)
    return ("tiff", tiff) if tiff is not None else ("raw", _open_raw(opened))


def _open_raw(opened: Opened) -> IsolatedFile:
    if find_spec("rawpy") is None:
        raise UnsupportedPicture(
            f'{opened.name} is a camera raw file: install the extra for these with pip install "matted[raw]".'
        )
    return open_isolated(opened, "raw")
