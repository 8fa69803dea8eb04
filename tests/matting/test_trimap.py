"""What a coarse alpha leaves unknown: as much as it is unsure of and a little beyond, at any size."""

import numpy as np
import pytest

from matted.matting.trimap import find_soft_area, trimap, unknown_band


def half(side: int = 40) -> np.ndarray:
    """Left half 0, right half 1, with one column of 0.5 between."""
    alpha = np.zeros((side, side), np.float32)
    alpha[:, side // 2 :] = 1
    alpha[:, side // 2] = 0.5
    return alpha


def test_the_band_is_the_unsure_part_and_one_coarse_pixel_beyond() -> None:
    band = unknown_band(half(), coarse_px=1)
    assert np.array_equal(np.flatnonzero(band[10]), [19, 20, 21])


@pytest.mark.parametrize("factor", [2, 5, 20])
def test_the_band_grows_with_the_picture(factor: int) -> None:
    marks = trimap(half(), 40 * factor, 40 * factor)
    unknown = (marks[7] == 128).sum() / factor
    assert 3 <= unknown <= 5.1
    assert (marks[:, : 17 * factor] == 0).all()
    assert (marks[:, 23 * factor :] == 255).all()


def test_softer_alpha_leaves_more_unknown() -> None:
    ramp = np.tile(np.clip((np.arange(80, dtype=np.float32) - 30) / 20, 0, 1), (80, 1))
    assert (trimap(ramp, 320, 320) == 128).sum() > 2 * (trimap(half(80), 320, 320) == 128).sum()


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 7), (13, 13), (640, 480)])
def test_any_size_has_only_three_values(size: tuple[int, int]) -> None:
    marks = trimap(np.random.default_rng(1).random((32, 24)).astype(np.float32), *size)
    assert marks.shape == size[::-1]
    assert marks.dtype == np.uint8
    assert set(np.unique(marks)) <= {0, 128, 255}


def test_parts_of_the_trimap_fit_together() -> None:
    alpha = np.tile(np.linspace(0, 1, 50, dtype=np.float32)[:, None], (1, 50))
    marks = trimap(alpha, 60, 1000)
    assert (np.diff(np.flatnonzero(marks[:, 30] == 128)) == 1).all()


def test_an_edge_is_no_soft_area() -> None:
    assert find_soft_area(half(320)).share == 0


def test_glass_is_a_soft_area_up_to_its_rim() -> None:
    alpha = np.zeros((320, 320), np.float32)
    alpha[100:220, 100:220] = 0.4
    soft = find_soft_area(alpha)
    assert soft.share == pytest.approx((120 / 320) ** 2, rel=0.1)
    assert (soft.weight[130:190, 130:190] == 1).all()
    assert (soft.weight[alpha == 0] == 0).all()
