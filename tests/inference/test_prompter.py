"""Prompt models: the published contract's geometry, labels and feedback, on a real encoder and decoder.

The graphs are small and made by the tests (`prompt_graphs`); the published weights do not run here.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from graphs import red_key_catalogue
from matted.config import Settings
from matted.errors import ModelError, ModelNotInstalled, UnknownModel
from matted.imaging.picture import Picture
from matted.imaging.read import read_picture
from matted.inference.prompt import Prompt
from matted.inference.prompter import best
from matted.pipeline import CoarseOptions, Pipeline, RefineOptions
from prompt_graphs import add_prompt_models

PLAIN = RefineOptions("none")
EACH = pytest.mark.parametrize("model", ["tiny-mobile", "tiny-vit", "tiny-sam2", "tiny-sam2.1"])
SIZES = [(900, 600), (600, 900), (1024, 1024), (3001, 1777), (500, 2999), (90, 60), (2500, 40)]


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    catalogue = add_prompt_models(red_key_catalogue(tmp_path))
    made = Pipeline(Settings(models_dir=tmp_path / "models", catalogue=catalogue, model="red-key"))
    yield made
    made.close()


def scene(width: int, height: int) -> tuple[Picture, np.ndarray, np.ndarray]:
    """A dark and a bright block on a gray ground, so that no blurred edge of one looks like the other, and
    where each is: (H, W) bool.
    """
    pixels = np.full((height, width, 3), 110, np.uint8)
    left, right = np.zeros((2, height, width), bool)
    left[height // 5 : height * 3 // 5, width // 10 : width * 2 // 5] = True
    right[height // 2 : height * 9 // 10, width * 11 // 20 : width * 19 // 20] = True
    pixels[left], pixels[right] = 20, 220
    return Picture(pixels), left, right


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    made = mask >= np.iinfo(mask.dtype).max / 2
    return float((made & truth).sum() / (made | truth).sum())


def assert_within_a_logit(mask: np.ndarray, truth: np.ndarray) -> None:
    """`mask` is `truth` but for three quarters of a logit's square, and a pixel, along the edge."""
    slack = int(np.ceil(3 * max(truth.shape) / 1024)) + 1
    kernel = np.ones((2 * slack + 1, 2 * slack + 1), np.uint8)
    surely = cv2.erode(truth.astype(np.uint8), kernel).astype(bool)
    perhaps = cv2.dilate(truth.astype(np.uint8), kernel).astype(bool)
    made = mask >= np.iinfo(mask.dtype).max / 2
    assert made[surely].all()
    assert not made[~perhaps].any()


def middle(truth: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(truth)
    return float(columns.mean() + 0.5), float(rows.mean() + 0.5)


def on(truth: np.ndarray, wanted: int = 1) -> tuple[float, float, int]:
    return (*middle(truth), wanted)


@EACH
@pytest.mark.parametrize("size", SIZES)
def test_a_click_finds_its_block_in_pictures_of_any_size(
    pipeline: Pipeline, model: str, size: tuple[int, int]
) -> None:
    picture, left, right = scene(*size)
    for truth in (left, right):
        matte = pipeline.matte(
            picture, refine=PLAIN, prompt=Prompt(points=(on(truth),), model=model), key="a"
        )
        assert_within_a_logit(matte.mask, truth)
    assert (matte.model, matte.provider) == (model, "cpu")


@EACH
def test_a_point_that_is_not_wanted_takes_its_block_away_again(pipeline: Pipeline, model: str) -> None:
    picture, left, right = scene(900, 600)
    points = (on(left), on(right), on(left, 0))
    both = pipeline.matte(picture, refine=PLAIN, prompt=Prompt(points=points[:2], model=model))
    assert overlap(both.mask, left | right) > 0.97  # the first is only remembered by the mask fed back
    rest = pipeline.matte(picture, refine=PLAIN, prompt=Prompt(points=points, model=model))
    assert overlap(rest.mask, right) > 0.97


@EACH
def test_a_box_bounds_the_answer(pipeline: Pipeline, model: str) -> None:
    picture, left, right = scene(1777, 3001)
    rows, columns = np.nonzero(right)
    box = (columns.min() - 20.0, rows.min() - 20.0, columns.max() + 20.0, rows.max() + 20.0)
    matte = pipeline.matte(picture, refine=PLAIN, prompt=Prompt(box, model=model))
    assert overlap(matte.mask, right) > 0.97
    half = (box[0], box[1], middle(right)[0], box[3])
    matte = pipeline.matte(picture, refine=PLAIN, prompt=Prompt(half, (on(right),), model=model))
    expected = right.copy()
    expected[:, round(half[2]) :] = False
    assert overlap(matte.mask, expected) > 0.97
    assert not matte.mask[left].any()


def test_edges_follow_the_picture_and_deep_pictures_get_deep_masks(pipeline: Pipeline) -> None:
    picture, left, _ = scene(3000, 2000)
    deep = Picture(picture.pixels.astype(np.uint16) * 257)
    for one in (picture, deep):
        plain, placed = (
            pipeline.matte(one, refine=RefineOptions(level), prompt=Prompt(points=(on(left),))).mask
            for level in ("none", "fast")
        )
        assert placed.dtype == one.pixels.dtype
        assert 1 - overlap(placed, left) < 0.8 * (1 - overlap(plain, left))


def test_a_turned_photograph_is_pointed_at_upright(pipeline: Pipeline, tmp_path: Path) -> None:
    picture, left, right = scene(900, 600)
    turned = np.rot90(picture.pixels)  # the camera was held upright: the file says to turn it by 90 degrees
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(turned)).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    upright = read_picture(tmp_path / "turned.jpg", max_pixels=10**7)
    assert (upright.width, upright.height) == (900, 600)
    matte = pipeline.matte(upright, refine=PLAIN, prompt=Prompt(points=(on(right),)))
    assert overlap(matte.mask, right) > 0.97
    assert not matte.mask[left].any()


def test_the_picture_is_read_once_and_each_new_point_costs_one_answer(pipeline: Pipeline) -> None:
    picture, left, right = scene(900, 600)
    points = (on(left), on(right), on(left, 0), on(left))
    first = pipeline.matte(picture, prompt=Prompt(points=points[:1]), key="a")
    assert {"encoder", "decoder"} <= set(first.times)
    answers = pipeline.sessions.loaded()
    assert {one.id for one in answers} == {"tiny-mobile/encoder", "tiny-mobile/decoder"}
    held = pipeline.cache.held_bytes
    assert held > 256 * 64 * 64 * 4
    for count in (2, 3, 4):
        more = pipeline.matte(picture, prompt=Prompt(points=points[:count]), key="a")
        assert "encoder" not in more.times
        assert "decoder" in more.times
    runs = {one.id: one.runs for one in pipeline.sessions.loaded()}
    assert runs == {"tiny-mobile/encoder": 1, "tiny-mobile/decoder": 4}
    assert pipeline.matte(picture, prompt=Prompt(points=points[:2]), key="a").times == {}


def test_the_answer_does_not_depend_on_what_was_asked_before(pipeline: Pipeline) -> None:
    picture, left, right = scene(900, 600)
    prompt = Prompt(points=(on(left), on(right)))
    at_once = pipeline.matte(picture, refine=PLAIN, prompt=prompt)
    pipeline.matte(picture, refine=PLAIN, prompt=Prompt(points=(on(left),)), key="a")
    in_turn = pipeline.matte(picture, refine=PLAIN, prompt=prompt, key="a")
    assert np.array_equal(at_once.mask, in_turn.mask)


def test_an_unwanted_point_alone_is_for_the_saliency_model(pipeline: Pipeline) -> None:
    picture, left, _ = scene(900, 600)
    matte = pipeline.matte(picture, prompt=Prompt(points=(on(left, 0),)))
    assert matte.model == "red-key"
    later = pipeline.matte(picture, refine=PLAIN, prompt=Prompt(points=((5, 5, 0), on(left))))
    assert later.model == "tiny-mobile"
    assert overlap(later.mask, left) > 0.97


def test_a_prompt_model_can_be_named_or_left_out(pipeline: Pipeline) -> None:
    picture, left, _ = scene(900, 600)
    assert pipeline.matte(picture, prompt=Prompt(points=(on(left),), model="tiny-vit")).model == "tiny-vit"
    assert pipeline.matte(picture, prompt=Prompt(points=(on(left),), model="none")).model == "red-key"
    with pytest.raises(UnknownModel, match="answers no boxes and clicks"):
        pipeline.matte(picture, prompt=Prompt(points=(on(left),), model="red-key"))
    with pytest.raises(ModelNotInstalled, match="matted models pull mobilesam"):
        pipeline.matte(picture, prompt=Prompt(points=(on(left),), model="mobilesam"))
    with pytest.raises(UnknownModel, match="does not cut out by itself"):
        pipeline.matte(picture, CoarseOptions(model="tiny-vit"))


def test_nothing_found_is_said_without_praising_what_is_already_there(pipeline: Pipeline) -> None:
    dark = Picture(np.zeros((300, 300, 3), np.uint8))
    matte = pipeline.matte(dark, prompt=Prompt((50, 50, 100, 100)))
    assert not matte.mask.any()
    (notice,) = matte.warnings
    assert notice.code == "prompt-not-found"
    assert "pull" not in notice.sentence


def test_unloading_drops_both_halves(pipeline: Pipeline) -> None:
    picture, left, _ = scene(90, 60)
    pipeline.matte(picture, prompt=Prompt(points=(on(left),)))
    assert pipeline.sessions.unload("tiny-mobile") == 2
    assert pipeline.sessions.loaded() == []


def test_a_file_that_does_not_speak_the_contract_is_said_to_misfit(tmp_path: Path) -> None:
    catalogue = add_prompt_models(red_key_catalogue(tmp_path))
    (tmp_path / "tiny-decoder.onnx").write_bytes((tmp_path / "red-key.onnx").read_bytes())
    pipeline = Pipeline(Settings(models_dir=tmp_path / "models", catalogue=catalogue, model="red-key"))
    picture, left, _ = scene(90, 60)
    with pytest.raises(ModelError, match="does not fit its catalogue entry"):
        pipeline.matte(picture, prompt=Prompt(points=(on(left),)))
    pipeline.close()


def test_the_likeliest_reading_counts_for_one_point_and_the_joint_one_for_several():
    expected = [0.99, 0.5, 0.7, 0.6]
    assert best(expected, 2) == 2  # a point and its padding, or a box's two corners
    assert best(expected, 3) == 0
    assert best([0.2, 0.9, 0.4], 2) == best([0.2, 0.9, 0.4], 5) == 1
    assert best([0.3], 2) == 0
