"""Recipes of a watched folder while it is watched: new ones, edited ones, and ones that are not right."""

from pathlib import Path

import pytest

from matted.errors import BadRecipe
from matted.hotfolder.book import Book
from matted.hotfolder.telling import Event

from .conftest import TRUSTING, Hot

MASKS = TRUSTING + '[[output]]\nwhat = "mask"\n'


def test_a_changed_recipe_is_applied_to_all(hot: Hot) -> None:
    hot.drop("a.png")
    with hot.live() as live:
        live.wait("done", "a.png")
        (hot.path / "matted.toml").write_text(MASKS)
        live.wait("done", "a.png")
    assert hot.results() == ["cutouts/a.png", "masks/a.png"]


@pytest.mark.parametrize("place", [".", "sub/deeper"])
def test_a_bad_recipe_at_the_start_is_refused(hot: Hot, place: str) -> None:
    (hot.path / place).mkdir(parents=True, exist_ok=True)
    (hot.path / place / "matted.toml").write_text("\nnonsense = 1\n")
    with pytest.raises(BadRecipe, match=r"matted\.toml, line 2: there is no key"):
        hot.once()


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ('model = "red-kye"', "did you mean red-key"),
        ('model = "isnet-general-use"', "models pull"),
        ('edges = "neural"', "matting model"),
    ],
)
def test_a_recipe_that_names_what_is_not_here_is_refused(hot: Hot, wish: str, reason: str) -> None:
    (hot.path / "matted.toml").write_text(f"{TRUSTING}{wish}\n")
    with pytest.raises(BadRecipe, match=r"matted\.toml, line 2: ") as caught:
        hot.once()
    assert reason in str(caught.value)


def test_a_folder_inside_may_have_its_own_recipe(hot: Hot) -> None:
    hot.drop("a.png", 1)
    hot.drop("masks-only/b.png", 2)
    (hot.path / "masks-only" / "matted.toml").write_text(MASKS)
    hot.once()
    assert hot.results() == ["cutouts/a.png"]
    assert (hot.path / "masks-only" / "masks" / "b.png").exists()
    assert hot.once().ended == 0


@pytest.mark.parametrize(
    "bad", ["nonsense = 1\n", 'model = "red-kye"\n', "[[output]]\nbackground = 'w.png'\n"]
)
def test_pictures_wait_while_their_recipe_is_not_right(hot: Hot, bad: str) -> None:
    with hot.live() as live:
        (hot.path / "matted.toml").write_text(bad)
        told = live.wait("notice", saying="wait until it is right").sentence
        assert "matted.toml, line " in told
        hot.drop("a.png")
        with hot.desk() as desk:
            assert desk.troubles() == [told]
        (hot.path / "matted.toml").write_text(MASKS)
        live.wait("notice", saying="is right now")
        live.wait("done", "a.png")
        with hot.desk() as desk:
            assert desk.troubles() == []
    assert hot.results() == ["masks/a.png"]
    assert len([event for event in live.events if "wait until" in event.sentence]) == 1


def test_what_is_told_of_a_recipe_is_in_the_ledger_by_then(hot: Hot, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[str]] = {}
    with hot.live() as live, hot.desk() as desk:
        hear = live.tell

        def look_and_hear(event: Event) -> None:
            seen[event.sentence] = list(desk.troubles())
            hear(event)

        monkeypatch.setattr(live, "tell", look_and_hear)
        (hot.path / "matted.toml").write_text("nonsense = 1\n")
        wrong = live.wait("notice", saying="wait until it is right").sentence
        (hot.path / "matted.toml").write_text(MASKS)
        right = live.wait("notice", saying="is right now").sentence
    assert (seen[wrong], seen[right]) == ([wrong], [])


def test_pictures_of_a_folder_with_a_bad_recipe_of_its_own_wait_and_no_others(hot: Hot) -> None:
    with hot.live() as live:
        (hot.path / "inner/right").mkdir(parents=True)
        (hot.path / "inner/matted.toml").write_text("nonsense = 1\n")
        (hot.path / "inner/right/matted.toml").write_text(TRUSTING)
        live.wait("notice", saying="wait until it is right")
        hot.drop("inner/a.png", 1)
        hot.drop("inner/right/b.png", 2)
        hot.drop("c.png", 3)
        live.wait("rest")
        assert hot.results() == ["cutouts/c.png"]
        assert (hot.path / "inner/right/cutouts/b.png").exists()
        (hot.path / "inner/matted.toml").write_text(TRUSTING)
        live.wait("done", "inner/a.png")
    assert (hot.path / "inner/cutouts/a.png").exists()


def test_what_waits_to_be_cut_waits_for_its_recipe_and_says_so(hot: Hot) -> None:
    (hot.path / "sub").mkdir()
    (hot.path / "sub/a.png").write_bytes(b"no picture")
    with hot.live(retry_s=(0.0,) * 6000) as live:
        live.wait("again", "sub/a.png")
        (hot.path / "sub/matted.toml").write_text("nonsense = 1\n")
        told = live.wait("notice", saying="wait until it is right").sentence
        hot.drop("b.png", 2)
        live.wait("done", "b.png")
        with hot.desk() as desk:
            assert [entry.reason for entry in desk.list("waiting")] == [told]
        hot.drop("sub/a.png", 1)
        (hot.path / "sub/matted.toml").write_text(TRUSTING)
        live.wait("done", "sub/a.png")
    assert (hot.path / "sub/cutouts/a.png").exists()


def test_a_bad_recipe_whose_folder_goes_is_forgotten(hot: Hot, tmp_path: Path) -> None:
    with hot.live(scan_s=0.2) as live:
        (hot.path / "inner").mkdir()
        (hot.path / "inner/matted.toml").write_text("nonsense = 1\n")
        live.wait("notice", saying="wait until it is right")
        (hot.path / "inner").rename(tmp_path / "inner")
        hot.drop("a.png")
        live.wait("done", "a.png")
        with hot.desk() as desk:
            assert desk.troubles() == []


def test_a_recipe_that_goes_leaves_the_usual_one(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text(MASKS)
    with hot.live() as live:
        hot.drop("a.png")
        live.wait("done", "a.png")
        (hot.path / "matted.toml").unlink()
        live.wait("review" if hot.results() == [] else "done", "a.png")
    assert "cutouts/a.png" in hot.results()


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with a recipe that is saved in steps."""
    (tmp_path / "matted.toml").write_text(MASKS)
    return tmp_path


def test_a_recipe_counts_once_it_is_saved(shelf: Path) -> None:
    """An editor empties a file, or takes it away, before it writes it anew."""
    now, picture = [0.0], shelf / "a.png"
    book = Book(shelf, settle_s=1.0, clock=lambda: now[0])
    for step in (lambda: (shelf / "matted.toml").unlink(), lambda: (shelf / "matted.toml").write_text("")):
        step()
        book.saw(shelf, set())
        assert "is being saved" in str(book.why_waits(picture))
        assert not book.takes(picture)
        now[0] += 0.9
        assert not book.look_again()
    (shelf / "matted.toml").write_text(MASKS.replace("mask", "cutout"))
    now[0] += 0.9
    assert not book.look_again()
    assert [item.delivery.what for item in book.chapter(picture).recipe.items] == ["mask"]
    now[0] += 1.1
    assert book.look_again()
    assert book.takes(picture)
    assert [item.delivery.what for item in book.chapter(picture).recipe.items] == ["cutout"]


def test_a_recipe_elsewhere_that_goes_stays_in_force(shelf: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.toml"
    given.write_text('name = "given"\n')
    book = Book(shelf, given)
    given.unlink()
    book.saw(shelf, {"matted.toml"})
    assert book.chapter(shelf / "a.png").recipe.name == "given"
    assert book.takes(shelf / "a.png")


def test_recipes_in_hidden_folders_do_not_count(shelf: Path) -> None:
    (shelf / ".trash").mkdir()
    (shelf / ".trash" / "matted.toml").write_text("nonsense = 1\n")
    assert len(Book(shelf).chapters()) == 1
