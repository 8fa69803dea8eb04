"""Pictures made up with exactly known alpha: cut-outs and drawn shapes laid over backgrounds.

Shapes are textured with crops of photographs or with noise and shaded; things take on some of the scene's
light and may cast a shadow. NumPy and OpenCV only; every function draws all its chance from the generator it
is given.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pictures import Library, Pairs, is_held_out
from shapes import Alpha, shape

Picture = NDArray[np.float32]
"""float32 (H, W, 3) in [0, 255] where not said otherwise."""


def noise(rng: Generator, side: int) -> Picture:
    """Two colours mixed by clouds, stripes or speckle."""
    cells = int(2 ** rng.uniform(1, 6))
    kind = rng.random()
    if kind < 0.5:
        mix = cv2.resize(rng.random((cells, cells), np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    elif kind < 0.75:
        y, x = np.mgrid[0:side, 0:side].astype(np.float32) / np.float32(side)
        angle = rng.uniform(0, np.pi)
        mix = 0.5 + 0.5 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * cells * 6.0)
    else:
        mix = cv2.resize(
            rng.random((cells * 4, cells * 4), np.float32), (side, side), interpolation=cv2.INTER_NEAREST
        )
    first, second = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    if rng.random() < 0.6:
        second = np.clip(first + rng.normal(0, 30, 3), 0, 255).astype(np.float32)
    mix = np.clip(mix, 0, 1)[..., None]
    return first * mix + second * (1 - mix)


def gradient(rng: Generator, side: int) -> Picture:
    """A studio backdrop: one tone that changes slowly, from a corner or around a bright middle."""
    tone = rng.uniform(0, 255, 3) if rng.random() < 0.5 else np.full(3, rng.uniform(30, 255))
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    ramp = x * np.cos(angle) + y * np.sin(angle) if rng.random() < 0.6 else 0.5 - np.hypot(x, y)
    return np.clip(tone.astype(np.float32) + ramp[..., None] * np.float32(rng.uniform(0, 160)), 0, 255)


def _crop(
    picture: NDArray[np.uint8],
    rng: Generator,
    side: int,
    *,
    least: float,
) -> Picture:
    """A random part of a picture, at least this share of each side, resized to (side, side), perhaps
    mirrored."""
    height, width = picture.shape[:2]
    h, w = (int(n * rng.uniform(least, 1.0)) for n in (height, width))
    y, x = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
    part = cv2.resize(picture[y : y + h, x : x + w], (side, side), interpolation=cv2.INTER_LINEAR)
    return (part[:, ::-1] if rng.random() < 0.5 else part).astype(np.float32)


def softened(picture: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """A Gaussian blur of any width, done on a shrunken copy where the width allows."""
    if sigma_px < 0.4:
        return picture
    height, width = picture.shape[:2]
    shrink = max(1, int(sigma_px / 1.5))
    small = cv2.resize(
        picture, (max(8, width // shrink), max(8, height // shrink)), interpolation=cv2.INTER_AREA
    )
    small = cv2.GaussianBlur(small, (0, 0), sigma_px / shrink)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def surroundings(library: Library, rng: Generator, side: int) -> Picture | None:
    """A part of a photograph beside its outlined subject; None where chance finds no such part."""
    pairs = library.pairs.get("outlined")
    if pairs is None:
        return None
    row = trained_row(pairs, rng)
    mask = pairs.masks[row]
    height, width = mask.shape
    for _ in range(6):
        h, w = (int(n * rng.uniform(0.2, 0.6)) for n in (height, width))
        y, x = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
        if not mask[y : y + h : 4, x : x + w : 4].any():
            part = pairs.images[row][y : y + h, x : x + w]
            return cv2.resize(part, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return None


def background(library: Library, rng: Generator, side: int, *, may_hold_things: bool) -> Picture:
    """What lies behind a subject: a plain or made-up backdrop, a place, or a part of some scene.

    Scenes may hold a subject of their own, so they come only where allowed: blurred, or the part beside it.
    """
    kind = rng.random()
    if kind < 0.10:
        return np.full((side, side, 3), 255.0 if rng.random() < 0.6 else rng.uniform(0, 255, 3), np.float32)
    if kind < 0.20:
        return gradient(rng, side)
    if kind < 0.25:
        return noise(rng, side)
    if may_hold_things and kind < 0.60:
        beside = surroundings(library, rng, side)
        if beside is not None:
            return softened(beside, side * rng.choice([0.0, 0.0, 0.01, 0.02]))
    if may_hold_things and kind > 0.85:
        picture = _crop(library.scenes[rng.integers(len(library.scenes))], rng, side, least=0.15)
        return softened(picture, side * rng.uniform(0.015, 0.05))
    picture = _crop(library.places[rng.integers(len(library.places))], rng, side, least=0.3)
    return softened(picture, side * rng.choice([0.0, 0.0, 0.01, 0.03]))


def trained_row(pairs: Pairs, rng: Generator) -> int:
    """A random picture of a set that is not held out."""
    row = int(rng.integers(len(pairs.names)))
    while is_held_out(pairs.names[row]):
        row = int(rng.integers(len(pairs.names)))
    return row


def texture(library: Library, rng: Generator, side: int) -> Picture:
    """The skin of a drawn shape: a crop of a photograph, clouds and stripes, or one colour."""
    kind = rng.random()
    if kind < 0.60:
        skin = _crop(library.scenes[rng.integers(len(library.scenes))], rng, side, least=0.08)
    elif kind < 0.82:
        skin = noise(rng, side)
    else:
        skin = np.full((side, side, 3), rng.uniform(0, 255, 3), np.float32)
    return skin


def shaded(skin: Picture, alpha: Alpha, rng: Generator) -> Picture:
    """Lights a flat skin from one side as if the shape were rounded."""
    side = alpha.shape[0]
    height = softened(alpha, side * rng.uniform(0.02, 0.12))
    angle = rng.uniform(0, 2 * np.pi)
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0) * np.cos(angle) + cv2.Sobel(
        height, cv2.CV_32F, 0, 1
    ) * np.sin(angle)
    light = slope / (np.abs(slope).max() + 1e-6)
    return np.clip(skin * (1.0 + light * np.float32(rng.uniform(0.0, 0.6)))[..., None], 0, 255)


def drawn_thing(library: Library, rng: Generator, side: int) -> tuple[Picture, Alpha]:
    """A textured, shaded shape and its alpha; a quarter of them in two colours or skins."""
    alpha = shape(rng, side)
    skin = texture(library, rng, side)
    if rng.random() < 0.25:
        part = cv2.GaussianBlur(shape(rng, side), (0, 0), 1.0)[..., None]
        skin = skin * (1 - part) + texture(library, rng, side) * part
    return shaded(skin, alpha, rng), alpha


LIFTED = {"outlined": 0.5, "clothing": 0.2, "cats": 0.1, "ccp": 0.1, "human": 0.1}
"""The photographed sets that subjects are lifted out of, with how often relative to each other."""


def softened_cut(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A hard mask drawn in by a pixel and softened, so that a lifted subject takes no rim of its old
    background along."""
    return cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3), np.uint8)), (0, 0), 0.8)


def cut_out_thing(library: Library, rng: Generator, side: int) -> tuple[Picture, Alpha]:
    """A subject lifted out of the photographed sets or from the RGBA cut-outs, trimmed to its bounding
    box."""
    if rng.random() < 0.2:
        rgba = library.cutouts[rng.integers(len(library.cutouts))]
        if rng.random() < 0.05:
            rgba = library.cutouts[len(library.cutouts) - 1 - int(rng.integers(3))]
        picture, mask = rgba[..., :3], rgba[..., 3]
    else:
        sets = {name: share for name, share in LIFTED.items() if name in library.pairs}
        shares = np.array(list(sets.values())) / sum(sets.values())
        pairs = library.pairs[str(rng.choice(list(sets), p=shares))]
        row = trained_row(pairs, rng)
        picture, mask = pairs.images[row], softened_cut(pairs.masks[row])
    x, y, w, h = cv2.boundingRect((mask > 8).astype(np.uint8))
    if w < 8 or h < 8:
        return drawn_thing(library, rng, side)
    picture = cv2.resize(
        np.ascontiguousarray(picture[y : y + h, x : x + w]), (side, side), interpolation=cv2.INTER_LINEAR
    )
    mask = cv2.resize(
        np.ascontiguousarray(mask[y : y + h, x : x + w]), (side, side), interpolation=cv2.INTER_LINEAR
    )
    # Give the thing its own proportions back within the square.
    wide = w / h * rng.uniform(0.8, 1.25)
    fx, fy = min(1.0, wide), min(1.0, 1 / wide)
    matrix = np.array([[fx, 0, side * (1 - fx) / 2], [0, fy, side * (1 - fy) / 2]], np.float32)
    alpha = cv2.warpAffine(mask, matrix, (side, side)).astype(np.float32) / 255
    moved = cv2.warpAffine(picture, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    return moved.astype(np.float32), alpha


def lay(scene: Picture, thing: Picture, alpha: Alpha, rng: Generator, *, scale: float) -> Alpha:
    """Lays a thing over `scene` in place at a random spot, perhaps cut by the border, perhaps with a cast
    shadow.

    Returns the thing's alpha in the scene's frame. The shadow darkens the scene and is no part of the alpha.
    """
    side, own = scene.shape[0], alpha.shape[0]
    turn = rng.normal(0, 12) if rng.random() < 0.7 else rng.uniform(-180, 180)
    matrix = cv2.getRotationMatrix2D((own / 2, own / 2), turn, scale * side / own)
    slack = 0.5 - scale / 2 if scale < 0.9 else 0.1
    at = 0.5 + rng.uniform(-1, 1, 2) * (abs(slack) + (0.25 if rng.random() < 0.2 else 0.0)) * rng.uniform(
        0.2, 1.0
    )
    matrix[:, 2] += at * side - own / 2
    placed = np.clip(cv2.warpAffine(alpha, matrix, (side, side), flags=cv2.INTER_LINEAR), 0, 1)
    moved = cv2.warpAffine(
        thing, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if rng.random() < 0.35:
        shift = rng.normal(0, 0.03 * side, 2)
        cast = cv2.warpAffine(placed, np.float32([[1, 0, shift[0]], [0, 1, shift[1]]]), (side, side))
        cast = softened(cast, side * rng.uniform(0.008, 0.04))
        scene *= 1.0 - cast[..., None] * np.float32(rng.uniform(0.15, 0.7))
    if rng.random() < 0.3:
        # A blur of the thing's edge, as a lens or motion gives; picture and alpha blur together.
        sigma = rng.uniform(0.4, 1.6)
        placed, moved = cv2.GaussianBlur(placed, (0, 0), sigma), cv2.GaussianBlur(moved, (0, 0), sigma)
    scene += placed[..., None] * (moved - scene)
    return placed


def _matched_light(thing: Picture, scene: Picture, rng: Generator) -> Picture:
    """Moves a thing's mean colour part of the way to the scene's, so that light does not give it away."""
    shift = (np.array(cv2.mean(scene)) - np.array(cv2.mean(thing)))[:3] * rng.uniform(0.0, 0.45)
    return np.clip(thing + shift.astype(np.float32), 0, 255)


def composite(library: Library, rng: Generator, side: int, *, drawn: bool) -> tuple[Picture, Alpha]:
    """A scene with one to three subjects:

    drawn shapes, or cut-outs where `drawn` is false. Alphas join as a union.
    """
    scene = background(library, rng, side, may_hold_things=True)
    total = np.zeros((side, side), np.float32)
    count = int(rng.choice([1, 2, 3], p=[0.78, 0.16, 0.06]))
    make = drawn_thing if drawn else cut_out_thing
    for _ in range(count):
        thing, alpha = make(library, rng, side)
        # Small things are rarer and singly placed: the middle half of a picture is where subjects are.
        scale = float(np.clip(rng.lognormal(-0.4, 0.45), 0.15, 1.3)) / (1.0 if count == 1 else 1.3)
        placed = lay(scene, _matched_light(thing, scene, rng), alpha, rng, scale=scale)
        total = total + placed * (1.0 - total)
    return scene, np.clip(total, 0, 1)


def empty(library: Library, rng: Generator, side: int) -> tuple[Picture, Alpha]:
    """A place, mostly whole, or a backdrop or a texture with nothing in it to cut out; its alpha is zero."""
    if rng.random() < 0.7:
        picture = _crop(library.places[rng.integers(len(library.places))], rng, side, least=0.7)
    else:
        picture = background(library, rng, side, may_hold_things=False)
    return picture, np.zeros((side, side), np.float32)


def as_bytes(picture: Picture, alpha: Alpha) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Rounds a made-up picture and its alpha to uint8, 255 = subject."""
    return np.round(np.clip(picture, 0, 255)).astype(np.uint8), np.round(alpha * 255).astype(np.uint8)
