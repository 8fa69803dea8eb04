"""Alphas whose adjusted form is known by hand: edges of any softness, discs; as float or integers."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

DTYPES = (np.float32, np.uint8, np.uint16)


def as_dtype(alpha: np.ndarray, dtype: type) -> np.ndarray:
    """`alpha` float in [0, 1] at a plane's depth."""
    if np.dtype(dtype).kind == "f":
        return alpha.astype(dtype)
    return (alpha * np.iinfo(dtype).max + 0.5).astype(dtype)


def as_float(plane: np.ndarray) -> np.ndarray:
    """A plane of any depth as float64 in [0, 1]."""
    return plane / (1.0 if plane.dtype.kind == "f" else np.iinfo(plane.dtype).max)


def edge(height: int, width: int, *, at: float, softness: float = 1.0, angle: float = 0.0) -> np.ndarray:
    """1 left of the line through (`at`, middle), a straight ramp `softness` px wide; `angle` in radians."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    distance = (x - at) * np.cos(angle) + (y - height / 2) * np.sin(angle)
    return np.clip(0.5 - distance / softness, 0, 1).astype(np.float32)


def disc(height: int, width: int, *, x: float, y: float, radius: float) -> np.ndarray:
    """An antialiased disc, 1 inside."""
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    return np.clip(radius - np.hypot(rows - y, columns - x) + 0.5, 0, 1).astype(np.float32)


def planes(longest: int = 24) -> st.SearchStrategy[np.ndarray]:
    """Any small plane of any depth, flat regions and extremes among them."""
    shapes = st.tuples(st.integers(1, longest), st.integers(1, longest))
    depths = st.sampled_from(DTYPES)

    def of(depth: type) -> st.SearchStrategy[np.ndarray]:
        if np.dtype(depth).kind == "f":
            values = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0, 1, width=32))
        else:
            top = int(np.iinfo(depth).max)
            values = st.one_of(st.sampled_from([0, top, top // 2]), st.integers(0, top))
        return shapes.flatmap(lambda shape: arrays(depth, shape, elements=values))

    return depths.flatmap(of)
