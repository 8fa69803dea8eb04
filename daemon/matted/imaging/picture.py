"""What a picture is inside Matted: its own pixels, upright, at their own depth, with what must be kept.

Pure data: no decoding, no colour conversion, no model.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Space = Literal["gray", "rgb", "cmyk", "lab"]
Pixels = npt.NDArray[Any]

COLOUR_CHANNELS: dict[str, int] = {"gray": 1, "rgb": 3, "cmyk": 4, "lab": 3}


@dataclass(frozen=True, slots=True)
class Metadata:
    """What travels with a picture besides pixels and profile; each part as its bytes stand in a file.

    `exif` is the TIFF structure without the `Exif\\0\\0` prefix and with Orientation already 1.
    `dpi` is (x, y) in pixels per inch.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture.

    `pixels`: (H, W, C), C-contiguous, uint8, uint16, float16 or float32; upright (EXIF orientation
    applied). C is the colour channels of `space` plus one if `has_alpha`; alpha is straight
    (unassociated) and last. Integers span their whole range; floats have 1.0 as white and may go beyond.
    cmyk: 0 is no ink. lab, uint8/uint16: ICC encoding (L 0..max, a and b offset by the half range);
    lab float: L 0..100, a and b -128..127.
    `linear`: the colour values are linear light (only for pictures without a profile; otherwise the
    profile says so).
    `full_size`: (width, height) of the picture in the file; differs from the pixels' only when a decoder
    was allowed to scale down.
    """

    pixels: Pixels
    space: Space = "rgb"
    has_alpha: bool = False
    icc: bytes | None = None
    metadata: Metadata = field(default_factory=Metadata)
    format: str = "raw"
    linear: bool = False
    full_size: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != COLOUR_CHANNELS[self.space] + self.has_alpha:
            raise ValueError(f"pixels of shape {self.pixels.shape} are not {self.space} pixels")
        if self.full_size == (0, 0):
            object.__setattr__(self, "full_size", (self.width, self.height))

    @property
    def width(self) -> int:
        """Columns of `pixels`."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows of `pixels`."""
        return int(self.pixels.shape[0])

    @property
    def colour_channels(self) -> int:
        """Channels without alpha."""
        return COLOUR_CHANNELS[self.space]

    @property
    def is_deep(self) -> bool:
        """More than 8 bits per channel."""
        return self.pixels.dtype != np.uint8
