"""Writes the averaged weights of a checkpoint as the one ONNX file that is shipped.

    python export.py --checkpoint WORK/checkpoint.pt --output ../builtin.onnx

The graph takes `image`, uint8 (N, 384, 384, 3), sRGB, and gives `alpha`, float32 (N, 1, 384, 384) in [0, 1].
Batch norms are folded into the convolutions, and weights are stored in half precision with a cast behind
each, which ONNX Runtime folds away when it loads the file.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from designs import averaged
from network import Context, Residual, normalise

SIDE_PX = 384
OPSET = 18
VERSION = "0.3.0"
_TRAINED_ON = (
    "Own outlines of photographs from ImageNet, BSDS500 and Pascal VOC 2012; cats (public domain), clothing "
    "(CC0), Clothing Co-Parsing, photographs of people (masks from a commercial remover), Noto emoji and "
    "a few other cut-outs, drawn shapes, places; at first also own labels for ImageNet, BSDS500 and CamVid. "
    "Initial weights were random. Terms: models/README.md"
)
_WORST_DIFFERENCE = 0.02
_SMALLEST_HALVED = 64
"""Tensors of fewer numbers stay in single precision: they weigh nothing and some are shapes or scales."""


class Shipped(nn.Module):
    """The network with its normalisation before it and the sigmoid behind it.

    With `second_look_px` it also looks at the picture's mirror image at that side, and adds the logits of
    both, as evidence adds: where the looks agree the alpha comes nearer to 0 or 1 than either's, where they
    do not it stays between. The smaller side sees more of the picture at once, the larger one the edge.
    """

    def __init__(self, network: nn.Module, *, second_look_px: int | None) -> None:
        super().__init__()
        self.network = network
        self.second_look_px = second_look_px

    def forward(self, image: Tensor) -> Tensor:
        picture = normalise(image.permute(0, 3, 1, 2))
        logits = self.network(picture)
        if self.second_look_px is None:
            return torch.sigmoid(logits)
        size = (self.second_look_px, self.second_look_px)
        mirrored = functional.interpolate(picture.flip(3), size=size, mode="bilinear", align_corners=False)
        other = functional.interpolate(
            self.network(mirrored), size=logits.shape[-2:], mode="bilinear", align_corners=False
        )
        return torch.sigmoid(logits + other.flip(3))


def fold_norms(network: nn.Module) -> None:
    """Merges every batch norm into the convolution before it, in place. The network must be in eval mode."""
    for module in list(network.modules()):
        if isinstance(module, Residual):
            module.second, module.norm = fuse_conv_bn_eval(module.second, module.norm), nn.Identity()
        elif isinstance(module, Context):
            module.around, module.norm = fuse_conv_bn_eval(module.around, module.norm), nn.Identity()
            module.narrow, module.out_norm = fuse_conv_bn_eval(module.narrow, module.out_norm), nn.Identity()
        elif isinstance(module, nn.Sequential):
            for at in range(len(module) - 1):
                if isinstance(module[at], nn.Conv2d) and isinstance(module[at + 1], nn.BatchNorm2d):
                    module[at], module[at + 1] = fuse_conv_bn_eval(module[at], module[at + 1]), nn.Identity()


def halve_weights(model: onnx.ModelProto) -> None:
    """Stores the large float32 weights as float16 with a Cast back to float32 behind each, in place."""
    casts = []
    for weights in model.graph.initializer:
        if weights.data_type != TensorProto.FLOAT or np.prod(weights.dims) < _SMALLEST_HALVED:
            continue
        name = weights.name
        half = numpy_helper.from_array(numpy_helper.to_array(weights).astype(np.float16), f"{name}.half")
        weights.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)


def export(
    checkpoint: Path,
    output: Path,
    *,
    side_px: int = SIDE_PX,
    second_look_px: int | None = None,
    with_quarter_of: Path | None = None,
) -> None:
    """Exports the checkpoint's averaged weights and checks the file against PyTorch.

    `with_quarter_of`: the checkpoint of the run before, whose weights count a quarter. Raises ValueError
    where the file and PyTorch differ.
    """
    state = torch.load(checkpoint, weights_only=True)
    network = averaged(checkpoint, other=with_quarter_of)
    image = torch.randint(0, 256, (2, side_px, side_px, 3), dtype=torch.uint8)
    with torch.no_grad():
        expected = Shipped(network, second_look_px=second_look_px)(image).numpy()
    fold_norms(network)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        torch.onnx.export(
            Shipped(network, second_look_px=second_look_px),
            (image,),
            plain,
            input_names=["image"],
            output_names=["alpha"],
            opset_version=OPSET,
            dynamic_shapes={"image": {0: torch.export.Dim("N", min=1, max=64)}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        model = onnx.load(plain)
    halve_weights(model)
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    facts = {
        "name": "matted-builtin",
        "version": VERSION,
        "licence": "Apache-2.0",
        "trained_on": _TRAINED_ON,
        "training_steps": str(state["step"]),
        "training_pictures": str(state["seen"]),
    }
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    part = output.with_suffix(".part")
    onnx.save(model, part)
    session = onnxruntime.InferenceSession(part, providers=["CPUExecutionProvider"])
    worst = float(np.abs(session.run(["alpha"], {"image": image.numpy()})[0] - expected).max())
    if worst > _WORST_DIFFERENCE:
        raise ValueError(f"The exported graph differs from the network by {worst:.4f}.")
    part.replace(output)
    size = output.stat().st_size / 1e6
    print(f"{output}: {size:.2f} MB, step {state['step']}, differs by at most {worst:.5f}")


def main() -> None:
    """Reads the command line and exports."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--side", type=int, default=SIDE_PX, help="side of the input in pixels")
    parser.add_argument("--second-look", type=int, metavar="SIDE", help="also look at the mirror image")
    parser.add_argument(
        "--with-quarter-of",
        type=Path,
        metavar="CHECKPOINT",
        help="the run before: its weights count a quarter",
    )
    args = parser.parse_args()
    export(
        args.checkpoint,
        args.output,
        side_px=args.side,
        second_look_px=args.second_look,
        with_quarter_of=args.with_quarter_of,
    )


if __name__ == "__main__":
    main()
