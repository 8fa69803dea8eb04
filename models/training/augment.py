"""What happens to a picture between the world and the network: cropping, mirroring, light, colour, lens and
JPEG.

NumPy and OpenCV only. Geometry moves picture and alpha together; everything else touches the picture alone.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

_KEPT_SUBJECT = 0.6
"""A random crop must keep at least this share of the subject's area."""


def cropped(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], rng: Generator, side: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A random crop of a pair, squashed to (side, side): image uint8 (side, side, 3) and mask uint8 (side,
    side).

    Sides of the crop are drawn separately, which is the aspect jitter; the network sees squashed pictures in
    use too.
    """
    height, width = mask.shape
    area = float(mask.sum())
    y = x = 0
    h, w = height, width
    for _ in range(4):
        base = rng.uniform(0.45, 1.0) if rng.random() < 0.7 else 1.0
        try_h, try_w = (int(np.clip(n * base * rng.uniform(0.8, 1.2), 0.35 * n, n)) for n in (height, width))
        try_y, try_x = int(rng.integers(0, height - try_h + 1)), int(rng.integers(0, width - try_w + 1))
        if float(mask[try_y : try_y + try_h, try_x : try_x + try_w].sum()) >= _KEPT_SUBJECT * area:
            y, x, h, w = try_y, try_x, try_h, try_w
            break
    how = cv2.INTER_AREA if min(h, w) > side else cv2.INTER_LINEAR
    picture = cv2.resize(image[y : y + h, x : x + w], (side, side), interpolation=how)
    alpha = cv2.resize(mask[y : y + h, x : x + w], (side, side), interpolation=how)
    return picture, alpha


def widened(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], rng: Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The pair with more scene around its subject: each border reflects at most what lies between it and the
    subject, so that nothing of the subject is doubled."""
    height, width = mask.shape
    x, y, w, h = cv2.boundingRect((mask > 8).astype(np.uint8))
    margins = np.array((y, height - y - h, x, width - x - w)) - 2
    top, bottom, left, right = (int(m) for m in np.maximum(margins, 0) * rng.uniform(0.3, 1.0))
    edges = (top, bottom, left, right, cv2.BORDER_REFLECT_101)
    return cv2.copyMakeBorder(image, *edges), cv2.copyMakeBorder(mask, *edges)


def mirrored(
    picture: NDArray[np.uint8], alpha: NDArray[np.uint8], rng: Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Mirrors half of the pairs left to right and turns a few by a quarter."""
    if rng.random() < 0.5:
        picture, alpha = cv2.flip(picture, 1), cv2.flip(alpha, 1)
    if rng.random() < 0.04:
        turns = int(rng.integers(1, 4))
        picture, alpha = np.rot90(picture, turns), np.rot90(alpha, turns)
    return np.ascontiguousarray(picture), np.ascontiguousarray(alpha)


def photographed(picture: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    """Light, colour, lens, sensor and JPEG; uint8 (H, W, 3) in and out."""
    side = picture.shape[0]
    out = picture
    if rng.random() < 0.35:
        grey = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        keep = rng.uniform(0.0, 1.8)
        out = cv2.addWeighted(out, keep, grey, 1.0 - keep, 0.0)
    elif rng.random() < 0.08:
        out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.85:
        out = cv2.LUT(out, _tone_curves(rng, middle=float(np.mean(cv2.mean(out)[:3]))))
    if rng.random() < 0.2:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.5) * side / 256)
    if rng.random() < 0.08:
        out = moved(out, rng)
    if rng.random() < 0.25:
        grain = np.empty(out.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(1 << 31)))
        cv2.randn(grain, 0, rng.uniform(1, 14))
        out = cv2.add(out, grain, dtype=cv2.CV_8U)
    if rng.random() < 0.4:
        code = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))])[1]
        out = cv2.imdecode(code, cv2.IMREAD_COLOR)
    return out


def moved(picture: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    """Motion blur along a random direction, up to a twentieth of the side."""
    length = max(3, int(picture.shape[0] * rng.uniform(0.01, 0.05)))
    line = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = np.array((np.cos(angle), np.sin(angle))) * (length - 1) / 2
    middle = (length - 1) / 2
    ends = [(round(middle + s * reach[0]), round(middle + s * reach[1])) for s in (-1, 1)]
    cv2.line(line, ends[0], ends[1], 1.0)
    return cv2.filter2D(picture, -1, line / line.sum(), borderType=cv2.BORDER_REPLICATE)


def _tone_curves(rng: Generator, *, middle: float) -> NDArray[np.uint8]:
    """Random light, white balance, contrast and gamma as one table: uint8 (1, 256, 3)."""
    level = np.arange(256, dtype=np.float64)[:, None]
    level = level * (1.0 + rng.normal(0, 0.15) + rng.normal(0, 0.06, 3)) + rng.normal(0, 12)
    if rng.random() < 0.4:
        level = (level - middle) * np.exp(rng.normal(0, 0.25)) + middle
    level = np.clip(level, 0, 255)
    if rng.random() < 0.35:
        level = 255 * (level / 255) ** np.exp(rng.normal(0, 0.3))
    return np.round(level).astype(np.uint8)[None]
