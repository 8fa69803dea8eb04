"""Full disks, folders nobody may write in, engines that die, and files of other people: nothing is lost."""

import errno
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pytest

from matted.errors import OutOfMemory, OutputFailed, ProviderFailed
from matted.hotfolder.cutter import Cutter
from matted.hotfolder.entries import Found
from matted.hotfolder.ledger import Ledger
from matted.hotfolder.place import place_of
from matted.hotfolder.recipe import Recipe, RecipeItem
from matted.hotfolder.signature import Signature
from matted.imaging.picture import Picture
from matted.notice import Notice
from matted.pipeline import Matte

from .conftest import Hot


@dataclass
class Failing:
    """A real cutter that first raises some errors."""

    cutter: Cutter
    errors: list[Exception]

    def check(self, key: str, wish: str) -> None:
        self.cutter.check(key, wish)

    def warm(self, recipe: Recipe) -> None:
        self.cutter.warm(recipe)

    def rest(self) -> None:
        self.cutter.rest()

    def matte(self, data: bytes, recipe: Recipe, stop: threading.Event) -> tuple[Picture, Matte]:
        if self.errors:
            raise self.errors.pop(0)
        return self.cutter.matte(data, recipe, stop)


def test_a_place_that_cannot_be_written_is_waited_for_and_told_once(hot: Hot) -> None:
    blocking = hot.path / "cutouts"
    blocking.write_text("a file where a folder should be")
    hot.drop("a.png", 1)
    hot.drop("b.png", 2)
    with hot.live() as live:
        live.wait("notice", saying="waits")
        blocking.unlink()
        live.wait("done")
        live.wait("done")
    assert hot.results() == ["cutouts/a.png", "cutouts/b.png"]
    assert [event.sentence.count("waits") for event in live.events if "waits" in event.sentence] == [1]


def test_a_full_disk_is_waited_for(hot: Hot, monkeypatch: pytest.MonkeyPatch) -> None:
    full, write = threading.Event(), RecipeItem.write

    def fails_while_full(
        item: RecipeItem, picture: Picture, matte: Matte, target: BinaryIO
    ) -> tuple[Notice, ...]:
        target.write(b"half a file")
        if full.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        target.seek(0)
        target.truncate()
        return write(item, picture, matte, target)

    full.set()
    monkeypatch.setattr(RecipeItem, "write", fails_while_full)
    hot.drop("a.png")
    with hot.live() as live:
        assert "disk is full" in live.wait("notice", saying="waits").sentence
        assert list(hot.path.rglob("*.part")) == []
        full.clear()
        live.wait("notice", saying="works again")
        live.wait("done", "a.png")


def test_once_ends_with_the_reason_and_loses_nothing(hot: Hot) -> None:
    (hot.path / "cutouts").write_text("a file where a folder should be")
    hot.drop("a.png")
    with pytest.raises(OutputFailed, match="cutouts"):
        hot.once()
    (hot.path / "cutouts").unlink()
    assert hot.once().done == 1


def test_an_engine_that_died_is_waited_for(hot: Hot) -> None:
    hot.cutter = Failing(hot.cutter, [ProviderFailed("The graphics card is gone.")] * 3)
    hot.drop("a.png")
    with hot.live() as live:
        live.wait("notice", saying="graphics card is gone. Matted waits")
        live.wait("done", "a.png")
    with hot.desk() as desk:
        assert desk.list("done")[0].attempts == 0


def test_a_picture_that_fails_for_a_while_is_tried_again(hot: Hot) -> None:
    hot.cutter = Failing(hot.cutter, [OutOfMemory("There is not enough memory.")])
    hot.drop("a.png")
    with hot.live() as live:
        live.wait("again", "a.png")
        live.wait("done", "a.png")


def test_an_unexpected_failure_is_one_pictures(hot: Hot) -> None:
    hot.cutter = Failing(hot.cutter, [ZeroDivisionError()])
    hot.drop("a.png")
    assert hot.once(retry_s=()).failed == 1
    with hot.desk() as desk:
        assert "unexpectedly" in desk.list("failed")[0].reason


def test_somebody_elses_file_is_never_overwritten(hot: Hot) -> None:
    (hot.path / "cutouts").mkdir()
    (hot.path / "cutouts" / "a.png").write_bytes(b"mine")
    hot.drop("a.png")
    hot.once()
    assert (hot.path / "cutouts" / "a.png").read_bytes() == b"mine"
    assert hot.results() == ["cutouts/a-png.png", "cutouts/a.png"]


def test_a_result_that_a_person_retouched_is_never_overwritten(hot: Hot) -> None:
    hot.drop("a.png", 1)
    hot.once()
    (hot.path / "cutouts" / "a.png").write_bytes(b"retouched for hours")
    hot.drop("a.png", 2)
    hot.once()
    assert (hot.path / "cutouts" / "a.png").read_bytes() == b"retouched for hours"
    assert hot.square("cutouts/a-png.png") == 2


def test_a_link_in_the_place_of_a_result_is_not_followed(hot: Hot, tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (hot.path / "cutouts").mkdir()
    (hot.path / "cutouts" / "a.png").symlink_to(tmp_path / "precious")
    hot.drop("a.png")
    hot.once()
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_hidden_files_of_a_killed_watch_are_removed_and_nobody_elses(hot: Hot) -> None:
    hot.drop("a.png")
    hot.once()
    place = place_of(hot.path)
    assert place is not None
    (hot.path / "cutouts" / f".matted-{place.mark}-0123.part").write_bytes(b"half")
    (hot.path / "cutouts" / ".matted-ffffffff-0123.part").write_bytes(b"another watch's")
    hot.once()
    left = [path.name for path in (hot.path / "cutouts").iterdir() if path.name.startswith(".")]
    assert left == [".matted-ffffffff-0123.part"]


def test_a_picture_that_ends_matted_each_time_is_given_up(hot: Hot) -> None:
    path = hot.drop("a.png")
    hot.drop("b.png", 1)
    place = place_of(hot.path)
    assert place is not None
    for _ in range(6):  # each time as if the process had died in the middle of it
        ledger = Ledger(place.ledger)
        ledger.interrupted()
        ledger.found([Found(Path("a.png"), Signature.of(path.lstat()), Recipe().digest)])
        works = [work for work in ledger.next(2e9, (), 9) if work.path == Path("a.png")]
        for work in works:
            ledger.take(work, "content")
        for work in ledger.interrupted():
            ledger.put_back([replace(work)], 0.0)
            ledger.take(work, "content")
        ledger.close()
    summary = hot.once()
    assert (summary.done, summary.failed) == (1, 1)
    with hot.desk() as desk:
        assert "ended" in desk.list("failed")[0].reason


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes")
def test_a_file_that_is_still_open_for_writing_is_not_taken(hot: Hot) -> None:
    whole = hot.drop("a.png").read_bytes()
    (hot.path / "a.png").unlink()
    with hot.live() as live:
        with (hot.path / "a.png").open("wb") as file:
            file.write(whole)
            file.flush()
            hot.drop("later.png", 1)
            live.wait("done", "later.png")
            assert not any(event.path == Path("a.png") for event in live.events)
        live.wait("done", "a.png")


def test_a_terminated_watch_finishes_what_is_under_way(hot: Hot) -> None:
    """Through the command, for its signals."""
    command = [sys.executable, "-m", "matted", "watch", str(hot.path), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        hot.drop("a.png")
        assert '"a.png"' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert '"summary"' in rest
