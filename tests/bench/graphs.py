"""Graphs with random weights and the cost of published ones, so that speed can be measured without downloads.

Weights do not change speed. So that masks, PNG sizes and edges are those of a picture with a subject, the
output is mostly a soft threshold of (red - blue) and takes only a thousandth from the network.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 320


class _Builder:
    """Collects nodes and weights; every method returns the name of the tensor it made."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(seed)
        self._count = 0

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"

    def constant(self, values: np.ndarray) -> str:
        name = self._name("w")
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = self._name(kind.lower())
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def conv(self, x: str, into: int, out: int, *, dilation: int = 1, relu: bool = True) -> str:
        """A 3x3 convolution; batch normalisation is folded in, as in the published files."""
        scale = np.sqrt(2 / (into * 9))
        weight = self.constant((self._random.standard_normal((out, into, 3, 3)) * scale).astype(np.float32))
        bias = self.constant(np.zeros(out, np.float32))
        pads = [dilation] * 4
        y = self.node("Conv", x, weight, bias, kernel_shape=[3, 3], pads=pads, dilations=[dilation] * 2)
        return self.node("Relu", y) if relu else y

    def pool(self, x: str) -> str:
        return self.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)

    def enlarge(self, x: str, side: int) -> str:
        nothing = self.constant(np.zeros(0, np.float32))
        channels = self.node("Shape", x, start=0, end=2)
        sizes = self.node("Concat", channels, self.constant(np.array([side, side], np.int64)), axis=0)
        return self.node("Resize", x, nothing, nothing, sizes, mode="linear")

    def join(self, *tensors: str) -> str:
        return self.node("Concat", *tensors, axis=1)


def _residual_u(b: _Builder, x: str, depth: int, into: int, middle: int, out: int, side: int) -> str:
    """A residual U-block with `depth` levels (Qin et al. 2020, figure 2)."""
    entry = b.conv(x, into, out)
    levels, sides = [b.conv(entry, out, middle)], [side]
    for _ in range(depth - 2):
        levels.append(b.conv(b.pool(levels[-1]), middle, middle))
        sides.append(-(-sides[-1] // 2))
    y = b.conv(levels[-1], middle, middle, dilation=2)
    for level in range(depth - 2, -1, -1):
        last = level == 0
        y = b.conv(b.join(y, levels[level]), 2 * middle, out if last else middle)
        if not last:
            y = b.enlarge(y, sides[level - 1])
    return b.node("Add", y, entry)


def _residual_dilated(b: _Builder, x: str, into: int, middle: int, out: int) -> str:
    """The flat block of the coarsest stages: dilation instead of pooling."""
    entry = b.conv(x, into, out)
    one = b.conv(entry, out, middle)
    two = b.conv(one, middle, middle, dilation=2)
    three = b.conv(two, middle, middle, dilation=4)
    y = b.conv(three, middle, middle, dilation=8)
    y = b.conv(b.join(y, three), 2 * middle, middle, dilation=4)
    y = b.conv(b.join(y, two), 2 * middle, middle, dilation=2)
    return b.node("Add", b.conv(b.join(y, one), 2 * middle, out), entry)


def u2netp_like(path: Path, *, seed: int = 0) -> Path:
    """Writes a graph with the structure, tensors and cost of U²-Net-p (1.1 M parameters) and random weights.

    Input `input.1` float32 (1, 3, 320, 320); seven outputs (1, 1, 320, 320) in (0, 1), the first one fused.
    Structure after Qin et al., "U²-Net: Going Deeper with Nested U-Structure", 2020.
    """
    b = _Builder(seed)
    side = [SIDE, 160, 80, 40, 20, 10]
    stages = []
    x = "input.1"
    for i, depth in enumerate((7, 6, 5, 4)):
        x = _residual_u(b, x, depth, 3 if i == 0 else 64, 16, 64, side[i])
        stages.append(x)
        x = b.pool(x)
    x = _residual_dilated(b, x, 64, 16, 64)
    stages.append(x)
    x = _residual_dilated(b, b.pool(x), 64, 16, 64)
    sides = [x]
    for i, depth in ((4, 0), (3, 4), (2, 5), (1, 6), (0, 7)):
        x = b.join(b.enlarge(x, side[i]), stages[i])
        x = _residual_u(b, x, depth, 128, 16, 64, side[i]) if depth else _residual_dilated(b, x, 128, 16, 64)
        sides.append(x)
    maps = [b.enlarge(b.conv(s, 64, 1, relu=False), SIDE) for s in reversed(sides)]
    weight = b.constant(np.full((1, 6, 1, 1), 1 / 6, np.float32))
    logit = b.node("Conv", b.join(*maps), weight, kernel_shape=[1, 1])
    outputs = [b.node("Sigmoid", _subject(b, y)) for y in (logit, *maps)]
    graph = helper.make_graph(
        b.nodes,
        "u2netp-like",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(y, TensorProto.FLOAT, [1, 1, SIDE, SIDE]) for y in outputs],
        b.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def _subject(b: _Builder, logit: str) -> str:
    """A soft threshold of (red - blue), plus a thousandth of `logit`."""
    key = b.constant(np.array([1, 0, -1], np.float32).reshape(1, 3, 1, 1))
    colour = b.node("Conv", "input.1", key, kernel_shape=[1, 1])
    blurred = b.node("AveragePool", colour, kernel_shape=[5, 5], pads=[2, 2, 2, 2])
    sharp = b.node("Mul", blurred, b.constant(np.array(6, np.float32)))
    return b.node("Add", sharp, b.node("Mul", logit, b.constant(np.array(1e-3, np.float32))))
