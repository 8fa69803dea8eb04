"""The chain as a whole: right result, kept stages, cancellation, what a person is told."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from graphs import add_red_matting, red_key_catalogue
from matted.config import Settings
from matted.errors import BadOption, Cancelled, ModelNotInstalled, UnknownModel
from matted.imaging.picture import Picture
from matted.matting.adjust import AdjustOptions
from matted.options import CoarseOptions, Level, Limit, RefineOptions
from matted.pipeline import Pipeline

RED = CoarseOptions(model="red-key")
PLAIN = RefineOptions("none")


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    made = Pipeline(Settings(models_dir=tmp_path / "models", catalogue=red_key_catalogue(tmp_path)))
    yield made
    made.close()


def half_red(height: int = 300, width: int = 400, dtype: type = np.uint8) -> Picture:
    """Left half red, right half black."""
    pixels = np.zeros((height, width, 3), dtype)
    pixels[:, : width // 2, 0] = np.iinfo(dtype).max
    return Picture(pixels)


def test_the_mask_has_the_pictures_size_and_the_models_answer(pipeline: Pipeline) -> None:
    matte = pipeline.matte(half_red(), RED, PLAIN)
    assert (matte.mask.shape, matte.mask.dtype) == ((300, 400), np.uint8)
    assert (matte.mask[:, :190] == 255).all()
    assert (matte.mask[:, 210:] == 0).all()
    assert (matte.model, matte.provider) == ("red-key", "cpu")


@pytest.mark.parametrize("level", ["fast", "fine"])
def test_refinement_puts_the_edge_where_the_colours_change(pipeline: Pipeline, level: Level) -> None:
    matte = pipeline.matte(half_red(), RED, RefineOptions(level))
    assert (matte.mask[:, :198] > 240).all()
    assert (matte.mask[:, 202:] < 15).all()


def test_deep_pictures_get_deep_masks(pipeline: Pipeline) -> None:
    matte = pipeline.matte(half_red(dtype=np.uint16), RED, PLAIN)
    assert matte.mask.dtype == np.uint16
    assert matte.mask.max() == 65535


def with_matting_model(folder: Path) -> Pipeline:
    return Pipeline(
        Settings(models_dir=folder / "models", catalogue=add_red_matting(red_key_catalogue(folder)))
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_matting_model_places_the_edge_and_leaves_what_is_known(tmp_path: Path, dtype: type) -> None:
    pipeline = with_matting_model(tmp_path)
    picture = half_red(700, 1300, dtype)
    matte = pipeline.matte(picture, RED, RefineOptions("neural"), key="a")
    full = np.iinfo(matte.mask.dtype).max
    assert (matte.mask[:, :650] == full).all()
    assert (matte.mask[:, 650:] == 0).all()
    assert pipeline.matte(picture, RED, RefineOptions("neural"), key="a").times == {}
    assert {model.id for model in pipeline.sessions.loaded()} == {"red-key", "red-matting"}
    pipeline.close()


def test_neural_edges_without_a_matting_model_say_how_to_get_one(pipeline: Pipeline) -> None:
    with pytest.raises(ModelNotInstalled, match="matted models pull vitmatte"):
        pipeline.matte(half_red(), RED, RefineOptions("neural"))
    assert pipeline.sessions.loaded() == []


@pytest.mark.parametrize("level", ["fast", "fine"])
@pytest.mark.parametrize(("part", "is_told"), [(slice(150, 200), False), (slice(0, 200), True)])
def test_a_large_unsure_area_is_told_of_at_every_level(
    pipeline: Pipeline, level: Level, part: slice, is_told: bool
) -> None:
    picture = half_red()
    picture.pixels[:, part, 0] = 150
    matte = pipeline.matte(picture, RED, RefineOptions(level))
    assert ("unsure-area" in [notice.code for notice in matte.warnings]) is is_told
    if level == "fine":
        assert abs(float(matte.mask[100:200, 165:185].mean()) - 150) < 2


@pytest.mark.parametrize("level", ["none", "fast", "fine"])
def test_a_subject_all_unsure_is_told_of_once_and_stays_soft(pipeline: Pipeline, level: Level) -> None:
    picture = half_red()
    picture.pixels[:, :200, 0] = 150
    matte = pipeline.matte(picture, RED, RefineOptions(level))
    assert [notice.code for notice in matte.warnings].count("unsure-area") == 1
    assert abs(float(matte.mask[100:200, 50:120].mean()) - 150) < 2


def test_a_named_pictures_stages_are_kept(pipeline: Pipeline) -> None:
    picture = half_red()
    first = pipeline.matte(picture, RED, PLAIN, key="a")
    other_edges = pipeline.matte(picture, RED, RefineOptions("fast"), key="a")
    again = pipeline.matte(picture, RED, PLAIN, key="a")
    assert "model" in first.times
    assert "model" not in other_edges.times
    assert "edges" in other_edges.times
    assert again.times == {}
    assert np.array_equal(again.mask, first.mask)


def test_an_unnamed_picture_is_computed_anew(pipeline: Pipeline) -> None:
    pipeline.matte(half_red(), RED, PLAIN)
    assert "model" in pipeline.matte(half_red(), RED, PLAIN).times
    assert len(pipeline.cache) == 0


def test_a_cancelled_job_raises_before_the_model_runs(pipeline: Pipeline) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        pipeline.matte(half_red(), RED, PLAIN, cancelled=stop)


def test_progress_names_the_stages_in_order_and_ends_at_one(pipeline: Pipeline) -> None:
    seen: list[tuple[str, float]] = []
    pipeline.matte(half_red(), RED, PLAIN, progress=lambda stage, done: seen.append((stage, done)))
    assert [stage for stage, _ in seen] == ["proxy", "model", "edges", "done"]
    assert [done for _, done in seen] == sorted(done for _, done in seen)
    assert seen[-1][1] == 1.0


def test_a_picture_without_subject_says_so(pipeline: Pipeline) -> None:
    matte = pipeline.matte(Picture(np.zeros((300, 300, 3), np.uint8)), RED, PLAIN)
    assert matte.mask.max() == 0
    assert [notice.code for notice in matte.warnings] == ["nothing-found"]
    assert matte.confidence == 0


def test_a_small_picture_is_said_to_be_small(pipeline: Pipeline) -> None:
    matte = pipeline.matte(half_red(80, 100), RED, PLAIN)
    assert "small-picture" in [notice.code for notice in matte.warnings]


def test_an_unknown_model_and_unknown_edges_are_refused(pipeline: Pipeline) -> None:
    with pytest.raises(UnknownModel):
        pipeline.matte(half_red(), CoarseOptions(model="nothing-like-it"), PLAIN)
    with pytest.raises(BadOption):
        RefineOptions("sharpest")  # type: ignore[arg-type]


def two_red(height: int = 300, width: int = 600, dtype: type = np.uint8) -> Picture:
    """A large red block left, a smaller one right, on black."""
    pixels = np.zeros((height, width, 3), dtype)
    pixels[50:250, 50:250, 0] = pixels[100:200, 450:550, 0] = np.iinfo(dtype).max
    return Picture(pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_nothing_asked_leaves_the_mask_to_the_bit(pipeline: Pipeline, dtype: type) -> None:
    picture = two_red(dtype=dtype)
    plain = pipeline.matte(picture, RED, PLAIN, key="a")
    asked = pipeline.matte(picture, RED, PLAIN, adjust=AdjustOptions(), key="a")
    assert asked.mask is plain.mask
    assert asked.times == {}


def test_a_moved_slider_runs_the_chain_from_its_stage_only(pipeline: Pipeline) -> None:
    picture = two_red()
    plain = pipeline.matte(picture, RED, PLAIN, key="a")
    grown = pipeline.matte(picture, RED, PLAIN, adjust=AdjustOptions(grow_px=5), key="a")
    again = pipeline.matte(picture, RED, PLAIN, adjust=AdjustOptions(grow_px=5), key="a")
    other = pipeline.matte(picture, RED, PLAIN, adjust=AdjustOptions(grow_px=-5), key="a")
    assert set(grown.times) == set(other.times) == {"adjust"}
    assert again.times == {}
    assert again.mask is grown.mask
    assert other.mask.sum() < plain.mask.sum() < grown.mask.sum()


def test_a_preview_is_the_whole_made_small_with_lengths_still_in_the_pictures_pixels(
    pipeline: Pipeline,
) -> None:
    picture, wish = two_red(1200, 2400), AdjustOptions(grow_px=24)
    whole = pipeline.matte(picture, RED, PLAIN, adjust=wish, key="a")
    small = pipeline.matte(picture, RED, PLAIN, adjust=wish, side_px=600, key="a")
    assert small.mask.shape == (300, 600)
    assert set(small.times) == {"preview", "adjust"}
    averaged = whole.mask.reshape(300, 4, 600, 4).mean((1, 3))
    assert np.abs(small.mask - averaged).mean() < 2
    same = pipeline.matte(picture, RED, PLAIN, side_px=9999, key="a")
    assert same.mask.shape == (1200, 2400)


def test_subjects_are_listed_and_kept_by_their_numbers(pipeline: Pipeline) -> None:
    picture = two_red()
    found, matte = pipeline.subjects(picture, RED, PLAIN, key="a")
    assert [subject.number for subject in found.all] == [1, 2]
    assert "several-subjects" in [notice.code for notice in matte.warnings]
    second = pipeline.matte(picture, RED, PLAIN, adjust=AdjustOptions(keep=(2,)), key="a")
    assert set(second.times) == {"adjust"}
    assert second.mask[150, 500] == 255
    assert not second.mask[:, :300].any()


def test_a_limit_bounds_the_mask_and_must_have_the_pictures_size(pipeline: Pipeline) -> None:
    picture, bound = two_red(), np.zeros((300, 600), np.uint8)
    bound[:, 400:] = 255
    matte = pipeline.matte(picture, RED, PLAIN, limit=Limit(bound, "right"), key="a")
    assert not matte.mask[:, :400].any()
    assert matte.mask[150, 500] == 255
    small = pipeline.matte(picture, RED, PLAIN, limit=Limit(bound, "right"), side_px=150, key="a")
    assert not small.mask[:, :100].any()
    everything = Limit(np.full((300, 600), 255, np.uint8), "all")
    assert pipeline.matte(picture, RED, PLAIN, limit=everything, key="a").mask[150, 150] == 255
    with pytest.raises(BadOption, match="9 x 8 pixels, the picture 600 x 300"):
        pipeline.matte(picture, RED, PLAIN, limit=Limit(np.zeros((8, 9), np.uint8), "b"), side_px=50)


def test_racing_requests_agree(pipeline: Pipeline) -> None:
    picture, results = half_red(), []

    def ask() -> None:
        results.append(pipeline.matte(picture, RED, PLAIN).mask)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert all(np.array_equal(mask, results[0]) for mask in results)
    assert len(pipeline.sessions.loaded()) == 1
