"""Small pictures for the page, made by the readers of `imaging`, a bounded number of them kept in memory.

May import `imaging`, when the first one is asked for; knows no HTTP and no ledger.
"""

import io
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from matted.cache import StageCache
from matted.errors import UnreadablePicture, UnsupportedPicture

if TYPE_CHECKING:
    from PIL import Image

    from matted.imaging.picture import Picture

SIDE_PX, LARGE_PX = 512, 1600
KEPT_BYTES = 48 << 20
_QUALITY = 82


class Thumbnails:
    """Makes and keeps them. `of` may be called from any thread; pictures are decoded one after the other."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._cache = StageCache(KEPT_BYTES)
        self._decoding = threading.Lock()

    def of(self, path: Path, side_px: int = SIDE_PX) -> bytes:
        """The picture at `path` as WebP in sRGB, upright, transparent where it is, `side_px` at most.

        Raises UnreadablePicture, UnsupportedPicture, PictureTooLarge.
        """
        try:
            facts = path.lstat()
        except OSError as error:
            raise UnreadablePicture(f"{path.name!r} is not there any more.") from error
        if not stat.S_ISREG(facts.st_mode):
            raise UnreadablePicture(f"{path.name!r} is not a file.")
        name = f"{side_px}\0{path}\0{facts.st_ino}\0{facts.st_size}\0{facts.st_mtime_ns}"
        held = self._cache.get((name,))
        if held is None:
            with self._decoding:
                held = self._cache.get((name,)) or _encoded(path, self._max_pixels, side_px)
                self._cache.put((name,), held, len(held))
        assert isinstance(held, bytes)
        return held

    def first(self, paths: list[Path], side_px: int = SIDE_PX) -> bytes:
        """The thumbnail of the first of some pictures that can be shown. Raises as `of` does."""
        trouble: Exception = UnreadablePicture("There is no result to show.")
        for path in paths:
            try:
                return self.of(path, side_px)
            except (UnreadablePicture, UnsupportedPicture) as error:
                trouble = error
        raise trouble


def _encoded(path: Path, max_pixels: int, side_px: int) -> bytes:
    from matted.imaging.read import read_picture

    small = _reduced(read_picture(path, max_pixels=max_pixels, min_side=side_px), side_px)
    file = io.BytesIO()
    small.save(file, "WEBP", quality=_QUALITY, method=2)
    return file.getvalue()


def _reduced(picture: "Picture", side_px: int) -> "Image.Image":
    from dataclasses import replace

    import numpy as np
    from PIL import Image

    from matted.imaging.colour import srgb_proxy

    scale = min(1.0, side_px / max(picture.width, picture.height))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    over_white = srgb_proxy(picture, *size)
    if not picture.has_alpha:
        return Image.fromarray(over_white)
    plane = np.ascontiguousarray(picture.pixels[..., -1:])
    values = replace(picture, pixels=plane, space="gray", has_alpha=False, icc=None, linear=False)
    alpha = srgb_proxy(values, *size)[..., :1]
    share = np.maximum(alpha, 1) / np.float32(255)
    own = np.clip(255 - (255 - over_white.astype(np.float32)) / share, 0, 255)
    return Image.fromarray(np.concatenate([(own + 0.5).astype(np.uint8), alpha], axis=2))
