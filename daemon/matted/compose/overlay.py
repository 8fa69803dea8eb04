"""A picture with a mask shown in colour over it, for looking at: the picture in gray, the mask in magenta.

Works row by row in 8-bit sRGB. Knows imaging, no model.
"""

from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from matted.compose.blend import in_depth
from matted.imaging.colour import to_srgb8
from matted.imaging.encoding import Encoding
from matted.imaging.picture import Picture
from matted.imaging.write import open_writer

COLOUR = (255, 0, 170)
_GRAY = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Rec. 709 luma
_ROWS = 256


def write_overlay(
    picture: Picture,
    mask: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
    encoding: Encoding,
    target: BinaryIO,
) -> None:
    """Writes `picture` in gray with COLOUR over it as far as `mask` (H, W), uint8 or uint16, says.

    Raises BadOption when the format cannot hold it.
    """
    writer = open_writer(
        target,
        width=picture.width,
        height=picture.height,
        channels=3,
        dtype=np.uint8,
        space="rgb",
        has_alpha=False,
        encoding=encoding,
    )
    try:
        for top in range(0, picture.height, _ROWS):
            rows = slice(top, min(top + _ROWS, picture.height))
            writer.write(_blended(to_srgb8(picture, rows), in_depth(mask[rows], np.uint8)))
        writer.close()
    except BaseException:
        writer.abort()
        raise


def _blended(colours: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    gray = (colours.astype(np.float32) @ _GRAY)[..., None]
    share = mask[..., None].astype(np.float32) / 255
    made = gray + share * (np.array(COLOUR, np.float32) - gray)
    return (made + 0.5).astype(np.uint8)
