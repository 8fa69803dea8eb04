"""Pins what every model of the catalogue is fed and what is made of its answer.

The expected values are computed here from the models' published steps with Pillow and plain numpy; the graphs
are made for the purpose, with the real input shapes, and run in ONNX Runtime.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from matted.config import Settings
from matted.errors import BadOption, ModelError
from matted.imaging.picture import Picture
from matted.inference.catalogue import Catalogue, Input, Model, Output, load_catalogue
from matted.inference.prepare import (
    CONVINCING_SPAN,
    Placement,
    activate,
    coarse_alpha,
    place,
    prepare,
    prepare_with_trimap,
    rembg_mask,
)

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0))
MODNET = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
PLAIN = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
WIDTH, HEIGHT = 500, 400


@dataclass(frozen=True)
class Published:
    """A model's steps as its authors publish them, written down apart from the catalogue."""

    side: int
    divide_by_maximum: bool = False
    normal: tuple[tuple[float, ...], tuple[float, ...]] = PLAIN
    letterbox: str | None = None  # where the picture goes in its black square; None: squashed
    after: str = "none"
    out_side: int | None = None


SALIENCY = {
    "u2net": Published(320, True, IMAGENET, after="minmax"),
    "u2netp": Published(320, True, IMAGENET, after="minmax"),
    "u2net_human_seg": Published(320, True, IMAGENET, after="minmax"),
    "silueta": Published(320, True, IMAGENET, after="minmax"),
    "isnet-general-use": Published(1024, False, HALF, after="minmax"),
    "isnet-anime": Published(1024, letterbox="centre"),
    "rmbg-1.4": Published(1024, False, HALF, after="minmax"),
    "rmbg-1.4-fp16": Published(1024, False, HALF, after="minmax"),
    "rmbg-1.4-int8": Published(1024, False, HALF, after="minmax"),
    "rmbg-2.0": Published(1024, False, IMAGENET),
    "birefnet-general": Published(1024, False, IMAGENET, after="sigmoid"),
    "birefnet-general-fp16": Published(1024, False, IMAGENET, after="sigmoid"),
    "birefnet-general-lite": Published(1024, False, IMAGENET, after="sigmoid"),
    "birefnet-general-lite-fp16": Published(1024, False, IMAGENET, after="sigmoid"),
    "birefnet-portrait": Published(1024, False, IMAGENET, after="sigmoid"),
    "birefnet-dis": Published(1024, False, IMAGENET, after="sigmoid"),
    "birefnet-hrsod": Published(1024, False, IMAGENET, after="sigmoid"),
    "birefnet-cod": Published(1024, False, IMAGENET, after="sigmoid"),
    "birefnet-massive": Published(1024, False, IMAGENET, after="sigmoid"),
    "birefnet-matting": Published(1024, False, IMAGENET, after="sigmoid"),
    "birefnet-hr": Published(2048, False, IMAGENET, after="sigmoid"),
    "birefnet-hr-matting": Published(2048, False, IMAGENET, after="sigmoid"),
    "withoutbg": Published(448, letterbox="top-left"),
    "withoutbg-4": Published(1024, letterbox="top-left", out_side=768),
    "inspyrenet": Published(1024, False, IMAGENET),
}
# The 500 x 400 test picture fills 819 of 1024 rows, or 358 of 448: where those are in the output.
ROWS = {"isnet-anime": (102, 819), "withoutbg": (0, 358), "withoutbg-4": (0, 819 * 768 / 1024)}
ELSEWHERE = {
    "builtin",
    "modnet",
    "mobilesam",
    "sam-vit-b",
    "sam2.1-tiny",
    "sam2-tiny",
    "vitmatte",
}  # pinned by tests of their own


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return load_catalogue(Settings(models_dir=tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def image() -> Image.Image:
    """A picture whose brightest value is 200, so that dividing by the maximum shows."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    noise = np.random.default_rng(5).integers(0, 40, (HEIGHT, WIDTH, 3))
    pixels = (
        np.stack((x * 160 // WIDTH, y * 160 // HEIGHT, (x + y) * 160 // (WIDTH + HEIGHT)), axis=2) + noise
    )
    pixels[100:300, 150:350] = (200, 30, 90)
    return Image.fromarray(pixels.clip(0, 200).astype(np.uint8))


def picture_of(image: Image.Image) -> Picture:
    return Picture(np.asarray(image))


def published_tensor(image: Image.Image, steps: Published) -> np.ndarray:
    side = steps.side
    if steps.letterbox is None:
        pixels = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR), np.float64)
    else:
        scale = side / max(image.size)
        width, height = round(image.width * scale), round(image.height * scale)
        left, top = ((side - width) // 2, (side - height) // 2) if steps.letterbox == "centre" else (0, 0)
        canvas = Image.new("RGB", (side, side))
        canvas.paste(image.resize((width, height), Image.Resampling.BILINEAR), (left, top))
        pixels = np.asarray(canvas, np.float64)
    mean, std = steps.normal
    scaled = pixels / (pixels.max() if steps.divide_by_maximum else 255)
    return ((scaled - mean) / std).transpose(2, 0, 1)[None]


def published_alpha(raw: np.ndarray, steps: Published) -> np.ndarray:
    if steps.after == "minmax":
        return (raw - raw.min()) / (raw.max() - raw.min())
    if steps.after == "sigmoid":
        return 1 / (1 + np.exp(-raw.astype(np.float64)))
    return raw.clip(0, 1)


def rows_of(plane: np.ndarray, top: int, height: float) -> np.ndarray:
    """The rows that the picture covers; read between pixels where it ends inside one."""
    count = int(height)
    centres = top + (np.arange(count) + 0.5) * height / count - 0.5
    return np.stack([np.interp(centres, np.arange(len(column)), column) for column in plane.T], axis=1)


def mixing_graph(path: Path, side: int, *, out_side: int | None = None, bias: float = 0.1) -> Path:
    """`input` (1, 3, side, side) -> a fixed mix of its channels, if asked averaged down to `out_side`."""
    mix = numpy_helper.from_array(np.array([0.5, -0.25, 0.125], np.float32).reshape(1, 3, 1, 1), "mix")
    shift = numpy_helper.from_array(np.array([bias], np.float32), "shift")
    out = out_side or side
    nodes = [helper.make_node("Conv", ["input", "mix", "shift"], ["mixed"], kernel_shape=[1, 1])]
    sizes = []
    if out_side:
        sizes = [numpy_helper.from_array(np.array([1, 1, out, out], np.int64), "sizes")]
        nodes.append(helper.make_node("Resize", ["mixed", "", "", "sizes"], ["output"], mode="linear"))
    else:
        nodes.append(helper.make_node("Identity", ["mixed"], ["output"]))
    graph = helper.make_graph(
        nodes,
        "mix",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, out, out])],
        [mix, shift, *sizes],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def answer(path: Path, tensor: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: tensor})[0]


def test_every_entry_is_pinned(catalogue: Catalogue) -> None:
    assert {model.id for model in catalogue.models()} == set(SALIENCY) | ELSEWHERE


@pytest.mark.parametrize("model_id", SALIENCY)
def test_a_model_is_fed_what_its_authors_feed_it(
    catalogue: Catalogue, image: Image.Image, model_id: str
) -> None:
    tensor, _ = prepare(picture_of(image), catalogue.get(model_id))
    wanted = published_tensor(image, SALIENCY[model_id])
    assert tensor.dtype == np.float32
    assert tensor.shape == wanted.shape
    np.testing.assert_allclose(tensor, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("model_id", SALIENCY)
def test_an_answer_becomes_the_alpha_its_authors_make_of_it(
    catalogue: Catalogue, image: Image.Image, tmp_path: Path, model_id: str
) -> None:
    model, steps = catalogue.get(model_id), SALIENCY[model_id]
    tensor, placement = prepare(picture_of(image), model)
    raw = answer(mixing_graph(tmp_path / "mix.onnx", steps.side, out_side=steps.out_side), tensor)
    alpha = coarse_alpha(raw, model, placement)
    wanted = published_alpha(raw[0, 0], steps)
    if model_id in ROWS:
        wanted = rows_of(wanted, *ROWS[model_id])
    assert alpha.shape == wanted.shape
    np.testing.assert_allclose(alpha, wanted, rtol=0, atol=1e-3 if steps.out_side else 1e-6)
    assert alpha.dtype == np.float32
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_the_built_in_model_takes_the_pixels_as_they_are(catalogue: Catalogue, image: Image.Image) -> None:
    model = catalogue.get("builtin")
    tensor, placement = prepare(picture_of(image), model)
    np.testing.assert_array_equal(tensor[0], image.resize((384, 384), Image.Resampling.BILINEAR))
    assert tensor.dtype == np.uint8
    assert (model.input.tensor, model.output.tensor) == ("image", "alpha")
    raw = np.linspace(0, 1, 384 * 384, dtype=np.float32).reshape(1, 1, 384, 384)
    np.testing.assert_array_equal(coarse_alpha(raw, model, placement), raw[0, 0])


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((500, 400), (640, 512)),  # both sides below 512: enlarged to it
        ((3000, 2000), (768, 512)),  # both above: shrunk to it
        ((1080, 1920), (512, 896)),  # 910 floored
        ((700, 500), (672, 480)),  # straddling: kept, floored
        ((2000, 20), (1984, 32)),  # the original makes this 0 pixels high
        ((20000, 1000), (2048, 96)),  # the original asks for 10240 x 512
    ],
)
def test_modnet_sizes(catalogue: Catalogue, size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert place(size, catalogue.get("modnet").input).canvas == wanted


def test_modnet_is_fed_and_read_as_its_authors_do(catalogue: Catalogue, image: Image.Image) -> None:
    model = catalogue.get("modnet")
    large = image.resize((1536, 1024), Image.Resampling.BICUBIC)
    tensor, placement = prepare(picture_of(large), model)
    # 1536 x 1024 to 768 x 512: the mean of each 2 x 2 block, rounded once per direction
    blocks = np.asarray(large, np.float64).reshape(512, 2, 768, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(tensor[0].transpose(1, 2, 0), (blocks - 127.5) / 127.5, atol=1.01 / 127.5)
    raw = np.linspace(-0.1, 1.1, 512 * 768, dtype=np.float32).reshape(1, 1, 512, 768)
    np.testing.assert_array_equal(coarse_alpha(raw, model, placement), raw[0, 0].clip(0, 1))


def test_mobilesam_takes_plain_pixels_with_the_long_side_at_1024(
    catalogue: Catalogue, image: Image.Image
) -> None:
    tensor, _ = prepare(picture_of(image), catalogue.get("mobilesam"))
    wanted = np.asarray(image.resize((1024, 819), Image.Resampling.BILINEAR), np.float32)
    np.testing.assert_array_equal(tensor, wanted)
    assert tensor.dtype == np.float32


def test_sam_takes_plain_bytes_in_a_square_with_zeros_beside(
    catalogue: Catalogue, image: Image.Image
) -> None:
    tensor, _ = prepare(picture_of(image), catalogue.get("sam-vit-b"))
    wanted = np.zeros((1024, 1024, 3), np.uint8)
    wanted[:819] = image.resize((1024, 819), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(tensor[0], wanted.transpose(2, 0, 1))
    assert tensor.dtype == np.uint8


@pytest.mark.parametrize("model", ["sam2.1-tiny", "sam2-tiny"])
def test_sam_2_takes_a_square_normalised_as_by_imagenet(
    catalogue: Catalogue, image: Image.Image, model: str
) -> None:
    tensor, placement = prepare(picture_of(image), catalogue.get(model))
    square = np.asarray(image.resize((1024, 1024), Image.Resampling.BILINEAR), np.float64) / 255
    wanted = (square - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(tensor[0], wanted.transpose(2, 0, 1), atol=1e-5)
    assert (placement.width, placement.height) == (1024, 1024)


def test_vitmatte_takes_the_trimap_as_a_fourth_plane(catalogue: Catalogue) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    trimap = np.random.default_rng(2).choice(np.array([0, 128, 255], np.uint8), (50, 70))
    tensor, placement = prepare_with_trimap(pixels, trimap, catalogue.get("vitmatte"))
    assert tensor.shape == (1, 4, 64, 96)
    np.testing.assert_allclose(tensor[0, :3, :50, :70].transpose(1, 2, 0), pixels / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(tensor[0, 3, :50, :70], np.choose(trimap // 127, (0, 0.5, 1)))
    assert not tensor[0, :, 50:].any()
    assert not tensor[0, :, :, 70:].any()
    raw = np.random.default_rng(3).random((1, 1, 64, 96), np.float32)
    np.testing.assert_array_equal(
        coarse_alpha(raw, catalogue.get("vitmatte"), placement), raw[0, 0, :50, :70]
    )


def test_a_matting_model_alone_cannot_cut_out(catalogue: Catalogue, image: Image.Image) -> None:
    with pytest.raises(BadOption, match="refines"):
        prepare(picture_of(image), catalogue.get("vitmatte"))


def with_rules(catalogue: Catalogue, **changes: object) -> Model:
    model = catalogue.get("u2net")
    return replace(model, input=replace(model.input, **changes))


def test_half_precision_and_channels_last_hold_the_same_numbers(
    catalogue: Catalogue, image: Image.Image
) -> None:
    plain, _ = prepare(picture_of(image), catalogue.get("u2net"))
    last, _ = prepare(picture_of(image), with_rules(catalogue, layout="nhwc", dtype="float16"))
    assert last.dtype == np.float16
    np.testing.assert_array_equal(last, plain.transpose(0, 2, 3, 1).astype(np.float16))


def test_the_pad_colour_is_normalised_like_the_picture(catalogue: Catalogue, image: Image.Image) -> None:
    model = with_rules(catalogue, geometry="letterbox", pad=(255, 0, 51), scale="255")
    tensor, placement = prepare(picture_of(image), model)
    beside = tensor[0, :, placement.height :]
    wanted = (np.array([1.0, 0.0, 0.2]) - IMAGENET[0]) / IMAGENET[1]
    np.testing.assert_allclose(beside, np.broadcast_to(wanted[:, None, None], beside.shape), atol=1e-6)


def test_a_black_picture_does_not_divide_by_zero(catalogue: Catalogue) -> None:
    tensor, _ = prepare(Picture(np.zeros((30, 40, 3), np.uint8)), catalogue.get("u2net"))
    assert np.isfinite(tensor).all()


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    geometry=st.sampled_from(("squash", "letterbox", "long-side", "short-side")),
    anchor=st.sampled_from(("top-left", "centre")),
    coarser=st.sampled_from((1.0, 0.75, 0.5)),
)
def test_the_alpha_lies_exactly_over_the_picture(
    size: tuple[int, int], geometry: str, anchor: str, coarser: float
) -> None:
    """A ramp across the picture's frame, as the model would see it, comes back as that ramp."""
    spec = Input(size=(256, 256), geometry=geometry, anchor=anchor, max_side=512)
    placement = place(size, spec)
    width, height = (max(1, round(side * coarser)) for side in placement.canvas)
    x = (np.arange(width) + 0.5) / width * placement.canvas[0]
    ramp = ((x - placement.left) / placement.width).astype(np.float32)
    output = np.broadcast_to(ramp, (1, 1, height, width))
    model = stub_model(spec)
    alpha = coarse_alpha(output, model, placement)
    wanted = (np.arange(alpha.shape[1]) + 0.5) / alpha.shape[1]
    assert alpha.shape[0] == max(1, round(placement.height * height / placement.canvas[1]))
    if alpha.shape[1] > 4:  # at the frame's edge the ramp is cut at 0 and 1 before it is resampled
        step = 1 / 32 / alpha.shape[1]  # OpenCV places its samples at 32nds of a pixel
        np.testing.assert_allclose(alpha[0, 2:-2], wanted[2:-2], atol=1.5 * step + 1e-4)


def stub_model(spec: Input, output: Output | None = None) -> Model:
    return Model(
        id="stub",
        title="Stub",
        kind="saliency",
        good_for=(),
        licence="",
        commercial=True,
        source="",
        files=(),
        input=spec,
        output=output or Output(),
    )


def convincing_map() -> np.ndarray:
    values = np.random.default_rng(4).random((40, 50), np.float32) * np.float32(0.9) + np.float32(0.03)
    values[0, 0] = 0.02
    return values


def test_a_normal_map_is_stretched_exactly_as_its_authors_do() -> None:
    values = convincing_map()
    authors = (values - np.min(values)) / (np.max(values) - np.min(values))
    np.testing.assert_array_equal(activate(values, "minmax"), authors)


@pytest.mark.parametrize("level", [0.0, 0.01, 0.05, 0.2])
def test_noise_without_a_subject_does_not_become_a_mask(level: float) -> None:
    values = level + np.random.default_rng(6).random((60, 60), np.float32) * np.float32(0.05)
    assert activate(values, "minmax").max() < level + 0.1


def test_a_flat_map_stays_what_it_says() -> None:
    nothing, everything = np.zeros((9, 9), np.float32), np.full((9, 9), 0.97, np.float32)
    assert not activate(nothing, "minmax").any()
    assert activate(everything, "minmax").min() > 0.95


def test_the_guard_sets_in_without_a_jump() -> None:
    ramp = np.linspace(0, 1, 101, dtype=np.float32)[None]
    just, below = ramp * np.float32(CONVINCING_SPAN), ramp * np.float32(CONVINCING_SPAN - 1e-4)
    np.testing.assert_allclose(activate(just, "minmax"), activate(below, "minmax"), atol=1e-3)


def test_sigmoid_survives_extreme_logits() -> None:
    values = np.array([[-1000, -5, 0, 5, 1000]], np.float32)
    wanted = 1 / (1 + np.exp(-np.array([[-700, -5, 0, 5, 700]], np.float64)))
    np.testing.assert_allclose(activate(values, "sigmoid"), wanted, atol=1e-6)


@pytest.mark.parametrize("activation", ["none", "sigmoid", "minmax", "sigmoid-minmax"])
def test_an_answer_without_numbers_is_an_error(activation: str) -> None:
    values = np.full((4, 4), np.nan, np.float32)
    with pytest.raises(ModelError, match="no usable numbers"):
        activate(values, activation)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((1, 3, 6, 8), "nchw"),
        ((1, 6, 8, 3), "nhwc"),
        ((2, 6, 8), "nchw"),
        ((6, 8, 1), "nhwc"),
        ((6, 8), "nchw"),
    ],
)
def test_the_first_channel_is_found_in_every_layout(shape: tuple[int, ...], layout: str) -> None:
    plane = np.random.default_rng(8).random((6, 8), np.float32)
    output = np.zeros(shape, np.float32)
    output[
        {"nchw": (..., 0, slice(None), slice(None)), "nhwc": (..., 0)}[layout] if len(shape) > 2 else ...
    ] = plane
    model = stub_model(Input(size=(8, 6)), Output(layout=layout))
    np.testing.assert_array_equal(coarse_alpha(output, model, Placement((8, 6), 0, 0, 8, 6)), plane)


def test_an_answer_that_is_no_mask_is_an_error() -> None:
    with pytest.raises(ModelError, match="catalogue entry"):
        coarse_alpha(np.zeros(5, np.float32), stub_model(Input()), Placement((320, 320), 0, 0, 320, 320))


def test_rembg_mode_is_refused_for_models_rembg_does_not_have(
    catalogue: Catalogue, image: Image.Image
) -> None:
    with pytest.raises(BadOption, match="rembg has no"):
        prepare(picture_of(image), catalogue.get("modnet"), rembg=True)


def test_rembg_cuts_to_8_bits_before_it_enlarges(catalogue: Catalogue) -> None:
    raw = np.random.default_rng(9).random((1, 1, 320, 320), np.float32)
    stretched = (raw[0, 0] - raw.min()) / (raw.max() - raw.min())
    small = Image.fromarray((stretched * 255).astype(np.uint8))
    wanted = small.resize((500, 400), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(rembg_mask(raw, catalogue.get("u2netp"), (500, 400)), wanted)
