"""Krita's own brush on the mask, Refine, undo and redo in real Krita, pixel by pixel; what is sent.

The engine tells strokes from the rest by the mask as it was made, so what is sent as that must be what Matted
wrote to this very mask last, whatever was undone, moved or opened in between.
"""

import numpy as np
import pytest

from editors.played import Played
from matted.client import Client, Planes

pytestmark = [
    pytest.mark.timeout(600),  # the first of them starts Krita and plays every case
    pytest.mark.usefixtures("its_engine"),
]

CASES = ("brush", "made", "reopened")
AROUND = (slice(100, 190), slice(160, 250))  # rows and columns that the stroke cannot leave


def test_a_stroke_of_kritas_brush_takes_away_from_the_mask(played: Played):
    assert "Brush" in played.of("brush")["step"]
    made, painted = played.plane("brush-made"), played.plane("brush-painted")
    assert np.array_equal(made, played.expected(played.cat))
    assert (made[145, 205], painted[145, 205]) == (255, 0)
    changed = made != painted
    assert changed[AROUND].sum() == changed.sum() > 500
    assert (painted <= made).all()


def test_refine_sends_the_mask_as_it_was_made_and_as_it_was_painted(played: Played):
    played.of("brush")
    assert np.array_equal(played.plane("brush-sent-made"), played.plane("brush-made"))
    assert np.array_equal(played.plane("brush-sent-painted"), played.plane("brush-painted"))


def test_refine_writes_what_the_engine_makes_of_the_stroke(played: Played):
    assert played.of("brush")["masks"] == ["Matted"]
    size = played.cat.size
    with Client.connect(start=False) as client:
        answer = client.refine(
            Planes(played.cat.tobytes(), *size, "rgba8"),
            Planes((played.folder / "brush-painted").read_bytes(), *size, "gray8"),
            {"refine": {"level": "fine"}},
            made=Planes((played.folder / "brush-made").read_bytes(), *size, "gray8"),
        )
    refined = played.plane("brush-refined")
    assert refined.tobytes() == bytes(answer.data)
    assert (refined != played.plane("brush-painted")).any()


@pytest.mark.parametrize(
    ("after", "same"),
    [("undone", "painted"), ("undone twice", "made"), ("redone", "painted"), ("redone twice", "refined")],
)
def test_refine_and_the_stroke_are_a_step_each_to_undo_and_to_redo(played: Played, after: str, same: str):
    assert played.of("brush")[after] == ["Matted"]
    assert np.array_equal(played.plane(f"brush-{after}"), played.plane(f"brush-{same}"))


@pytest.mark.parametrize(
    ("number", "same", "when"),
    [
        (0, "cut", "after Cut Out"),
        (1, "cut", "after Refine was undone"),
        (2, "refined again", "after another Refine"),
        (3, "grown", "after a slider was moved"),
    ],
)
def test_made_is_what_was_written_last(played: Played, number: int, same: str, when: str):
    assert played.of("made")["refined"] == 5
    assert np.array_equal(played.plane(f"made-sent-{number}"), played.plane(f"made-{same}")), when


def test_made_is_that_of_the_document_in_front(played: Played):
    played.of("made")
    sent = played.plane("made-sent-4", played.two)
    assert np.array_equal(sent, played.plane("made-other", played.two))


def test_made_is_not_what_was_written_to_a_file_that_is_opened_again(played: Played):
    assert played.of("reopened")["masks"] == ["Matted"]
    assert np.array_equal(played.plane("reopened-sent"), played.plane("reopened-cut"))
