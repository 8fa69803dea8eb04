"""Cases played in one Krita, for it takes seconds to start; each test looks at what one of them left.

The masks that are expected come from the same engine, asked outside with the same pixels.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageDraw

from editors.editor import Krita
from editors.engine import Engine
from matted.client import Client, Planes


class Played(NamedTuple):
    """What the cases said and left: `facts` by case; files in `folder`; `engine` to ask the same."""

    facts: dict[str, Any]
    folder: Path
    cat: Image.Image
    two: Image.Image
    engine: Engine
    shots: dict[str, Path]

    def of(self, case: str) -> dict[str, Any]:
        """The facts of a case that came to its end."""
        facts = self.facts.get(case, {"error": "the case did not run"})
        assert "error" not in facts, facts.get("error")
        return facts

    def alpha(self, name: str) -> np.ndarray:
        """The alpha that Krita saved in a PNG; 255 where it saved none."""
        return np.asarray(Image.open(self.folder / f"{name}.png").convert("RGBA"))[..., 3]

    def plane(self, name: str, picture: Image.Image | None = None) -> np.ndarray:
        """A mask's bytes as Krita gave them."""
        width, height = (picture or self.cat).size
        return np.frombuffer((self.folder / name).read_bytes(), np.uint8).reshape(height, width)

    def expected(self, picture: Image.Image, **options: Any) -> np.ndarray:
        """The mask that the engine gives outside of Krita."""
        asked = {"refine": {"level": "fine"}, **options}
        with Client.connect(start=False) as client:
            answer = client.mask(Planes(picture.tobytes(), *picture.size, "rgba8"), asked)
        return np.frombuffer(bytes(answer.data), np.uint8).reshape(answer.height, answer.width)


def play(krita: Krita, engine: Engine, photos: Path, cases: Sequence[str]) -> Iterator[Played]:
    """Play `cases` of `inside/krita_cases.py` in one Krita; they are given a cat, and two discs."""
    engine.start()
    folder = krita.desk / f"krita-{cases[0]}"
    folder.mkdir()
    cat = Image.open(photos / "cat.jpg").convert("RGBA")
    cat.save(folder / "cat.png")
    two = Image.new("RGBA", (600, 400), (70, 90, 110, 255))
    draw = ImageDraw.Draw(two)
    draw.ellipse((60, 120, 230, 300), fill=(220, 60, 40, 255))
    draw.ellipse((380, 90, 540, 310), fill=(240, 200, 60, 255))
    two.save(folder / "two.png")
    outcome = krita.run(
        "from krita_cases import main",
        folder,
        folder / "cat.png",
        folder / "two.png",
        json.dumps(list(cases)),
        environment=engine.environment,
        timeout_s=240,
    )
    assert outcome.rc == 0, f"rc {outcome.rc}\n{outcome.stdout[-3000:]}\n{outcome.stderr[-6000:]}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATTED_RUNTIME", str(engine.folder))
        yield Played(outcome.report, folder, cat, two, engine, outcome.shots)
