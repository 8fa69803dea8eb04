"""Level neural: the network sees what is unknown, what is known stays, tiles join without a seam."""

import numpy as np
import pytest

from matted.matting.neural import OVERLAP, TILE, neural_upsample
from matted.matting.trimap import SoftArea, trimap

NOTHING = SoftArea(np.zeros((40, 40), np.float32), 0.0)


def ramp(side: int = 60) -> np.ndarray:
    """0 above, 1 below, unsure over a tenth between."""
    line = np.clip((np.arange(side, dtype=np.float32) / side - 0.45) * 10, 0, 1)
    return np.tile(line[:, None], (1, side))


def test_the_networks_answer_counts_only_where_nothing_is_known() -> None:
    mask = neural_upsample(ramp(), (900, 900), lambda _r, _c, marks: np.full(marks.shape, 0.25, np.float32))
    marks = trimap(ramp(), 900, 900)
    assert (mask[marks == 0] == 0).all()
    assert (mask[marks == 255] == 255).all()
    assert set(np.unique(mask[marks == 128])) <= {64}


def test_only_tiles_with_something_unknown_are_asked() -> None:
    asked: list[tuple[int, int]] = []

    def network(rows: slice, columns: slice, marks: np.ndarray) -> np.ndarray:
        assert marks.shape == (rows.stop - rows.start, columns.stop - columns.start)
        assert (marks == 128).any()
        asked.append((rows.start, columns.start))
        return np.zeros(marks.shape, np.float32)

    neural_upsample(ramp(), (1400, 4000), network)
    assert asked
    assert min(top for top, _ in asked) > 1000
    assert max(top for top, _ in asked) + TILE < 3000


def test_tiles_that_disagree_fade_into_each_other() -> None:
    width = 2 * TILE - OVERLAP
    answers = {0: 0.2, TILE - OVERLAP: 0.8}

    def network(_rows: slice, columns: slice, marks: np.ndarray) -> np.ndarray:
        return np.full(marks.shape, answers[columns.start], np.float32)

    mask = neural_upsample(np.full((40, 40), 0.5, np.float32), (width, 300), network, np.uint16, soft=NOTHING)
    row = mask[150] / 65535
    assert row[10] == pytest.approx(0.2, abs=1e-4)
    assert row[-10] == pytest.approx(0.8, abs=1e-4)
    assert np.abs(np.diff(row)).max() < 1.5 * 0.6 / OVERLAP


def test_a_large_soft_area_keeps_its_values() -> None:
    alpha = np.full((80, 80), 0.5, np.float32)
    mask = neural_upsample(alpha, (400, 400), lambda _r, _c, marks: np.zeros(marks.shape, np.float32))
    assert abs(int(mask[200, 200]) - 128) <= 1


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (513, 40)])
def test_any_size_works(size: tuple[int, int]) -> None:
    alpha = np.random.default_rng(2).random((20, 20)).astype(np.float32)
    mask = neural_upsample(alpha, size, lambda _r, _c, marks: np.ones(marks.shape, np.float32))
    assert mask.shape == size[::-1]


def test_a_cancelled_job_asks_nothing_more() -> None:
    def network(_rows: slice, _columns: slice, _marks: np.ndarray) -> np.ndarray:
        raise AssertionError("asked though cancelled")

    assert neural_upsample(ramp(), (900, 900), network, cancelled=lambda: True).shape == (900, 900)
