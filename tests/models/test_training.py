"""The parts of `models/training` that can be checked in seconds: drawn truth, metrics, losses and the
network's shapes. They skip where the training requirements are not installed; nothing that ships needs those.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is only tested where PyTorch is installed")
pytest.importorskip("cv2", reason="training is only tested where OpenCV is installed")


@pytest.fixture(scope="module", autouse=True)
def training_on_path():
    folder = str(Path(__file__).resolve().parents[2] / "models" / "training")
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)


def library():
    from pictures import Library, Pairs

    rng = np.random.default_rng(0)
    squares = rng.integers(0, 256, (3, 96, 96, 3), np.uint8)
    masks = np.zeros((3, 96, 96), np.uint8)
    masks[:, 20:70, 30:60] = 255
    cutouts = np.concatenate((squares[:, :64, :64], masks[:, :64, :64, None]), -1)
    names = ("ccp", "clothing", "cats", "voc", "human")
    return Library({n: Pairs(squares, masks, ("a", "b", "c")) for n in names}, squares, squares, cutouts)


def test_every_shape_is_an_alpha_with_something_in_it():
    from shapes import SHAPES

    for draw, _ in SHAPES:
        for seed in range(10):
            alpha = draw(np.random.default_rng(seed), 128)
            assert alpha.shape == (128, 128)
            assert alpha.min() >= 0
            assert alpha.max() <= 1.0 + 1e-6
            assert alpha.max() > 0.3, draw.__name__


def test_the_same_seed_draws_the_same_samples():
    from samples import sample

    first, second = (sample(library(), np.random.default_rng(5), 96) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_samples_have_the_asked_size_and_type():
    from samples import sample

    rng, pictures = np.random.default_rng(2), library()
    for _ in range(40):
        image, alpha, trust = sample(pictures, rng, 96)
        assert (image.shape, alpha.shape) == ((96, 96, 3), (96, 96))
        assert image.dtype == alpha.dtype == np.uint8
        assert 0 < trust <= 1


def test_a_laid_thing_shows_exactly_where_its_alpha_is():
    from composites import lay

    thing, alpha = np.full((64, 64, 3), 255, np.float32), np.zeros((64, 64), np.float32)
    alpha[16:48, 16:48] = 1
    for seed in range(20):
        scene = np.zeros((64, 64, 3), np.float32)
        placed = lay(scene, thing, alpha, np.random.default_rng(seed), scale=0.8)
        np.testing.assert_allclose(scene[..., 0] / 255, placed, atol=1e-3)


def test_empty_samples_have_no_subject():
    from composites import empty

    _, alpha = empty(library(), np.random.default_rng(0), 64)
    assert alpha.max() == 0


def test_variants_of_one_source_are_held_out_together():
    from pictures import is_held_out

    for group in range(200):
        assert is_held_out(f"group{group:04}_png.a") == is_held_out(f"group{group:04}_jpeg.b")


def test_a_perfect_alpha_costs_next_to_nothing():
    from losses import matting_loss

    truth = torch.zeros(2, 1, 64, 64)
    truth[0, :, 16:40, 16:40] = 1
    perfect, wrong = (truth * 2 - 1) * 20, (1 - truth * 2) * 20
    assert (
        matting_loss(perfect, truth, torch.ones(2)) < 0.05 < 1.0 < matting_loss(wrong, truth, torch.ones(2))
    )


def test_soft_iou_charges_for_subject_found_in_an_empty_picture():
    from losses import soft_iou_loss

    truth = torch.zeros(1, 1, 8, 8)
    assert soft_iou_loss(truth, truth).item() == 0
    assert soft_iou_loss(truth + 1, truth).item() > 0.5


def test_metrics_of_a_known_overlap():
    from metrics import f_curve, iou_at_half, mean_absolute_error

    truth, alpha = np.zeros((2, 4), np.float32), np.zeros((2, 4), np.float32)
    truth[:, :2], alpha[:, 1:3] = 1, 1
    assert iou_at_half(alpha, truth) == pytest.approx(1 / 3)
    assert mean_absolute_error(alpha, truth) == pytest.approx(0.5)
    assert f_curve(alpha, truth).max() == pytest.approx(0.5)


def test_folding_the_norms_keeps_the_output():
    from export import fold_norms
    from network import SubjectNet

    torch.manual_seed(0)
    network = SubjectNet()
    network(torch.randn(2, 3, 64, 64))
    network.eval()
    picture = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = network(picture)
        fold_norms(network)
        assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())
        torch.testing.assert_close(network(picture), before, atol=1e-3, rtol=1e-3)


def test_grabcut_keeps_a_label_that_the_colours_bear_out():
    from metrics import iou_at_half
    from self_training import grabcut

    y, x = np.mgrid[0:160, 0:160]
    disc = (np.hypot(x - 80, y - 80) < 40).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 8, (160, 160, 3))
    image = np.clip(np.where(disc[..., None] > 0, (200, 40, 40), (60, 120, 60)) + noise, 0, 255).astype(
        np.uint8
    )
    guess = np.clip(disc * 0.8 + 0.1, 0, 1).astype(np.float32)
    assert iou_at_half(grabcut(image, guess), disc) > 0.9
