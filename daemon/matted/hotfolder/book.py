"""The recipes of a watched folder: its own, those of folders inside it, and the edits made while it runs.

A recipe file rules its folder and everything below, up to the next one. May import `recipe`; knows no
ledger and no pixels.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matted.errors import BadRecipe
from matted.hotfolder.names import is_picture
from matted.hotfolder.recipe import DEFAULT_RECIPE, RECIPE_FILE, Recipe, load_recipe
from matted.hotfolder.signature import Signature


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
    `matted.toml` counts, or the default. `tell`: told once of a recipe that became bad while this runs; the
    last good one stays in force, and where there was none the pictures wait. Raises BadRecipe when one is bad
    from the beginning.
    """

    def __init__(
        self, root: Path, given: Path | None = None, tell: Callable[[str], None] = lambda _sentence: None
    ) -> None:
        self.root = root
        self.edition = 0  # counts changes
        self._given = given
        self._tell = tell
        self._chapters: dict[Path, Chapter] = {}
        self._signatures: dict[Path, dict[Path, Signature | None]] = {}
        self._broken: set[Path] = set()  # folders whose first recipe is bad: their pictures wait
        self._strict = True
        self._chapters[root] = Chapter(DEFAULT_RECIPE, root)
        self._read(root, given if given is not None else root / RECIPE_FILE)
        for folder in _folders_with_recipes(root):
            if folder != root:
                self._read(folder, folder / RECIPE_FILE)
        self._strict = False

    def chapter(self, path: Path) -> Chapter:
        """The recipe for the picture at `path`."""
        at = path.parent
        while at not in self._chapters and at != self.root:
            at = at.parent
        return self._chapters[at]

    def chapters(self) -> list[Chapter]:
        """All there are."""
        return list(self._chapters.values())

    def takes(self, path: Path) -> bool:
        """Whether the recipe that rules there wants a file of this name."""
        chapter = self.chapter(path)
        recipe = chapter.recipe
        if any(folder in self._broken for folder in path.parents):
            return False
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
        if folder == self.root and self._given is not None:
            self._read(folder, self._given)
        elif RECIPE_FILE in names:
            self._read(folder, folder / RECIPE_FILE)
        elif folder in self._signatures:
            self._forget(folder)

    def _read(self, folder: Path, file: Path) -> None:
        """Reads a recipe unless neither it nor a file it names has changed since."""
        before = self._signatures.get(folder, {file: None})
        now = {path: _signature(path) for path in before}
        if now[file] is None:
            if self._strict and file == self._given:
                raise BadRecipe(f"The recipe {file} cannot be read: is it there?")
            self._forget(folder)
            return
        if now == before:
            return
        self._signatures[folder] = now
        try:
            recipe = load_recipe(file)
        except BadRecipe as error:
            if self._strict:
                raise
            if folder in self._chapters:
                self._tell(f"{error} The recipe as it was stays in force.")
            else:
                self._broken.add(folder)
                self._tell(f"{error} The pictures of that folder wait until it is right.")
            return
        self._broken.discard(folder)
        self._signatures[folder] |= {path: _signature(path) for path in recipe.files}
        held = self._chapters.get(folder)
        if held is None or held.recipe != recipe:
            self._chapters[folder] = Chapter(recipe, folder)
            self.edition += 1

    def _forget(self, folder: Path) -> None:
        self._broken.discard(folder)
        if self._signatures.pop(folder, None) is None or (folder == self.root and self._given is not None):
            return
        if folder == self.root:
            self._chapters[folder] = Chapter(DEFAULT_RECIPE, folder)
        else:
            self._chapters.pop(folder, None)
        self.edition += 1


def _folders_with_recipes(root: Path) -> list[Path]:
    return [Path(at) for at, _, files in os.walk(root) if RECIPE_FILE in files]


def _signature(path: Path) -> Signature | None:
    try:
        return Signature.of(path.stat())
    except OSError:
        return None
