"""Who makes the mattes of a watched folder: a pipeline, this process's own or the daemon's.

May import the pipeline and imaging; knows no ledger and no files.
"""

import threading
from dataclasses import dataclass
from typing import Protocol

from matted.hotfolder.recipe import Recipe
from matted.imaging.picture import Picture
from matted.imaging.read import read_picture
from matted.memory import release_memory
from matted.pipeline import Matte, Pipeline


class Cutter(Protocol):
    """Makes mattes; may be used by several threads at once."""

    def check(self, key: str, wish: str) -> None:
        """Raises MattedError unless a recipe's `model` or `edges` can be what is wished for."""
        ...

    def warm(self, recipe: Recipe) -> None:
        """Gets ready for a recipe's first picture. Raises MattedError."""
        ...

    def rest(self) -> None:
        """Gives back what it need not hold while there is nothing to do; called again and again."""
        ...

    def matte(self, data: bytes, recipe: Recipe, stop: threading.Event) -> tuple[Picture, Matte]:
        """A file's picture, decoded to its last byte, and its matte. Raises MattedError, Cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class PipelineCutter:
    """By a pipeline in this process. `stop` of `matte` ends what runs."""

    pipeline: Pipeline

    def check(self, key: str, wish: str) -> None:
        """See `Cutter`."""
        if key == "model":
            self.pipeline.check_model(wish)
        elif wish == "neural":
            self.pipeline.check_neural_edges()

    def warm(self, recipe: Recipe) -> None:
        """Loads the recipe's model and runs it once. Raises MattedError."""
        self.pipeline.warm(recipe.coarse.model)

    def rest(self) -> None:
        """Unloads models that were kept long enough, and gives spare memory back."""
        self.pipeline.sessions.sweep()
        release_memory()

    def matte(self, data: bytes, recipe: Recipe, stop: threading.Event) -> tuple[Picture, Matte]:
        """See `Cutter`."""
        picture = read_picture(data, max_pixels=self.pipeline.settings.max_pixels)
        matte = self.pipeline.matte(
            picture, recipe.coarse, recipe.refine, adjust=recipe.adjust, cancelled=stop
        )
        return picture, matte
