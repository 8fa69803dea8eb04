"""What a file is and how large, from its content alone; and the bounds checked before decoding.

May import the errors. Knows the formats' signatures, not how to decode them.
"""

from dataclasses import dataclass

from matted.errors import PictureTooLarge, UnreadablePicture, UnsupportedPicture

_BYTES_PER_PIXEL_LIMIT = 16  # RGBA in float32: the widest pixel anyone sends on purpose


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of itself. `width` and `height` as shown upright, in pixels."""

    format: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file stores its pixels: size before orientation, `orientation` as in EXIF (1..8)."""

    width: int
    height: int
    orientation: int = 1
    bytes_per_pixel: int = 4

    def upright(self) -> tuple[int, int]:
        """(width, height) after the orientation is applied."""
        return (self.height, self.width) if self.orientation > 4 else (self.width, self.height)


def check_bounds(layout: Layout, max_pixels: int) -> None:
    """Refuse what is too large to decode: PictureTooLarge; or UnreadablePicture for a size of nothing."""
    pixels = layout.width * layout.height
    if layout.width <= 0 or layout.height <= 0:
        raise UnreadablePicture(
            f"The picture says it is {layout.width} x {layout.height} pixels: its header is broken; "
            "export it again."
        )
    if pixels > max_pixels:
        raise PictureTooLarge(
            f"The picture is {layout.width} x {layout.height} pixels ({pixels / 1e6:.0f} megapixels), more "
            f"than the limit of {max_pixels / 1e6:g}: make it smaller or raise the setting max_pixels."
        )
    if pixels * layout.bytes_per_pixel > max_pixels * _BYTES_PER_PIXEL_LIMIT:
        raise PictureTooLarge(
            f"The picture would take {pixels * layout.bytes_per_pixel / 2**30:.1f} GiB in memory "
            f"({layout.bytes_per_pixel} bytes for each pixel): flatten its channels or reduce its depth."
        )


_BRANDS = {
    b"avif": "avif",
    b"avis": "avif",
    b"heic": "heif",
    b"heix": "heif",
    b"heim": "heif",
    b"heis": "heif",
    b"hevc": "heif",
    b"hevx": "heif",
    b"mif1": "heif",
    b"msf1": "heif",
    b"crx ": "raw",
}
_RAW_SIGNATURES = (
    b"FUJIFILMCCD-RAW",  # RAF
    b"IIU\0",  # Panasonic RW2
    b"IIRO",  # Olympus ORF
    b"IIRS",
    b"MMOR",
    b"FOVb",  # Sigma X3F
    b"\0MRM",  # Minolta MRW
)
_OTHERS = {
    b"%PDF": "a PDF document",
    b"8BPS": "a Photoshop document",
    b"gimp xcf": "a GIMP document",
    b"PK\x03\x04": "a ZIP archive (or a Krita document)",
    b"v/1\x01": "an OpenEXR picture",
    b"#?RADIANCE": "a Radiance HDR picture",
    b"\xff\x0a": "a JPEG XL picture",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 picture",
    b"\x1aE\xdf\xa3": "a video",
    b"<svg": "an SVG drawing",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
}
_CAN_READ = "Matted reads JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC, AVIF and camera RAW"


def sniff(head: bytes, name: str) -> str:
    """The format of a file from its first 64 bytes, one of the names in `Header.format`.

    TIFF-based camera files come out as "tiff"; only their directories tell them apart. `name` is for the
    message. Raises UnsupportedPicture for anything else, naming it where it is known.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head[4:8] == b"ftyp":
        return _by_brand(head, name)
    if head.startswith(_RAW_SIGNATURES) or head[6:14] == b"HEAPCCDR":
        return "raw"
    if head[:2] == b"BM" and head[14:18] in _BMP_HEADER_SIZES:
        return "bmp"
    raise UnsupportedPicture(f"{name} is {_what_else(head)}, which cannot be read. {_CAN_READ}.")


_BMP_HEADER_SIZES = tuple(size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124))


def _by_brand(head: bytes, name: str) -> str:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    if b"avif" in brands or b"avis" in brands:
        return "avif"  # an AVIF may well name the general mif1 first
    for brand in brands:
        if brand in _BRANDS:
            return _BRANDS[brand]
    raise UnsupportedPicture(f"{name} is a video or another kind of MP4 file. {_CAN_READ}.")


def _what_else(head: bytes) -> str:
    for signature, what in _OTHERS.items():
        if head.lstrip().startswith(signature):
            return what
    if not head.strip(b"\0"):
        return "filled with zeros"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return "not a kind of picture Matted knows"
    return "a text file"
