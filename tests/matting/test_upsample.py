"""Bringing a coarse alpha to native size: exact where it is sure, sharper where the colours tell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matted.matting.upsample import guided_upsample, upsample


def disc(height: int, width: int, *, centre: tuple[float, float], radius: float) -> np.ndarray:
    """A disc's exact antialiased-enough alpha (H, W) in [0, 1]."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(y - centre[0], x - centre[1])
    return np.clip(radius - distance + 0.5, 0, 1).astype(np.float32)


def shrunk(alpha: np.ndarray, factor: int) -> np.ndarray:
    """Area-averaged by an integer factor: what a perfect model at low resolution would say."""
    h, w = alpha.shape[0] // factor, alpha.shape[1] // factor
    return alpha[: h * factor, : w * factor].reshape(h, factor, w, factor).mean((1, 3)).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_a_constant_alpha_stays_that_constant(dtype: type, value: float) -> None:
    mask = upsample(np.full((7, 5), value, np.float32), 53, 41, dtype)
    assert mask.shape == (41, 53)
    assert mask.dtype == dtype
    assert np.unique(mask).tolist() == [round(value * np.iinfo(dtype).max)]


def test_pixel_centres_do_not_move() -> None:
    ramp = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (4, 1))
    mask = upsample(ramp, 320, 40, np.uint16).astype(float) / 65535
    positions = (np.arange(320) + 0.5) / 10 - 0.5
    inner = slice(20, 300)
    assert np.abs(mask[20, inner] - positions[inner] / 31).max() < 2e-3


def test_colours_that_differ_sharpen_the_edge() -> None:
    truth = disc(600, 800, centre=(300, 400), radius=200)
    colour = np.where(truth[..., None] > 0.5, [200, 60, 40], [30, 90, 160]).astype(np.uint8)
    coarse = shrunk(truth, 20)
    plain = np.abs(upsample(coarse, 800, 600) / 255 - truth).sum()
    guided = np.abs(guided_upsample(coarse, colour) / 255 - truth).sum()
    assert guided < 0.35 * plain


def test_colours_that_do_not_differ_leave_the_coarse_edge() -> None:
    truth = disc(600, 800, centre=(300, 400), radius=200)
    rng = np.random.default_rng(1)
    colour = rng.integers(90, 160, (600, 800, 3), np.uint8)
    coarse = shrunk(truth, 20)
    plain = upsample(coarse, 800, 600).astype(int)
    guided = guided_upsample(coarse, colour).astype(int)
    assert np.abs(guided - plain).mean() < 2


def test_far_from_the_edge_nothing_changes() -> None:
    truth = disc(600, 800, centre=(300, 400), radius=150)
    colour = np.random.default_rng(2).integers(0, 256, (600, 800, 3), np.uint8)
    guided = guided_upsample(shrunk(truth, 20), colour)
    y, x = np.mgrid[0:600, 0:800]
    distance = np.hypot(y - 300, x - 400)
    assert (guided[distance < 60] == 255).all()
    assert (guided[distance > 260] == 0).all()


def test_tiles_leave_no_seam() -> None:
    truth = disc(1300, 1300, centre=(650, 650), radius=500)
    y, x = np.mgrid[0:1300, 0:1300]
    smooth = np.stack([x / 6 + 20, y / 6 + 20, np.where(truth > 0.5, 200, 40)], -1).astype(np.uint8)
    mask = guided_upsample(shrunk(truth, 20), smooth).astype(int)
    inner = np.abs(np.diff(mask, axis=0))
    seams, beside = inner[[511, 1023]].mean(), inner[[505, 517, 1017, 1029]].mean()
    assert seams <= 1.5 * beside + 0.05


def test_a_gray_picture_guides_too() -> None:
    truth = disc(400, 400, centre=(200, 200), radius=120)
    colour = np.where(truth[..., None] > 0.5, 220, 40).astype(np.uint16) * 257
    coarse = shrunk(truth, 20)
    plain = np.abs(upsample(coarse, 400, 400, np.uint16) / 65535 - truth).sum()
    guided = guided_upsample(coarse, colour, np.uint16)
    assert guided.dtype == np.uint16
    assert np.abs(guided / 65535 - truth).sum() < 0.5 * plain


def test_float_pixels_beyond_white_and_not_a_number_do_no_harm() -> None:
    truth = disc(300, 300, centre=(150, 150), radius=90)
    colour = np.where(truth[..., None] > 0.5, [4.0, 0.5, 0.2], [0.1, 0.2, 0.3]).astype(np.float32)
    colour[10, 10] = np.nan
    mask = guided_upsample(shrunk(truth, 10), colour, np.uint16)
    assert np.abs(mask / 65535 - truth).mean() < 0.01


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    channels=st.sampled_from([1, 3, 4]),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float16, np.float32]),
    seed=st.integers(0, 2**16),
)
def test_any_picture_gives_a_mask_of_its_own_size(
    height: int, width: int, channels: int, dtype: type, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    colour = (rng.random((height, width, channels)) * top).astype(dtype)
    coarse = rng.random((17, 13)).astype(np.float32)
    assert guided_upsample(coarse, colour).shape == (height, width)


def test_a_cancelled_job_stops_refining() -> None:
    truth = disc(1600, 1600, centre=(800, 800), radius=600)
    colour = np.where(truth[..., None] > 0.5, [200, 60, 40], [30, 90, 160]).astype(np.uint8)
    coarse = shrunk(truth, 20)
    stopped = guided_upsample(coarse, colour, cancelled=lambda: True)
    assert np.array_equal(stopped, upsample(coarse, 1600, 1600))
