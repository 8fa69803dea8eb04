"""The second look: only where it can help, believed only where it agrees, merged without a seam."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from graphs import red_key_catalogue
from matted.closer import MOST_LOOKS, look_closer
from matted.config import Settings
from matted.errors import BadOption
from matted.imaging.picture import Picture
from matted.inference.crops import Frame
from matted.options import CoarseOptions, RefineOptions
from matted.pipeline import Pipeline

PLAIN = RefineOptions("none")
SIZE = (1000, 800)


def blob(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """(800, 1000), 1 in that box."""
    alpha = np.zeros((800, 1000), np.float32)
    alpha[top:bottom, left:right] = 1
    return alpha


def coarse(truth: np.ndarray) -> np.ndarray:
    """What a model of 40 x 50 pixels sees of it."""
    return truth.reshape(40, 20, 50, 20).mean((1, 3))


def crop(truth: np.ndarray, frame: Frame) -> np.ndarray:
    return np.ascontiguousarray(truth[frame.top : frame.bottom, frame.left : frame.right])


def test_a_small_subject_is_drawn_finer_and_the_rest_stays() -> None:
    truth = blob(303, 203, 411, 317)
    first = coarse(truth)
    first[35, 45] = 0.3  # haze far away
    looked: list[Frame] = []

    def look(frame: Frame) -> np.ndarray:
        looked.append(frame)
        return crop(truth, frame)

    made = look_closer(first, SIZE, look, only_small=True)
    assert made.shape == (800, 1000)
    assert len(looked) == 1
    assert looked[0].left < 303
    assert looked[0].right > 411
    stretched = first.repeat(20, 0).repeat(20, 1)
    assert (
        np.abs(made - truth)[180:340, 280:440].sum() < 0.2 * np.abs(stretched - truth)[180:340, 280:440].sum()
    )
    assert np.abs(made - truth)[220:300, 320:400].max() == 0
    assert made[710, 910] == pytest.approx(0.3, abs=0.03)


def test_a_look_that_tells_another_story_is_not_believed() -> None:
    first = coarse(blob(300, 200, 420, 320))
    assert look_closer(first, SIZE, lambda _frame: np.zeros((9, 9), np.float32), only_small=True) is first


@pytest.mark.parametrize(
    "box",
    [(100, 100, 900, 700), (200, 100, 300, 700)],
    ids=["large", "oblong"],
)
def test_what_a_second_look_shows_no_better_is_left_alone(box: tuple[int, int, int, int]) -> None:
    first = coarse(blob(*box))

    def look(_frame: Frame) -> np.ndarray:
        raise AssertionError("looked")

    assert look_closer(first, SIZE, look, only_small=False) is first
    assert look_closer(coarse(blob(0, 0, 0, 0)), SIZE, look, only_small=False).max() == 0


def test_a_middling_subject_is_looked_at_only_when_asked() -> None:
    truth = blob(200, 200, 700, 600)
    assert look_closer(coarse(truth), SIZE, lambda f: crop(truth, f), only_small=True).shape == (40, 50)
    assert look_closer(coarse(truth), SIZE, lambda f: crop(truth, f), only_small=False).shape == (800, 1000)


def test_there_are_at_most_so_many_looks() -> None:
    truth = sum(blob(left, 300, left + 80, 380) for left in range(100, 900, 160))
    looked: list[Frame] = []

    def look(frame: Frame) -> np.ndarray:
        looked.append(frame)
        return crop(truth, frame)

    look_closer(coarse(truth), SIZE, look, only_small=True)
    assert len(looked) == MOST_LOOKS


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    made = Pipeline(Settings(models_dir=tmp_path / "models", catalogue=red_key_catalogue(tmp_path)))
    yield made
    made.close()


def test_the_chain_looks_twice_unless_told_otherwise(pipeline: Pipeline) -> None:
    pixels = np.zeros((800, 1000, 3), np.uint8)
    pixels[203:317, 303:411, 0] = 255
    errors = {}
    for look in ("once", "auto", "twice"):
        options = CoarseOptions(model="red-key", look=look)
        matte = pipeline.matte(Picture(pixels), options, PLAIN, key="a")
        errors[look] = np.abs(matte.mask.astype(int) - pixels[..., 0]).sum()
        assert pipeline.matte(Picture(pixels), options, PLAIN, key="a").times == {}
    assert errors["auto"] == errors["twice"] < 0.5 * errors["once"]
    assert CoarseOptions().look == "auto"


def test_an_unknown_way_of_looking_is_refused() -> None:
    with pytest.raises(BadOption, match="once, twice, auto, not 'thrice'"):
        CoarseOptions(look="thrice")  # type: ignore[arg-type]
