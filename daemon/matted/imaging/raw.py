"""Camera raw files, developed by LibRaw with the camera's white balance into 16-bit sRGB.

May import rawpy, an optional extra: this runs only in `decoder_process`, and only where rawpy is installed.
"""

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rawpy

from matted.errors import UnreadablePicture, UnsupportedPicture
from matted.imaging import metadata as meta
from matted.imaging.header import Layout
from matted.imaging.ifd import BrokenDirectoryError, DirectoryReader
from matted.imaging.picture import Metadata, Picture, Pixels
from matted.imaging.source import Opened

_ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}  # LibRaw's flip -> EXIF
_SRGB_CURVE = (2.4, 12.92)


@dataclass(frozen=True, slots=True)
class RawFile:
    """A raw file LibRaw has identified."""

    opened: Opened
    layout: Layout
    raw: Any = field(repr=False)

    def decode(self, *, min_side: int | None = None) -> Picture:
        """(H, W, 3) uint16, turned upright by LibRaw; half the size when `min_side` allows.

        Raises UnreadablePicture.
        """
        half = min_side is not None and min(self.layout.width, self.layout.height) // 2 >= min_side
        try:
            developed: Pixels = self.raw.postprocess(
                use_camera_wb=True,
                output_bps=16,
                output_color=rawpy.ColorSpace.sRGB,
                gamma=_SRGB_CURVE,
                half_size=half,
            )
        except (rawpy.LibRawError, ValueError, MemoryError) as error:
            raise UnreadablePicture(
                f"{self.opened.name} cannot be developed ({_reason(error)}): copy it from the camera again."
            ) from error
        finally:
            self.raw.close()
        return Picture(
            np.ascontiguousarray(developed),
            metadata=_metadata(self.opened),
            format="raw",
            full_size=self.layout.upright() if half else (developed.shape[1], developed.shape[0]),
        )


def open_raw(opened: Opened) -> RawFile:
    """Identify a raw file. Raises UnsupportedPicture when LibRaw does not know the camera."""
    opened.file.seek(0)
    try:
        raw = rawpy.imread(opened.file)
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawNotImplementedError) as error:
        raise UnsupportedPicture(
            f"{opened.name} comes from a camera LibRaw does not know yet: convert it to DNG or TIFF."
        ) from error
    except (rawpy.LibRawError, ValueError) as error:
        raise UnreadablePicture(
            f"{opened.name} is damaged or cut off: copy it from the camera again."
        ) from error
    sizes = raw.sizes
    return RawFile(opened, Layout(sizes.width, sizes.height, _ORIENTATIONS.get(sizes.flip, 1), 6), raw)


def _metadata(opened: Opened) -> Metadata:
    try:
        reader = DirectoryReader(opened.file)
        directory, _ = reader.read(reader.first)
        return Metadata(exif=meta.exif_from_tiff(reader, directory), dpi=meta.directory_dpi(directory))
    except (BrokenDirectoryError, struct.error):
        return Metadata()


def _reason(error: BaseException) -> str:
    text = error.args[0] if error.args else error
    return text.decode("ascii", "replace") if isinstance(text, bytes) else str(text)
