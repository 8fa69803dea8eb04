"""The canvas around a subject: how large it is and where the subject stands, and the marketplaces' wishes.

Pure data and arithmetic; knows no pixels but the mask's.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matted.compose.resample import Placement
from matted.errors import BadOption
from matted.notice import Notice


@dataclass(frozen=True, slots=True)
class Frame:
    """A canvas whose longer side the subject fills, the subject in its middle.

    `fill_percent`: how much of the canvas the subject's box takes, in the direction that is tighter.
    `aspect`: width over height. `min_px`, `max_px`: least and greatest length of the canvas's longer side; a
    subject too small for the least is enlarged, which a notice tells. `may_enlarge`: False leaves the canvas
    smaller instead, and tells that.
    """

    fill_percent: float = 85.0
    aspect: float = 1.0
    min_px: int = 1
    max_px: int = 10000
    may_enlarge: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.fill_percent <= 100:
            raise BadOption(f"A subject fills 1 to 100 % of its frame, not {self.fill_percent:g} %.")
        if not 0.1 <= self.aspect <= 10:
            raise BadOption(f"A frame is at most 10 times as long as wide, not {self.aspect:g}.")
        if not 1 <= self.min_px <= self.max_px <= 30000:
            raise BadOption(f"A frame's side goes from 1 to 30000 px, not {self.min_px} to {self.max_px}.")


@dataclass(frozen=True, slots=True)
class Preset:
    """What a marketplace asks of a product's main picture. `wants` says which wish each figure answers."""

    frame: Frame
    wants: str
    colour: tuple[int, int, int] = (255, 255, 255)


# Figures as the marketplaces published them in 2025 and 2026; they change, and differ by category.
PRESETS: dict[str, Preset] = {
    "square": Preset(Frame(85, 1, 1000, 10000), "white, square, 85 % filled, 1000 px: fits most shops"),
    "amazon": Preset(
        Frame(85, 1, 1000, 10000), "pure white, 85 % filled or more, 1000 px for the zoom, 10000 px at most"
    ),
    "ebay": Preset(Frame(85, 1, 1600, 9000), "500 px required, 1600 px recommended, a plain light ground"),
    "etsy": Preset(Frame(80, 1, 2000, 10000), "2000 px on the shorter side; thumbnails are cropped: 80 %"),
    "google": Preset(
        Frame(85, 1, 500, 8000, may_enlarge=False),
        "75 to 90 % filled, white or transparent, 500 px, 64 megapixels at most, never scaled up",
    ),
    "shopify": Preset(Frame(85, 1, 2048, 4472), "2048 px recommended, 4472 px at most, square"),
    "walmart": Preset(Frame(85, 1, 2200, 10000), "pure white, square, 2200 px recommended"),
}


def preset_named(name: str) -> Preset:
    """The preset of that name. Raises BadOption."""
    found = PRESETS.get(name)
    if found is None:
        raise BadOption(f"There is no preset {name!r}; there are {', '.join(PRESETS)}.")
    return found


def place(mask: npt.NDArray[Any], frame: Frame) -> tuple[Placement, tuple[Notice, ...]]:
    """Where a picture with `mask` (H, W; uint8 or uint16) lies on the canvas of `frame`.

    The subject's box is that of alpha 1/2 and more: single faint pixels do not push it aside. Without any
    subject the whole picture counts as one, and a notice says so.
    """
    left, top, right, bottom = _box(mask)
    notices: tuple[Notice, ...] = ()
    if right <= left:
        left, top, right, bottom = 0, 0, mask.shape[1], mask.shape[0]
        notices = (Notice("nothing-to-frame", "There is no subject to frame: the whole picture was taken."),)
    share = frame.fill_percent / 100
    wide = max((right - left) / share, (bottom - top) / share * frame.aspect)
    longer = max(wide, wide / frame.aspect)
    scale = min(1.0, frame.max_px / longer)
    if longer < frame.min_px:
        factor = frame.min_px / longer
        if frame.may_enlarge:
            scale = factor
            notices += (
                Notice(
                    "enlarged",
                    f"The subject was enlarged {factor:.1f} times to reach {frame.min_px} px: it stays soft. "
                    "Use a larger picture.",
                ),
            )
        else:
            notices += (
                Notice(
                    "too-small",
                    f"The result has {math.ceil(longer)} px on its longer side, {frame.min_px} px are asked "
                    "for, and enlarging is not allowed. Use a larger picture.",
                ),
            )
    width = max(1, math.ceil(wide * scale - 1e-6))
    height = max(1, math.ceil(wide * scale / frame.aspect - 1e-6))
    x, y = width / 2 - (left + right) / 2 * scale, height / 2 - (top + bottom) / 2 * scale
    if scale == 1:
        x, y = float(round(x)), float(round(y))
    return Placement(width, height, scale, x, y), notices


def _box(mask: npt.NDArray[Any]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is at least half there; all 0 where nothing is."""
    half = np.iinfo(mask.dtype).max // 2 + 1
    columns, rows = (np.flatnonzero(mask.max(axis=axis) >= half) for axis in (0, 1))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
