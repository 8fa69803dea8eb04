"""In its compatibility mode Matted makes the very masks rembg makes, on the same graphs and pictures.

rembg itself runs, in this interpreter if it has rembg, else in the one REMBG_PYTHON names. The graphs are
small networks of random weights with the real models' input shapes.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from matted.config import Settings
from matted.imaging.read import read_picture
from matted.inference.catalogue import load_catalogue
from matted.inference.prepare import prepare, rembg_mask

CATALOGUE = load_catalogue(Settings())
NAMES = [model.rembg.name for model in CATALOGUE.models() if model.rembg is not None]


def network(path: Path, size: tuple[int, int], seed: int, *, ends_in_sigmoid: bool) -> None:
    """Two random convolutions, the second one strided, as (1, 3, H, W) -> (1, 1, H / 2, W / 2)."""
    random = np.random.default_rng(seed)
    width, height = size
    first = numpy_helper.from_array(random.normal(0, 0.4, (6, 3, 3, 3)).astype(np.float32), "first")
    second = numpy_helper.from_array(random.normal(0, 0.4, (1, 6, 3, 3)).astype(np.float32), "second")
    nodes = [
        helper.make_node("Conv", ["input", "first"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Tanh", ["a"], ["b"]),
        helper.make_node(
            "Conv", ["b", "second"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]
        ),
        helper.make_node("Sigmoid" if ends_in_sigmoid else "Identity", ["c"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "random",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, height, width])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, height // 2, width // 2])],
        [first, second],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())


def save_pictures(folder: Path, photos: Path) -> None:
    cat = Image.open(photos / "cat.jpg").convert("RGB")
    random = np.random.default_rng(1)
    cat.point(lambda value: value // 4).save(folder / "dark.png")
    transparent = cat.copy()
    transparent.putalpha(Image.fromarray(random.integers(0, 256, cat.size[::-1], dtype=np.uint8)))
    transparent.save(folder / "transparent.png")
    cat.convert("L").save(folder / "gray.png")
    cat.resize((37, 600)).save(folder / "narrow.png")
    cat.resize((2600, 1900), Image.Resampling.BICUBIC).save(folder / "large.png", compress_level=1)
    cat.save(folder / "photo.jpg", quality=90)


@pytest.fixture(scope="module")
def rembg_says(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the graphs, the pictures and rembg's masks."""
    python = sys.executable if importlib.util.find_spec("rembg") else os.environ.get("REMBG_PYTHON")
    if python is None:
        pytest.skip("rembg is not installed here: install it, or set REMBG_PYTHON to a Python that has it")
    folder = tmp_path_factory.mktemp("rembg")
    for name in ("home", "pictures", "masks"):
        (folder / name).mkdir()
    for seed, name in enumerate(NAMES):
        model = CATALOGUE.get(name)
        ends_in_sigmoid = "sigmoid" not in model.output.activation
        network(folder / "home" / f"{name}.onnx", model.input.size, seed, ends_in_sigmoid=ends_in_sigmoid)
    save_pictures(folder / "pictures", Path(__file__).resolve().parents[1] / "photos")
    script = Path(__file__).with_name("rembg_masks.py")
    places = [str(folder / name) for name in ("home", "pictures", "masks")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([python, str(script), *places, *NAMES], check=True, env=environment)
    return folder


@pytest.mark.timeout(900)  # rembg takes up to a minute to load
@pytest.mark.parametrize("name", NAMES)
def test_the_mask_equals_rembgs_to_within_rounding(rembg_says: Path, name: str) -> None:
    model = CATALOGUE.get(name)
    session = ort.InferenceSession(rembg_says / "home" / f"{name}.onnx", providers=["CPUExecutionProvider"])
    for path in sorted((rembg_says / "pictures").iterdir()):
        picture = read_picture(path, max_pixels=10**8)
        tensor, _ = prepare(picture, model, rembg=True)
        output = session.run(None, {"input": tensor})[0]
        mask = rembg_mask(output, model, (picture.width, picture.height))
        theirs = np.load(rembg_says / "masks" / f"{name}--{path.stem}.npy")
        assert mask.shape == theirs.shape
        assert np.abs(mask.astype(int) - theirs).max() <= 1, path.name


def test_all_of_rembgs_saliency_models_but_the_cloth_parser_are_compared() -> None:
    assert set(NAMES) == {
        *("u2net", "u2netp", "u2net_human_seg", "silueta", "isnet-general-use", "isnet-anime", "bria-rmbg"),
        *("birefnet-general", "birefnet-general-lite", "birefnet-portrait", "birefnet-dis"),
        *("birefnet-hrsod", "birefnet-cod", "birefnet-massive"),
    }
