"""Names of work in progress, names that fit, and names for the second picture of a stem."""

import os
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matted.hotfolder.names import candidates, fitted, is_in_progress, is_picture


@pytest.mark.parametrize(
    "name",
    [
        *(".a.jpg", "a.jpg.part", "a.jpg.crdownload", "a.TMP", "~a.jpg", "a.jpg~", ".~lock.a.tif#"),
        *(".a.jpg.x7Tz1q", "a.jpg_exiftool_tmp", "a.jpg.sb-1a2b3c4d-xyz", "Photoshop Temp12345", "._a.jpg"),
    ],
)
def test_work_in_progress_is_known_by_its_name(name: str) -> None:
    assert is_in_progress(name)


@pytest.mark.parametrize("name", ["a.jpg", "temp.jpg", "tmp 2.png", "old.heic", "$1.png", "a~b.jpg"])
def test_pictures_are_not_taken_for_it(name: str) -> None:
    assert is_picture(name)
    assert not is_in_progress(name)


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=400))
def test_a_fitted_name_fits_and_keeps_its_suffix(text: str) -> None:
    name = text.replace("\\", "_").strip(".") or "x"
    made = fitted(Path(name + ".png")).name
    assert len(os.fsencode(made)) <= 255
    assert made.endswith(".png")
    assert made == name + ".png" or len(os.fsencode(name + ".png")) > 255


def test_two_long_names_stay_two() -> None:
    assert fitted(Path("x" * 300 + "1.png")) != fitted(Path("x" * 300 + "2.png"))


def test_names_are_as_short_as_the_disk_wants_them_and_folders_that_are_there_keep_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Encrypted home folders take 143 bytes, below folders that may have more."""
    monkeypatch.setattr("matted.hotfolder.names.longest_name", lambda _folder: 143)
    there = tmp_path / ("f" * 200)
    there.mkdir()
    made = fitted(there / ("\u8449" * 80) / ("\u8449" * 80 + ".png"))
    assert made.parent.parent == there
    assert [len(os.fsencode(name)) <= 143 for name in made.parts[-2:]] == [True, True]
    assert made.suffix == ".png"


def test_other_names_follow_the_first() -> None:
    names = [path.as_posix() for path in islice(candidates(Path("out/a.png"), Path("a.JPG")), 4)]
    assert names == ["out/a.png", "out/a-jpg.png", "out/a-2.png", "out/a-3.png"]
