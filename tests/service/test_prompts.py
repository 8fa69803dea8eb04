"""What a client may point at and compare over the wire: it reaches the chain, mistakes get their sentence."""

import json

import numpy as np
import pytest

from matted.client import ClientError, Planes
from matted.inference.prompt import MOST_POINTS, Prompt


def planes() -> Planes:
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[10:50, 10:50] = 255
    return Planes(memoryview(pixels), 100, 60, "rgb8")


@pytest.mark.parametrize("route", ["mask", "cutout", "foreground", "subjects"])
@pytest.mark.parametrize("uploaded", [True, False])
def test_a_prompt_reaches_the_chain(daemon, pipeline, route, uploaded):
    prompt = {"box": [1, 2, 30.5, 40], "points": [[5, 6, 1], [7.5, 8, 0]], "model": "none"}
    with daemon.client() as matted:
        source = matted.upload(planes()) if uploaded else planes()
        getattr(matted, route)(source, {"prompt": prompt})
        getattr(matted, route)(source, {"prompt": None})
    asked = Prompt((1.0, 2.0, 30.5, 40.0), ((5.0, 6.0, 1), (7.5, 8.0, 0)), "none")
    assert pipeline.prompts == [asked, None]


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ({}, "A prompt is a box, one or more points, or both."),
        ({"box": None, "points": []}, "A prompt is a box, one or more points, or both."),
        ({"box": [5, 5, 5, 9]}, "The box 5,5,5,9 is empty: it is left, top, right, bottom."),
        ({"box": [1, 2, 3]}, "The option prompt.box must be a list of 4."),
        ({"box": [1, 2, 3, "x"]}, "The option prompt.box[3] must be a number"),
        ({"points": [[1, 2]]}, "The option prompt.points[0] must be a list of 3"),
        ({"points": [[1, 2, 0.5]]}, "The option prompt.points[0][2] must be a whole number"),
        ({"points": [[1, 2, 2]]}, "A point is 1 (this is the subject) or 0 (this is not), not 2."),
        ({"points": [[1, 2, 1]] * (MOST_POINTS + 1)}, "A prompt has at most 100 points, not 101."),
        ({"boxes": []}, "There is no option 'boxes' in prompt"),
        ("here", "The options prompt must be a JSON object."),
    ],
)
def test_what_cannot_be_pointed_at_is_refused_with_its_sentence(daemon, prompt, sentence):
    with daemon.client() as matted, pytest.raises(ClientError) as caught:
        matted.mask(planes(), {"prompt": prompt})
    assert str(caught.value).startswith(sentence)
    assert caught.value.slug == "bad-option"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_what_is_no_number_is_refused(daemon, number):
    body = b'{"prompt": {"box": [0, 0, 5, %s]}}' % number.encode()
    with daemon.client() as matted:
        held = matted.upload(planes())
    status, _, content = daemon.ask("POST", f"/v1/pictures/{held.id}/mask", body=body)
    assert status == 400
    detail = json.loads(content)["detail"]
    assert detail in (
        f"The options are not JSON: {number} is no number.",
        "The box must be four numbers: left, top, right, bottom.",
    )


@pytest.mark.parametrize("uploaded", [True, False])
def test_two_models_are_compared(daemon, pipeline, uploaded):
    with daemon.client() as matted:
        source = matted.upload(planes()) if uploaded else planes()
        answer = matted.disagreement(source, ["builtin", "auto:people"], {"prompt": {"points": [[1, 2, 1]]}})
    assert (answer.model, answer.format, answer.width, answer.height) == (
        "builtin, auto:people",
        "gray8",
        100,
        60,
    )
    assert answer.data[30 * 100 + 30] == 255
    assert pipeline.prompts == [Prompt(points=((1.0, 2.0, 1),))]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "To compare, name two models in the option 'models'."),
        ({"models": ["builtin"]}, "The option of the request.models must be a list of 2."),
        ({"models": ["a", "b"], "adjust": {}}, "There is no option 'adjust' in the request"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_its_sentence(daemon, options, sentence):
    body = json.dumps(options).encode()
    with daemon.client() as matted:
        held = matted.upload(planes())
    status, _, content = daemon.ask("POST", f"/v1/pictures/{held.id}/disagreement", body=body)
    assert status == 400
    assert json.loads(content)["detail"].startswith(sentence)
