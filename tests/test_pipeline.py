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
from matted.pipeline import CoarseOptions, Level, Pipeline, RefineOptions

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


@pytest.mark.parametrize(("level", "codes"), [("fast", []), ("fine", ["unsure-area"])])
def test_a_large_unsure_area_is_told_of_where_it_stays_soft(
    pipeline: Pipeline, level: Level, codes: list[str]
) -> None:
    picture = half_red()
    picture.pixels[:, :200, 0] = 150
    matte = pipeline.matte(picture, RED, RefineOptions(level))
    assert [notice.code for notice in matte.warnings] == codes
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


def test_a_small_picture_is_said_to_be_small(pipeline: Pipeline) -> None:
    matte = pipeline.matte(half_red(80, 100), RED, PLAIN)
    assert [notice.code for notice in matte.warnings] == ["small-picture"]


def test_an_unknown_model_and_unknown_edges_are_refused(pipeline: Pipeline) -> None:
    with pytest.raises(UnknownModel):
        pipeline.matte(half_red(), CoarseOptions(model="nothing-like-it"), PLAIN)
    with pytest.raises(BadOption):
        RefineOptions("sharpest")  # type: ignore[arg-type]


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
