"""`matted models`: what a person and a script see of the store."""

import hashlib
import json
from pathlib import Path

import pytest

from matted.cli import main

CONTENT = b"weights" * 500
CATALOGUE = f"""format = 1
[[model]]
id = "mine"
title = "Mine"
licence = "MIT"
commercial = true
source = "made by the tests"
[[model.file]]
name = "mine.onnx"
urls = ["https://weights.invalid/mine.onnx"]
size = {len(CONTENT)}
sha256 = "{hashlib.sha256(CONTENT).hexdigest()}"
"""


@pytest.fixture(autouse=True)
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder with a catalogue of one's own in it."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "catalogue.toml").write_text(CATALOGUE, "utf-8")
    monkeypatch.setenv("MATTED_MODELS_DIR", str(folder))
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "mine.onnx").write_bytes(CONTENT)
    return folder


def test_the_list_shows_every_model_and_marks_those_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("* builtin") for line in lines)
    assert any(line.startswith("  rmbg-2.0") and "not for commercial use" in line for line in lines)
    assert any(line.startswith("  mine") for line in lines)


def test_the_list_for_scripts_holds_the_facts(capsys: pytest.CaptureFixture[str], models_dir: Path) -> None:
    assert main(["models", "list", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["folder"] == str(models_dir)
    by_id = {model["id"]: model for model in content["models"]}
    assert by_id["builtin"]["installed"] is True
    assert by_id["u2net"]["files"][0]["sha256"].startswith("8d10d2f3")


def test_importing_and_removing(
    capsys: pytest.CaptureFixture[str], elsewhere: Path, models_dir: Path
) -> None:
    assert main(["models", "import", str(elsewhere)]) == 0
    assert "mine: imported from" in capsys.readouterr().out
    assert main(["models", "list", "--installed"]) == 0
    assert "* mine" in capsys.readouterr().out
    assert main(["models", "verify", "--json"]) == 0
    assert {"id": "mine", "intact": True, "against": ["catalogue"]} in json.loads(capsys.readouterr().out)
    assert main(["models", "remove", "mine"]) == 0
    assert not (models_dir / "mine").exists()


def test_damage_has_an_exit_code(
    capsys: pytest.CaptureFixture[str], elsewhere: Path, models_dir: Path
) -> None:
    main(["models", "import", str(elsewhere)])
    target = models_dir / "mine" / "mine.onnx"
    target.unlink()
    target.write_bytes(CONTENT[::-1])
    capsys.readouterr()
    assert main(["models", "verify", "mine"]) == 4
    assert "damaged" in capsys.readouterr().err


def test_no_network_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "mine"]) == 4
    error = capsys.readouterr().err
    assert "cannot be reached" in error
    assert "Traceback" not in error


def test_an_empty_import_says_where_it_looked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(["models", "import", str(empty)]) == 0
    assert str(empty) in capsys.readouterr().out


def test_importing_without_a_folder_needs_another_tools_cache(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "import"]) == 4
    assert "name the folder" in capsys.readouterr().err


def test_the_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["models", "--help"])
    assert "matted models pull" in capsys.readouterr().out
