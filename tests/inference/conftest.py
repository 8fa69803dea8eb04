"""Small ONNX graphs with known arithmetic, made for the tests of sessions."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

Make = Callable[..., Path]


def _save(path: Path, nodes: list, inputs: list, outputs: list, weights: list) -> Path:
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


@pytest.fixture
def doubling(tmp_path: Path) -> Make:
    """`doubling(name, shape, half)`: `x` -> `twice` = 2x and `more` = x + 1, plus `padding` weights."""

    def make(
        name: str = "tiny",
        shape: tuple = (1, 3, 8, 8),
        *,
        half: bool = False,
        factor: float = 2.0,
        padding: int = 0,
    ) -> Path:
        kind, dtype = (TensorProto.FLOAT16, np.float16) if half else (TensorProto.FLOAT, np.float32)
        weights = [
            numpy_helper.from_array(np.array(factor, dtype), "factor"),
            numpy_helper.from_array(np.array(1, dtype), "one"),
        ]
        nodes = [
            helper.make_node("Mul", ["x", "factor"], ["twice"]),
            helper.make_node("Add", ["x", "one"], ["more"]),
        ]
        outputs = ["twice", "more"]
        if padding:
            weights.append(numpy_helper.from_array(np.zeros(padding, np.uint8), "padding"))
            nodes.append(helper.make_node("ReduceMax", ["wide"], ["unused"], keepdims=0))
            nodes.insert(0, helper.make_node("Cast", ["padding"], ["wide"], to=TensorProto.FLOAT))
            outputs.append("unused")
        return _save(
            tmp_path / f"{name}.onnx",
            nodes,
            [helper.make_tensor_value_info("x", kind, shape)],
            [
                helper.make_tensor_value_info(
                    o, TensorProto.FLOAT if o == "unused" else kind, () if o == "unused" else shape
                )
                for o in outputs
            ],
            weights,
        )

    return make


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A loop of 100,000 products of 512 x 512 matrices: minutes, unless it is stopped."""
    side = 512
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "matrix"], ["product"]),
            helper.make_node("Identity", ["go"], ["go_on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [side, side]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("product", TensorProto.FLOAT, [side, side]),
        ],
    )
    return _save(
        tmp_path / "slow.onnx",
        [helper.make_node("Loop", ["turns", "yes", "x"], ["y"], body=body)],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [side, side])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [side, side])],
        [
            numpy_helper.from_array(np.array(100_000), "turns"),
            numpy_helper.from_array(np.array(True), "yes"),
            numpy_helper.from_array(np.eye(side, dtype=np.float32), "matrix"),
        ],
    )


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """A matrix product, the heavy kind of operator, and a light one after it."""
    return _save(
        tmp_path / "product.onnx",
        [helper.make_node("MatMul", ["x", "x"], ["square"]), helper.make_node("Sin", ["square"], ["y"])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 4])],
        [],
    )


@pytest.fixture
def hungry(tmp_path: Path) -> Make:
    """`hungry(elements)`: spreads `x` over that many floats, adds them to themselves, gives the largest."""

    def make(elements: int) -> Path:
        return _save(
            tmp_path / f"hungry-{elements}.onnx",
            [
                helper.make_node("Expand", ["x", "shape"], ["wide"]),
                helper.make_node("Add", ["wide", "wide"], ["twice"]),
                helper.make_node("ReduceMax", ["twice"], ["y"], keepdims=0),
            ],
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])],
            [numpy_helper.from_array(np.array([elements]), "shape")],
        )

    return make
