"""The flags that adjust the matte, in real processes: what they do to the file, and what they refuse."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graphs import red_key_catalogue


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A large and a smaller red block on black, whose matte is their red: 600 x 300."""
    monkeypatch.setenv("MATTED_CATALOGUE", str(red_key_catalogue(tmp_path)))
    monkeypatch.setenv("MATTED_MODEL", "red-key")
    pixels = np.zeros((300, 600, 3), np.uint8)
    pixels[50:250, 50:250, 0] = pixels[100:200, 450:550, 0] = 255
    Image.fromarray(pixels).save(tmp_path / "two.png")
    return tmp_path / "two.png"


def cut(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "matted", "cut", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, env=dict(os.environ))


def mask(source: Path, *arguments: str | Path) -> np.ndarray:
    done = cut(source, "--mask", "--overwrite", "-o", source.with_name("out.png"), *arguments)
    assert done.returncode == 0, done.stderr
    return np.asarray(Image.open(source.with_name("out.png"))).astype(int)


def test_the_flags_change_the_mask(source: Path) -> None:
    plain = mask(source)
    assert mask(source, "--keep", "largest")[:, 300:].max() == 0
    assert mask(source, "--keep-at", "500,150")[:, :300].max() == 0
    grown = mask(source, "--grow", "6", "--threshold", "0.5")
    assert 4 <= np.flatnonzero(plain[150] >= 128)[0] - np.flatnonzero(grown[150])[0] <= 8
    assert set(np.unique(mask(source, "--contrast", "1"))) == {0, 255}
    limit = source.with_name("limit.png")
    Image.fromarray(np.repeat([[0, 255]], 300, 0).repeat(300, 1).astype(np.uint8)).save(limit)
    assert mask(source, "--limit", limit)[:, :300].max() == 0


def test_each_subject_gets_a_file_of_its_own(source: Path) -> None:
    out = source.with_name("parts.png")
    done = cut(source, "--each-subject", "--mask", "-o", out, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["outputs"] == [str(source.with_name(f"parts-{n}.png")) for n in (1, 2)]
    assert 0 <= report["confidence"] <= 1
    first, second = (np.asarray(Image.open(path)) for path in report["outputs"])
    assert first[150, 150] == second[150, 500] == 255
    assert not first[:, 300:].any()
    assert not second[:, :300].any()
    assert not out.exists()


def test_what_every_subjects_file_needed_is_told(source: Path) -> None:
    out = source.with_name("parts.png")
    done = cut(source, "--each-subject", "--preset", "square", "--keep-shadow", "-o", out, "--json")
    assert done.returncode == 0, done.stderr
    told = [(warning["code"], warning["sentence"]) for warning in json.loads(done.stdout)["warnings"]]
    assert len(set(told)) == len(told)
    assert {"several-subjects", "enlarged", "no-shadow-found"} <= {code for code, _ in told}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--keep", "best"], "largest"),
        (["--keep", "7"], "There is no subject 7"),
        (["--keep-at", "here"], "120,340"),
        (["--feather", "-1"], "feather_px goes from 0"),
        (["--limit", "PHOTO"], "is not gray"),
        (["--each-subject", "-o", "-"], "several files"),
    ],
)
def test_mistakes_get_a_sentence(source: Path, photos: Path, arguments: list[str], word: str) -> None:
    filled = [a.replace("PHOTO", str(photos / "cat.jpg")) for a in arguments]
    done = cut(source, *filled)
    assert done.returncode == 2, done.stderr
    assert word in done.stderr.decode()
    assert b"Traceback" not in done.stderr
