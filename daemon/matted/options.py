"""What may be asked of the chain: which model looks, how edges are placed, what bounds the matte.

Pure data that checks itself; what every client's request becomes. May import the errors and `looks` only.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy.typing as npt

from matted.errors import BadOption
from matted.looks import How

Level = Literal["none", "fast", "fine", "neural"]


@dataclass(frozen=True, slots=True)
class CoarseOptions:
    """Which model looks at the picture.

    `model`: a catalogue id, `auto`, or `auto:people` and the like; None takes the settings' model.
    `rembg`: process as rembg does, where its steps differ from the model's authors', for comparisons.
    `keep_alive_s`: how long the model stays loaded after this use; None takes the settings' time.
    `look`: `once` at the whole picture; `twice` also at up to three of its subjects by themselves, which
    draws them finer; `auto` the second time only at small ones, with models that see little of them.
    """

    model: str | None = None
    rembg: bool = False
    keep_alive_s: float | None = None
    look: How = "auto"

    def __post_init__(self) -> None:
        if self.look not in get_args(How):
            raise BadOption(f"A model can look {', '.join(get_args(How))}, not {self.look!r}.")


@dataclass(frozen=True, slots=True)
class RefineOptions:
    """How the coarse alpha is brought to native resolution.

    `level`: `none` interpolates; `fast` lets the colours on both sides place the edge; `fine` solves hair and
    fur along it at full resolution; `neural` asks the catalogue's matting model, where one is installed.
    """

    level: Level = "fast"

    def __post_init__(self) -> None:
        if self.level not in get_args(Level):
            raise BadOption(f"Edges can be {', '.join(get_args(Level))}, not {self.level!r}.")


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """What the matte may not exceed, such as an editor's selection.

    `mask`: (H, W) of the picture's size; uint8, uint16 or float32 in [0, 1]. `name`: made from its content.
    """

    mask: npt.NDArray[Any]
    name: str
