"""One key of Krita's settings changes; every other byte stays."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matted.editors.kritarc import enable, forget, is_enabled

LINES = st.lists(
    st.sampled_from(
        [
            b"[python]",
            b"[theme]",
            b"[python][sub]",
            b"enable_other=true",
            b"enable_matted=false",
            b"",
            b"a=b=c",
        ]
    ),
    max_size=8,
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"[python]\nenable_matted=true\n"),
        (b"[a]\nx=1\n", b"[a]\nx=1\n\n[python]\nenable_matted=true\n"),
        (b"[a]\nx=1", b"[a]\nx=1\n\n[python]\nenable_matted=true\n"),
        (b"[python]\r\nb=1\r\n[z]\r\n", b"[python]\r\nenable_matted=true\r\nb=1\r\n[z]\r\n"),
        (b"[python]\nenable_matted=false\n", b"[python]\nenable_matted=true\n"),
        (b"[python]\nb=\xff\xfe\n", b"[python]\nenable_matted=true\nb=\xff\xfe\n"),
    ],
)
def test_enabling_writes_one_line(tmp_path: Path, before: bytes, after: bytes):
    path = tmp_path / "kritarc"
    path.write_bytes(before)
    enable(path)
    assert path.read_bytes() == after


@given(lines=LINES)
def test_everything_else_stays(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]):
    path = tmp_path_factory.mktemp("rc") / "kritarc"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    enable(path)
    assert is_enabled(path)
    ours = (b"enable_matted=true", b"enable_matted=false", b"[python]", b"")
    kept = [line for line in path.read_bytes().split(b"\n") if line not in ours]
    assert kept == [line for line in lines if line not in ours]


def test_a_missing_file_is_no_decision(tmp_path: Path):
    assert is_enabled(tmp_path / "kritarc") is None


def test_a_key_of_another_group_is_no_decision(tmp_path: Path):
    (tmp_path / "kritarc").write_bytes(b"[other]\nenable_matted=false\n")
    assert is_enabled(tmp_path / "kritarc") is None


def test_forgetting_takes_a_yes_out_and_leaves_a_no(tmp_path: Path):
    path = tmp_path / "kritarc"
    path.write_bytes(b"[python]\nenable_matted=true\nb=1\n")
    forget(path)
    assert path.read_bytes() == b"[python]\nb=1\n"
    path.write_bytes(b"[python]\nenable_matted=false\n")
    forget(path)
    assert path.read_bytes() == b"[python]\nenable_matted=false\n"


def test_a_linked_file_stays_a_link(tmp_path: Path):
    (tmp_path / "real").write_bytes(b"[a]\n")
    (tmp_path / "kritarc").symlink_to("real")
    enable(tmp_path / "kritarc")
    assert (tmp_path / "kritarc").is_symlink()
    assert is_enabled(tmp_path / "real")
