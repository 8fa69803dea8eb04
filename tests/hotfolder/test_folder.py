"""A watched folder with real files: whatever way a picture comes, it is cut once, and that is all."""

import os
import sys
import unicodedata
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from matted.hotfolder import place
from matted.hotfolder.folder import HotFolder
from matted.hotfolder.place import AlreadyWatched, place_of, resolved
from matted.locking import lock

from .conftest import TRUSTING, Hot


def test_what_was_there_before_the_start_is_cut(hot: Hot) -> None:
    hot.drop("a.png", 1)
    hot.drop("sub/deep/b.jpg", 2)
    assert hot.once().done == 2
    assert hot.results() == ["cutouts/a.png", "cutouts/sub/deep/b.png"]


def test_a_second_run_does_nothing(hot: Hot) -> None:
    hot.drop("a.png")
    hot.once()
    assert hot.once().ended == 0


@pytest.mark.parametrize("poll", [False, True])
def test_created_moved_in_and_in_new_folders(hot: Hot, tmp_path: Path, poll: bool) -> None:
    with hot.live(poll=poll, poll_s=0.2) as live:
        hot.drop("created.png", 1)
        live.wait("done", "created.png")
        outside = Hot(tmp_path / "elsewhere", hot.cutter)
        outside.drop("one.png", 2).rename(hot.path / "moved.png")
        live.wait("done", "moved.png")
        outside.drop("card/100/two.png", 3)
        (outside.path / "card").rename(hot.path / "card")
        live.wait("done", "card/100/two.png")
    assert hot.results() == ["cutouts/card/100/two.png", "cutouts/created.png", "cutouts/moved.png"]


def test_a_renamed_picture_is_not_cut_again(hot: Hot) -> None:
    path = hot.drop("a.png")
    hot.once()
    path.rename(hot.path / "b.png")
    assert hot.once().ended == 0
    assert hot.results() == ["cutouts/a.png"]


def test_a_picture_that_is_renamed_while_it_is_watched_is_known_by_its_new_name(hot: Hot) -> None:
    path = hot.drop("a.png", 7)
    with hot.live() as live:
        live.wait("done", "a.png")
        path.rename(hot.path / "b.png")
        hot.drop("later.png", 8)
        live.wait("done", "later.png")
        with hot.desk() as desk:
            desk.retry(next(entry.id for entry in desk.list("done") if entry.path.name != "later.png"))
        live.wait("done", "b.png")
        with hot.desk() as desk:
            assert {entry.path.name for entry in desk.list("done")} == {"b.png", "later.png"}
    assert [event.sentence for event in live.events if "same picture" in event.sentence] == []
    assert hot.square("cutouts/b.png") == 7


def test_a_copy_stands_for_a_picture_that_is_gone(hot: Hot) -> None:
    path = hot.drop("a.png", 7)
    hot.once()
    hot.drop("c.png", 7)
    hot.once()
    path.unlink()
    with hot.desk() as desk:
        desk.retry(desk.list("done")[0].id)
    assert hot.once().done == 1
    with hot.desk() as desk:
        assert [entry.path.name for entry in desk.list("done")] == ["c.png"]


def test_a_touched_picture_is_not_cut_again(hot: Hot) -> None:
    path = hot.drop("a.png")
    hot.once()
    os.utime(path, (1, 1))
    assert hot.once().ended == 0


def test_an_overwritten_picture_is_cut_anew_in_its_place(hot: Hot) -> None:
    hot.drop("a.png", 1)
    with hot.live() as live:
        live.wait("done", "a.png")
        hot.drop("a.png", 2)
        live.wait("done", "a.png")
    assert hot.results() == ["cutouts/a.png"]
    assert hot.square("cutouts/a.png") == 2


def test_a_content_that_comes_back_is_right_again(hot: Hot) -> None:
    for number in (1, 2, 1):
        hot.drop("a.png", number)
        hot.once()
    assert hot.results() == ["cutouts/a.png"]
    assert hot.square("cutouts/a.png") == 1


def test_a_backup_with_old_times_is_seen(hot: Hot) -> None:
    path = hot.drop("a.png", 1)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    hot.once()
    hot.drop("a.png", 2)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert hot.once().done == 1
    assert hot.square("cutouts/a.png") == 2


def test_another_picture_under_a_name_that_was_free_replaces_nothing(hot: Hot) -> None:
    """Cameras begin anew with their numbers."""
    hot.drop("DSC_0001.jpg", 10).rename(hot.path.parent / "archived.jpg")
    hot.drop("DSC_0001.jpg", 10)
    hot.once()
    (hot.path / "DSC_0001.jpg").unlink()
    hot.once()
    hot.drop("DSC_0001.jpg", 200)
    hot.once()
    assert hot.results() == ["cutouts/DSC_0001-jpg.png", "cutouts/DSC_0001.png"]


def test_two_pictures_of_one_stem_have_two_results(hot: Hot) -> None:
    hot.drop("a.png", 1)
    hot.drop("a.bmp", 2)
    hot.once()
    assert len(hot.results()) == 2
    assert {hot.square(name) for name in hot.results()} == {1, 2}


def test_a_copy_is_the_same_picture(hot: Hot) -> None:
    hot.drop("a.png", 1)
    hot.drop("b.png", 1)
    assert hot.once().done == 1
    hot.drop("c.png", 1)
    told: list[str] = []
    hot.once(lambda event: told.append(event.sentence))
    said = {f"c.png is the same picture as {first}.png, which is cut once." for first in "ab"}
    assert len(said & set(told)) == 1  # whichever of the two was cut


def test_a_copy_is_cut_when_the_first_is_overwritten(hot: Hot) -> None:
    """The result that stood for both now shows another picture."""
    hot.drop("a.png", 1)
    hot.drop("b.png", 1)
    hot.once()
    hot.drop("a.png", 2)
    hot.once()
    assert {name: hot.square(name) for name in hot.results()} == {"cutouts/a.png": 2, "cutouts/b.png": 1}


def test_results_beside_the_pictures_are_not_eaten(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text(TRUSTING + '[[output]]\nfile = "{folder}/{stem}-free.png"\n')
    hot.drop("a.png", 1)
    with hot.live(scan_s=0.2) as live:
        live.wait("done", "a.png")
        live.wait("rest")
        hot.drop("b.png", 2)
        live.wait("done", "b.png")
        live.wait("rest")
    assert hot.once().ended == 0
    assert sorted(path.name for path in hot.path.glob("*.png")) == [
        "a-free.png",
        "a.png",
        "b-free.png",
        "b.png",
    ]


def test_a_result_that_was_moved_into_the_folder_is_known_by_its_content(hot: Hot) -> None:
    hot.drop("a.png", 1)
    hot.once()
    (hot.path / "cutouts" / "a.png").rename(hot.path / "chosen.png")
    assert hot.once().ended == 0


def test_links_are_not_followed(hot: Hot, tmp_path: Path) -> None:
    outside = Hot(tmp_path / "private", hot.cutter)
    outside.drop("secret.png")
    (hot.path / "folder").symlink_to(outside.path, target_is_directory=True)
    (hot.path / "file.png").symlink_to(outside.path / "secret.png")
    (hot.path / "loop").symlink_to(hot.path, target_is_directory=True)
    assert hot.once().ended == 0


@pytest.mark.parametrize(
    "name", ["a.png.part", ".hidden.png", "~a.png", "a.jpg.crdownload", "a.png~", "b.tmp"]
)
def test_work_in_progress_is_left_alone(hot: Hot, name: str) -> None:
    (hot.path / name).write_bytes(b"anything")
    assert hot.once().ended == 0


def test_what_is_no_picture_is_left_alone(hot: Hot) -> None:
    (hot.path / "notes.txt").write_text("anything")
    assert hot.once().ended == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_names_of_any_script_or_length_or_none(hot: Hot) -> None:
    long = "é" * 125 + ".png"  # 254 bytes: a longer suffix would not fit
    for number, name in enumerate([long, unicodedata.normalize("NFD", "Ü.png"), "日本.png", "new\nline.png"]):
        hot.drop(name, number + 1)
    (hot.path / os.fsdecode(b"\xff\xfe.png")).write_bytes(hot.drop("plain.png", 9).read_bytes() + b"\0")
    assert hot.once().failed + len(hot.results()) == 6
    assert hot.once().ended == 0
    assert len(hot.results()) >= 5


def test_a_result_whose_name_grows_too_long_is_shortened(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text(TRUSTING + '[[output]]\nfile = "cutouts/{stem}-cutout.png"\n')
    hot.drop("x" * 250 + ".png", 1)
    hot.drop("x" * 249 + "y.png", 2)
    assert hot.once().done == 2
    assert len(hot.results()) == 2


WIDE = "\u8449" * 83  # with its suffix 253 bytes in 87 letters


@pytest.mark.skipif(sys.platform == "win32", reason="a whole path is that long there")
def test_long_names_of_three_bytes_a_letter_fit_wherever_they_go(hot: Hot) -> None:
    """Into results whose names and folders grow, notes beside them, and the folders for originals."""
    (hot.path / "matted.toml").write_text(
        'originals = "move"\n[[output]]\nfile = "cutouts/of-{name}/{name}-free-of-its-ground.png"\n'
        '[[output]]\nfile = "masks/{stem}-{stem}.png"\nwhat = "mask"\n'
    )
    hot.drop(f"{WIDE}.png", 1)
    hot.drop(f"{WIDE}.bmp", empty=True)
    (hot.path / f"{WIDE}.jpg").write_bytes(b"no picture")
    summary = hot.once(retry_s=())
    assert (summary.done, summary.review, summary.failed) == (1, 1, 1)
    with hot.desk() as desk:
        desk.accept(desk.list("review")[0].id)
    names = [Path(name) for name in hot.results()]
    tops = [name.parts[0] for name in names]
    assert tops == ["cutouts"] * 2 + ["done"] * 2 + ["failed"] * 2 + ["masks"] * 2
    assert sorted(name.suffix for name in names if name.parts[0] == "failed") == [".jpg", ".txt"]


def test_a_folder_that_vanishes_and_comes_back(hot: Hot, tmp_path: Path) -> None:
    hot.drop("a.png", 1)
    with hot.live() as live:
        live.wait("done", "a.png")
        hot.path.rename(tmp_path / "unplugged")
        live.wait("notice", saying="is gone")
        (tmp_path / "unplugged").rename(hot.path)
        live.wait("notice", saying="is back")
        hot.drop("b.png", 2)
        live.wait("done", "b.png")
    assert hot.results() == ["cutouts/a.png", "cutouts/b.png"]


def test_a_renamed_folder_keeps_its_ledger(hot: Hot, tmp_path: Path) -> None:
    hot.drop("a.png")
    hot.once()
    hot.path = hot.path.rename(tmp_path / "renamed")
    assert hot.once().ended == 0


def test_one_watch_at_a_time(hot: Hot) -> None:
    with hot.live(), pytest.raises(AlreadyWatched, match="watched already"):
        hot.once()


def test_a_watch_around_or_within_another_is_refused(hot: Hot) -> None:
    inner = Hot(hot.path / "inner", hot.cutter)
    inner.path.mkdir()
    with hot.live(), pytest.raises(AlreadyWatched, match="overlaps"):
        inner.once()


@pytest.mark.parametrize("asked_of", ["itself", "the folder around it"])
def test_who_only_asks_whether_a_folder_is_watched_keeps_nobody_from_it(
    hot: Hot, monkeypatch: pytest.MonkeyPatch, asked_of: str
) -> None:
    inner = Hot(hot.path / "inner", hot.cutter)
    inner.path.mkdir()
    hot.once()
    inner.once()
    asked = place_of(resolved(inner.path if asked_of == "itself" else hot.path))
    assert asked is not None
    with (asked.folder / "lock").open("ab") as file:
        assert lock(file)
        monkeypatch.setattr(place.time, "sleep", lambda _seconds: file.close())
        assert inner.once().ended == 0


def test_a_burst_of_a_thousand_is_cut_in_memory_that_does_not_grow(hot: Hot, tmp_path: Path) -> None:
    card = tmp_path / "card"
    card.mkdir()
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[8:24, 8:24, 0] = 255
    for number in range(1000):
        pixels[0, 0] = (0, number // 256, number % 256)
        Image.fromarray(pixels).save(card / f"{number:03}.bmp")
    with hot.live() as live:
        for path in sorted(card.iterdir()):
            path.rename(hot.path / path.name)
        for _ in range(200):
            live.wait("done")
        early = psutil.Process().memory_info().rss
        for _ in range(800):
            live.wait("done")
        assert psutil.Process().memory_info().rss - early < 48 << 20
    assert len(hot.results()) == 1000


def test_a_cut_off_file_is_listed_and_cut_when_it_is_whole(hot: Hot) -> None:
    whole = hot.drop("a.png", 1).read_bytes()
    (hot.path / "a.png").write_bytes(whole[: len(whole) // 2])
    with hot.live() as live:
        live.wait("again", "a.png")
        assert "cut off" in live.wait("failed", "a.png").sentence
        (hot.path / "a.png").write_bytes(whole)
        live.wait("done", "a.png")
    with hot.desk() as desk:
        assert (desk.counts()["failed"], desk.counts()["done"]) == (0, 1)


def test_a_picture_under_way_is_not_counted_twice(hot: Hot) -> None:
    (hot.path / "bad.png").write_bytes(b"no picture")
    seen: list[int] = []
    HotFolder(
        hot.options(once=True, retry_s=(0.0, 0.0)),
        hot.cutter,
        lambda _event: None,
        lambda progress: seen.append(progress.waiting + progress.working + progress.ended),
    ).run()
    assert set(seen) == {1}


def test_a_folder_that_is_looked_into_because_it_was_asked_for_gives_no_other_reason(hot: Hot) -> None:
    with hot.live(poll=True) as live:
        assert live.wait("notice", saying="every few seconds").sentence.endswith("every few seconds.")


def test_one_bad_file_stops_nothing(hot: Hot) -> None:
    (hot.path / "0-bad.jpg").write_bytes(b"\xff\xd8\xff no")
    hot.drop("1-good.png")
    summary = hot.once(retry_s=())
    assert (summary.done, summary.failed) == (1, 1)


def test_originals_are_moved_only_when_the_recipe_says_so(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text(TRUSTING + 'originals = "move"\n')
    data = hot.drop("sub/a.png").read_bytes()
    (hot.path / "bad.png").write_bytes(b"no picture")
    hot.once(retry_s=())
    assert hot.results() == ["cutouts/sub/a.png", "done/sub/a.png", "failed/bad.png", "failed/bad.png.txt"]
    assert (hot.path / "done/sub/a.png").read_bytes() == data
    assert not (hot.path / "sub/a.png").exists()
    assert hot.once().ended == 0


def test_a_moved_original_takes_nobodys_name(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text(TRUSTING + 'originals = "move"\n')
    (hot.path / "done").mkdir()
    (hot.path / "done" / "a.png").write_bytes(b"mine")
    hot.drop("a.png")
    hot.once()
    assert (hot.path / "done" / "a.png").read_bytes() == b"mine"
    assert hot.results() == ["cutouts/a.png", "done/a-png.png", "done/a.png"]


def test_copies_of_a_moved_original_follow_it(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text(TRUSTING + 'originals = "move"\n')
    for name in ("a.png", "b.png", "sub/a.png"):
        hot.drop(name, 1)
    for name in ("bad.png", "worse.png"):
        (hot.path / name).write_bytes(b"no picture")
    hot.once(retry_s=())
    hot.drop("c.png", 1)
    hot.once()
    done = ["done/a.png", "done/b.png", "done/c.png", "done/sub/a.png"]
    failed = ["failed/bad.png", "failed/bad.png.txt", "failed/worse.png", "failed/worse.png.txt"]
    assert [name for name in hot.results() if not name.startswith("cutouts/")] == done + failed
    assert len([name for name in hot.results() if name.startswith("cutouts/")]) == 1
    assert sorted(path.name for path in hot.path.rglob("*.png") if path.parent in (hot.path,)) == []


def test_a_copy_that_comes_while_it_is_watched_is_moved_over_nothing(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text(TRUSTING + 'originals = "move"\n')
    (hot.path / "done").mkdir()
    (hot.path / "done" / "b.png").write_bytes(b"mine")
    with hot.live() as live:
        hot.drop("a.png", 1)
        live.wait("rest")
        data = hot.drop("b.png", 1).read_bytes()
        live.wait("rest")
    assert (hot.path / "done" / "b.png").read_bytes() == b"mine"
    assert (hot.path / "done" / "b-png.png").read_bytes() == data
    assert not (hot.path / "b.png").exists()


def test_a_moved_original_that_is_cut_again_stays_where_it_is(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text(TRUSTING + 'originals = "move"\n')
    hot.drop("a.png")
    hot.once()
    with hot.desk() as desk:
        desk.retry(desk.list("done")[0].id)
    hot.once()
    assert hot.results() == ["cutouts/a.png", "done/a.png"]
