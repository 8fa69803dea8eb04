"""Pixels for tests of layered files."""

from collections.abc import Callable

import numpy as np

HEIGHT, WIDTH = 37, 61


def pixels(channels: int, dtype: type = np.uint8, seed: int = 1) -> np.ndarray:
    """Noise with a flat middle, so that both long runs and none occur."""
    top = int(np.iinfo(dtype).max)
    made = np.random.default_rng(seed).integers(0, top + 1, (HEIGHT, WIDTH, channels)).astype(dtype)
    made[10:20] = top
    made[20:22, 3:] = 7
    return made


def rows_of(whole: np.ndarray) -> Callable[[slice], np.ndarray]:
    """As a writer asks for them."""
    return lambda rows: whole[rows]
