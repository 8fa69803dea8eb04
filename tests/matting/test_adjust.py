"""What the sliders ask, in its order: nothing asked changes nothing, and each wish does its own part."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matted.errors import BadOption
from matted.matting.adjust import AdjustOptions, adjust, limited, toned
from matted.matting.outline import feather, grow
from matting.shapes import DTYPES, as_dtype, as_float, disc, edge, planes


def two() -> np.ndarray:
    """A large disc left, a smaller one right: (400, 600)."""
    big = disc(400, 600, x=180, y=200, radius=120)
    return np.maximum(big, disc(400, 600, x=460, y=210, radius=80))


def options() -> st.SearchStrategy[AdjustOptions]:
    low = st.floats(0, 0.4)
    return st.builds(
        AdjustOptions,
        keep=st.sampled_from(["all", "largest"]),
        keep_at=st.lists(st.tuples(st.floats(-9, 99), st.floats(-9, 99)), max_size=2).map(tuple),
        low=low,
        high=st.floats(0.5, 1),
        contrast=st.floats(0, 1),
        threshold=st.none() | st.floats(0.01, 1),
        fill_holes_px=st.integers(0, 50),
        drop_islands_px=st.integers(0, 50),
        smooth_px=st.floats(0, 5),
        grow_px=st.floats(-5, 5),
        feather_px=st.floats(0, 5),
    )


@given(planes())
@settings(max_examples=40, deadline=None)
def test_nothing_asked_returns_the_plane_itself(alpha: np.ndarray) -> None:
    assert AdjustOptions().is_identity
    assert adjust(alpha, AdjustOptions()) is alpha


@given(planes(), options(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_wish_gives_a_plane_of_the_same_kind_and_leaves_its_own(
    alpha: np.ndarray, wish: AdjustOptions, with_limit: bool
) -> None:
    before = alpha.copy()
    limit = np.full(alpha.shape, 128, np.uint8) if with_limit else None
    made = adjust(alpha, wish, limit=limit)
    assert (made.dtype, made.shape) == (alpha.dtype, alpha.shape)
    assert 0 <= as_float(made).min() <= as_float(made).max() <= (128.5 / 255 if with_limit else 1)
    assert np.array_equal(alpha, before)


@given(planes(), options())
@settings(max_examples=40, deadline=None)
def test_emptiness_and_fullness_stay(alpha: np.ndarray, wish: AdjustOptions) -> None:
    wish = replace(wish, drop_islands_px=0)  # a whole picture may be one
    full = 1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max
    assert not adjust(np.zeros_like(alpha), wish).any()
    assert (adjust(np.full_like(alpha, full), wish) == full).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_levels_are_a_straight_line_between_their_ends(dtype: type) -> None:
    ramp = as_dtype(np.linspace(0, 1, 256, dtype=np.float32)[None], dtype)
    made = as_float(toned(ramp, 0.2, 0.6))
    expected = np.clip((as_float(ramp) - 0.2) / 0.4, 0, 1)
    assert np.abs(made - expected).max() <= (1e-6 if dtype == np.float32 else 0.51 / np.iinfo(dtype).max)


@pytest.mark.parametrize("dtype", DTYPES)
def test_contrast_steepens_around_one_half(dtype: type) -> None:
    ramp = as_dtype(np.linspace(0, 1, 101, dtype=np.float32)[None], dtype)
    half = as_float(toned(ramp, contrast=0.5))[0]
    assert half[[20, 25, 75, 80]].tolist() == pytest.approx([0, 0, 1, 1], abs=0.01)
    assert np.diff(half[30:70]).mean() == pytest.approx(0.02, rel=0.02)
    assert set(as_float(toned(ramp, contrast=1.0))[0]) == {0.0, 1.0}


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_threshold_leaves_only_the_ends(dtype: type) -> None:
    ramp = as_dtype(np.linspace(0, 1, 101, dtype=np.float32)[None], dtype)
    made = as_float(toned(ramp, threshold=0.3))[0]
    assert not made[:30].any()
    assert (made[31:] == 1).all()


@given(planes(), st.floats(0, 1), st.floats(0, 0.4), st.floats(0.5, 1))
@settings(max_examples=40, deadline=None)
def test_levels_keep_the_order_of_values(alpha: np.ndarray, contrast: float, low: float, high: float) -> None:
    made = toned(alpha, low, high, contrast=contrast)
    order = np.argsort(alpha, axis=None, kind="stable")
    assert (np.diff(made.ravel()[order].astype(np.float64)) >= 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_and_those_under_points_are_kept(dtype: type) -> None:
    alpha = as_dtype(two(), dtype)
    left, right = alpha.copy(), alpha.copy()
    left[:, 340:], right[:, :340] = 0, 0
    assert np.array_equal(adjust(alpha, AdjustOptions(keep="largest")), left)
    assert np.array_equal(adjust(alpha, AdjustOptions(keep_at=((460, 200),))), right)
    assert np.array_equal(adjust(alpha, AdjustOptions(keep=(2,))), right)
    assert np.array_equal(adjust(alpha, AdjustOptions(keep=(2,), keep_at=((100, 200),))), alpha)
    assert np.array_equal(adjust(alpha, AdjustOptions(keep="largest", keep_at=((460, 200),))), alpha)


def test_a_subject_that_is_not_there_cannot_be_kept() -> None:
    with pytest.raises(BadOption, match=r"There is no subject 3: there are 2\."):
        adjust(two(), AdjustOptions(keep=(1, 3)))
    with pytest.raises(BadOption, match="none was found"):
        adjust(np.zeros((9, 9), np.float32), AdjustOptions(keep=(1,)))


def test_a_limit_bounds_the_result_and_says_which_is_the_largest() -> None:
    alpha, limit = two(), np.zeros((400, 600), np.uint8)
    limit[:, 350:470] = 255
    made = adjust(alpha, AdjustOptions(keep="largest", grow_px=9), limit=limit)
    assert not made[limit == 0].any()
    assert np.array_equal(made[:, 380:470], grow(alpha, 9)[:, 380:470])


@given(planes(), st.integers(0, 255))
@settings(max_examples=40, deadline=None)
def test_a_limit_is_the_lesser_of_both_and_twice_is_once(alpha: np.ndarray, value: int) -> None:
    limit = np.full(alpha.shape, value, np.uint8)
    made = limited(alpha, limit)
    assert np.abs(as_float(made) - np.minimum(as_float(alpha), value / 255)).max() <= 0.51 / 255
    assert np.array_equal(limited(made, limit), made)


def test_a_limit_of_another_size_is_refused() -> None:
    with pytest.raises(BadOption, match="5 x 4 pixels, the picture 7 x 6"):
        adjust(np.zeros((6, 7), np.float32), AdjustOptions(), limit=np.zeros((4, 5), np.uint8))


def test_the_outline_comes_after_the_levels_and_feathering_last() -> None:
    alpha = edge(9, 80, at=40, softness=10)
    made = adjust(alpha, AdjustOptions(threshold=0.5, grow_px=3, feather_px=4))
    assert np.abs(made - feather(grow(toned(alpha, threshold=0.5), 3), 4)).max() < 1e-5


def test_a_preview_shows_about_what_the_whole_will_be() -> None:
    whole = disc(1200, 1200, x=600, y=600, radius=400)
    small = disc(300, 300, x=150, y=150, radius=100)
    wish = AdjustOptions(grow_px=22, feather_px=30, drop_islands_px=1600)
    scaled = wish.scaled(0.25)
    assert (scaled.grow_px, scaled.feather_px, scaled.drop_islands_px) == (5.5, 7.5, 100)
    reduced = adjust(whole, wish).reshape(300, 4, 300, 4).mean((1, 3))
    assert np.abs(adjust(small, scaled) - reduced).max() < 0.06


@pytest.mark.parametrize(
    "wrong",
    [
        {"grow_px": 201.0},
        {"grow_px": float("nan")},
        {"feather_px": -1.0},
        {"smooth_px": 101.0},
        {"contrast": 1.1},
        {"threshold": 0.0},
        {"threshold": float("nan")},
        {"low": 0.5, "high": 0.5},
        {"fill_holes_px": -1},
        {"keep": ()},
        {"keep": (0,)},
        {"keep": "some"},
        {"keep_at": ((1.0, float("inf")),)},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict) -> None:
    with pytest.raises(BadOption):
        AdjustOptions(**wrong)
