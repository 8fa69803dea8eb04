"""What GIMP's windows are tested with: discs on black, and an engine that takes the red channel for alpha."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageDraw

from editors.engine import Engine
from graphs import red_key_catalogue

Colour = tuple[int, int, int]


@contextmanager
def red_key_engine(folder: Path) -> Iterator[Engine]:
    """An engine whose first choice is the model whose alpha is the red channel; it does not run."""
    engine = Engine(folder)
    catalogue = red_key_catalogue(engine.models, side=256).rename(engine.models / "catalogue.toml")
    ranked = catalogue.read_text("utf-8").replace("[[model.file]]", "rank = { general = 99 }\n[[model.file]]")
    catalogue.write_text(ranked, "utf-8")
    yield engine
    engine.stop()
    shutil.rmtree(engine.folder)


def discs_on_black(size: tuple[int, int], discs: Mapping[Colour, tuple[int, int, int]]) -> Image.Image:
    """A disc (x, y, radius) of each colour."""
    image = Image.new("RGB", size)
    for colour, (x, y, radius) in discs.items():
        ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), colour)
    return image
