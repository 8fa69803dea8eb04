"""Whole files are told from files under way."""

import os
import sys
from pathlib import Path

import pytest

from matted.hotfolder.holding import is_being_written
from matted.hotfolder.settling import Settling
from matted.hotfolder.signature import Signature


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def settling(clock: Clock, *, written: bool | None = False, trust_times: bool = False) -> Settling:
    return Settling(1.0, trust_times, clock, clock, lambda _path: written)


def look(at: Settling, path: Path) -> None:
    at.look(path, Signature.of(path.lstat()))


def names(at: Settling) -> list[str]:
    return [path.name for path, _ in at.whole()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(b"some")
    os.utime(path, (500, 500))
    return path


def test_a_file_is_whole_after_a_while_without_change(file: Path) -> None:
    clock = Clock()
    under_way = settling(clock)
    look(under_way, file)
    clock.now += 0.9
    assert names(under_way) == []
    clock.now += 0.2
    assert names(under_way) == ["a.png"]


def test_a_change_begins_the_wait_anew(file: Path) -> None:
    clock = Clock()
    under_way = settling(clock)
    look(under_way, file)
    clock.now += 0.9
    file.write_bytes(b"some more")
    look(under_way, file)
    clock.now += 0.2
    assert names(under_way) == []


def test_a_change_that_nobody_told_of_is_seen(file: Path) -> None:
    clock = Clock()
    under_way = settling(clock)
    look(under_way, file)
    file.write_bytes(b"some more")
    clock.now += 2
    assert names(under_way) == []
    clock.now += 2
    assert names(under_way) == ["a.png"]


def test_a_file_being_written_waits_as_long_as_that(file: Path) -> None:
    clock = Clock()
    under_way = settling(clock, written=True)
    look(under_way, file)
    clock.now += 1000
    assert names(under_way) == []
    under_way.written = lambda _path: None  # nobody knows: what stays as it is counts as whole
    assert names(under_way) == ["a.png"]


def test_a_file_untouched_for_long_is_whole_at_once_where_times_can_be_trusted(file: Path) -> None:
    clock = Clock()
    clock.now = file.lstat().st_ctime + 2
    under_way = settling(clock, trust_times=True)
    look(under_way, file)
    assert names(under_way) == ["a.png"]


def test_an_old_time_of_a_file_just_written_is_not_trusted(file: Path) -> None:
    """As a restored backup has it."""
    clock = Clock()
    clock.now = file.lstat().st_ctime + 0.1
    under_way = settling(clock, trust_times=True)
    look(under_way, file)
    assert names(under_way) == []


def test_a_file_that_vanished_is_forgotten(file: Path) -> None:
    clock = Clock()
    under_way = settling(clock)
    look(under_way, file)
    file.unlink()
    clock.now += 2
    assert names(under_way) == []
    assert len(under_way) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux and Windows tell who writes")
def test_linux_tells_who_writes(file: Path) -> None:
    with file.open("ab"):
        assert is_being_written(file) is True
    with file.open("rb"):
        assert is_being_written(file) is False
