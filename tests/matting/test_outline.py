"""Grow, smooth and feather mean what they say: measured on edges whose place is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matted.matting.outline import Outline, feather, grow, smooth
from matting.shapes import DTYPES, as_dtype, as_float, disc, edge, planes

ONE_LEVEL = 1.01 / 255


def covered(alpha: np.ndarray) -> float:
    """Mean width of what is covered, in pixels: the edge's place for an edge along the columns."""
    return float(as_float(alpha).sum() / alpha.shape[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("px", [0.25, 0.5, 1.0, 2.7, 6.0, 13.4])
@pytest.mark.parametrize("softness", [1.0, 8.0])
def test_an_edge_moves_by_exactly_as_much(dtype: type, px: float, softness: float) -> None:
    alpha = as_dtype(edge(9, 80, at=40, softness=softness), dtype)
    assert covered(grow(alpha, px)) == pytest.approx(40 + px, abs=0.02)
    assert covered(grow(alpha, -px)) == pytest.approx(40 - px, abs=0.02)


@pytest.mark.parametrize("px", [0.5, 1.0, 2.0, 3.3, 8.0, -2.4])
@pytest.mark.parametrize("degrees", [10, 22.5, 30, 45, 60])
def test_a_slanted_edge_moves_by_as_much_within_a_quarter_of_a_pixel(px: float, degrees: float) -> None:
    angle = math.radians(degrees)
    before = edge(120, 160, at=80, softness=3, angle=angle)
    after = grow(before, px)
    inner = slice(30, 90)  # away from the frame, where nothing comes in
    moved = (after[inner].sum() - before[inner].sum()) / 60 * math.cos(angle)
    assert moved == pytest.approx(px, abs=0.25)


@pytest.mark.parametrize("px", [20.0, -37.5])
@pytest.mark.parametrize("degrees", [0, 11, 22.5, 45])
def test_a_long_way_is_right_within_two_percent(px: float, degrees: float) -> None:
    angle = math.radians(degrees)
    before = edge(300, 400, at=200, softness=2, angle=angle)
    inner = slice(120, 180)
    moved = (grow(before, px)[inner].sum() - before[inner].sum()) / 60 * math.cos(angle)
    assert moved == pytest.approx(px, rel=0.02)


@pytest.mark.parametrize("softness", [2.0, 5.0, 10.0])
def test_growing_leaves_the_softness_of_an_edge(softness: float) -> None:
    grown = grow(edge(5, 80, at=40, softness=softness), 7)
    expected = edge(5, 80, at=47, softness=softness)
    assert np.abs(grown - expected).max() < 1e-5


def test_a_disc_grows_to_the_disc_of_the_larger_radius() -> None:
    grown = grow(disc(90, 90, x=45, y=45, radius=20), 6.5)
    truth = disc(90, 90, x=45, y=45, radius=26.5)
    assert abs(grown.sum() - truth.sum()) / (2 * math.pi * 26.5) < 0.15  # px, all around


def test_nothing_grows_in_from_the_frame_and_nothing_shrinks_away_from_it() -> None:
    alpha = edge(20, 30, at=30.5)  # covers everything
    assert (grow(alpha, -5) == alpha).all()
    assert not grow(np.zeros_like(alpha), 5).any()


@given(planes(), st.floats(0, 6))
@settings(max_examples=40, deadline=None)
def test_shrinking_is_growing_what_is_outside(alpha: np.ndarray, px: float) -> None:
    outside = (1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max) - alpha
    again = as_float(grow(outside.astype(alpha.dtype), px))
    level = 1e-6 if alpha.dtype.kind == "f" else 1.01 / np.iinfo(alpha.dtype).max
    assert np.abs(as_float(grow(alpha, -px)) - (1 - again)).max() <= level


@given(planes(), st.floats(0, 5), st.floats(0, 5))
@settings(max_examples=40, deadline=None)
def test_growing_more_never_gives_less(alpha: np.ndarray, one: float, other: float) -> None:
    less, more = sorted([one, other])
    assert (as_float(grow(alpha, less)) <= as_float(grow(alpha, more)) + ONE_LEVEL).all()
    assert (as_float(grow(alpha, less)) >= as_float(alpha) - 1e-6).all()


@given(planes(), st.sampled_from([grow, smooth, feather]), st.floats(0, 8))
@settings(max_examples=40, deadline=None)
def test_the_result_has_the_planes_depth_size_and_range(alpha: np.ndarray, change, px: float) -> None:
    made = change(alpha, px)
    assert (made.dtype, made.shape) == (alpha.dtype, alpha.shape)
    assert as_float(made).min() >= 0
    assert as_float(made).max() <= 1
    assert as_float(made).max() <= as_float(alpha).max() + ONE_LEVEL
    assert as_float(made).min() >= as_float(alpha).min() - ONE_LEVEL


@given(planes(), st.sampled_from([grow, smooth, feather]))
@settings(max_examples=40, deadline=None)
def test_nothing_is_done_at_zero(alpha: np.ndarray, change) -> None:
    made = change(alpha, 0.0)
    assert np.array_equal(made, alpha)
    assert made is not alpha


@given(planes(), st.sampled_from([grow, feather]), st.floats(0, 8))
@settings(max_examples=40, deadline=None)
def test_a_mirrored_picture_gives_the_mirrored_matte(alpha: np.ndarray, change, px: float) -> None:
    made = as_float(change(np.ascontiguousarray(alpha[:, ::-1]), px))[:, ::-1]
    assert np.abs(made - as_float(change(alpha, px))).max() <= ONE_LEVEL


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("outline", [Outline(grow_px=9.5), Outline(feather_px=40), Outline(3, -2.5, 7)])
def test_tiles_leave_no_seam(dtype: type, outline: Outline, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha = as_dtype(np.maximum(disc(700, 900, x=300, y=300, radius=200), edge(700, 900, at=90)), dtype)
    tiled = outline.applied(alpha)
    monkeypatch.setattr("matted.matting.outline.TILE", 4096)
    whole = outline.applied(alpha)
    level = 1e-5 if alpha.dtype.kind == "f" else 1
    assert np.abs(tiled.astype(float) - whole.astype(float)).max() <= level


@pytest.mark.parametrize("px", [1.0, 2.5, 6.0, 20.0, 45.0])
def test_a_feathered_edge_rises_from_2_to_98_percent_within_its_width(px: float) -> None:
    ramp = feather(edge(3, 400, at=200), px)[1]
    places = np.arange(400) + 0.5 - 200
    middle = float(np.interp(0.5, ramp[::-1], places[::-1]))
    assert middle == pytest.approx(0, abs=0.02)
    assert np.interp(px, places, ramp) == pytest.approx(0.0228, abs=0.012 if px > 1 else 0.04)
    assert np.interp(-px, places, ramp) == pytest.approx(0.9772, abs=0.012 if px > 1 else 0.04)


@pytest.mark.parametrize("px", [1.0, 3.0, 8.0])
@pytest.mark.parametrize("softness", [1.0, 4.0, 15.0])
@pytest.mark.parametrize("degrees", [0, 30, 45])
def test_smoothing_leaves_a_straight_edge_about_where_and_as_soft_as_it_is(
    px: float, softness: float, degrees: float
) -> None:
    before = edge(100, 100, at=50, softness=softness, angle=math.radians(degrees))
    after = smooth(before, px)
    assert np.abs(after - before)[25:75].max() < 0.2
    assert abs((after - before)[25:75].sum()) / 50 < 0.05  # px


def test_smoothing_takes_wiggles_out() -> None:
    rows = np.arange(200)
    alpha = np.clip(60 + 3 * np.sin(rows * 2 * np.pi / 9)[:, None] - np.arange(120) + 0.5, 0, 1)
    place = smooth(alpha.astype(np.float32), 8).sum(axis=1)[20:-20]
    assert np.ptp(alpha.sum(axis=1)) > 5.5
    assert np.ptp(place) < 0.4
    assert place.mean() == pytest.approx(60.5, abs=0.2)


def test_smoothing_takes_strands_and_gaps_but_leaves_flat_half_tones() -> None:
    alpha = edge(80, 120, at=60)
    alpha[40:42, 60:] = 1  # a strand
    alpha[20:22, :40] = 0  # a gap
    alpha[60:, :] = 0.7  # glass
    made = smooth(alpha, 10)
    assert made[41, 90] < 0.05
    assert made[21, 15] > 0.95
    assert np.abs(made[75:, :] - 0.7).max() < 1e-5


def test_a_cancelled_pass_stops() -> None:
    alpha = disc(300, 300, x=150, y=150, radius=90)
    assert np.array_equal(Outline(grow_px=5).applied(alpha, cancelled=lambda: True), alpha)
