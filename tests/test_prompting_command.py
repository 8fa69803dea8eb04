"""The flags that point at what is wanted, in real processes: what they do, and what they refuse."""

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


@pytest.mark.parametrize(
    ("arguments", "left", "right"),
    [
        (["--box", "440,90,560,210"], 0, 255),
        (["--point", "150,150"], 255, 0),
        (["--point", "150,150", "--point", "500,150"], 255, 255),
        (["--not", "150,150"], 0, 255),
        (["--box", "0,0,600,300", "--not", "500,150"], 255, 0),
    ],
)
def test_the_flags_choose(source: Path, arguments: list[str], left: int, right: int) -> None:
    out = source.with_name("out.png")
    done = cut(source, "--mask", "-o", out, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    mask = np.asarray(Image.open(out))
    assert (mask[150, 150], mask[150, 500]) == (left, right)
    assert not [told for told in json.loads(done.stdout)["warnings"] if told["code"].startswith("prompt")]


def test_nothing_found_is_told_and_still_delivered(source: Path) -> None:
    out = source.with_name("out.png")
    done = cut(source, "--mask", "-o", out, "--point", "350,20")
    assert done.returncode == 0
    assert b"Nothing that stands out was found there" in done.stderr
    assert not np.asarray(Image.open(out)).any()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--box", "1,2,3"], "--box takes a box such as 10,20,300,400; not '1,2,3'."),
        (["--box", "1,2,nan,4"], "The box must be four numbers"),
        (["--box", "50,50,40,90"], "The box 50,50,40,90 is empty"),
        (["--box", "700,0,800,100"], "The box 700,0,800,100 lies outside the picture of 600 x 300 pixels."),
        (["--point", "here"], "--point takes a point such as 120,340; not 'here'."),
        (["--not=-5,10"], "The point -5,10 lies outside the picture"),
        (["--point", "1,1"] * 101, "A prompt has at most 100 points, not 101."),
        (["--prompt-model", "none"], "--prompt-model goes with --box, --point or --not."),
        (["--point", "5,5", "--rembg"], "rembg takes no box and no points"),
    ],
)
def test_mistakes_get_a_sentence_and_write_nothing(source: Path, arguments: list[str], sentence: str) -> None:
    out = source.with_name("out.png")
    done = cut(source, "-o", out, *arguments)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert not out.exists()
