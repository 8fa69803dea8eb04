"""Photographs of any size for benchmarks: texture, gradients, a figure with hair, sensor noise.

The subject is red before blue, which is what the graphs in `graphs.py` look for. A JPEG of one has about
1.8 bits per pixel, a little less than a busy real photograph.
"""

import io

import cv2
import numpy as np
from PIL import Image

SIZES = {1: (1224, 816), 12: (4240, 2832), 24: (6000, 4000), 45: (8256, 5504), 100: (12248, 8165)}


def photograph(megapixels: int, *, seed: int = 1) -> np.ndarray:
    """(H, W, 3) uint8 of one of `SIZES`; the subject covers about a fifth."""
    width, height = SIZES[megapixels]
    random = np.random.default_rng(seed)
    picture = cv2.resize(_scene(random), (width, height), interpolation=cv2.INTER_CUBIC)
    for top in range(0, height, 512):
        rows = picture[top : top + 512]
        noise = random.standard_normal(rows.shape[:2], np.float32)[..., None] * 5
        rows[:] = np.clip(rows + noise, 0, 255).astype(np.uint8)
    return picture


def coarse_alpha(picture: np.ndarray, *, side: int = 320) -> np.ndarray:
    """What a model at low resolution would say of a photograph: (side, side) float32 in [0, 1]."""
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    alpha = np.clip((small[..., 0] - small[..., 2]) / 60 + 0.4, 0, 1)
    return cv2.GaussianBlur(alpha, (0, 0), 1)


def jpeg(picture: np.ndarray) -> bytes:
    """`picture` as a quality 92, 4:2:0 JPEG."""
    target = io.BytesIO()
    Image.fromarray(picture).save(target, "JPEG", quality=92)
    return target.getvalue()


def _scene(random: np.random.Generator) -> np.ndarray:
    height, width = 1000, 1500
    texture = np.zeros((height, width), np.float32)
    for side in (4, 16, 64, 250):
        grain = random.standard_normal((side, side * 3 // 2), dtype=np.float32)
        texture += cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC) * 40 / side**0.5
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    behind = np.dstack([40 + y / 25 + texture, 90 + x / 30 + texture, 150 - y / 30 + texture])
    figure = np.zeros((height, width), np.uint8)
    cv2.ellipse(figure, (750, 1000), (330, 420), 0, 0, 360, 255, -1)
    cv2.circle(figure, (750, 400), 190, 255, -1)
    for angle in np.linspace(np.pi, 2 * np.pi, 240):
        length = 230 + 60 * random.random()
        tip = (int(750 + length * np.cos(angle)), int(400 + length * np.sin(angle)))
        cv2.line(figure, (750, 400), tip, 255, 1, cv2.LINE_AA)
    subject = np.dstack([200 + texture, 110 + texture * 0.7, 60 + texture * 0.5])
    alpha = cv2.GaussianBlur(figure, (0, 0), 0.7)[..., None].astype(np.float32) / 255
    return np.clip(behind + alpha * (subject - behind), 0, 255).astype(np.uint8)
