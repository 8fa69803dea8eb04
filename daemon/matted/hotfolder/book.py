"""The recipes of a watched folder: its own, those of folders inside it, and the edits made while it runs.

A recipe file rules its folder and everything below, up to the next one; while it is not right, or is being
saved, the pictures it rules wait. May import `recipe`; knows no ledger and no pixels.
"""

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matted.errors import BadRecipe
from matted.hotfolder.holding import is_being_written
from matted.hotfolder.names import is_picture
from matted.hotfolder.recipe import DEFAULT_RECIPE, RECIPE_FILE, Check, Recipe, load_recipe
from matted.hotfolder.signature import Signature

_Signatures = dict[Path, Signature | None]  # of a recipe and the files it names; None: not there


@dataclass(frozen=True, slots=True)
class Chapter:
    """A recipe and the folder it rules: its names of folders are relative to that."""

    recipe: Recipe
    folder: Path

    def place(self, name: str) -> Path:
        """The folder a recipe names, such as its `review`."""
        return self.folder / Path(name).expanduser()

    def relative(self, path: Path) -> Path:
        """A picture's path as the recipe's patterns see it."""
        return path.relative_to(self.folder)


class Book:
    """Which recipe a picture is cut by.

    `given`: a recipe file outside the folder, for the folder as a whole; without one the folder's own
    `matted.toml` counts, or the default. `tell`: told once of a recipe that became bad while this runs, and
    once when it is right. `check`: as in `load_recipe`. `settle_s`: how long an edited recipe must stay as it
    is before it is read. `clock`: seconds that only grow. Raises BadRecipe when one is bad from the start.
    """

    def __init__(
        self,
        root: Path,
        given: Path | None = None,
        tell: Callable[[str], None] = lambda _sentence: None,
        *,
        check: Check | None = None,
        settle_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root = root
        self.edition = 0  # counts changes
        self.wrong: dict[Path, str] = {}  # folders whose recipe is not right, and why
        self._given = given
        self._tell = tell
        self._check = check
        self._settle_s = settle_s
        self._clock = clock
        self._chapters = {root: Chapter(DEFAULT_RECIPE, root)}
        self._known: dict[Path, _Signatures] = {}
        self._fresh: dict[Path, tuple[_Signatures, float]] = {}  # edited: how, and since when
        if given is not None and _signature(given) is None:
            raise BadRecipe(f"The recipe {given} cannot be read: is it there?")
        for folder in _folders_with_recipes(root):
            if folder != root or given is None:
                self._load(folder)
        if given is not None:
            self._load(root)

    def chapter(self, path: Path) -> Chapter:
        """The recipe for the picture at `path`; of one that waits, the last that was right."""
        at = path.parent
        while at not in self._chapters and at != self.root:
            at = at.parent
        return self._chapters[at]

    def chapters(self) -> list[Chapter]:
        """All there are."""
        return list(self._chapters.values())

    @property
    def is_held(self) -> bool:
        """Whether any recipe keeps its pictures waiting."""
        return bool(self.wrong or self._fresh)

    def why_waits(self, path: Path) -> str | None:
        """What keeps the picture at `path` from being cut, if its recipe does."""
        at = path.parent
        while at not in self._chapters and at not in self.wrong and at not in self._fresh and at != self.root:
            at = at.parent
        if at in self._fresh:
            return f"The recipe {self._file(at)} is being saved."
        return self.wrong.get(at)

    def takes(self, path: Path) -> bool:
        """Whether the recipe that rules there wants a file of this name now."""
        if self.why_waits(path) is not None:
            return False
        chapter = self.chapter(path)
        recipe = chapter.recipe
        return (bool(recipe.match) or is_picture(path.name)) and recipe.takes(chapter.relative(path))

    def may_enter(self, folder: Path) -> bool:
        """Whether pictures are looked for in a folder: not in hidden ones and not where results go."""
        if folder.name.startswith("."):
            return False
        return not any(
            folder == chapter.place(name)
            for chapter in self._chapters.values()
            for name in (chapter.recipe.done, chapter.recipe.review, chapter.recipe.failed)
            if chapter.place(name) != chapter.folder
        )

    def saw(self, folder: Path, names: set[str]) -> None:
        """Told what files a folder has: its recipe is read when it is new or edited, forgotten when gone."""
        if RECIPE_FILE in names or folder in self._known or folder == self.root:
            self._look(folder)

    def look_again(self) -> bool:
        """Looks at the recipes that are being saved; whether one of them was read, or is gone."""
        decided = [self._look(folder) for folder in list(self._fresh)]
        return any(decided)

    def tidy(self) -> None:
        """Forgets what was wrong in folders that are not there any more."""
        for folder in [folder for folder in (*self.wrong, *self._fresh) if not folder.is_dir()]:
            self._forget(folder)

    def _file(self, folder: Path) -> Path:
        return self._given if folder == self.root and self._given is not None else folder / RECIPE_FILE

    def _look(self, folder: Path) -> bool:
        """Reads a recipe that was edited, once it is whole, and one that was wrong; whether it did."""
        file = self._file(folder)
        before = self._known.get(folder, {file: None})
        now = {path: _signature(path) for path in before}
        if now == before and folder not in self.wrong:
            self._fresh.pop(folder, None)
            return False
        if now[file] is None and file == self._given:
            return False  # what was given stays in force
        if now != before and not self._is_settled(folder, now):
            return False
        self._fresh.pop(folder, None)
        if now[file] is None:
            self._forget(folder)
            return True
        try:
            self._load(folder)
        except BadRecipe as error:
            sentence = f"{error} Its pictures wait until it is right."
            if self.wrong.get(folder) != sentence:
                self.wrong[folder] = sentence
                self._tell(sentence)
        return True

    def _is_settled(self, folder: Path, now: _Signatures) -> bool:
        seen, since = self._fresh.get(folder, (None, 0.0))
        if seen != now:
            since = self._clock()
            self._fresh[folder] = now, since
        if self._clock() - since < self._settle_s:
            return False
        with contextlib.suppress(OSError):
            return not is_being_written(self._file(folder))
        return True

    def _load(self, folder: Path) -> None:
        """Raises BadRecipe."""
        file = self._file(folder)
        self._known[folder] = {file: _signature(file)}
        recipe = load_recipe(file, check=self._check)
        self._known[folder] |= {path: _signature(path) for path in recipe.files}
        if self.wrong.pop(folder, None) is not None:
            self._tell(f"The recipe {file} is right now: Matted goes on.")
        held = self._chapters.get(folder)
        if held is None or held.recipe != recipe:
            self._chapters[folder] = Chapter(recipe, folder)
            self.edition += 1

    def _forget(self, folder: Path) -> None:
        self.wrong.pop(folder, None)
        self._known.pop(folder, None)
        self._fresh.pop(folder, None)
        if folder == self.root:
            self._chapters[folder] = Chapter(DEFAULT_RECIPE, folder)
        else:
            self._chapters.pop(folder, None)
        self.edition += 1


def _folders_with_recipes(root: Path) -> list[Path]:
    found = []
    for at, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if RECIPE_FILE in files:
            found.append(Path(at))
    return found


def _signature(path: Path) -> Signature | None:
    try:
        return Signature.of(path.stat())
    except OSError:
        return None
