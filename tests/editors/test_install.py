"""Where `install.py` takes packages from: what this computer's own apt uses, whichever way it is written."""

from pathlib import Path

import pytest

from editors import install
from editors.install import Failed, mirror


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("debian.sources", "Types: deb\nURIs: file:/packages\nSuites: stable\nSigned-By: /key.gpg\n"),
        ("main.list", "# deb file:/old stable main\ndeb [signed-by=/key.gpg] file:/packages stable main\n"),
        ("main.list", "deb file:/packages-security stable main\ndeb file:/packages stable main\n"),
    ],
)
def test_the_computers_own_source_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
):
    (tmp_path / name).write_text(text)
    monkeypatch.setattr(install, "_SOURCES", (tmp_path / "sources.list", tmp_path))
    assert mirror() == "file:/packages"


def test_a_named_source_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(install, "_SOURCES", (tmp_path,))
    monkeypatch.setenv("MATTED_EDITORS_MIRROR", "file:/mine")
    assert mirror() == "file:/mine"


def test_a_computer_without_sources_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(install, "_SOURCES", (tmp_path,))
    with pytest.raises(Failed, match="MATTED_EDITORS_MIRROR"):
        mirror()
