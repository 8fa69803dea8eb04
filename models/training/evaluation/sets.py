"""Pictures and their truth on disk: a set is a folder with `images/` and `masks/` of the same stems. Reads
with Matted's own decoders; knows no model and no score.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matted.errors import BadOption
from matted.imaging.picture import Picture
from matted.imaging.read import read_picture
from matted.matting.upsample import full_scale
from numpy.typing import NDArray

_MAX_PIXELS = 300_000_000


@dataclass(frozen=True)
class Pair:
    """One picture, the name of its set, and the file of its truth where it has one."""

    set_name: str
    image: Path
    mask: Path | None

    @property
    def name(self) -> str:
        """The picture's stem."""
        return self.image.stem

    def picture(self) -> Picture:
        """The decoded picture. Raises what `read_picture` raises."""
        return read_picture(self.image, max_pixels=_MAX_PIXELS)

    def truth(self, picture: Picture) -> NDArray[np.float32]:
        """The truth as float32 (H, W) in [0, 1], from the mask's first channel; empty where there is no mask.

        Raises BadOption where it has another size than the picture.
        """
        if self.mask is None:
            return np.zeros((picture.height, picture.width), np.float32)
        pixels = read_picture(self.mask, max_pixels=_MAX_PIXELS).pixels[..., 0]
        if pixels.shape != (picture.height, picture.width):
            raise BadOption(f"{self.mask} has another size than {self.image}: make them the same.")
        full = full_scale(pixels.dtype) if pixels.dtype.kind == "u" else 1
        return pixels.astype(np.float32) / np.float32(full)


def pairs_of(folder: Path) -> list[Pair]:
    """The pictures of a set that have a mask, by name. Says on stderr how many have none.

    Raises BadOption where the folder is no set.
    """
    if not (folder / "images").is_dir() or not (folder / "masks").is_dir():
        raise BadOption(f"{folder} is no set: it needs the folders images and masks.")
    masks = {path.stem: path for path in (folder / "masks").iterdir()}
    images = sorted((folder / "images").iterdir())
    pairs = [Pair(folder.name, path, masks[path.stem]) for path in images if path.stem in masks]
    if not pairs:
        raise BadOption(f"{folder} holds no picture with a mask of the same name.")
    if len(pairs) < len(images):
        print(f"{folder}: {len(images) - len(pairs)} pictures have no mask", file=sys.stderr)
    return pairs


def pictures_without_subject(folder: Path) -> list[Pair]:
    """The pictures of a folder, or of its `images/`, as pairs without a mask. Raises BadOption for none."""
    place = folder / "images" if (folder / "images").is_dir() else folder
    pairs = [Pair(folder.name, path, None) for path in sorted(place.iterdir()) if path.is_file()]
    if not pairs:
        raise BadOption(f"{folder} holds no picture.")
    return pairs
