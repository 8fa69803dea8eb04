"""What a person asks of a watched folder: what is where, once more, and yes."""

from pathlib import Path

import pytest

from matted.hotfolder.desk import NotWatched, UnknownPicture

from .conftest import Hot


def test_a_doubtful_result_is_in_review_with_the_reason(hot: Hot) -> None:
    hot.drop("sub/a.png", empty=True)
    assert hot.once().review == 1
    assert hot.results() == ["review/cutouts/sub/a.png", "review/sub/a.png.txt"]
    assert "No clear subject" in (hot.path / "review/sub/a.png.txt").read_text()
    with hot.desk() as desk:
        (entry,) = desk.list("review")
        assert entry.path == Path("sub/a.png")
        assert "No clear subject" in entry.reason
        assert entry.outputs == (Path("review/cutouts/sub/a.png"),)


def test_accepting_moves_the_result_to_its_place(hot: Hot) -> None:
    hot.drop("a.png", empty=True)
    hot.once()
    made = (hot.path / "review/cutouts/a.png").read_bytes()
    with hot.desk() as desk:
        (entry,) = desk.list("review")
        assert desk.accept(entry.id) == (hot.path / "cutouts/a.png",)
        assert desk.counts() == {"waiting": 0, "working": 0, "done": 1, "review": 0, "failed": 0}
    assert hot.results() == ["cutouts/a.png"]
    assert (hot.path / "cutouts/a.png").read_bytes() == made
    assert hot.once().ended == 0


def test_accepting_takes_the_result_as_a_person_corrected_it(hot: Hot) -> None:
    hot.drop("a.png", empty=True)
    hot.once()
    (hot.path / "review/cutouts/a.png").write_bytes(b"corrected by hand")
    with hot.desk() as desk:
        desk.accept(desk.list("review")[0].id)
    assert (hot.path / "cutouts/a.png").read_bytes() == b"corrected by hand"
    assert hot.results() == ["cutouts/a.png"]


def test_accepting_moves_the_original_when_the_recipe_says_so(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text('originals = "move"\n')
    hot.drop("a.png", empty=True)
    hot.once()
    assert (hot.path / "a.png").exists()
    with hot.desk() as desk:
        desk.accept(desk.list("review")[0].id)
    assert hot.results() == ["cutouts/a.png", "done/a.png"]


def test_what_is_not_in_review_cannot_be_accepted(hot: Hot) -> None:
    hot.drop("a.png")
    hot.once()
    with hot.desk() as desk, pytest.raises(UnknownPicture, match="not in review"):
        desk.accept(desk.list("done")[0].id)


def test_a_failed_picture_is_tried_again_when_asked(hot: Hot) -> None:
    (hot.path / "a.png").write_bytes(b"no picture")
    assert hot.once(retry_s=()).failed == 1
    assert hot.once().ended == 0
    with hot.desk() as desk:
        desk.retry(desk.list("failed")[0].id)
    assert hot.once(retry_s=()).failed == 1


def test_a_running_watch_hears_of_it(hot: Hot) -> None:
    (hot.path / "a.png").write_bytes(b"no picture")
    with hot.live(retry_s=()) as live:
        live.wait("failed", "a.png")
        with hot.desk() as desk:
            desk.retry(desk.list("failed")[0].id)
        live.wait("failed", "a.png")


def test_a_result_that_was_deleted_is_made_again_when_asked(hot: Hot) -> None:
    hot.drop("a.png")
    hot.once()
    (hot.path / "cutouts/a.png").unlink()
    with hot.desk() as desk:
        desk.retry(desk.list("done")[0].id)
    hot.once()
    assert hot.results() == ["cutouts/a.png"]


def test_a_renamed_picture_that_is_cut_again_has_a_result_of_its_new_name(hot: Hot) -> None:
    path = hot.drop("a.png", 7)
    hot.once()
    path.rename(hot.path / "b.png")
    hot.once()
    with hot.desk() as desk:
        desk.retry(desk.list("done")[0].id)
    hot.once()
    assert hot.results() == ["cutouts/a.png", "cutouts/b.png"]
    assert hot.square("cutouts/b.png") == 7


def test_a_retried_result_replaces_the_one_in_review(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text("review_below = 1.0\n")
    hot.drop("a.png")
    hot.once()
    assert "review/cutouts/a.png" in hot.results()
    (hot.path / "matted.toml").write_text("review_below = 0.0\n")  # changes no result, only the judgement
    with hot.desk() as desk:
        desk.retry(desk.list("review")[0].id)
    hot.once()
    assert hot.results() == ["cutouts/a.png"]


def test_a_newer_picture_of_the_name_leaves_nothing_in_review(hot: Hot) -> None:
    hot.drop("a.png", empty=True)
    hot.once()
    hot.drop("a.png", 5)
    hot.once()
    assert hot.results() == ["cutouts/a.png"]
    with hot.desk() as desk:
        assert desk.counts()["review"] == 0


def test_a_folder_that_was_never_watched(hot: Hot) -> None:
    with pytest.raises(NotWatched, match="has not been watched"):
        hot.desk()
