"""A person at work in a watched folder: renames, swaps, copies, edits and deletes, while the watch is killed.

What is done is chosen by chance, a seed for each run; what must hold afterwards does not depend on it.
"""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

from graphs import red_key_catalogue
from matted.errors import MattedError
from matted.hotfolder.cutter import PipelineCutter
from matted.hotfolder.desk import Desk
from matted.hotfolder.folder import HotFolder
from matted.hotfolder.recipe import load_recipe

from .conftest import made_of, picture

sys.path.insert(0, str(Path(__file__).parent))
from hot_child import options, pipeline

KILLS, NAMES = 5, 30
RECIPES = ("review_below = 0.0\n", 'review_below = 0.0\n[[output]]\n[[output]]\nwhat = "mask"\n')
RESULTS = ("cutouts", "masks", "output", "output-2")


@dataclass
class Person:
    """Does things in a folder, and remembers what was put there and what was done to results."""

    folder: Path
    chance: random.Random
    put: set[bytes] = field(default_factory=set)
    edited: dict[Path, bytes] = field(default_factory=dict)
    deleted: int = 0

    def act(self) -> None:
        """One thing; nothing where there is nothing to do it to."""
        ways: list[Callable[[], object]] = [
            *[self.bring] * 6,
            *[self.rename] * 2,
            *[self.ask_again] * 2,
            *(self.overwrite, self.swap, self.copy, self.delete, self.touch, self.rename_folder),
            *(self.edit_result, self.delete_result, self.change_recipe),
        ]
        with suppress(IndexError, FileNotFoundError):
            self.chance.choice(ways)()

    def bring(self) -> None:
        self._free().write_bytes(self._picture())

    def overwrite(self) -> None:
        self._original().write_bytes(self._picture())

    def rename(self) -> None:
        self._original().rename(self._free())

    def swap(self) -> None:
        first, second, aside = self._original(), self._original(), self.folder / ".swap"
        first.rename(aside)
        if second.exists():
            second.rename(first)
        aside.rename(second)

    def copy(self) -> None:
        shutil.copy(self._original(), self._free())

    def delete(self) -> None:
        self._original().unlink()

    def touch(self) -> None:
        os.utime(self._original())

    def rename_folder(self) -> None:
        one, other = self.chance.sample([self.folder / "one", self.folder / "other"], 2)
        if not other.exists():
            one.rename(other)

    def edit_result(self) -> None:
        result = self._result()
        edited = Image.open(result).copy()
        edited.putpixel((0, 0), 9 if edited.mode == "L" else (9, 9, 9, 9))
        edited.save(result)
        self.edited[result] = result.read_bytes()

    def delete_result(self) -> None:
        self._result().unlink()
        self.deleted += 1

    def change_recipe(self) -> None:
        (self.folder / "matted.toml").write_text(self.chance.choice(RECIPES))

    def ask_again(self) -> None:
        with suppress(MattedError), Desk.open(self.folder) as desk:
            desk.retry(self.chance.choice(desk.list("done")).id)

    def originals(self) -> list[Path]:
        return [path for path in self._pictures() if path.relative_to(self.folder).parts[0] not in RESULTS]

    def results(self) -> list[Path]:
        return [path for path in self._pictures() if path.relative_to(self.folder).parts[0] in RESULTS]

    def _pictures(self) -> list[Path]:
        return [path for path in sorted(self.folder.rglob("*.png")) if not path.name.startswith(".")]

    def _original(self) -> Path:
        return self.chance.choice(self.originals())

    def _result(self) -> Path:
        return self.chance.choice([path for path in self.results() if path not in self.edited])

    def _free(self) -> Path:
        names = (f"{self.chance.choice(['', '', 'one/', 'one/deep/'])}{n}.png" for n in range(NAMES))
        path = self.chance.choice([path for name in names if not (path := self.folder / name).exists()])
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _picture(self) -> bytes:
        content = picture(len(self.put))
        self.put.add(content)
        return content


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_a_person_does_nothing_is_lost_and_every_picture_has_its_results(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATTED_RUNTIME", str(tmp_path / "state"))
    (tmp_path / "model").mkdir()
    catalogue = red_key_catalogue(tmp_path / "model")
    person = Person(tmp_path / "hot", random.Random(seed))
    person.folder.mkdir()
    command = [sys.executable, str(Path(__file__).with_name("hot_child.py")), str(person.folder)]
    for _ in range(KILLS):
        with subprocess.Popen([*command, str(catalogue)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            person.bring()
            child.stdout.readline()  # it is at work
            for _ in range(12):
                person.act()
                time.sleep(person.chance.choice((0, 0, 0.05, 0.3)))  # the pace of a hand
            child.kill()
        person.act()

    (person.folder / "matted.toml").write_text(RECIPES[1])
    cutter = PipelineCutter(pipeline(catalogue))
    HotFolder(options(person.folder, once=True), cutter).run()
    assert HotFolder(options(person.folder, once=True), cutter).run().ended == 0
    with Desk.open(person.folder) as desk:
        counts = desk.counts()
    assert (counts["waiting"], counts["working"], counts["failed"]) == (0, 0, 0)
    assert list(person.folder.rglob(".matted-*")) == []
    here = {path.read_bytes() for path in person.originals()}
    assert here <= person.put
    assert {path: path.read_bytes() for path in person.edited} == person.edited

    recipe = load_recipe(person.folder / "matted.toml")
    made = [path.read_bytes() for path in person.results()]
    missing = sum(result not in made for content in here for result in made_of(content, recipe, cutter))
    assert missing <= len(person.edited) + person.deleted
