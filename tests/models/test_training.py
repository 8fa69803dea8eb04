"""What `models/training` does, in seconds: drawn truth, outlines, losses, the networks' shapes, and a whole
small training on generated pictures up to a graph that runs. The tests skip where the training requirements
are not installed; nothing that ships needs those.
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
    names = ("ccp", "clothing", "cats", "voc", "human", "outlined")
    pairs = {name: Pairs(squares, masks, ("a", "b", "c")) for name in names}
    return Library(pairs, squares, squares, np.arange(3), cutouts)


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
    from samples import sample, shares_of

    pictures = library()
    shares = shares_of(pictures)
    first, second = (sample(pictures, np.random.default_rng(5), 96, shares=shares) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_samples_have_the_asked_size_and_type():
    from samples import sample, shares_of

    rng, pictures = np.random.default_rng(2), library()
    for _ in range(40):
        image, alpha, trust = sample(pictures, rng, 96, shares=shares_of(pictures))
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


def test_more_scene_around_a_subject_doubles_nothing_of_it():
    from augment import widened

    image = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    mask = disc((30, 50), 18, side=80).astype(np.uint8) * 255
    for seed in range(20):
        wide_image, wide_mask = widened(image, mask, np.random.default_rng(seed))
        assert wide_image.shape[:2] == wide_mask.shape
        assert wide_mask.size > mask.size
        assert np.count_nonzero(wide_mask) == np.count_nonzero(mask)


def test_motion_blur_keeps_the_light():
    from augment import moved

    image = np.full((64, 64, 3), 90, np.uint8)
    for seed in range(20):
        assert np.abs(moved(image, np.random.default_rng(seed)).astype(int) - 90).max() <= 1


def test_variants_of_one_source_are_held_out_together():
    from pictures import is_held_out

    for group in range(200):
        assert is_held_out(f"group{group:04}_png.a") == is_held_out(f"group{group:04}_jpeg.b")


def disc(centre, radius_px, side=200):
    y, x = np.mgrid[0:side, 0:side]
    return np.hypot(y - centre[0], x - centre[1]) < radius_px


def ring_outline(radius_percent, points=24):
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack((50 + radius_percent * np.cos(angle), 50 + radius_percent * np.sin(angle)), 1)


def test_an_outline_is_filled_and_its_gaps_stay_open():
    from outlines import Outline, drawn_mask

    outline = Outline("photo.jpg", (ring_outline(40.0),), (ring_outline(10.0),), snaps=False)
    mask = drawn_mask(outline, (200, 200))
    assert mask[100, 40] == 255
    assert mask[100, 100] == mask[5, 5] == 0


def test_an_outline_snaps_to_the_edge_beside_it():
    from outlines import Outline, drawn_mask, snapped_mask

    truth = disc((100, 100), 70)
    rng = np.random.default_rng(0)
    image = np.where(truth[..., None], (200, 60, 40), (40, 90, 160)) + rng.normal(0, 6, (200, 200, 3))
    image = image.clip(0, 255).astype(np.uint8)
    outline = Outline("photo.jpg", (ring_outline(33.5),), (), snaps=True)
    wrong = np.count_nonzero((drawn_mask(outline, (200, 200)) > 0) != truth)
    still_wrong = np.count_nonzero((snapped_mask(outline, image) > 0) != truth)
    assert still_wrong < 0.2 * wrong


def test_every_outline_that_ships_encloses_something():
    from outlines import drawn_mask, read_outlines

    outlines = read_outlines()
    assert len({o.photo for o in outlines}) == len(outlines)
    for outline in outlines:
        assert bool(outline.outer) == bool(drawn_mask(outline, (100, 100)).any()), outline.photo


def test_kinds_that_a_library_lacks_or_is_to_do_without_get_no_share():
    from samples import shares_of

    shares = shares_of(library(), without=("cats",))
    assert sum(shares.values()) == pytest.approx(1)
    assert not {"cats", "own", "doubtful"} & set(shares)


@pytest.mark.parametrize("design", ["subject", "dense", "nested"])
def test_every_design_gives_logits_of_the_pictures_size(design):
    from designs import DESIGNS

    network = DESIGNS[design]()
    fine, eighth, sixteenth, presence = network(torch.zeros(2, 3, 64, 96))
    assert fine.shape == (2, 1, 64, 96)
    assert (eighth.shape[-2:], sixteenth.shape[-2:]) == ((8, 12), (4, 6))
    assert presence.shape == (2, 1, 1, 1)
    assert network.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 1, 64, 64)


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


def generated_data(folder):
    """A data folder of the layout that the training reads, with a bright disc as every picture's subject."""
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(3)

    def photo(path, subject=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(0, 90, (80, 80, 3), np.uint8)
        if subject is not None:
            picture[subject] += 150
        cv2.imwrite(str(path), picture)

    for name in ("ccp", "clothing", "cats", "voc", "human"):
        for number in range(4):
            subject = disc(rng.uniform(25, 55, 2), rng.uniform(12, 30), side=80)
            photo(folder / f"train/{name}/images/{number}.jpg", subject)
            masks = folder / f"train/{name}/masks"
            masks.mkdir(exist_ok=True)
            cv2.imwrite(str(masks / f"{number}.png"), subject.astype(np.uint8) * 255)
    for place in ("nopeople_640", "bsds500", "camvid701"):
        for number in range(6):
            photo(folder / f"backgrounds/{place}/images/{number}.jpg")
    photo(folder / "unlabeled/imagenet1000/images/0.jpg")
    cutouts = folder / "rgba/emoji"
    cutouts.mkdir(parents=True)
    for number in range(4):
        rgba = np.dstack((rng.integers(0, 256, (64, 64, 3)), disc((32, 32), 20, side=64) * 255))
        cv2.imwrite(str(cutouts / f"{number}.png"), rgba.astype(np.uint8))
    for name in ("lego", "people"):
        (folder / "rgba" / name).mkdir()


@pytest.mark.parametrize(
    ("design", "second_look"),
    [("subject", None), ("subject", 64), ("subject", 32), ("dense", None), ("nested", None)],
)
def test_a_graph_says_what_its_network_says(tmp_path, design, second_look):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    from designs import DESIGNS
    from export import Shipped, export

    torch.manual_seed(0)
    network = DESIGNS[design]().eval()
    state = {"design": design, "average": network.state_dict(), "step": 1, "seen": 2}
    torch.save(state, tmp_path / "checkpoint.pt")
    export(tmp_path / "checkpoint.pt", tmp_path / "out.onnx", side_px=64, second_look_px=second_look)
    session = onnxruntime.InferenceSession(tmp_path / "out.onnx", providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    with torch.no_grad():
        expected = Shipped(network, second_look_px=second_look)(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(session.run(None, {"image": image})[0], expected, atol=0.02)


def test_a_few_steps_lower_the_loss(tmp_path, monkeypatch):
    import train

    generated_data(tmp_path / "data")
    (tmp_path / "work").mkdir()
    plan = train.Plan(tmp_path / "data", tmp_path / "work", steps=30, batch=4, processes=1, side=64)
    losses = []
    learn = train.Run.learn
    monkeypatch.setattr(train.Run, "learn", lambda *run: losses.append(learn(*run)) or losses[-1])
    train.train(plan, 0)
    assert np.mean(losses[-6:]) < np.mean(losses[:6])


def test_a_run_goes_on_where_it_stopped(tmp_path):
    from dataclasses import replace

    import train

    generated_data(tmp_path / "data")
    (tmp_path / "work").mkdir()
    plan = train.Plan(tmp_path / "data", tmp_path / "work", steps=2, batch=2, processes=1, side=64)
    train.train(plan, 0)
    run = train.Run(replace(plan, steps=5, resume=True))
    assert (run.step, run.seen) == (2, 4)
