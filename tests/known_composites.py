"""Composites whose foreground, alpha and background are known, for tests of what recovers them."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Composite:
    """`foreground`, `background`: (H, W, C) float32 in [0, 1]; `alpha`: (H, W) in whole 8-bit levels."""

    foreground: np.ndarray
    alpha: np.ndarray
    background: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """What a camera would see, (H, W, C) in [0, 1]."""
        return over(self.foreground, self.alpha, self.background)

    @property
    def mask(self) -> np.ndarray:
        """The alpha as uint8."""
        return (self.alpha * 255 + 0.5).astype(np.uint8)

    @property
    def soft(self) -> np.ndarray:
        """Where colours are mixed."""
        return (self.mask > 0) & (self.mask < 255)


def over(colour: np.ndarray, alpha: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """`colour` over `behind` by `alpha` (H, W)."""
    return behind + alpha[..., None] * (colour - behind)


def hairy(side: int = 400, seed: int = 0, *, strands: int = 250) -> Composite:
    """A disc of brown fur with strands of their own shades before a lively background."""
    random = np.random.default_rng(seed)
    drawn = np.zeros((2 * side, 2 * side), np.uint8)
    brown = np.array([0.38, 0.24, 0.13])
    colour = np.tile(brown.astype(np.float32), (2 * side, 2 * side, 1))
    radius = 0.5 * side
    cv2.circle(drawn, (side, side), int(radius), 255, -1)
    for _ in range(strands):
        direction = random.uniform(0, 2 * np.pi)
        x, y = side + 0.97 * radius * np.cos(direction), side + 0.97 * radius * np.sin(direction)
        heading, bend, points = direction + 0.4 * random.normal(), 0.02 * random.normal(), []
        for _ in range(int(random.uniform(0.02, 0.1) * side)):
            points.append((x, y))
            x, y, heading = x + 6 * np.cos(heading), y + 6 * np.sin(heading), heading + bend
        path = np.int32(points)
        cv2.polylines(colour, [path], False, (brown * random.uniform(0.5, 1.8)).clip(0, 1).tolist(), 6)
        cv2.polylines(drawn, [path], False, 255, int(random.integers(1, 4)), cv2.LINE_AA)
    alpha = cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    foreground = cv2.resize(colour, (side, side), interpolation=cv2.INTER_AREA)
    spots = random.random((side // 40, side // 40, 3)).astype(np.float32)
    background = cv2.resize(spots, (side, side), interpolation=cv2.INTER_LINEAR)
    return Composite(foreground, alpha, background)


def disc(side: int = 160, *, edge_px: float = 6.0, channels: int = 3) -> Composite:
    """A red disc with a soft edge before green; gray levels for one channel."""
    y, x = np.mgrid[0:side, 0:side]
    distance = np.hypot(y - side / 2 + 0.5, x - side / 2 + 0.5)
    alpha = np.round(np.clip((side / 3 - distance) / edge_px + 0.5, 0, 1) * 255).astype(np.float32) / 255
    front, back = ([0.85, 0.1, 0.05, 0.3], [0.1, 0.6, 0.2, 0.1]) if channels > 1 else ([0.85], [0.2])
    planes = [np.tile(np.float32(c[:channels]), (side, side, 1)) for c in (front, back)]
    return Composite(planes[0], alpha, planes[1])
