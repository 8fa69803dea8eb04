"""Frames and presets: the subject's share, the canvas's size, and never a silent enlargement."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matted.compose.background import Background
from matted.compose.frame import PRESETS, Frame, place, preset_named
from matted.delivery import Delivery
from matted.errors import BadOption
from matted.imaging.picture import Picture
from scenes import RED, delivered, disc_mask, on_ground

FREE = Frame(85, 1, 1, 30000)


def box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is at least half there."""
    rows, columns = np.nonzero(mask >= 128)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    share=st.floats(20, 100),
    aspect=st.sampled_from([0.5, 1.0, 1.5]),
)
def test_the_subject_fills_its_share_and_stands_in_the_middle(
    width: int, height: int, share: float, aspect: float
) -> None:
    mask = np.zeros((400, 400), np.uint8)
    mask[60 : 60 + height, 50 : 50 + width] = 255
    spot, notices = place(mask, Frame(share, aspect, 1, 30000))
    assert notices == ()
    assert spot.scale == 1
    filled = max(width / spot.width, height / spot.height) * 100
    assert filled <= share + 1e-6
    assert max((width + 1) / (spot.width - 1 + 1e-9), (height + 1) / (spot.height - 1 + 1e-9)) * 100 >= share
    assert abs(spot.left + 50 + width / 2 - spot.width / 2) <= 1
    assert abs(spot.top + 60 + height / 2 - spot.height / 2) <= 1


def test_a_frame_that_needs_no_scaling_moves_pixels_and_changes_none() -> None:
    mask = disc_mask(1300, 1500, (640, 800), 450)
    pixels = on_ground(mask)
    result, notices = delivered(Picture(pixels), mask, Delivery(preset="square"))
    assert notices == ()
    left, top, right, bottom = box(mask)
    assert result.width == result.height == 1060  # 901 px are 85 % of that
    x, y = round((result.width - left - right) / 2), round((result.height - top - bottom) / 2)
    full = np.zeros(result.pixels.shape[:2], bool)
    inner = full[top + y : bottom + y, left + x : right + x]
    inner[:] = mask[top:bottom, left:right] == 255
    assert np.array_equal(result.pixels[full], pixels[mask == 255])
    assert (result.pixels[:50] == 255).all()


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_gives_what_it_promises(name: str) -> None:
    frame = PRESETS[name].frame
    mask = disc_mask(700, 900, (350, 500), 200)
    result, notices = delivered(Picture(on_ground(mask)), mask, Delivery(preset=name))
    assert result.width == result.height
    codes = [notice.code for notice in notices]
    if frame.may_enlarge:
        assert result.width == frame.min_px
        assert codes == ["enlarged"]
    else:
        assert result.width < frame.min_px
        assert codes == ["too-small"]
    assert (result.pixels[0] == 255).all()
    red = (np.abs(result.pixels.astype(int) - RED).max(axis=2) < 60).astype(np.uint8) * 255
    left, top, right, bottom = box(red)
    assert abs(max(right - left, bottom - top) / result.width * 100 - frame.fill_percent) < 1


def test_a_subject_too_large_is_scaled_down_without_a_word_and_without_a_seam() -> None:
    mask = disc_mask(1400, 1400, (700, 700), 600)
    place_there, notices = place(mask, Frame(85, 1, 1, 500))
    assert notices == ()
    assert (place_there.width, place_there.height) == (500, 500)
    assert place_there.scale == pytest.approx(500 / (1200 / 0.85), abs=1e-3)


def test_a_preset_keeps_another_background_when_one_is_given() -> None:
    mask = disc_mask(300, 300, (150, 150), 80)
    delivery = Delivery(preset="google", background=Background("colour", (10, 20, 30)))
    result, _ = delivered(Picture(on_ground(mask)), mask, delivery)
    assert (result.pixels[0] == (10, 20, 30)).all()


def test_without_a_subject_the_whole_picture_is_framed_and_said_so() -> None:
    spot, notices = place(np.zeros((200, 300), np.uint8), FREE)
    assert [notice.code for notice in notices] == ["nothing-to-frame"]
    assert spot.width == -(-300 // 0.85)


def test_a_deep_picture_stays_deep_in_a_frame() -> None:
    mask = disc_mask(300, 300, (150, 150), 80).astype(np.uint16) * 257
    pixels = np.full((300, 300, 3), 40000, np.uint16)
    for name in ("google", "square"):
        result, _ = delivered(Picture(pixels), mask, Delivery(preset=name))
        assert result.pixels.dtype == np.uint16
        middle = result.pixels[result.height // 2, result.width // 2]
        assert np.abs(middle.astype(int) - 40000).max() <= 2


def test_nonsense_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadOption, match="amazon"):
        preset_named("bazaar")
    with pytest.raises(BadOption, match="fills"):
        Frame(fill_percent=0)
    with pytest.raises(BadOption, match="preset"):
        Delivery(what="mask", preset="square")
