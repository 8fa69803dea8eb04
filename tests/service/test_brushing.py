"""Brush strokes over a real socket, the true pipeline behind it: what comes back and what is refused."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from matted.client import Client, ClientError, Planes
from matted.config import Settings
from matted.pipeline import Pipeline

LEFT_OUT = (slice(20, 40), slice(60, 90))  # a part of the object that the mask misses


@pytest.fixture
def whole(start, pipeline, monkeypatch):
    """A daemon with the true pipeline instead of the stand-in."""
    true = Pipeline(replace(Settings()))
    for name in ("matte", "refined", "warm", "close", "cache", "catalogue", "weights", "sessions"):
        monkeypatch.setattr(pipeline, name, getattr(true, name), raising=False)
    yield start()
    true.close()


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An orange block on blue (60, 120, 3); the mask that misses its right half; a stroke on that half."""
    pixels = np.full((60, 120, 3), (30, 60, 160), np.uint8)
    pixels[20:40, 30:90] = (220, 140, 40)
    made = np.zeros((60, 120), np.uint8)
    made[20:40, 30:60] = 255
    painted = made.copy()
    painted[27:33, 62:76] = 255
    return pixels, made, painted


def planes(pixels: np.ndarray) -> Planes:
    height, width = pixels.shape[:2]
    name = ("rgb" if pixels.ndim == 3 else "gray") + str(8 * pixels.itemsize)
    return Planes(np.ascontiguousarray(pixels).tobytes(), width, height, name)


def mask_of(answer) -> np.ndarray:
    depth = {"gray8": np.uint8, "gray16": np.uint16}[answer.format]
    return np.frombuffer(bytes(answer.data), depth).reshape(answer.height, answer.width)


def test_a_stroke_brings_the_whole_part(whole):
    pixels, made, painted = scene()
    with whole.client() as matted:
        answer = matted.refine(planes(pixels), planes(painted), made=planes(made))
    mask = mask_of(answer)
    assert (answer.format, answer.model, answer.confidence) == ("gray8", "brush", None)
    assert (mask[LEFT_OUT] == 255).mean() > 0.95
    assert np.array_equal(mask[:, :50], made[:, :50])


def test_a_deep_picture_keeps_its_depth_though_the_strokes_have_8_bits(whole):
    pixels, made, painted = scene()
    deep = made.astype(np.uint16) * 257
    deep[20:40, 30] = 30000  # no 8-bit value
    left = np.where(painted > 0, painted, (deep / 257 + 0.5).astype(np.uint8))
    left[20:40, 30] = 117
    with whole.client() as matted:
        held = matted.upload(planes(pixels.astype(np.uint16) * 257))
        mask = mask_of(matted.refine(held, planes(left), made=planes(deep)))
    assert mask.dtype == np.uint16
    assert np.array_equal(mask[:, :50], deep[:, :50])
    assert (mask[LEFT_OUT] == 65535).mean() > 0.9


def test_the_mask_before_is_the_one_that_the_options_make(whole):
    pixels, _, _ = scene()
    with whole.client() as matted:
        held = matted.upload(planes(pixels))
        options = {"refine": {"level": "none"}, "adjust": {"grow_px": 2}}
        before = matted.mask(held, options)
        same = matted.refine(held, planes(mask_of(before)), options)
    assert same.data == before.data
    assert same.model == "builtin"
    assert "model" not in same.times_s


def test_a_guide_is_solved_again_without_any_paint(whole):
    pixels, made, _ = scene()
    made[20:40, 60:84] = 255
    wrong = made.copy()
    wrong[20:40, 80:96] = 128
    guide = np.zeros_like(made)
    guide[16:44, 78:98] = 1
    with whole.client() as matted:
        mask = mask_of(matted.refine(planes(pixels), planes(wrong), made=planes(wrong), guide=planes(guide)))
    assert mask[22:38, 80:88].min() > 200
    assert mask[22:38, 92:].max() < 50
    assert np.array_equal(mask[guide == 0], wrong[guide == 0])


def test_a_preview_and_a_file_are_answered_as_for_a_mask(whole):
    pixels, made, painted = scene()
    with whole.client() as matted:
        small = matted.refine(planes(pixels), planes(painted), {"side_px": 30}, made=planes(made))
        file = matted.refine(
            planes(pixels), planes(painted), {"delivery": {"format": "png"}}, made=planes(made)
        )
    assert (small.width, small.height) == (30, 15)
    assert file.format == "image/png"


def test_what_spreads_stays_within_the_limit(whole):
    pixels, made, painted = scene()
    limit = np.zeros_like(made)
    limit[:, :80] = 255
    with whole.client() as matted:
        mask = mask_of(matted.refine(planes(pixels), planes(painted), made=planes(made), limit=planes(limit)))
    assert mask[25:35, 70:80].min() == 255
    assert not mask[:, 80:].any()


def test_planes_that_were_forgotten_are_sent_again_by_the_client(whole):
    pixels, made, painted = scene()
    with whole.client() as matted:
        held = [matted.upload(planes(one)) for one in (pixels, painted, made)]
        for one in held:
            matted.forget(one)
        picture, left, before = held
        answer = matted.refine(picture, left, made=before)
    assert (mask_of(answer)[LEFT_OUT] == 255).mean() > 0.95


def refusal(matted: Client, **given: object) -> ClientError:
    """What the daemon says to a request for the scene with these options instead of the right ones."""
    pixels, made, painted = scene()
    held = matted.upload(planes(pixels))
    options = {"painted": matted.upload(planes(painted)).id, "made": matted.upload(planes(made)).id, **given}
    with pytest.raises(ClientError) as caught:
        matted._ask_once("/refine", held, {k: v for k, v in options.items() if v != "absent"}, None, {})
    return caught.value


def test_mistakes_get_a_sentence_and_a_status(whole):
    pixels, made, _ = scene()
    with whole.client() as matted:
        coloured = matted.upload(planes(pixels)).id
        small = matted.upload(planes(made[:10])).id
        for given, status, said in (
            ({"painted": "absent"}, 400, "There is no painted"),
            ({"painted": "nowhere"}, 404, "does not hold that picture"),
            ({"made": "nowhere"}, 404, "does not hold that picture"),
            ({"painted": coloured}, 400, "The painted mask must be a gray picture"),
            ({"guide": coloured}, 400, "The guide must be a gray picture"),
            ({"painted": small}, 400, "The painted mask has 120 x 10 pixels, the picture 120 x 60"),
            ({"made": small}, 400, "The mask before has 120 x 10 pixels"),
            ({"guide": small}, 400, "The guide has 120 x 10 pixels"),
            ({"limit": small}, 400, "The limit has 120 x 10 pixels"),
            ({"painted": 7}, 400, "The option of the request.painted must be a text"),
            ({"brush": 7}, 400, "There is no option 'brush'"),
        ):
            error = refusal(matted, **given)
            assert (error.status, said in str(error)) == (status, True), (given, str(error))


def soft_scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The scene four times as large; a mask with soft edges on it, and a stroke on that."""
    pixels, made, _ = (np.repeat(np.repeat(one, 4, axis=0), 4, axis=1) for one in scene())
    made = cv2.GaussianBlur(made, (0, 0), 2)
    painted = made.copy()
    painted[108:132, 248:304] = 255
    return pixels, made, painted


@pytest.mark.parametrize("given", [True, False])
def test_a_mask_that_was_not_painted_on_is_refused_and_nothing_is_lost(whole, given):
    pixels, made, _ = soft_scene()
    with whole.client() as matted:
        held = matted.upload(planes(pixels))
        if not given:
            made = mask_of(matted.mask(held))
        stale = (255 * (made / np.float32(255)) ** (1 / 2.2) + 0.5).astype(np.uint8)
        options = {"painted": matted.upload(planes(stale)).id}
        if given:
            options["made"] = matted.upload(planes(made)).id
        with pytest.raises(ClientError, match="What was painted cannot be told") as caught:
            matted._ask_once("/refine", held, options, None, {})
        assert caught.value.status == 422
        assert caught.value.slug == "not-its-mask"
        assert np.array_equal(mask_of(matted.refine(held, planes(made), made=planes(made))), made)


def test_a_mask_painted_all_over_is_taken_and_told(whole):
    pixels, made, _ = soft_scene()
    painted = np.full_like(made, 255)
    with whole.client() as matted:
        answer = matted.refine(planes(pixels), planes(painted), made=planes(made))
    assert mask_of(answer).min() >= 254
    assert [one["code"] for one in answer.warnings] == ["all-painted"]


@pytest.mark.parametrize(("look", "looks"), [("once", False), ("auto", True)])
def test_a_model_looks_around_the_strokes_unless_it_is_to_look_once(whole, look, looks):
    pixels, made, painted = soft_scene()
    with whole.client() as matted:
        answer = matted.refine(planes(pixels), planes(painted), {"coarse": {"look": look}}, made=planes(made))
    assert ("model" in answer.times_s) == looks


def test_a_mask_takes_no_strokes(whole):
    pixels, _, _ = scene()
    with whole.client() as matted, pytest.raises(ClientError, match="There is no option 'painted'"):
        matted.mask(planes(pixels), {"painted": "x"})
