"""The measures of `models/training` say what a well-kept package says of the same maps, and what brute force
or a pencil says where no package has them. Needs no PyTorch.
"""

import json
from collections import deque

import numpy as np
import pytest
from evaluation.matting_errors import connectivity_error, gradient_error, mse, sad
from evaluation.weighted_f import weighted_f
from metrics import boundary_iou, e_curve, f_curve, iou_at_half, mean_absolute_error, s_measure

import alpha_maps

CASES = alpha_maps.cases()
PUBLISHED = json.loads(alpha_maps.PUBLISHED.read_text(encoding="utf-8"))


def alpha_and_subject(name: str) -> tuple[np.ndarray, np.ndarray]:
    alpha, truth = CASES[name]
    return alpha / 255, (truth >= 128).astype(np.float64)


def plane(rows: list[str]) -> np.ndarray:
    """Digits are tenths, `#` is 1."""
    return np.array([[1.0 if c == "#" else int(c) / 10 for c in row] for row in rows], np.float32)


@pytest.mark.parametrize("name", CASES)
def test_mean_absolute_error_agrees(name):
    assert mean_absolute_error(*alpha_and_subject(name)) == pytest.approx(PUBLISHED[name]["MAE"], abs=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_f_measure_agrees_at_every_level(name):
    curve = f_curve(*alpha_and_subject(name))[alpha_maps.LEVELS]
    np.testing.assert_allclose(curve, PUBLISHED[name]["F curve"], atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_weighted_f_measure_agrees(name):
    assert weighted_f(*alpha_and_subject(name)) == pytest.approx(PUBLISHED[name]["wF"], abs=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_structure_measure_agrees(name):
    assert s_measure(*alpha_and_subject(name)) == pytest.approx(PUBLISHED[name]["S"], abs=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_alignment_measure_agrees_at_every_level(name):
    curve = e_curve(*alpha_and_subject(name))[alpha_maps.LEVELS]
    pixels = alpha_maps.HEIGHT * alpha_maps.WIDTH
    np.testing.assert_allclose(curve * pixels / (pixels - 1), PUBLISHED[name]["E curve"], atol=1e-12)


def test_exact_truth_scores_full_marks_and_no_error():
    exact = alpha_and_subject("exact")
    good = (
        f_curve(*exact)[1:].min(),
        e_curve(*exact)[1:].min(),
        weighted_f(*exact),
        s_measure(*exact),
        iou_at_half(*exact),
        boundary_iou(*exact),
    )
    assert good == pytest.approx((1,) * 6)
    errors = [
        measure(*exact) for measure in (mean_absolute_error, sad, mse, gradient_error, connectivity_error)
    ]
    assert errors == [0] * 5


def test_a_known_overlap():
    truth, alpha = plane(["##00", "##00"]), plane(["0##0", "0##0"])
    assert iou_at_half(alpha, truth) == pytest.approx(1 / 3)
    assert mean_absolute_error(alpha, truth) == pytest.approx(0.5)
    assert f_curve(alpha, truth)[255] == pytest.approx(0.5)


def test_single_precision_says_the_same():
    alpha, truth = alpha_and_subject("two under noise")
    single = alpha.astype(np.float32), truth.astype(np.float32)
    for measure in (weighted_f, s_measure, sad, mse, gradient_error, connectivity_error):
        assert measure(*single) == pytest.approx(measure(alpha, truth), rel=1e-5), measure.__name__
    np.testing.assert_array_equal(f_curve(*single), f_curve(alpha, truth))


def test_boundary_iou_counts_only_a_border_of_two_percent_of_the_diagonal():
    truth, alpha = np.zeros((300, 400)), np.zeros((300, 400))  # the diagonal is 500: a border of 10 pixels
    truth[100:200, 100:200] = 1
    alpha[105:195, 105:195] = 1
    both, either = 90**2 - 80**2, 100**2 - 70**2  # of a ring from 0 to 10 and one from 5 to 15 pixels in
    assert boundary_iou(alpha, truth) == pytest.approx(both / either)


def test_the_pictures_own_edge_counts_as_a_border():
    full = np.ones((30, 40))
    assert boundary_iou(full, full) == 1
    inner = np.zeros((30, 40))
    inner[1:-1, 1:-1] = 1
    assert boundary_iou(inner, full) == 0


@pytest.mark.parametrize("measure", [iou_at_half, boundary_iou])
def test_two_empty_masks_overlap_fully(measure):
    assert measure(np.zeros((9, 9)), np.zeros((9, 9))) == 1


def test_sums_and_means_of_a_known_difference():
    truth = np.zeros((40, 50), np.float32)
    alpha = np.full_like(truth, 0.25)
    assert sad(alpha, truth) == pytest.approx(0.5)  # 2,000 pixels, a quarter each, in thousands
    assert mse(alpha, truth) == pytest.approx(0.0625)


def test_gradient_error_is_that_of_the_formula_at_each_pixel():
    def steepness(alpha: np.ndarray) -> np.ndarray:
        offsets = range(-4, 5)  # where the Gaussian of 1.4 px falls to 0.01
        bell = np.array([[np.exp(-(i * i + j * j) / (2 * 1.4**2)) for j in offsets] for i in offsets])
        slope = bell * np.array(offsets)
        slope /= np.sqrt((slope**2).sum())
        wide = np.pad(alpha, 4, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(wide, (9, 9))
        return np.hypot((windows * slope).sum((2, 3)), (windows * slope.T).sum((2, 3)))

    alpha, truth = (p / 255 for p in CASES["soft truth"])
    expected = ((steepness(alpha) - steepness(truth)) ** 2).sum() / 1000
    assert gradient_error(alpha, truth) == pytest.approx(expected, rel=1e-9)


def test_a_flat_offset_has_no_gradient_error():
    assert gradient_error(np.full((20, 20), 0.7), np.full((20, 20), 0.2)) == pytest.approx(0)


def test_an_island_is_not_connected():
    truth = plane(["##000", "##000", "##000"])
    alpha = plane(["##008", "##000", "##000"])
    assert connectivity_error(alpha, truth) == pytest.approx(0.8 / 1000)


def test_a_bridge_connects_as_far_as_both_have_it():
    truth = plane(["##5##", "##0#0"])
    # The right-hand piece hangs on the left one up to level 0.5 in both; what is above it is alike.
    assert connectivity_error(truth, truth) == 0
    alpha = plane(["##3##", "##0#0"])
    # Now up to 0.3: the bridge of the truth has 0.2 above that, the alpha's nothing.
    assert connectivity_error(alpha, truth) == pytest.approx(0.2 / 1000, rel=1e-5)


def test_less_than_the_noticeable_difference_counts_as_connected():
    truth = plane(["##000", "##000", "##000"])
    assert connectivity_error(plane(["##001", "##000", "##000"]), truth) == 0


def test_connectivity_error_is_that_of_a_flood_fill():
    alpha, truth = (p[::2, ::2] / 255 for p in CASES["two under noise"])
    expected = np.abs(_connectedness(alpha, alpha, truth) - _connectedness(truth, alpha, truth)).sum() / 1000
    assert expected > 0
    assert connectivity_error(alpha, truth) == pytest.approx(expected, rel=1e-9)


def _connectedness(one: np.ndarray, alpha: np.ndarray, truth: np.ndarray) -> np.ndarray:
    level_of, still = np.zeros(alpha.shape), set(np.ndindex(alpha.shape))
    for tenth in range(1, 11):
        still &= _largest_flood((alpha >= tenth / 10 - 1e-6) & (truth >= tenth / 10 - 1e-6))
        for index in still:
            level_of[index] = tenth / 10
    beyond = one - level_of
    return 1 - np.where(beyond >= 0.15, beyond, 0)


def _largest_flood(mask: np.ndarray) -> set[tuple[int, int]]:
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    largest: set[tuple[int, int]] = set()
    while left:
        flood, waiting = set(), deque([left.pop()])
        while waiting:
            y, x = waiting.popleft()
            flood.add((y, x))
            for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if near in left:
                    left.remove(near)
                    waiting.append(near)
        largest = max(largest, flood, key=len)
    return largest
