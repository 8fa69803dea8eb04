"""Putting a plugin in place and taking it out touches nothing that Matted did not write."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from matted.editors import installing
from matted.editors.bundle import BESIDE, Bundle
from matted.editors.folders import Place
from matted.editors.installing import State, install, look, remove
from matted.errors import OutputExists, OutputFailed


@pytest.fixture
def place(tmp_path: Path, bundle: Bundle) -> Place:
    """An editor's plugin folder with a neighbour's plugin in it."""
    place = Place(bundle.editor, tmp_path / "editor" / "plugins")
    (place.plugins / "neighbour").mkdir(parents=True)
    (place.plugins / "neighbour" / "neighbour.py").write_text("theirs")
    return place


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def newer(bundle: Bundle) -> Bundle:
    return replace(bundle, version="99.0", files={**bundle.files, "matted/new.py": b"new\n"})


def test_every_file_arrives_and_programs_are_executable(place: Place, bundle: Bundle):
    install(place, bundle)
    for name, content in bundle.files.items():
        path = place.plugins / name
        assert path.read_bytes() == content
        if os.name == "posix" and name not in bundle.beside:
            assert os.access(path, os.X_OK) == (name in bundle.programs)
    assert look(place, bundle).state is State.CURRENT


def test_installing_and_removing_leaves_the_folder_as_it_was(place: Place, bundle: Bundle):
    before = contents(place.plugins.parent)
    install(place, bundle)
    assert look(place).version == bundle.version
    remove(place)
    assert contents(place.plugins.parent) == before


def test_a_newer_matted_takes_the_place_of_an_older_one(place: Place, bundle: Bundle):
    install(place, newer(bundle))
    assert look(place, bundle) == installing.Found(State.OTHER, "99.0")
    install(place, bundle)
    assert not (place.plugins / "matted/new.py").exists()


def test_what_editors_compile_is_no_change(place: Place, bundle: Bundle):
    install(place, bundle)
    (place.plugins / "matted/__pycache__").mkdir()
    (place.plugins / "matted/__pycache__/x.pyc").touch()
    assert look(place, bundle).state is State.CURRENT


def test_missing_files_are_put_back(place: Place, bundle: Bundle):
    install(place, bundle)
    (place.plugins / "matted/matted_client.py").unlink()
    assert look(place, bundle).state is State.INCOMPLETE
    install(place, bundle)
    assert look(place, bundle).state is State.CURRENT


@pytest.mark.parametrize("action", [install, lambda place, _bundle, **options: remove(place, **options)])
def test_a_changed_file_is_left_alone_or_kept_aside(place: Place, bundle: Bundle, action):
    install(place, bundle)
    (place.plugins / "matted/matted_client.py").write_text("mine")
    before = contents(place.plugins)
    with pytest.raises(OutputExists, match="matted_client"):
        action(place, newer(bundle))
    assert contents(place.plugins) == before
    aside = action(place, newer(bundle), force=True)
    assert "mine" in [path.read_text() for path in aside[0].rglob("matted_client.py")]


@pytest.mark.parametrize("added", ["matted/mine.py", "matted/deep/mine.txt"])
def test_an_added_file_is_never_lost(place: Place, bundle: Bundle, added: str):
    install(place, bundle)
    (place.plugins / added).parent.mkdir(exist_ok=True)
    (place.plugins / added).write_text("mine")
    with pytest.raises(OutputExists):
        remove(place)
    assert (place.plugins / added).read_text() == "mine"


def test_a_strangers_folder_is_left_alone_or_kept_aside(place: Place, bundle: Bundle):
    (place.plugins / "matted").mkdir()
    (place.plugins / "matted/theirs.py").write_text("theirs")
    with pytest.raises(OutputExists, match="not put there by Matted"):
        install(place, bundle)
    assert contents(place.plugins / "matted") == {"theirs.py": b"theirs"}
    (aside,) = install(place, bundle, force=True)
    assert (aside / "theirs.py").read_text() == "theirs"
    assert look(place, bundle).state is State.CURRENT


def test_a_strangers_file_beside_is_left_alone(place: Place, bundle: Bundle):
    for name in BESIDE[bundle.editor]:
        path = place.plugins / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("theirs")
        with pytest.raises(OutputExists, match=path.name):
            install(place, bundle)
        assert path.read_text() == "theirs"
        path.unlink()


def test_a_linked_folder_is_the_persons_own(place: Place, bundle: Bundle, tmp_path: Path):
    (tmp_path / "checkout").mkdir()
    (place.plugins / "matted").symlink_to(tmp_path / "checkout")
    with pytest.raises(OutputExists):
        install(place, bundle)
    install(place, bundle, force=True)
    assert not list((tmp_path / "checkout").iterdir())


def test_a_failed_write_leaves_the_old_plugin(place: Place, bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    install(place, bundle)
    before = contents(place.plugins)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputFailed):
        install(place, newer(bundle))
    assert contents(place.plugins) == before


def test_remains_of_a_cut_short_installation_go(place: Place, bundle: Bundle):
    (place.plugins / ".matted-0123abcd.part").mkdir()
    install(place, bundle)
    assert not list(place.plugins.glob(".matted-*"))
