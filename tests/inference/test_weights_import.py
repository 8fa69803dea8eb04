"""Weights are taken over from folders and other tools' caches by their content, never by trust in names."""

import hashlib
import os
from pathlib import Path

import pytest

from matted.config import Settings
from matted.errors import ModelError
from matted.inference.catalogue import Catalogue
from matted.inference.catalogue_file import read_models
from matted.inference.import_weights import known_caches
from matted.inference.weights import Weights

FIRST, SECOND = b"first model" * 1000, b"second model" * 1000


def entry(
    model_id: str, content: bytes, more: str = "", *, size: bool = True, commercial: bool = True
) -> str:
    return f"""
[[model]]
id = "{model_id}"
title = "Model {model_id}"
licence = "{"MIT" if commercial else "NC-1.0"}"
commercial = {str(commercial).lower()}
homepage = "https://example.org"
source = "made by the tests"
[[model.file]]
name = "{model_id}.onnx"
urls = []
{f"size = {len(content)}" if size else ""}
sha256 = "{hashlib.sha256(content).hexdigest()}"
{more}
"""


def store(folder: Path, *entries: str) -> Weights:
    path = folder / "test-catalogue.toml"
    path.write_text("format = 1\n" + "".join(entries), "utf-8")
    return Weights(Settings(models_dir=folder / "models"), Catalogue(read_models(path, {}).values()))


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    return store(tmp_path, entry("first", FIRST), entry("second", SECOND, commercial=False))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere" / "deep"
    path.mkdir(parents=True)
    return path


def outcomes(found: list) -> list[tuple[str, str]]:
    return [(one.model, one.outcome) for one in found]


def test_a_file_is_known_by_its_content_whatever_its_name(weights: Weights, folder: Path) -> None:
    (folder / "renamed.bin").write_bytes(FIRST)
    found = weights.import_from(folder.parent)
    assert outcomes(found) == [("first", "imported")]
    assert weights.path(weights.catalogue.get("first")).read_bytes() == FIRST
    assert weights.verify(weights.catalogue.get("first"))[0].against == "catalogue"


def test_the_source_stays_as_it_was(weights: Weights, folder: Path) -> None:
    source = folder / "first.onnx"
    source.write_bytes(FIRST)
    before = (source.stat().st_mtime_ns, source.stat().st_mode)
    weights.import_from(folder)
    weights.remove(weights.catalogue.get("first"))
    assert source.read_bytes() == FIRST
    assert (source.stat().st_mtime_ns, source.stat().st_mode) == before


def test_it_is_copied_where_it_cannot_be_linked(
    weights: Weights, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another disk")

    monkeypatch.setattr(os, "link", refuse)
    (folder / "first.onnx").write_bytes(FIRST)
    weights.import_from(folder)
    path = weights.path(weights.catalogue.get("first"))
    assert path.read_bytes() == FIRST
    assert path.stat().st_ino != (folder / "first.onnx").stat().st_ino


def test_a_single_file_can_be_named(weights: Weights, folder: Path) -> None:
    (folder / "x").write_bytes(FIRST)
    assert outcomes(weights.import_from(folder / "x")) == [("first", "imported")]


def test_importing_twice_says_it_is_there(weights: Weights, folder: Path) -> None:
    (folder / "x").write_bytes(FIRST)
    weights.import_from(folder)
    assert outcomes(weights.import_from(folder)) == [("first", "present")]


def test_a_known_name_with_other_content_is_reported_and_left(weights: Weights, folder: Path) -> None:
    (folder / "first.onnx").write_bytes(FIRST[:-1])
    assert outcomes(weights.import_from(folder)) == [("first", "different")]
    assert not weights.installed(weights.catalogue.get("first"))


def test_a_different_file_does_not_hide_the_right_one(weights: Weights, folder: Path) -> None:
    (folder / "first.onnx").write_bytes(b"an older version")
    (folder / "newer.onnx").write_bytes(FIRST)
    assert outcomes(weights.import_from(folder)) == [("first", "imported")]


def test_non_commercial_weights_need_a_yes(weights: Weights, folder: Path) -> None:
    (folder / "second.onnx").write_bytes(SECOND)
    assert outcomes(weights.import_from(folder)) == [("second", "licence")]
    assert not weights.installed(weights.catalogue.get("second"))
    assert outcomes(weights.import_from(folder, accept_licence=True)) == [("second", "imported")]


def test_a_file_of_unknown_size_is_found_by_its_names(tmp_path: Path, folder: Path) -> None:
    weights = store(tmp_path, entry("third", FIRST, 'also_named = ["model.onnx"]', size=False))
    (folder / "model.onnx").write_bytes(FIRST)
    (folder / "unrelated.onnx").write_bytes(b"?" * 50)
    assert outcomes(weights.import_from(folder)) == [("third", "imported")]


@pytest.mark.skipif(os.name == "nt", reason="the cache has links only where the system allows them")
def test_a_hugging_face_cache_is_understood(tmp_path: Path) -> None:
    weights = store(tmp_path, entry("third", FIRST, 'also_named = ["model.onnx"]', size=False))
    hub = tmp_path / "hub" / "models--someone--third"
    blob = hub / "blobs" / hashlib.sha256(FIRST).hexdigest()
    link = hub / "snapshots" / "abc" / "onnx" / "model.onnx"
    for path in (blob, link):
        path.parent.mkdir(parents=True)
    blob.write_bytes(FIRST)
    link.symlink_to(blob)
    assert outcomes(weights.import_from(tmp_path / "hub")) == [("third", "imported")]
    target = weights.path(weights.catalogue.get("third"))
    assert not target.is_symlink()
    assert target.read_bytes() == FIRST


def test_progress_counts_the_bytes_to_read(weights: Weights, folder: Path) -> None:
    (folder / "x").write_bytes(FIRST)
    (folder / "y").write_bytes(SECOND)
    seen = []
    weights.import_from(folder, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(FIRST) + len(SECOND),) * 2


def test_a_place_that_does_not_exist_is_named(weights: Weights, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        weights.import_from(tmp_path / "nowhere")


def test_the_places_of_other_tools_are_known(tmp_path: Path) -> None:
    home = tmp_path / "someone"
    named = tmp_path / "named"
    for place in (home / ".u2net", home / ".rembg", home / ".cache" / "huggingface" / "hub", named):
        place.mkdir(parents=True)
    assert known_caches({"U2NET_HOME": str(named)}, home) == [
        *(named, home / ".u2net", home / ".rembg", home / ".cache" / "huggingface" / "hub")
    ]


def test_places_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    assert known_caches({"U2NET_HOME": str(tmp_path / "gone")}, tmp_path) == []
