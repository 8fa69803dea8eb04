"""sRGB's transfer curve, both ways (IEC 61966-2-1). Imports numpy alone."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[Any]


def encoded(light: Floats) -> Floats:
    """Linear light in [0, 1] as encoded values, in the array's own float type."""
    curve = 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055
    dark = light <= 0.0031308
    curve[dark] = light[dark] * 12.92
    return curve.astype(light.dtype, copy=False)


def linear_light(values: Floats) -> Floats:
    """Encoded values in [0, 1] as linear light, in the array's own float type."""
    curve = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return curve.astype(values.dtype, copy=False)
