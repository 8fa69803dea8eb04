"""`matted refine` in real processes: what it writes, and what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graphs import red_key_catalogue


def matted(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "matted", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, env=dict(os.environ))


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture whose red half the model finds and whose yellow-green half it misses; a stroke on that."""
    monkeypatch.setenv("MATTED_CATALOGUE", str(red_key_catalogue(tmp_path, side=256)))
    monkeypatch.setenv("MATTED_MODEL", "red-key")
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[50:150, 50:150] = (255, 0, 0)
    pixels[50:150, 150:250] = (0, 200, 40)
    Image.fromarray(pixels).save(tmp_path / "scene.png")
    return tmp_path


def painted_from(made: Path) -> Path:
    mask = np.asarray(Image.open(made)).copy()
    mask[90:110, 170:220] = 255
    path = made.with_name("painted.png")
    Image.fromarray(mask).save(path)
    return path


def test_a_stroke_on_the_mask_of_cut_brings_the_missed_part(scene: Path) -> None:
    picture, made = scene / "scene.png", scene / "made.png"
    assert matted("cut", picture, "--mask", "-o", made).returncode == 0
    painted = painted_from(made)
    done = matted("refine", picture, "--mask", painted, "--only-mask", "-o", scene / "again.png", "--json")
    assert done.returncode == 0, done.stderr
    again = np.asarray(Image.open(scene / "again.png"))
    assert (again[52:148, 160:248] == 255).mean() > 0.95
    assert np.array_equal(again[:, :100], np.asarray(Image.open(made))[:, :100])
    assert json.loads(done.stdout)["model"] == "red-key"


def test_with_the_mask_before_no_model_runs_and_a_cut_out_is_written(scene: Path) -> None:
    picture, made = scene / "scene.png", scene / "made.png"
    Image.fromarray(np.zeros((200, 300), np.uint8)).save(made)
    painted = painted_from(made)
    done = matted("refine", picture, "--mask", painted, "--made", made, "--model", "nowhere", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "brush"
    cut = np.asarray(Image.open(scene / "scene-cutout.png"))
    assert (cut[52:148, 160:248, 3] == 255).mean() > 0.95
    assert not cut[:, :140, 3].any()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--mask", "scene.png"], 2, "is not gray"),
        (["--mask", "small.png"], 2, "The painted mask has 30 x 20 pixels, the picture 300 x 200"),
        (["--mask", "missing.png"], 3, "missing.png"),
        (["--mask", "small.png", "--guide", "scene.png"], 2, "is not gray"),
        ([], 2, "--mask"),
    ],
)
def test_mistakes_get_a_sentence(scene: Path, arguments: list[str], code: int, said: str) -> None:
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(scene / "small.png")
    named = [str(scene / word) if word.endswith(".png") else word for word in arguments]
    done = matted("refine", scene / "scene.png", *named)
    assert (done.returncode, said in done.stderr.decode()) == (code, True), done.stderr
    assert b"Traceback" not in done.stderr
    assert not (scene / "scene-cutout.png").exists()


def test_a_folder_is_refused(scene: Path) -> None:
    done = matted("refine", scene, "--mask", scene / "scene.png")
    assert done.returncode == 2
    assert b"One picture's mask" in done.stderr


def test_what_the_person_painted_is_never_replaced(scene: Path) -> None:
    made = scene / "made.png"
    Image.fromarray(np.zeros((200, 300), np.uint8)).save(made)
    painted = painted_from(made)
    before = painted.read_bytes()
    done = matted(
        "refine", scene / "scene.png", "--mask", painted, "--made", made, "-o", painted, "--overwrite"
    )
    assert done.returncode == 6
    assert b"one of the masks given" in done.stderr
    assert painted.read_bytes() == before
