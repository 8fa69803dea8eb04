"""Where two models disagree: through the chain, over the wire, and as the command shows it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graphs import red_key_catalogue, save_blue_key
from matted.config import Settings
from matted.errors import BadOption
from matted.imaging.picture import Picture
from matted.inference.prompt import Prompt
from matted.options import RefineOptions
from matted.pipeline import Pipeline

PLAIN = RefineOptions("none")
MODELS = ("red-key", "blue-key")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return save_blue_key(red_key_catalogue(tmp_path))


@pytest.fixture
def pipeline(tmp_path: Path, catalogue: Path) -> Iterator[Pipeline]:
    made = Pipeline(Settings(models_dir=tmp_path / "models", catalogue=catalogue, model="red-key"))
    yield made
    made.close()


def blocks() -> np.ndarray:
    """600 x 300: a block of red and blue, on which both agree, and one of red alone."""
    pixels = np.zeros((300, 600, 3), np.uint8)
    pixels[50:250, 50:250, [0, 2]] = 255
    pixels[100:200, 400:500, 0] = 255
    return pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_difference_is_where_only_one_sees_a_subject(pipeline: Pipeline, dtype: type) -> None:
    pixels = blocks().astype(dtype) * (257 if dtype is np.uint16 else 1)
    found = pipeline.disagreement(Picture(pixels), MODELS, refine=PLAIN)
    full = np.iinfo(found.mask.dtype).max
    assert (found.mask.shape, found.mask.dtype) == ((300, 600), dtype)
    assert (found.mask[110:190, 410:490] == full).all()
    assert not found.mask[:, :380].any()
    assert found.model == "red-key, blue-key"


def test_mattes_already_made_are_not_made_again(pipeline: Pipeline) -> None:
    picture = Picture(blocks())
    first = pipeline.disagreement(picture, MODELS, key="a")
    again = pipeline.disagreement(picture, MODELS, key="a")
    assert "model" in first.times
    assert again.times == {}
    assert np.array_equal(first.mask, again.mask)


def test_a_prompt_says_where_to_compare(pipeline: Pipeline) -> None:
    found = pipeline.disagreement(Picture(blocks()), MODELS, prompt=Prompt((30, 30, 270, 270)))
    assert not found.mask.any()


def test_one_model_cannot_disagree_with_itself(pipeline: Pipeline) -> None:
    with pytest.raises(BadOption, match="Both models are red-key"):
        pipeline.disagreement(Picture(blocks()), ("red-key", "red-key"))


def test_progress_goes_from_nothing_to_one_over_both(pipeline: Pipeline) -> None:
    seen: list[float] = []
    pipeline.disagreement(Picture(blocks()), MODELS, progress=lambda _stage, done: seen.append(done))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def compare(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "matted", "compare", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, env=dict(os.environ))


@pytest.fixture
def source(tmp_path: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MATTED_CATALOGUE", str(catalogue))
    Image.fromarray(blocks()).save(tmp_path / "two.png")
    return tmp_path / "two.png"


def test_the_command_writes_a_gray_picture_or_one_in_colour(source: Path) -> None:
    gray, colour = source.with_name("gray.png"), source.with_name("colour.png")
    done = compare(source, "--models", "red-key,blue-key", "-o", gray, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["models"] == ["red-key", "blue-key"]
    assert report["difference"] == pytest.approx(10000 / 180000, abs=0.005)
    with Image.open(gray) as written:
        assert (written.mode, written.size) == ("L", (600, 300))
        assert (written.getpixel((450, 150)), written.getpixel((150, 150))) == (255, 0)
    done = compare(source, "--models", "red-key,blue-key", "-o", colour, "--overlay")
    assert done.returncode == 0, done.stderr
    assert b"differ over 5." in done.stdout
    with Image.open(colour) as written:
        assert written.mode == "RGB"
        assert written.getpixel((450, 150)) == (255, 0, 170)
        assert len(set(written.getpixel((150, 150)))) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--models", "red-key", "-o", "out.png"], 2, "--models takes two models"),
        (["--models", "red-key,red-key", "-o", "out.png"], 2, "Both models are red-key"),
        (["--models", "red-key,no-such", "-o", "out.png"], 4, "There is no model 'no-such'"),
        (["--models", "red-key,blue-key", "-o", "out.txt"], 2, ".txt files cannot be written"),
        (["--models", "red-key,blue-key", "-o", "two.png"], 6, "is the original itself"),
    ],
)
def test_mistakes_get_a_sentence(source: Path, arguments: list[str], code: int, sentence: str) -> None:
    before = source.read_bytes()
    arguments[-1] = str(source.with_name(arguments[-1]))
    done = compare(source, *arguments)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr.decode()
    assert source.read_bytes() == before
    assert not source.with_name("out.png").exists()
