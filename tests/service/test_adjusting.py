"""What a client may ask of a mask over the wire: adjustments, a limit, a preview, subjects, confidence."""

import json

import numpy as np
import pytest

from matted.client import ClientError, Planes
from matted.matting.adjust import AdjustOptions


def planes(pixels: np.ndarray) -> Planes:
    height, width, channels = pixels.shape
    return Planes(memoryview(pixels), width, height, {1: "gray8", 3: "rgb8"}[channels])


def two() -> np.ndarray:
    """A large bright block left, a smaller one right; the stand-in's mask is the first channel."""
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[10:50, 10:50] = pixels[20:40, 70:90] = 255
    return pixels


def test_adjustments_reach_the_chain(daemon, pipeline):
    options = {"adjust": {"keep": [2, 1], "keep_at": [[3, 4.5]], "grow_px": -2, "threshold": 0.25}}
    with daemon.client() as matted:
        matted.mask(matted.upload(planes(two())), options)
        matted.mask(planes(two()), {"side_px": 50})
    assert pipeline.asked == [
        (AdjustOptions(keep=(2, 1), keep_at=((3.0, 4.5),), grow_px=-2.0, threshold=0.25), None, None),
        (AdjustOptions(), None, 50),
    ]


@pytest.mark.parametrize("uploaded", [True, False])
def test_a_limit_is_an_uploaded_gray_picture(daemon, pipeline, uploaded):
    limit = np.arange(6000, dtype=np.uint8).reshape(60, 100, 1)
    with daemon.client() as matted:
        source = matted.upload(planes(two())) if uploaded else planes(two())
        matted.mask(source, limit=matted.upload(planes(limit)))
        matted.mask(source, limit=planes(limit))
    for _, asked, _ in pipeline.asked:
        assert np.array_equal(asked.mask, limit[..., 0])


def test_a_limit_that_was_forgotten_is_sent_again_by_the_client(daemon, pipeline):
    limit = np.full((60, 100, 1), 7, np.uint8)
    with daemon.client() as matted:
        held = matted.upload(planes(limit))
        matted.forget(held)
        matted.mask(planes(two()), limit=held)
        matted.forget(held)
        source = matted.upload(planes(two()))
        matted.forget(source)
        matted.mask(source, limit=held)
    assert [int(asked.mask[0, 0]) for _, asked, _ in pipeline.asked] == [7, 7]


def test_a_coloured_limit_is_refused(daemon):
    with daemon.client() as matted, pytest.raises(ClientError, match="must be a gray picture"):
        matted.mask(planes(two()), limit=planes(two()))


@pytest.mark.parametrize("uploaded", [True, False])
def test_subjects_are_listed(daemon, uploaded):
    with daemon.client() as matted:
        source = matted.upload(planes(two())) if uploaded else planes(two())
        first, second = matted.subjects(source)
    assert (first.number, first.box, first.area_px) == (1, [10, 10, 50, 50], 1600)
    assert (second.number, second.box, second.at) == (2, [70, 20, 90, 40], pytest.approx([80, 30], abs=1))
    assert first.confidence == 1


def test_the_answer_about_subjects_says_all_that_its_description_does(daemon):
    body = bytes(memoryview(two()).cast("B"))
    headers = {"Content-Type": "application/octet-stream", "X-Matted-Format": "rgb8"}
    headers |= {"X-Matted-Width": "100", "X-Matted-Height": "60"}
    status, answered, content = daemon.ask("POST", "/v1/subjects", body=body, headers=headers)
    found = json.loads(content)
    assert (status, answered["content-type"]) == (200, "application/json")
    assert (found["width"], found["height"], found["confidence"]) == (100, 60, 0.625)
    assert [warning["code"] for warning in found["warnings"]] == ["small-picture"]
    assert answered["x-matted-confidence"] == "0.625"


def test_every_answer_carries_its_confidence(daemon):
    with daemon.client() as matted:
        assert matted.mask(planes(two())).confidence == 0.625
        assert matted.cutout(planes(two())).confidence == 0.625


@pytest.mark.parametrize(
    ("route", "options", "sentence"),
    [
        ("mask", {"adjust": {"grow_px": 201}}, "grow_px goes from -200 to 200, not 201."),
        ("mask", {"adjust": {"grow": 1}}, "There is no option 'grow' in adjust"),
        ("mask", {"adjust": {"keep": "some"}}, 'The option adjust.keep must be "all", "largest" or a list'),
        ("mask", {"adjust": {"keep": [0]}}, "The subjects to keep are numbers from 1"),
        ("mask", {"side_px": 0}, "A preview's side_px is at least 1, not 0."),
        ("mask", {"limit": "nothing"}, "The daemon does not hold that picture"),
        ("cutout", {"side_px": 50}, "There is no option 'side_px' in the request"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_sentence(daemon, route, options, sentence):
    with daemon.client() as matted, pytest.raises(ClientError) as caught:
        getattr(matted, route)(planes(two()), options)
    assert str(caught.value).startswith(sentence)
