"""Which recipe counts where, and what happens when its file is changed, broken, taken away."""

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from matted.errors import BadRecipe
from matted.hotfolder import recipes
from matted.hotfolder.recipe import DEFAULT_RECIPE, RECIPE_FILE
from matted.hotfolder.recipes import Recipes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A watched folder with folders inside."""
    root = tmp_path / "hot"
    (root / "a" / "b").mkdir(parents=True)
    return root


def put(folder: Path, text: str) -> None:
    (folder / RECIPE_FILE).write_text(text)


def test_the_nearest_one_upward_counts(root: Path):
    found = Recipes(root)
    assert found.of(root / "x.jpg").recipe is DEFAULT_RECIPE
    put(root, 'name = "outer"\n')
    put(root / "a", 'name = "inner"\n')
    placed = found.of(root / "a" / "b" / "x.jpg")
    assert (placed.recipe.name, placed.folder) == ("inner", root / "a")
    placed = found.of(root / "x.jpg")
    assert (placed.recipe.name, placed.folder) == ("outer", root)


def test_one_above_the_watched_folder_does_not_count(root: Path):
    put(root.parent, 'name = "above"\n')
    assert Recipes(root).of(root / "a" / "x.jpg").recipe is DEFAULT_RECIPE


def test_a_named_one_stands_for_the_folders_own(root: Path, tmp_path: Path):
    named = tmp_path / "mine.toml"
    named.write_text('originals = "move"\n')
    put(root, 'name = "unseen"\n')
    put(root / "a", 'name = "inner"\n')
    found = Recipes(root, named=named)
    assert found.of(root / "x.jpg").recipe.name == "mine"
    assert found.of(root / "a" / "x.jpg").recipe.name == "inner"


def test_an_edit_is_picked_up(root: Path):
    put(root, 'name = "one"\n')
    found = Recipes(root)
    first = found.of(root / "x.jpg").recipe
    assert found.of(root / "x.jpg").recipe is first
    put(root, 'name = "two"\n')
    assert found.of(root / "x.jpg").recipe.name == "two"


def test_a_bad_edit_keeps_the_last_good_one_and_says_so(root: Path):
    put(root, 'name = "good"\n')
    found = Recipes(root)
    found.check()
    put(root, "name = \n")
    assert found.of(root / "x.jpg").recipe.name == "good"
    (problem,) = found.problems()
    assert "line 1" in str(problem)
    put(root, 'name = "mended"\n')
    assert found.of(root / "x.jpg").recipe.name == "mended"
    assert found.problems() == ()


def test_a_new_bad_one_makes_nothing(root: Path):
    put(root / "a", "edges = 3\n")
    found = Recipes(root)
    with pytest.raises(BadRecipe, match="line 1"):
        found.of(root / "a" / "x.jpg")
    assert found.of(root / "x.jpg").recipe is DEFAULT_RECIPE


def test_the_check_at_the_start_finds_bad_ones_deep_inside(root: Path):
    put(root / "a" / "b", "\nedges = 3\n")
    with pytest.raises(BadRecipe, match=r"b.matted\.toml, line 2"):
        Recipes(root).check()


def test_a_named_one_that_is_missing_is_refused(root: Path, tmp_path: Path):
    with pytest.raises(BadRecipe, match="cannot be read"):
        Recipes(root, named=tmp_path / "gone.toml").check()


def test_without_its_file_the_outer_one_counts_again(root: Path):
    put(root / "a", 'name = "inner"\n')
    found = Recipes(root)
    assert found.of(root / "a" / "x.jpg").recipe.name == "inner"
    (root / "a" / RECIPE_FILE).unlink()
    assert found.of(root / "a" / "x.jpg").recipe is DEFAULT_RECIPE


def test_a_folder_that_vanished_keeps_its_recipe(root: Path):
    put(root, 'name = "kept"\n')
    found = Recipes(root)
    found.check()
    shutil.move(root, root.with_name("away"))
    assert found.of(root / "x.jpg").recipe.name == "kept"
    shutil.move(root.with_name("away"), root)
    assert found.of(root / "x.jpg").recipe.name == "kept"


def test_a_changed_background_is_a_change_of_the_recipe(root: Path):
    Image.new("RGB", (4, 4), "red").save(root / "wall.png")
    put(root, '[[output]]\nbackground = "wall.png"\n')
    found = Recipes(root)
    before = found.of(root / "x.jpg").recipe.digest
    Image.new("RGB", (4, 4), "blue").save(root / "wall.png")
    assert found.of(root / "x.jpg").recipe.digest != before


def test_what_a_bad_one_lacked_may_come_later(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recipes, "_RETRY_S", 0.0)
    put(root, '[[output]]\nbackground = "wall.png"\n')
    found = Recipes(root)
    with pytest.raises(BadRecipe):
        found.of(root / "x.jpg")
    Image.new("RGB", (4, 4), "red").save(root / "wall.png")
    assert found.of(root / "x.jpg").recipe.items[0].delivery.background is not None


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_not_followed_to_other_folders(root: Path, tmp_path: Path):
    (tmp_path / "other").mkdir()
    put(tmp_path / "other", "edges = 3\n")
    (root / "link").symlink_to(tmp_path / "other")
    Recipes(root).check()
