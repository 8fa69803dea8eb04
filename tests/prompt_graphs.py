"""Small real encoders and decoders by the contracts of MobileSAM, SAM ViT-B and SAM 2, with known answers.

The encoder makes a picture's brightness at its canvas's 1024 x 1024 pixels into the embedding, beside the
picture -1; by SAM 2's contract it is shared out between all three outputs. The decoder finds what is as
bright as the place of the last point: it forgets the earlier ones, but for what the mask that is fed back
remembers of them. So every coordinate, scale and padding shows.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64
WEIGHTS = (0.5, 0.3, 0.2)  # of red, green and blue in the brightness
LIKE = 0.05  # as bright: this near
CANVAS, STEP = 1024, 4
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SAM21_FEATURES = ("image_embeddings", "high_res_features1", "high_res_features2")
_PROMPT = [
    ("point_coords", FLOAT, [1, "N", 2]),
    ("point_labels", FLOAT, [1, "N"]),
    ("mask_input", FLOAT, [1, 1, 256, 256]),
    ("has_mask_input", FLOAT, [1]),
]


class _Graph:
    """Nodes and constants as they come; each call gives the output's name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def __call__(self, kind: str, *inputs: object, out: str | None = None, **attributes: object) -> str:
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        out = out or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [out], **attributes))
        return out

    def constant(self, value: object) -> str:
        array = np.asarray(value)
        array = array.astype(np.int64 if array.dtype.kind == "i" else array.dtype)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        self.weights.append(numpy_helper.from_array(array, f"c{len(self.weights)}"))
        return self.weights[-1].name

    def save(self, path: Path, inputs: list, outputs: list) -> Path:
        graph = helper.make_graph(
            self.nodes,
            path.stem,
            [helper.make_tensor_value_info(*one) for one in inputs],
            [helper.make_tensor_value_info(*one) for one in outputs],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)
        return path


def save_mobile_encoder(path: Path) -> Path:
    """`input_image` float32 (H, W, 3) in 0..255 -> `image_embeddings` (1, 256, 64, 64), padded inside."""
    g = _Graph()
    planes = g("Unsqueeze", g("Transpose", "input_image", perm=[2, 0, 1]), [0])
    plane = g("Conv", planes, _kernel(), kernel_shape=[1, 1])
    missing = g("Sub", [1, 1, CANVAS, CANVAS], g("Shape", plane))
    padded = g("Pad", plane, g("Concat", [0, 0, 0, 0], missing, axis=0), np.float32(-1))
    g("SpaceToDepth", padded, blocksize=16, out="image_embeddings")
    return g.save(
        path,
        [("input_image", FLOAT, ["H", "W", 3])],
        [("image_embeddings", FLOAT, [1, 256, 64, 64])],
    )


def save_vit_encoder(path: Path) -> Path:
    """`image` uint8 (1, 3, 1024, 1024), zero beside the picture -> `embedding` (1, 256, 64, 64)."""
    g = _Graph()
    plane = g("Conv", g("Cast", "image", to=FLOAT), _kernel(), kernel_shape=[1, 1])
    g("SpaceToDepth", plane, blocksize=16, out="embedding")
    return g.save(
        path, [("image", TensorProto.UINT8, [1, 3, CANVAS, CANVAS])], [("embedding", FLOAT, [1, 256, 64, 64])]
    )


def save_sam2_encoder(path: Path, image: str, features: Sequence[str]) -> Path:
    """`image` float32 (1, 3, 1024, 1024), normalised by ImageNet -> (1, 256, 64, 64), (1, 32, 256, 256) and
    (1, 64, 128, 128), which hold a half, a quarter and a quarter of the brightness.
    """
    g = _Graph()
    kernel = (np.array(WEIGHTS) * IMAGENET_STD).reshape(1, 3, 1, 1)
    plane = g("Add", g("Conv", image, kernel, kernel_shape=[1, 1]), np.dot(WEIGHTS, IMAGENET_MEAN))
    g("Mul", g("SpaceToDepth", plane, blocksize=16), 0.5, out=features[0])
    fine = g("Mul", g("SpaceToDepth", plane, blocksize=4), 0.25)
    g("Concat", fine, g("Neg", fine), axis=1, out=features[1])
    g("Mul", g("SpaceToDepth", plane, blocksize=8), 0.25, out=features[2])
    shapes = ([1, 256, 64, 64], [1, 32, 256, 256], [1, 64, 128, 128])
    outputs = [(name, FLOAT, shape) for name, shape in zip(features, shapes, strict=True)]
    return g.save(path, [(image, FLOAT, [1, 3, CANVAS, CANVAS])], outputs)


def save_decoder(path: Path) -> Path:
    """The decoder of SAM ViT-B, four masks: see `_answer`. The third is the opposite, the fourth empty."""
    g = _Graph()
    chosen, nothing = _answer(g, g("DepthToSpace", "image_embeddings", blocksize=16))
    g("Concat", chosen, chosen, g("Neg", chosen), nothing, axis=1, out="low_res_masks")
    g("Identity", [[0.8, 0.95, 0.5, 0.3]], out="iou_predictions")
    sizes = g("Concat", [1, 4], g("Cast", "orig_im_size", to=INT), axis=0)
    g("Resize", "low_res_masks", "", "", sizes, mode="linear", out="masks")
    return g.save(
        path,
        [("image_embeddings", FLOAT, [1, 256, 64, 64]), *_PROMPT, ("orig_im_size", FLOAT, [2])],
        [
            ("masks", FLOAT, [1, 4, "H", "W"]),
            ("iou_predictions", FLOAT, [1, 4]),
            ("low_res_masks", FLOAT, [1, 4, 256, 256]),
        ],
    )


def save_sam2_decoder(path: Path, features: Sequence[str], *, sized: bool) -> Path:
    """A decoder of SAM 2, three masks: see `_answer`. The second is the opposite, the third empty.

    `sized`: it takes the picture's size, for masks of that beside those of 256 x 256.
    """
    g = _Graph()
    fine = g("Slice", features[1], [0], [16], [1])
    parts = (features[0], 16), (fine, 4), (features[2], 8)
    plane = g("Sum", *(g("DepthToSpace", name, blocksize=size) for name, size in parts))
    chosen, nothing = _answer(g, plane)
    low = "low_res_masks" if sized else "masks"
    g("Concat", chosen, g("Neg", chosen), nothing, axis=1, out=low)
    g("Identity", [[0.95, 0.5, 0.3]], out="iou_predictions")
    shapes = ([1, 256, 64, 64], [1, 32, 256, 256], [1, 64, 128, 128])
    inputs = [(name, FLOAT, shape) for name, shape in zip(features, shapes, strict=True)]
    outputs = [("iou_predictions", FLOAT, [1, 3]), (low, FLOAT, [1, 3, 256, 256])]
    if not sized:
        return g.save(path, [*inputs, *_PROMPT], outputs[::-1])
    g("Resize", low, "", "", g("Concat", [1, 3], "orig_im_size", axis=0), mode="linear", out="masks")
    inputs += [*_PROMPT, ("orig_im_size", INT, [2])]
    return g.save(path, inputs, [("masks", FLOAT, [1, 3, "H", "W"]), *outputs])


def _answer(g: _Graph, plane: str) -> tuple[str, str]:
    """Logits (1, 1, 256, 256): 12 where all is as wanted, -12 where it is not; and -12 everywhere.

    Without a point: what is brighter than 0.65. A point on what is not wanted takes the like away from
    what was fed back. Outside a box there is nothing.
    """
    plane = g("Conv", plane, _centre(), kernel_shape=[STEP, STEP], strides=[STEP, STEP])
    is_point = g("And", g("GreaterOrEqual", "point_labels", 0.0), g("LessOrEqual", "point_labels", 1.0))
    count = g("Gather", g("Shape", "point_labels"), 1, axis=0)
    places = g("Cast", g("Range", 1, g("Add", count, 1), 1), to=FLOAT)
    last = g("ArgMax", g("Where", is_point, places, 0.0), axis=1, keepdims=0)
    given = g("Greater", g("ReduceMax", g("Cast", is_point, to=FLOAT), keepdims=0), 0.5)
    wanted = g("Greater", g("Squeeze", g("Gather", "point_labels", last, axis=1)), 0.5)
    place = g("Div", g("Add", g("Squeeze", g("Gather", "point_coords", last, axis=1)), 0.5), float(STEP))
    place = g("Cast", g("Clip", g("Floor", place), 0.0, 255.0), to=INT)
    x, y = (g("Reshape", g("Gather", place, n, axis=0), [1]) for n in (0, 1))
    value = g("GatherND", g("Squeeze", plane, [0, 1]), g("Concat", y, x, axis=0))
    apart = g("Mul", g("Abs", g("Sub", plane, value)), 12 / LIKE)
    like = g("Clip", g("Sub", 12.0, apart), -12.0, 12.0)
    fed = g("Greater", g("Squeeze", "has_mask_input"), 0.5)
    grown = g("Where", fed, g("Max", like, "mask_input"), like)
    shrunk = g("Min", g("Where", fed, "mask_input", 12.0), g("Neg", like))
    bright = g("Clip", g("Mul", g("Sub", plane, 0.65), 240.0), -12.0, 12.0)
    chosen = g("Where", given, g("Where", wanted, grown, shrunk), bright)
    chosen = g("Where", _in_box(g), chosen, -12.0)
    return chosen, g("Sub", g("Mul", chosen, 0.0), 12.0)


def _in_box(g: _Graph) -> str:
    centres = np.arange(CANVAS // STEP, dtype=np.float32) * STEP + STEP / 2
    inside = []
    for axis, shape in ((0, (1, 1, 1, -1)), (1, (1, 1, -1, 1))):
        line = g("Add", g("Gather", "point_coords", axis, axis=2), 0.5)
        low = g("ReduceMax", g("Where", g("Equal", "point_labels", 2.0), line, -1e9), keepdims=0)
        high = g("ReduceMin", g("Where", g("Equal", "point_labels", 3.0), line, 1e9), keepdims=0)
        at = centres.reshape(shape)
        inside.append(g("And", g("GreaterOrEqual", at, low), g("LessOrEqual", at, high)))
    return g("And", *inside)


def _centre() -> np.ndarray:
    """The four pixels around the middle of a logit's square: a square that an edge crosses is in or out."""
    kernel = np.zeros((1, 1, STEP, STEP), np.float32)
    kernel[..., 1:3, 1:3] = 0.25
    return kernel


def _kernel() -> np.ndarray:
    return np.array(WEIGHTS, np.float32).reshape(1, 3, 1, 1) / 255


def add_prompt_models(catalogue: Path) -> Path:
    """Adds `tiny-mobile`, `tiny-vit`, `tiny-sam2` and `tiny-sam2.1` to a catalogue, each with the entry that
    MobileSAM, SAM ViT-B, SAM 2 and SAM 2.1 have in the shipped one.
    """
    folder = catalogue.parent
    decoder = save_decoder(folder / "tiny-decoder.onnx")
    mobile = save_mobile_encoder(folder / "tiny-mobile.onnx")
    vit = save_vit_encoder(folder / "tiny-vit.onnx")
    head = """
kind = "prompt"
good_for = ["tests"]
licence = "Apache-2.0"
commercial = true
source = "made by the tests"
"""
    files = """[[model.file]]
role = "encoder"
path = "{}"
[[model.file]]
role = "decoder"
path = "{}"
"""
    with catalogue.open("a", encoding="utf-8") as file:
        file.write(f'\n[[model]]\nid = "tiny-mobile"\ntitle = "Tiny mobile"{head}')
        file.write(files.format(mobile.as_posix(), decoder.as_posix()))
        file.write('[model.input]\ntensor = "input_image"\nsize = [1024, 1024]\ngeometry = "long-side"\n')
        file.write('kernel = "bilinear"\nlayout = "hwc"\ndtype = "float32"\nscale = "none"\n')
        file.write('[model.decoder]\nmade_by = ["image_embeddings"]\n')
        file.write(f'\n[[model]]\nid = "tiny-vit"\ntitle = "Tiny ViT"{head}')
        file.write(files.format(vit.as_posix(), decoder.as_posix()))
        file.write('[model.input]\nsize = [1024, 1024]\ngeometry = "letterbox"\nanchor = "top-left"\n')
        file.write('kernel = "bilinear"\ndtype = "uint8"\nscale = "none"\n')
        for name, image, like, features in (
            ("tiny-sam2", "image", "sam2-tiny", ("image_embed", "high_res_feats_0", "high_res_feats_1")),
            ("tiny-sam2.1", "input", "sam2.1-tiny", ("embedding", "fine", "finer")),
        ):
            encoder = save_sam2_encoder(folder / f"{name}.onnx", image, features)
            theirs = features if like == "sam2-tiny" else SAM21_FEATURES
            answers = save_sam2_decoder(folder / f"{name}-decoder.onnx", theirs, sized=like == "sam2.1-tiny")
            file.write(f'\n[[model]]\nid = "{name}"\nlike = "{like}"\n')
            file.write(files.format(encoder.as_posix(), answers.as_posix()))
    return catalogue
