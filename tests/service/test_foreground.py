"""Clean colours and composed cut-outs over a real socket, as editors and recipes ask for them."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from known_composites import disc
from matted.client import ClientError, Encoded, Planes
from matted.matting.adjust import AdjustOptions

SCENE = disc()
SEEN = (SCENE.seen * 255 + 0.5).astype(np.uint8)
PAINTED = np.dstack([SEEN, SCENE.mask])  # a layer whose alpha is the person's own mask


def planes(pixels: np.ndarray, name: str) -> Planes:
    height, width = pixels.shape[:2]
    return Planes(np.ascontiguousarray(pixels).tobytes(), width, height, name)


def rgb(data: bytes | bytearray) -> np.ndarray:
    return np.frombuffer(bytes(data), np.uint8).reshape(SEEN.shape)


def opened(data: bytes | bytearray) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(bytes(data))))


def as_file(pixels: np.ndarray) -> Encoded:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "png")
    return Encoded(target.getvalue())


def test_colours_are_cleaned_by_a_painted_mask_without_any_model(daemon, pipeline):
    with daemon.client() as matted:
        answer = matted.foreground(planes(PAINTED, "rgba8"), {"foreground": {"alpha": "own"}})
    assert (answer.format, answer.width, answer.height) == ("rgb8", 160, 160)
    assert pipeline.keys == []
    clean = rgb(answer.data)
    assert np.array_equal(clean[~SCENE.soft], SEEN[~SCENE.soft])
    wrong = (clean / 255 - SCENE.foreground) * SCENE.alpha[..., None]
    assert np.abs(wrong).max() < 0.03


def test_colours_are_cleaned_by_the_models_matte(daemon, pipeline):
    shown = SEEN.copy()
    shown[..., 0] = SCENE.mask  # the stand-in's matte is the first channel
    with daemon.client() as matted:
        uploaded = matted.upload(planes(shown, "rgb8"))
        answer = matted.foreground(uploaded)
    assert pipeline.keys == [uploaded.id]
    assert answer.model == "builtin"
    assert answer.warnings[0]["code"] == "small-picture"
    clean = rgb(answer.data)
    wrong = (clean / 255 - SCENE.foreground)[..., 1:] * SCENE.alpha[..., None]
    assert np.abs(wrong).max() < 0.03


def test_the_matte_that_cleans_is_adjusted_and_limited_as_asked(daemon, pipeline):
    limit = np.full((160, 160, 1), 255, np.uint8)
    with daemon.client() as matted:
        answer = matted.foreground(
            planes(SEEN, "rgb8"), {"adjust": {"grow_px": 2}}, limit=planes(limit, "gray8")
        )
    ((adjust, bound, side_px),) = pipeline.asked
    assert (adjust, side_px) == (AdjustOptions(grow_px=2.0), None)
    assert np.array_equal(bound.mask, limit[..., 0])
    assert answer.confidence == 0.625


@pytest.mark.parametrize(("name", "dtype"), [("rgb16", "<u2"), ("rgbf16", "<f2"), ("rgbf32", "<f4")])
def test_clean_colours_have_the_depth_of_the_picture(daemon, name, dtype):
    top = 65535 if dtype == "<u2" else 1
    deep = (np.dstack([SCENE.seen, SCENE.alpha]) * top).astype(dtype)
    with daemon.client() as matted:
        answer = matted.foreground(
            planes(deep, name.replace("rgb", "rgba")), {"foreground": {"alpha": "own"}}
        )
    assert answer.format == name
    clean = np.frombuffer(bytes(answer.data), dtype).reshape(SEEN.shape)
    assert np.array_equal(clean[~SCENE.soft], deep[..., :3][~SCENE.soft])


def test_what_cannot_be_cleaned_is_refused_in_a_sentence(daemon):
    with daemon.client() as matted:
        with pytest.raises(ClientError, match="no alpha of its own"):
            matted.foreground(planes(SEEN, "rgb8"), {"foreground": {"alpha": "own"}})
        with pytest.raises(ClientError, match="delivery"):
            matted.foreground(planes(SEEN, "rgb8"), {"delivery": {}})
        with pytest.raises(ClientError, match=r"foreground\.alpha"):
            matted.foreground(planes(SEEN, "rgb8"), {"foreground": {"alpha": "yours"}})


def test_cut_outs_are_clean_unless_their_colours_shall_be_kept(daemon):
    shown = SEEN.copy()
    shown[..., 0] = SCENE.mask
    with daemon.client() as matted:
        clean = opened(matted.cutout(as_file(shown)).data)
        kept = opened(matted.cutout(as_file(shown), {"delivery": {"keep_colours": True}}).data)
    seen = SCENE.mask > 0
    assert np.array_equal(kept[..., :3][seen], shown[seen])
    assert np.array_equal(clean[SCENE.mask == 255], kept[SCENE.mask == 255])
    assert (clean[..., 1][SCENE.soft] < kept[..., 1][SCENE.soft]).mean() > 0.8  # less of the green behind


def test_shadow_preset_and_an_uploaded_background(daemon):
    shown = SEEN.copy()
    shown[..., 0] = SCENE.mask
    blue = np.full((40, 60, 3), (10, 20, 200), np.uint8)
    with daemon.client() as matted:
        behind = matted.upload(as_file(blue))
        answer = matted.cutout(
            as_file(shown),
            {
                "delivery": {
                    "preset": "square",
                    "background": f"picture:{behind.id}",
                    "shadow": {"blur_percent": 2},
                    "keep_shadow": True,
                    "format": "png",
                }
            },
        )
    assert {"enlarged", "no-shadow-found", "small-picture"} == {w["code"] for w in answer.warnings}
    found = opened(answer.data)
    assert found.shape == (1000, 1000, 3)
    assert (answer.width, answer.height) == (1000, 1000)
    assert np.abs(found[5, 5].astype(int) - (10, 20, 200)).max() <= 1


@pytest.mark.parametrize(
    ("delivery", "said"),
    [
        ({"preset": "bazaar"}, "bazaar"),
        ({"shadow": {"opacity": 3}}, "opacity"),
        ({"shadow": {"depth": 3}}, "delivery.shadow"),
        ({"background": "picture:gone"}, "send it again"),
    ],
)
def test_wrong_wishes_are_sentences(daemon, delivery, said):
    with daemon.client() as matted, pytest.raises(ClientError, match=re.escape(said)):
        matted.cutout(planes(SEEN, "rgb8"), {"delivery": delivery})
