"""What `models/builtin.onnx` promises to whoever loads it: its inputs and outputs, its range, and that it
finds a plain subject and nothing in a plain picture. Only ONNX Runtime and NumPy are needed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime", reason="the built-in model runs on ONNX Runtime")

MODEL = Path(__file__).resolve().parents[2] / "models" / "builtin.onnx"
SIDE = 384


@pytest.fixture(scope="module")
def session():
    return onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])


def alpha_of(session, image: np.ndarray) -> np.ndarray:
    return session.run(["alpha"], {"image": image[None]})[0][0, 0]


def disc(*, subject: tuple[int, int, int], ground: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    truth = np.hypot(x - 198, y - 180) < 96
    return np.where(truth[..., None], subject, ground).astype(np.uint8), truth


def test_input_is_rgb_bytes(session):
    (image,) = session.get_inputs()
    assert (image.name, image.type, image.shape[1:]) == ("image", "tensor(uint8)", [SIDE, SIDE, 3])


def test_batch_size_is_free(session):
    assert isinstance(session.get_inputs()[0].shape[0], str)


def test_output_is_one_float_plane(session):
    (alpha,) = session.get_outputs()
    assert (alpha.name, alpha.type, alpha.shape[1:]) == ("alpha", "tensor(float)", [1, SIDE, SIDE])


def test_file_is_small():
    assert 1_000_000 <= MODEL.stat().st_size <= 5_000_000


def test_facts_travel_with_the_file(session):
    facts = session.get_modelmeta().custom_metadata_map
    assert {"name", "version", "licence", "trained_on", "training_steps"} <= facts.keys()


def test_alpha_stays_in_range(session):
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    alpha = alpha_of(session, noise)
    assert np.isfinite(alpha).all()
    assert alpha.min() >= 0.0
    assert alpha.max() <= 1.0


def test_a_batch_equals_its_pictures(session):
    images = np.random.default_rng(1).integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
    together = session.run(["alpha"], {"image": images})[0][:, 0]
    np.testing.assert_allclose(together, [alpha_of(session, image) for image in images], atol=1e-4)


@pytest.mark.parametrize("grey", [20, 128, 255])
def test_nothing_is_found_in_a_flat_picture(session, grey):
    assert alpha_of(session, np.full((SIDE, SIDE, 3), grey, np.uint8)).mean() < 0.02


@pytest.mark.parametrize(
    ("subject", "ground"),
    [((200, 30, 40), (245, 245, 245)), ((240, 240, 60), (30, 40, 90)), ((20, 20, 20), (160, 190, 160))],
)
def test_a_disc_on_a_plain_ground_is_found(session, subject, ground):
    image, truth = disc(subject=subject, ground=ground)
    found = alpha_of(session, image) > 0.5
    assert (found & truth).sum() / (found | truth).sum() > 0.8
