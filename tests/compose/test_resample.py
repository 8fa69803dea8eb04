"""Strips on a canvas: they meet without seams, keep what is flat, and stand where they should."""

import numpy as np
import pytest

from matted.compose import resample
from matted.compose.resample import Placement, covering, enlarged, moved, scaled, scaled_opaque

RANDOM = np.random.default_rng(4)
COLOUR = RANDOM.integers(0, 256, (90, 120, 3)).astype(np.uint8)
ALPHA = RANDOM.integers(0, 256, (90, 120)).astype(np.uint8)
SIZE = (120, 90)


def strips(height: int, step: int) -> list[slice]:
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]


@pytest.mark.parametrize("scale", [0.3, 0.77, 1.0, 2.6])
def test_strips_meet_without_seams(scale: float) -> None:
    place = Placement(150, 140, scale, 7.3, -5.2)
    whole, cover = scaled(COLOUR.__getitem__, ALPHA.__getitem__, SIZE, place, slice(0, 140))
    parts = [scaled(COLOUR.__getitem__, ALPHA.__getitem__, SIZE, place, rows) for rows in strips(140, 11)]
    assert np.abs(np.concatenate([alpha for _, alpha in parts]) - cover).max() < 0.02
    seen = cover > 0.2
    colours = np.concatenate([colour for colour, _ in parts]).astype(int)
    assert np.abs(colours - whole)[seen].max() <= 4


@pytest.mark.parametrize("scale", [0.07, 0.3, 0.77, 2.6])
def test_the_chunks_a_strip_is_drawn_in_make_no_difference(monkeypatch, scale: float) -> None:
    place = Placement(40, 50, scale, 3.3, 5.2)
    whole, cover = scaled(COLOUR.__getitem__, ALPHA.__getitem__, SIZE, place, slice(0, 50))
    monkeypatch.setattr(resample, "_CHUNK_PIXELS", 1)
    parts, covers = scaled(COLOUR.__getitem__, ALPHA.__getitem__, SIZE, place, slice(0, 50))
    assert np.abs(covers - cover).max() < 1e-3
    assert np.abs(parts.astype(int) - whole)[cover > 0.2].max() <= 1


@pytest.mark.parametrize("scale", [0.05, 0.1, 0.26, 0.5])
def test_what_is_made_much_smaller_stays_in_its_place(scale: float) -> None:
    alpha = np.zeros((403, 501), np.uint8)
    alpha[100:180, 240:400] = 255
    colour = np.repeat(alpha[..., None], 5, axis=2)
    place = Placement(round(501 * scale) + 9, round(403 * scale) + 9, scale, 2.6, 4.1)
    _, cover = scaled(colour.__getitem__, alpha.__getitem__, (501, 403), place, slice(0, place.height))
    y, x = np.indices(cover.shape) + 0.5
    assert (cover * x).sum() / cover.sum() == pytest.approx(320 * scale + 2.6, abs=0.05)
    assert (cover * y).sum() / cover.sum() == pytest.approx(140 * scale + 4.1, abs=0.05)


@pytest.mark.parametrize("scale", [0.25, 0.9, 3.0])
def test_flat_colour_stays_flat_and_hidden_colour_stays_hidden(scale: float) -> None:
    colour = np.full((80, 80, 3), (10, 200, 90), np.uint8)
    alpha = np.zeros((80, 80), np.uint8)
    alpha[20:60, 20:60] = 255
    colour[alpha == 0] = (255, 0, 255)
    place = Placement(round(80 * scale), round(80 * scale), scale)
    found, cover = scaled(colour.__getitem__, alpha.__getitem__, (80, 80), place, slice(0, place.height))
    assert np.abs(found[cover > 0.05].astype(int) - (10, 200, 90)).max() <= 2
    assert cover.max() <= 1
    assert cover.sum() == pytest.approx(1600 * scale**2, rel=0.02)


def test_moving_keeps_every_value() -> None:
    place = Placement(60, 200, 1.0, -30.0, 45.0)
    whole = np.concatenate([moved(COLOUR.__getitem__, SIZE, place, rows) for rows in strips(200, 17)])
    assert np.array_equal(whole[45:135], COLOUR[:, 30:90])
    assert not whole[:45].any()
    assert not whole[135:].any()


def test_a_covering_picture_leaves_no_gap_and_keeps_its_middle() -> None:
    wide = np.zeros((50, 200, 3), np.uint8)
    wide[:, 50:150] = (0, 255, 0)
    place = covering(100, 100, (200, 50))
    drawn = scaled_opaque(wide.__getitem__, (200, 50), place, slice(0, 100))
    assert (drawn[:, 2:98] == (0, 255, 0)).all()


def test_a_small_plane_is_enlarged_in_place() -> None:
    ramp = np.tile(np.arange(10, dtype=np.float32), (4, 1))
    place = Placement(100, 40)
    whole = enlarged(ramp, (100, 40), place, slice(0, 40))
    assert whole[20, 45:55] == pytest.approx((np.arange(45, 55) + 0.5) / 10 - 0.5, abs=0.02)
    assert np.allclose(
        np.concatenate([enlarged(ramp, (100, 40), place, rows) for rows in strips(40, 7)]), whole, atol=0.02
    )
