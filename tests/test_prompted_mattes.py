"""The chain with a prompt and no prompt model: a box and points choose among what the model finds."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from graphs import red_key_catalogue
from matted.config import Settings
from matted.errors import BadOption
from matted.imaging.picture import Picture
from matted.inference.prompt import Prompt
from matted.matting.adjust import AdjustOptions
from matted.options import CoarseOptions, RefineOptions
from matted.pipeline import Matte, Pipeline

RED = CoarseOptions(model="red-key")
PLAIN = RefineOptions("none")


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    made = Pipeline(Settings(models_dir=tmp_path / "models", catalogue=red_key_catalogue(tmp_path)))
    yield made
    made.close()


def scene(dtype: type = np.uint8) -> Picture:
    """1200 x 600: a large red block, a smaller one, and one too small to be seen at the model's 64 px."""
    pixels = np.zeros((600, 1200, 3), dtype)
    full = np.iinfo(dtype).max
    pixels[100:500, 100:500, 0] = pixels[200:400, 900:1100, 0] = full
    pixels[300:306, 700:706, 0] = full
    return Picture(pixels)


def told_of_prompt(matte: Matte) -> list[str]:
    return [notice.code for notice in matte.warnings if notice.code.startswith("prompt")]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_box_keeps_its_subject_and_nothing_else(pipeline: Pipeline, dtype: type) -> None:
    matte = pipeline.matte(scene(dtype), RED, prompt=Prompt((880, 180, 1120, 420)))
    full = np.iinfo(matte.mask.dtype).max
    assert (matte.mask[210:390, 910:1090] > 0.98 * full).all()
    assert not matte.mask[:, :860].any()
    assert not matte.mask[:, 1140:].any()
    assert told_of_prompt(matte) == []


def test_what_is_in_a_box_is_looked_at_as_finely_as_the_model_can(pipeline: Pipeline) -> None:
    whole = pipeline.matte(scene(), RED, PLAIN)
    boxed = pipeline.matte(scene(), RED, PLAIN, prompt=Prompt((690, 290, 716, 316)))
    assert whole.mask[290:316, 690:716].max() < 64
    truth = scene().pixels[290:316, 690:716, 0].astype(int)
    assert np.abs(boxed.mask[290:316, 690:716] - truth).mean() < 6
    assert boxed.mask[303, 703] > 240


def test_points_choose_subjects(pipeline: Pipeline) -> None:
    picture = scene()
    first = pipeline.matte(picture, RED, PLAIN, prompt=Prompt(points=((300, 300, 1),)), key="a")
    both = pipeline.matte(picture, RED, PLAIN, prompt=Prompt(points=((300, 300, 1), (1000, 300, 1))), key="a")
    rest = pipeline.matte(picture, RED, PLAIN, prompt=Prompt(points=((300, 300, 0),)), key="a")
    assert [matte.mask[300, 300] for matte in (first, both, rest)] == [255, 255, 0]
    assert [matte.mask[300, 1000] for matte in (first, both, rest)] == [0, 255, 255]
    assert "model" in first.times
    assert "model" not in both.times | rest.times


def test_a_point_on_no_subject_is_looked_at_closer(pipeline: Pipeline) -> None:
    matte = pipeline.matte(scene(), RED, PLAIN, prompt=Prompt(points=((703, 303, 1),)))
    assert matte.mask[303, 703] > 40
    assert not matte.mask[:, :650].any()
    assert not matte.mask[:, 760:].any()


def test_a_box_and_points_work_together(pipeline: Pipeline) -> None:
    prompt = Prompt((50, 50, 1150, 550), ((300, 300, 0),))
    matte = pipeline.matte(scene(), RED, PLAIN, prompt=prompt)
    assert matte.mask[300, 1000] == 255
    assert not matte.mask[:, :600].any()
    more = pipeline.matte(scene(), RED, PLAIN, prompt=Prompt((50, 50, 550, 550), ((1000, 300, 1),)))
    assert more.mask[300, 300] == more.mask[300, 1000] == 255


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (Prompt((550, 0, 650, 90)), "was found in the box"),
        (Prompt(points=((600, 50, 1),)), "was found there"),
        (Prompt(points=((300, 300, 0), (1000, 300, 0))), "is left in the picture"),
    ],
)
def test_nothing_found_is_said_once_and_gives_an_empty_mask(
    pipeline: Pipeline, prompt: Prompt, words: str
) -> None:
    matte = pipeline.matte(scene(), RED, PLAIN, prompt=prompt)
    assert not matte.mask.any()
    (notice,) = matte.warnings
    assert notice.code == "prompt-not-found"
    assert words in notice.sentence
    assert "matted models pull mobilesam" in notice.sentence


def test_a_point_missed_beside_others_is_told_by_its_place(pipeline: Pipeline) -> None:
    matte = pipeline.matte(scene(), RED, PLAIN, prompt=Prompt(points=((300, 300, 1), (600, 50, 1))))
    assert matte.mask[300, 300] == 255
    assert told_of_prompt(matte) == ["prompt-not-found"]
    assert "found at 600,50" in matte.warnings[0].sentence


def test_points_that_cannot_be_told_apart_are_told_of(pipeline: Pipeline) -> None:
    matte = pipeline.matte(scene(), RED, PLAIN, prompt=Prompt(points=((300, 300, 1), (450, 450, 0))))
    assert told_of_prompt(matte) == ["prompt-not-told-apart"]


def test_each_prompt_of_a_named_picture_is_kept_by_itself(pipeline: Pipeline) -> None:
    picture, left = scene(), Prompt((50, 50, 550, 550))
    first = pipeline.matte(picture, RED, prompt=left, key="a")
    other = pipeline.matte(picture, RED, prompt=Prompt((880, 180, 1120, 420)), key="a")
    again = pipeline.matte(picture, RED, prompt=left, key="a")
    plain = pipeline.matte(picture, RED, key="a")
    assert again.times == {}
    assert again.mask is first.mask
    assert not np.array_equal(other.mask, first.mask)
    assert plain.mask[300, 300] == plain.mask[300, 1000] == 255


def test_progress_never_goes_back(pipeline: Pipeline) -> None:
    seen: list[float] = []
    prompt = Prompt((550, 0, 650, 90), ((300, 300, 1), (703, 303, 1)))
    pipeline.matte(scene(), RED, prompt=prompt, progress=lambda _stage, done: seen.append(done))
    assert len(seen) > 6
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_subject_that_is_clicked_at_is_as_fine_as_without_the_click(pipeline: Pipeline) -> None:
    pixels = np.zeros((800, 1000, 3), np.uint8)
    pixels[203:317, 303:411, 0] = 255
    plain = pipeline.matte(Picture(pixels), RED, PLAIN)
    clicked = pipeline.matte(Picture(pixels), RED, PLAIN, prompt=Prompt(points=((350, 250, 1),)))
    assert np.abs(plain.mask.astype(int) - clicked.mask).max() <= 3


def test_a_prompted_matte_is_adjusted_and_listed_as_any(pipeline: Pipeline) -> None:
    prompt = Prompt((880, 180, 1120, 420))
    grown = pipeline.matte(scene(), RED, prompt=prompt, adjust=AdjustOptions(grow_px=10), key="a")
    plain = pipeline.matte(scene(), RED, prompt=prompt, key="a")
    assert grown.mask.sum() > plain.mask.sum()
    found, _ = pipeline.subjects(scene(), RED, prompt=prompt, key="a")
    assert [subject.number for subject in found.all] == [1]


def test_what_lies_outside_the_picture_and_rembgs_mode_are_refused(pipeline: Pipeline) -> None:
    with pytest.raises(BadOption, match="outside the picture of 1200 x 600"):
        pipeline.matte(scene(), RED, prompt=Prompt((1300, 0, 1400, 50)))
    with pytest.raises(BadOption, match="rembg takes no box"):
        pipeline.matte(scene(), CoarseOptions(rembg=True), prompt=Prompt((0, 0, 50, 50)))
