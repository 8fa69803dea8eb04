"""How a result is to be stored: the options of an encoder and what each format can hold. Pure data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matted.errors import BadOption
from matted.imaging.picture import Space

FormatName = Literal["png", "tiff", "webp", "jpeg", "avif", "psd", "layered-tiff"]
_TIFF_SUFFIXES, _PHOTOSHOP = (".tif", ".tiff"), "image/vnd.adobe.photoshop"


@dataclass(frozen=True, slots=True)
class FormatFacts:
    """What a format can hold. `title`: its name in a sentence; `bits`: the depths per channel; `max_side`:
    longest side in pixels; `layered`: the cut-out, its mask and what lies behind it stay apart.
    """

    title: str
    alpha: bool
    spaces: tuple[Space, ...]
    bits: tuple[int, ...]
    floats: bool
    suffixes: tuple[str, ...]
    media_type: str
    max_side: int
    layered: bool = False


FORMATS: dict[FormatName, FormatFacts] = {
    "png": FormatFacts("PNG", True, ("gray", "rgb"), (8, 16), False, (".png",), "image/png", 2**31 - 1),
    "tiff": FormatFacts(
        "TIFF", True, ("gray", "rgb", "cmyk", "lab"), (8, 16), True, _TIFF_SUFFIXES, "image/tiff", 2**31 - 1
    ),
    "webp": FormatFacts("WebP", True, ("gray", "rgb"), (8,), False, (".webp",), "image/webp", 16383),
    "jpeg": FormatFacts("JPEG", False, ("gray", "rgb"), (8,), False, (".jpg", ".jpeg"), "image/jpeg", 65535),
    "avif": FormatFacts("AVIF", True, ("gray", "rgb"), (8,), False, (".avif",), "image/avif", 65535),
    "psd": FormatFacts(
        "PSD", True, ("gray", "rgb"), (8, 16), False, (".psd", ".psb"), _PHOTOSHOP, 300_000, True
    ),
    "layered-tiff": FormatFacts(
        "layered TIFF", True, ("gray", "rgb"), (8, 16), False, _TIFF_SUFFIXES, "image/tiff", 30_000, True
    ),
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """The format and its settings.

    `quality`: 1..100 for JPEG, WebP and AVIF. `compression`: effort 0..9 for PNG and TIFF (0: TIFF without
    any). `lossless`: WebP without loss (`quality` then says how hard to try).
    """

    format: FormatName = "png"
    quality: int = 92
    compression: int = 1
    lossless: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise BadOption(f"There is no output format {self.format!r}; there are {', '.join(FORMATS)}.")
        if not 1 <= self.quality <= 100:
            raise BadOption(f"The quality must be from 1 to 100, not {self.quality}.")
        if not 0 <= self.compression <= 9:
            raise BadOption(f"The compression must be from 0 to 9, not {self.compression}.")
        if self.lossless and self.format != "webp":
            raise BadOption("Only WebP has a choice of lossless; PNG and TIFF always are, JPEG never is.")

    @property
    def facts(self) -> FormatFacts:
        """What this format can hold."""
        return FORMATS[self.format]


def format_named(wish: str) -> FormatName | None:
    """The format of that name or suffix, the dot left out or not; None where Matted writes no such."""
    wish = wish.lower().lstrip(".")
    return next(
        (name for name, facts in FORMATS.items() if wish == name or f".{wish}" in facts.suffixes), None
    )


def format_of_suffix(path: Path) -> FormatName | None:
    """The format a file name asks for, None where its suffix is not one Matted writes."""
    suffix = path.suffix.lower()
    return next((name for name, facts in FORMATS.items() if suffix in facts.suffixes), None)
