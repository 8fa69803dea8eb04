"""Which recipe counts for a picture: that of the nearest folder upward that has one, as it reads now.

Looks at the recipes' files whenever it is asked and keeps the last good one while an edit is bad. May import
the recipe; watches nothing.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from matted.errors import BadRecipe
from matted.hotfolder.recipe import DEFAULT_RECIPE, RECIPE_FILE, Recipe, load_recipe

_RETRY_S = 2.0  # what a bad recipe lacks, such as a picture it names, may appear without an edit of its file


@dataclass(frozen=True, slots=True)
class Placed:
    """A recipe and the folder it counts for: all its names and patterns are relative to that."""

    recipe: Recipe
    folder: Path


@dataclass(slots=True)
class _Kept:
    """What is known of one recipe. `recipe`: the last good one. `stamps`: of its files as they were read."""

    stamps: dict[Path, tuple[int, ...] | None]
    recipe: Recipe | None
    problem: BadRecipe | None
    read_at: float

    def is_fresh(self) -> bool:
        """Whether reading it again would tell the same."""
        if self.problem is not None and time.monotonic() - self.read_at > _RETRY_S:
            return False
        return all(_stamp(file) == stamp for file, stamp in self.stamps.items())


class Recipes:
    """The recipes of a watched folder. May be used by several threads.

    `named`: a file that stands for the folder's own recipe, e.g. one from the configuration. `default`: what
    counts where there is none.
    """

    def __init__(
        self,
        root: Path,
        *,
        named: Path | None = None,
        default: Recipe = DEFAULT_RECIPE,
        check_model: Callable[[str], None] | None = None,
    ) -> None:
        self._root, self._named, self._default, self._check_model = root, named, default, check_model
        self._kept: dict[Path, _Kept] = {}
        self._lock = threading.Lock()

    def check(self) -> None:
        """Reads all recipes there are. Raises BadRecipe for the first bad one."""
        for path in self._files():
            with self._lock:
                kept = self._looked_at(path)
            if kept is not None and kept.problem is not None:
                raise kept.problem

    def of(self, picture: Path) -> Placed:
        """The recipe for a picture below the folder, as the files are now.

        Raises BadRecipe when the nearest one is bad and never was good: then nothing can be made of it.
        """
        with self._lock:
            for folder in self._upward(picture):
                kept = self._looked_at(self._file_of(folder))
                if kept is None:
                    continue
                if kept.recipe is None:
                    assert kept.problem is not None
                    raise kept.problem
                return Placed(kept.recipe, folder)
        return Placed(self._default, self._root)

    def problems(self) -> tuple[BadRecipe, ...]:
        """What is wrong with recipes as they were last looked at, whether an earlier one stands in or not."""
        with self._lock:
            return tuple(kept.problem for kept in self._kept.values() if kept.problem is not None)

    def _file_of(self, folder: Path) -> Path:
        return self._named if self._named is not None and folder == self._root else folder / RECIPE_FILE

    def _files(self) -> Iterator[Path]:
        yield self._file_of(self._root)
        for folder, inner, names in os.walk(self._root):  # links are not followed
            inner.sort()
            if RECIPE_FILE in names and Path(folder) != self._root:
                yield Path(folder) / RECIPE_FILE

    def _upward(self, picture: Path) -> Iterator[Path]:
        for folder in picture.parents:
            if folder == self._root or self._root not in folder.parents:
                break
            yield folder
        yield self._root

    def _looked_at(self, path: Path) -> _Kept | None:
        """What is known of a recipe's file now, None where there is none."""
        known = self._kept.get(path)
        if known is not None and known.is_fresh():
            return known
        if path != self._named and not path.is_file():
            if known is not None and not path.parent.is_dir():  # the folder went away and may come back
                return known
            self._kept.pop(path, None)
            return None
        self._kept[path] = read = self._read(path, known.recipe if known is not None else None)
        return read

    def _read(self, path: Path, before: Recipe | None) -> _Kept:
        stamp, problem = _stamp(path), None  # taken first: what is written meanwhile is seen the next time
        try:
            recipe: Recipe | None = load_recipe(path, check_model=self._check_model)
        except BadRecipe as error:
            recipe, problem = before, error
        others = [file for file in recipe.files if file != path] if recipe is not None else []
        stamps = {path: stamp} | {file: _stamp(file) for file in others}
        return _Kept(stamps, recipe, problem, time.monotonic())


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
