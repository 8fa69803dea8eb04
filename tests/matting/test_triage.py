"""What a person is told of a matte, and that doubt shows in the confidence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matted.matting.calibration import MEASURES, REVIEW_BELOW
from matted.matting.triage import confidence, measures, triage
from matting.shapes import disc

SIZE = (4000, 3000)
SUBJECT = disc(240, 320, x=150, y=120, radius=70)


def picture(alpha: np.ndarray, *, subject: int = 210, behind: int = 40, side: int = 1) -> np.ndarray:
    """Gray levels `subject` and `behind`, `side` times as large, with a little noise."""
    levels = (
        behind + alpha[..., None] * (subject - behind) + np.random.default_rng(1).normal(0, 3, (240, 320, 3))
    )
    return np.kron(np.clip(levels, 0, 255).astype(np.uint8), np.ones((side, side, 1), np.uint8))


def codes(alpha: np.ndarray, colour: np.ndarray, size: tuple[int, int] = SIZE) -> list[str]:
    return [notice.code for notice in triage(alpha, colour, full_size=size).notices]


def test_a_clear_subject_is_trusted_and_nothing_is_said() -> None:
    judged = triage(SUBJECT, picture(SUBJECT), full_size=SIZE)
    assert judged.notices == ()
    assert judged.confidence > REVIEW_BELOW


def test_a_blurred_answer_is_trusted_less() -> None:
    colour = picture(SUBJECT)
    trust = []
    for softness in (1, 20, 60):
        rows, columns = np.mgrid[0:240, 0:320]
        distance = 70 - np.hypot(rows - 120, columns - 150)
        alpha = np.clip(0.5 + distance / softness, 0.02, 0.95).astype(np.float32)
        trust.append(triage(alpha, colour, full_size=SIZE).confidence)
    assert trust == sorted(trust, reverse=True)
    assert trust[-1] < REVIEW_BELOW


def test_nothing_found_is_no_confidence_at_all() -> None:
    judged = triage(SUBJECT * 0.4, picture(SUBJECT), full_size=SIZE)
    assert [notice.code for notice in judged.notices] == ["nothing-found"]
    assert judged.confidence == 0


def test_a_small_picture_is_told_by_its_own_size() -> None:
    judged = triage(SUBJECT, picture(SUBJECT), full_size=(150, 100))
    assert [notice.code for notice in judged.notices] == ["small-picture"]
    assert "150 x 100 px" in judged.notices[0].sentence


def test_a_subject_that_is_cut_off_is_told_with_its_sides() -> None:
    alpha = disc(240, 320, x=300, y=220, radius=70)
    (notice,) = [
        n for n in triage(alpha, picture(alpha), full_size=SIZE).notices if n.code == "touches-border"
    ]
    assert "right and bottom edges" in notice.sentence


def test_several_subjects_are_counted() -> None:
    alpha = np.maximum(disc(240, 320, x=80, y=120, radius=50), disc(240, 320, x=240, y=120, radius=50))
    (notice,) = [n for n in triage(alpha, picture(alpha), full_size=SIZE).notices if "several" in n.code]
    assert notice.sentence.startswith("2 subjects")


def test_colours_alike_on_both_sides_of_the_edge_are_told() -> None:
    assert "low-contrast" in codes(SUBJECT, picture(SUBJECT, subject=60))
    assert "low-contrast" not in codes(SUBJECT, picture(SUBJECT, subject=160))


def test_a_large_half_tone_is_told() -> None:
    alpha = np.maximum(SUBJECT, 0.45 * disc(240, 320, x=150, y=120, radius=110))
    assert "unsure-area" in codes(alpha, picture(SUBJECT))


def test_soft_hair_around_a_sure_subject_is_no_large_half_tone() -> None:
    alpha = np.maximum(SUBJECT, 0.5 * disc(240, 320, x=150, y=120, radius=80))
    assert "unsure-area" not in codes(alpha, picture(SUBJECT))


def test_every_notice_says_what_to_do() -> None:
    alpha = np.clip(np.maximum(SUBJECT, 0.45) + disc(240, 320, x=310, y=30, radius=25), 0, 1)
    for notice in triage(alpha, picture(SUBJECT, subject=50), full_size=(90, 90)).notices:
        assert ":" in notice.sentence
        assert notice.sentence.endswith(".")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_depth_size_and_channels_of_the_picture_make_no_difference(dtype: type, channels: int) -> None:
    colour = np.repeat(picture(SUBJECT)[..., :1], 4, axis=2)
    plain = measures(SUBJECT, colour[..., :3])
    full = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    deep = (np.kron(colour, np.ones((3, 3, 1), np.uint8)) / 255 * full).astype(dtype)[..., :channels]
    other = measures(SUBJECT, deep)
    assert {name: pytest.approx(value, abs=0.02) for name, value in plain.items()} == other


def test_the_calibrated_measures_are_those_that_are_taken() -> None:
    assert set(MEASURES) <= set(measures(SUBJECT, picture(SUBJECT)))


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    kind=st.sampled_from(["noise", "flat"]),
    value=st.floats(0, 1, width=32),
)
def test_any_alpha_gets_a_confidence(height: int, width: int, kind: str, value: float) -> None:
    rng = np.random.default_rng(height * 41 + width)
    alpha = (
        rng.random((height, width), np.float32)
        if kind == "noise"
        else np.full((height, width), value, np.float32)
    )
    judged = triage(alpha, rng.random((height * 2, width * 3, 3), np.float32), full_size=(width, height))
    assert 0 <= judged.confidence <= 1
    assert 0 <= confidence(measures(alpha, rng.random((1, 1, 1), np.float32))) <= 1
