"""What a person sees of a watched folder, on the terminal and on the desktop."""

import json
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from matted.hotfolder.notify import command_for
from matted.hotfolder.report import Report
from matted.hotfolder.telling import Event, Progress
from matted.hotfolder.watching import is_silent

Disk = namedtuple("Disk", "mountpoint fstype opts")


def test_a_line_for_each_picture(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.tell(Event("done", Path("a.jpg"), "", (Path("/hot/cutouts/a.png"),), 0.5))
    report.tell(Event("failed", Path("b\n.jpg"), "It is cut off."))
    written = capsys.readouterr()
    assert written.out == "a.jpg -> /hot/cutouts/a.png  (0.50 s)\n"
    assert written.err == "b?.jpg: It is cut off.\n"


def test_lines_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(json_lines=True)
    report.tell(Event("review", Path("a.jpg"), "Look.", (Path("r/a.png"),)))
    report.notice("Wait.")
    report.summary(Progress(done=1))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["review", "notice", "summary"]
    assert lines[0]["outputs"] == ["r/a.png"]


def test_a_batch_is_told_of_once_when_it_ends() -> None:
    told: list[str] = []
    report = Report(json_lines=True, rested=told.append)
    report.show(Progress(done=2, review=1))
    report.tell(Event("rest"))
    report.tell(Event("rest"))
    report.show(Progress(done=3, review=1, failed=1))
    report.tell(Event("rest"))
    assert told == ["2 cut out, 1 to look at", "1 cut out, 1 failed"]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_each_desktop_has_its_way(platform: str) -> None:
    command = command_for(platform, "3 cut out")
    assert command is not None
    assert "3 cut out" in command[-1]


@pytest.mark.parametrize(
    ("kind", "options", "silent"),
    [
        ("ext4", "rw", False),
        ("tmpfs", "rw", False),
        ("apfs", "rw", False),
        ("NTFS", "rw,fixed", False),
        ("fuseblk", "rw", False),
        ("nfs4", "rw", True),
        ("cifs", "rw", True),
        ("fuse.sshfs", "rw", True),
        ("NTFS", "rw,remote", True),
    ],
)
def test_network_disks_are_looked_into(
    monkeypatch: pytest.MonkeyPatch, kind: str, options: str, silent: bool
) -> None:
    disks = [Disk("/", "nfs", "rw"), Disk("/mnt", kind, options), Disk("/mnt/hot/inner", "nfs", "rw")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_all: disks)
    assert is_silent(Path("/mnt/hot")) is silent
