"""Tiny real ONNX graphs for the tests: they run in ONNX Runtime, and their answers follow by hand."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save_red_key(path: Path, *, side: int = 64) -> Path:
    """Alpha is the red channel: `image` float32 (1, 3, side, side) in 0..1 -> `alpha` (1, 1, side, side)."""
    key = numpy_helper.from_array(np.array([1, 0, 0], np.float32).reshape(1, 3, 1, 1), "key")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "key"], ["alpha"], kernel_shape=[1, 1])],
        "red-key",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, [1, 1, side, side])],
        [key],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def save_slow_red_key(path: Path, *, side: int = 64, turns: int = 50_000_000) -> Path:
    """As `save_red_key`, after a loop of so many turns that its answer can be waited for, or given up."""
    scalar = (TensorProto.FLOAT, [1])
    turn = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["going_on"]),
            helper.make_node("Mul", ["before", "half"], ["after"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", *scalar),
        ],
        [
            helper.make_tensor_value_info("going_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", *scalar),
        ],
        [numpy_helper.from_array(np.array([0.5], np.float32), "half")],
    )
    constants = {
        "key": np.array([1, 0, 0], np.float32).reshape(1, 3, 1, 1),
        "turns": np.array(turns, np.int64),
        "yes": np.array(True),
        "nothing": np.array([0], np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Loop", ["turns", "yes", "nothing"], ["waited"], body=turn),
            helper.make_node("Conv", ["image", "key"], ["red"], kernel_shape=[1, 1]),
            helper.make_node("Add", ["red", "waited"], ["alpha"]),
        ],
        "slow-red-key",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, [1, 1, side, side])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def save_red_bytes(path: Path, *, side: int = 64) -> Path:
    """Alpha is the red channel, by the built-in model's contract: `image` uint8 (N, side, side, 3) ->
    `alpha` float32 (N, 1, side, side).
    """
    red = numpy_helper.from_array(np.array([0], np.int64), "red")
    full = numpy_helper.from_array(np.array(255, np.float32), "full")
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["values"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["values"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("Gather", ["planes", "red"], ["red_plane"], axis=1),
            helper.make_node("Div", ["red_plane", "full"], ["alpha"]),
        ],
        "red-bytes",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", side, side, 3])],
        [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, ["N", 1, side, side])],
        [red, full],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def red_key_catalogue(folder: Path, *, side: int = 64, model_id: str = "red-key") -> Path:
    """A catalogue of one's own, naming a red-key graph in the same folder."""
    save_red_key(folder / f"{model_id}.onnx", side=side)
    path = folder / f"{model_id}.toml"
    path.write_text(
        f"""format = 1
[[model]]
id = "{model_id}"
title = "Red key"
kind = "saliency"
good_for = ["tests"]
licence = "Apache-2.0"
commercial = true
source = "made by the tests"
[[model.file]]
path = "{(folder / f"{model_id}.onnx").as_posix()}"
[model.input]
size = [{side}, {side}]
geometry = "squash"
kernel = "bilinear"
[model.output]
tensor = "alpha"
""",
        encoding="utf-8",
    )
    return path


def save_blue_key(catalogue: Path) -> Path:
    """Adds a saliency model, `blue-key`, to a red-key catalogue: alpha is the blue channel."""
    model = onnx.load(catalogue.with_suffix(".onnx"))
    (key,) = model.graph.initializer
    key.CopyFrom(numpy_helper.from_array(np.array([0, 0, 1], np.float32).reshape(1, 3, 1, 1), "key"))
    path = catalogue.with_name("blue-key.onnx")
    onnx.save(model, path)
    with catalogue.open("a", encoding="utf-8") as file:
        file.write(f"""
[[model]]
id = "blue-key"
like = "red-key"
title = "Blue key"
[[model.file]]
path = "{path.as_posix()}"
""")
    return catalogue


def save_red_matting(path: Path) -> Path:
    """By ViTMatte's contract: `pixel_values` float32 (N, 4, H, W), colours in -1..1 and a trimap in 0..1 ->
    `alphas` (N, 1, H, W). Alpha is the red channel where the trimap is unknown, and the trimap's opposite
    elsewhere.
    """
    weights = {"red": [0.5, 0, 0, 0], "marks": [0, 0, 0, 1]}
    constants = [
        numpy_helper.from_array(np.array(factors, np.float32).reshape(1, 4, 1, 1), name)
        for name, factors in weights.items()
    ]
    scalars = {"half": 0.5, "quarter": 0.25, "one": 1.0}
    constants += [
        numpy_helper.from_array(np.array(value, np.float32), name) for name, value in scalars.items()
    ]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["pixel_values", "red"], ["centred_red"], kernel_shape=[1, 1]),
            helper.make_node("Add", ["centred_red", "half"], ["red_plane"]),
            helper.make_node("Conv", ["pixel_values", "marks"], ["trimap"], kernel_shape=[1, 1]),
            helper.make_node("Sub", ["trimap", "half"], ["from_middle"]),
            helper.make_node("Abs", ["from_middle"], ["distance"]),
            helper.make_node("Less", ["distance", "quarter"], ["unknown"]),
            helper.make_node("Sub", ["one", "trimap"], ["opposite"]),
            helper.make_node("Where", ["unknown", "red_plane", "opposite"], ["alphas"]),
        ],
        "red-matting",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["N", 4, "H", "W"])],
        [helper.make_tensor_value_info("alphas", TensorProto.FLOAT, ["N", 1, "H", "W"])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def add_red_matting(catalogue: Path) -> Path:
    """Adds a matting model, `red-matting`, to a catalogue of one's own."""
    path = save_red_matting(catalogue.parent / "red-matting.onnx")
    with catalogue.open("a", encoding="utf-8") as file:
        file.write(
            f"""
[[model]]
id = "red-matting"
title = "Red matting"
kind = "matting"
good_for = ["tests"]
licence = "Apache-2.0"
commercial = true
source = "made by the tests"
[[model.file]]
path = "{path.as_posix()}"
[model.input]
tensor = "pixel_values"
geometry = "native"
multiple = 32
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
[model.output]
tensor = "alphas"
"""
        )
    return catalogue
