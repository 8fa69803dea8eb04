"""Contact sheets: a row for each picture with photo, truth and what every model made of it. Draws what it is
given; decides nothing about scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_CELL_PX, _GAP_PX, _LINE_PX = 240, 6, 16
_GROUND, _INK = (40, 44, 52), (235, 235, 235)


@dataclass(frozen=True)
class Cell:
    """A picture, uint8 (h, w, 3) or (h, w), and the line beneath it."""

    pixels: NDArray[np.uint8]
    caption: str


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """The (width, height) a picture of this size has in a cell."""
    scale = min(1.0, _CELL_PX / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def draw_sheet(path: Path, rows: Sequence[Sequence[Cell]]) -> None:
    """Writes the rows as one PNG; the folder is made where it is missing."""
    heights = [max(cell.pixels.shape[0] for cell in row) + _LINE_PX + _GAP_PX for row in rows]
    columns = max(len(row) for row in rows)
    sheet = Image.new("RGB", (columns * (_CELL_PX + _GAP_PX) + _GAP_PX, sum(heights) + _GAP_PX), _GROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    top = _GAP_PX
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            left = _GAP_PX + column * (_CELL_PX + _GAP_PX)
            sheet.paste(Image.fromarray(cell.pixels).convert("RGB"), (left, top))
            pen.text((left, top + height - _LINE_PX - _GAP_PX), cell.caption, _INK, font)
        top += height
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
