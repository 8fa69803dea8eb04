"""`atomic_output`: whole files or none, nothing overwritten unasked, and every failure is a sentence."""

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from matted.errors import OutputExists, OutputFailed
from matted.imaging.files import atomic_output


def test_the_file_appears_whole_and_alone(tmp_path):
    path = tmp_path / "cut.png"
    with atomic_output(path) as file:
        file.write(b"picture")
        assert not path.exists()
        assert [p.name.startswith(".") for p in tmp_path.glob("*cut.png*")] == [True]
    assert path.read_bytes() == b"picture"
    assert list(tmp_path.glob(".*part")) == []


def test_an_exception_leaves_nothing(tmp_path):
    def fail():
        with atomic_output(tmp_path / "cut.png") as file:
            file.write(b"half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert list(tmp_path.glob("*cut.png*")) == []


def test_what_exists_is_kept(tmp_path):
    path = tmp_path / "cut.png"
    path.write_bytes(b"the original")
    with pytest.raises(OutputExists, match="overwriting"):
        atomic_output(path).__enter__()
    assert path.read_bytes() == b"the original"


def test_what_appears_meanwhile_is_kept(tmp_path):
    path = tmp_path / "cut.png"

    def race():
        with atomic_output(path) as file:
            file.write(b"mine")
            path.write_bytes(b"theirs")

    with pytest.raises(OutputExists):
        race()
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.glob(".*part")) == []


def test_a_dangling_link_counts_as_there(tmp_path):
    path = tmp_path / "cut.png"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputExists):
        atomic_output(path).__enter__()


def test_overwriting_replaces_and_keeps_the_permissions(tmp_path):
    path = tmp_path / "cut.png"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with atomic_output(path, overwrite=True) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_failed_overwrite_keeps_the_old_file(tmp_path):
    path = tmp_path / "cut.png"
    path.write_bytes(b"old")

    def fail():
        with atomic_output(path, overwrite=True) as file:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputFailed, match="disk is full"):
        fail()
    assert path.read_bytes() == b"old"


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_output(tmp_path / "cut.png") as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "cut.png").stat().st_mode) == 0o640


def test_a_disk_without_links_still_works(tmp_path, monkeypatch):
    def no_links(*_args):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with atomic_output(tmp_path / "cut.png") as file:
        file.write(b"x")
    assert (tmp_path / "cut.png").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (Path("missing") / "cut.png", "folder does not exist"),
        (Path("file") / "cut.png", "folder does not exist"),
        (Path("y" * 300), "name is too long"),
    ],
)
def test_a_place_that_cannot_be_is_a_sentence(path, says, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputFailed, match=says):
        atomic_output(tmp_path / path).__enter__()


def test_a_folder_of_that_name_is_a_sentence(tmp_path):
    (tmp_path / "cut.png").mkdir()

    def write():
        with atomic_output(tmp_path / "cut.png", overwrite=True) as file:
            file.write(b"x")

    with pytest.raises(OutputFailed, match="folder of that name"):
        write()


LIMITED = """
import resource, signal, sys
from pathlib import Path
from matted.errors import OutputFailed
from matted.imaging.files import atomic_output
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    with atomic_output(Path(sys.argv[1])) as file:
        file.write(b"x" * 100_000)
except OutputFailed as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs POSIX limits")
def test_a_real_write_error_is_a_sentence_and_leaves_nothing(tmp_path):
    path = tmp_path / "cut.png"
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "could not be written" in ran.stdout
    assert list(tmp_path.glob("*cut.png*")) == []
    assert list(tmp_path.glob(".cut*")) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_a_sentence(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(OutputFailed, match="may not write"):
        atomic_output(tmp_path / "cut.png").__enter__()


@pytest.mark.skipif(not Path("/proc/1").is_dir(), reason="needs Linux's /proc")
def test_a_folder_nobody_can_write_in_is_a_sentence():
    with pytest.raises(OutputFailed):
        atomic_output(Path("/proc/cut.png")).__enter__()


@pytest.mark.skipif(os.name == "nt", reason="names are counted in letters there")
def test_a_name_as_long_as_can_be_of_three_bytes_a_letter(tmp_path: Path) -> None:
    path = tmp_path / ("\u8449" * 83 + "_.png")
    with atomic_output(path) as file:
        file.write(b"all")
    assert path.read_bytes() == b"all"
