"""Reading the training pictures: every set is shrunk once into a cache of memory-mapped arrays, so that
drawing a sample costs no decoding. This file knows the data folder's layout, which pictures were found wrong
and which are held out; it knows nothing of augmentation or of the network.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from outlines import OUTLINES, Outline, read_outlines, snapped_mask

PAIR_SETS = ("ccp", "clothing", "cats", "voc", "human")
REJECTED = Path(__file__).with_name("rejected.json")
"""The stems, by set, of pictures whose masks we looked at and found wrong."""
PLACES = "backgrounds/nopeople_640"
SCENES = ("backgrounds/bsds500", "backgrounds/camvid701", "unlabeled/imagenet1000")
CUTOUT_FOLDERS = ("rgba/emoji", "rgba/lego", "rgba/people")
CACHE_PX = 384
"""Side of the squares that pictures are squashed to in the cache."""
CUTOUT_PX = 256
HELD_OUT_PERCENT = 3
PLACES_HELD_OUT_PERCENT = 25
OWN = "own"
OWN_IMAGES, OWN_MASKS = "own-images.npy", "own-masks.npy"
"""Files in the cache that `self_training.py` writes, with pictures that the network labelled itself."""
_BAND_SETS, _BAND_PX = ("voc", "doubtful"), 5
"""The sets whose masks leave out a band around every object, and the band's width in the cache."""


@dataclass(frozen=True)
class Pairs:
    """Pictures with their truth.

    images: uint8 (N, CACHE_PX, CACHE_PX, 3) RGB; masks: uint8 (N, CACHE_PX, CACHE_PX), 255 = subject;
    names: the N file stems.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Library:
    """Everything a training sample may be made of.

    pairs: by set name; "outlined" are those outlined by hand, "doubtful" those of Pascal VOC whose masks are
    not of what one would cut out, and "own" exist only after self-training.
    places: uint8 (N, CACHE_PX, CACHE_PX, 3), pictures without a subject. scenes: the same shape, any picture;
    unlabelled: the rows of those scenes that nobody has outlined.
    cutouts: uint8 (N, CUTOUT_PX, CUTOUT_PX, 4), straight RGBA, drawings before photographs.
    """

    pairs: dict[str, Pairs]
    places: NDArray[np.uint8]
    scenes: NDArray[np.uint8]
    unlabelled: NDArray[np.int64]
    cutouts: NDArray[np.uint8]


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """The picture as uint8 (H, W, 3) RGB. Raises ValueError where OpenCV cannot read it."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path} is not a picture that can be read.")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def read_mask(path: Path) -> NDArray[np.uint8]:
    """The mask as uint8 (H, W), 255 = subject. Raises ValueError where OpenCV cannot read it."""
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise ValueError(f"{path} is not a mask that can be read.")
    return mask


def squash(picture: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """Resizes (H, W[, C]) to a square of `side_px`, forgetting the aspect; averages when it shrinks."""
    shrinks = min(picture.shape[:2]) > side_px
    return cv2.resize(
        picture, (side_px, side_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def pair_paths(folder: Path) -> list[tuple[Path, Path]]:
    """The (image, mask) paths of one set, in the order of their names."""
    images = {p.stem: p for p in sorted((folder / "images").iterdir())}
    return [(images[m.stem], m) for m in sorted((folder / "masks").iterdir()) if m.stem in images]


def is_held_out(name: str, percent: int = HELD_OUT_PERCENT) -> bool:
    """Whether a training picture is kept for validation.

    Variants of one source photo ('group0001_...') stay together.
    """
    source = name.split("_")[0] if name.startswith("group") else name
    return int(hashlib.sha256(source.encode()).hexdigest()[:8], 16) % 100 < percent


def open_library(data: Path, cache: Path) -> Library:
    """Opens the cache, building what is missing of it from the data folder."""
    cache.mkdir(parents=True, exist_ok=True)
    outlines = [o for o in read_outlines() if (data / o.photo).exists()]
    seen = {data / o.photo for o in outlines}
    pairs = {}
    for name, paths in _sorted_sets(data, seen).items():
        images = _cached(cache / f"{name}-images.npy", [i for i, _ in paths], (CACHE_PX, CACHE_PX, 3))
        masks = _cached(cache / f"{name}-masks.npy", [m for _, m in paths], (CACHE_PX, CACHE_PX))
        if name in _BAND_SETS:
            masks = np.stack([_without_inner_bands(mask) for mask in masks])
        pairs[name] = Pairs(images, masks, tuple(i.stem for i, _ in paths))
    subjects = [o for o in outlines if o.outer]
    if subjects:
        pairs["outlined"] = _outlined(data, cache, subjects)
    if (cache / OWN_MASKS).exists():
        own = np.load(cache / OWN_IMAGES, mmap_mode="r"), np.load(cache / OWN_MASKS, mmap_mode="r")
        pairs[OWN] = Pairs(*own, tuple(f"own{row}" for row in range(len(own[1]))))
    empty = [data / o.photo for o in outlines if not o.outer and not is_held_out(o.photo)]
    scenes = [p for folder in SCENES for p in sorted((data / folder / "images").iterdir())]
    cutouts = [p for folder in CUTOUT_FOLDERS for p in sorted((data / folder).rglob("*.png"))]
    square = (CACHE_PX, CACHE_PX, 3)
    return Library(
        pairs=pairs,
        places=_cached(cache / "places.npy", place_paths(data, held_out=False) + empty, square),
        scenes=_cached(cache / "scenes.npy", scenes, square),
        unlabelled=np.flatnonzero([path not in seen for path in scenes]),
        cutouts=_cached(cache / "cutouts.npy", cutouts, (CUTOUT_PX, CUTOUT_PX, 4)),
    )


def place_paths(data: Path, *, held_out: bool) -> list[Path]:
    """The pictures of places without a subject that are trained on, or those that are held out."""
    paths = sorted((data / PLACES / "images").iterdir())
    return [p for p in paths if is_held_out(p.stem, PLACES_HELD_OUT_PERCENT) == held_out]


def _sorted_sets(data: Path, outlined: set[Path]) -> dict[str, list[tuple[Path, Path]]]:
    """The (image, mask) paths of every set without those found wrong.

    Pascal VOC's wrong ones that have no outline are a set of their own.
    """
    rejected = {name: set(stems) for name, stems in json.loads(REJECTED.read_text()).items()}
    sets = {}
    for name in PAIR_SETS:
        paths = pair_paths(data / "train" / name)
        sets[name] = [p for p in paths if p[0].stem not in rejected.get(name, ())]
        if name == "voc":
            sets["doubtful"] = [p for p in paths if p[0].stem in rejected["voc"] and p[0] not in outlined]
    return {name: paths for name, paths in sets.items() if paths}


def _outlined(data: Path, cache: Path, outlines: list[Outline]) -> Pairs:
    images = _cached(
        cache / "outlined-images.npy", [data / o.photo for o in outlines], (CACHE_PX, CACHE_PX, 3)
    )
    file = _named_by_content(cache / "outlined-masks.npy", OUTLINES.read_text())
    if not file.exists():
        masks = [snapped_mask(o, np.asarray(image)) for o, image in zip(outlines, images, strict=True)]
        np.save(file, np.stack(masks))
    return Pairs(images, np.load(file, mmap_mode="r"), tuple(o.photo for o in outlines))


def _named_by_content(file: Path, content: str) -> Path:
    """The cache file's name with a digest of what it is made of, so that a changed set is made anew."""
    return file.with_stem(f"{file.stem}-{hashlib.sha256(content.encode()).hexdigest()[:8]}")


def _cached(file: Path, paths: list[Path], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    file = _named_by_content(file, "\n".join(map(str, paths)))
    if not file.exists():
        part = file.with_suffix(".part")
        array = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=(len(paths), *shape))
        for row, path in enumerate(paths):
            array[row] = _read_square(path, shape)
        array.flush()
        part.rename(file)
    return np.load(file, mmap_mode="r")


def _read_square(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if len(shape) == 2:
        return squash(read_mask(path), shape[0])
    if shape[2] == 3:
        return squash(read_rgb(path), shape[0])
    bgra = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if bgra is None or bgra.shape[2] != 4:
        raise ValueError(f"{path} has no alpha channel.")
    return squash(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA), shape[0])


def _without_inner_bands(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((_BAND_PX, _BAND_PX), np.uint8))
