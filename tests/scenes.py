"""Pictures for the tests of composition: a disc on an even ground, and what a delivery makes of it."""

import io

import cv2
import numpy as np

from matted.delivery import Delivery, deliver
from matted.imaging.picture import Picture
from matted.imaging.read import read_picture
from matted.notice import Notice

RED, GROUND = (200, 30, 20), (215, 205, 190)


def disc_mask(height: int, width: int, centre: tuple[float, float], radius: float) -> np.ndarray:
    """A disc with an antialiased edge, uint8. `centre`: (row, column)."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(y - centre[0], x - centre[1])
    return (np.clip(radius - distance + 0.5, 0, 1) * 255 + 0.5).astype(np.uint8)


def on_ground(mask: np.ndarray, shade: np.ndarray | None = None, noise: float = 1.0) -> np.ndarray:
    """A red subject on a lit ground, darkened by `shade` (H, W) in [0, 1]: (H, W, 3) uint8."""
    height, width = mask.shape
    light = np.linspace(1.0, 0.85, width)[None, :, None]
    ground = np.array(GROUND) * light * np.ones((height, 1, 1))
    if shade is not None:
        ground = ground * (1 - shade[..., None])
    share = mask[..., None] / 255
    seen = ground + share * (np.array(RED) - ground)
    seen += np.random.default_rng(5).normal(0, noise, seen.shape)
    return np.clip(seen + 0.5, 0, 255).astype(np.uint8)


def foot_shadow(mask: np.ndarray, *, strength: float = 0.5, blur_px: float = 8.0) -> np.ndarray:
    """A soft ellipse below a disc: (H, W) float32."""
    x, y, width, height = cv2.boundingRect(mask)
    shade = np.zeros(mask.shape, np.float32)
    cv2.ellipse(shade, (x + width // 2, y + height), (width // 2, height // 8), 0, 0, 360, 1.0, -1)
    return cv2.GaussianBlur(shade, (0, 0), blur_px) * strength


def delivered(picture: Picture, mask: np.ndarray, delivery: Delivery) -> tuple[Picture, tuple[Notice, ...]]:
    """Written and read again, and what was told."""
    target = io.BytesIO()
    notices = deliver(picture, mask, delivery, target).notices
    return read_picture(target.getvalue(), max_pixels=10**8), notices
