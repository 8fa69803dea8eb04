"""A picture into the tensor a model wants, and the model's answer back into the picture's frame.

Every step follows the catalogue's data. May import numpy, OpenCV, Pillow and the colour proxy; must not know
ONNX Runtime. All geometry has its pixel centres at half-integers, so that a mask never shifts.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from matted.errors import BadOption, ModelError
from matted.imaging.colour import srgb_proxy
from matted.imaging.picture import Picture
from matted.inference.catalogue import Activation, Input, Model, Output

Alpha = npt.NDArray[np.float32]

# A saliency network's own values are probabilities. Min-max stretches whatever they span to 0..1, so on a
# picture without a subject, where all of them are small, it turns noise into a full mask. A map that does not
# span half of the range never says "subject" with conviction on one side and "background" on the other.
CONVINCING_SPAN = 0.5


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the picture lies in the tensor: enough to undo it.

    `canvas`: (width, height) of the tensor in pixels; the picture covers `width` x `height` of it from
    (`left`, `top`) on, whole and undistorted but for that scaling.
    """

    canvas: tuple[int, int]
    left: int
    top: int
    width: int
    height: int


def place(size: tuple[int, int], spec: Input) -> Placement:
    """Where a picture of `size` (width, height) goes.

    `squash` fills the canvas. `letterbox` fits the picture in and leaves the rest to the pad colour;
    `long-side` is the same without a rest. `short-side` is MODNet's rule (onnx/inference_onnx.py): a picture
    whose sides straddle the reference length keeps its size, any other is scaled so that its shorter side
    has that length; then both are floored to the multiple. Here neither side falls below one multiple, where
    the original would make it 0, nor does the longer one exceed `max_side`. `native` keeps the size and pads
    right and below to the multiple.
    """
    width, height = size
    across, down = spec.size
    if spec.geometry == "squash":
        return Placement(spec.size, 0, 0, across, down)
    if spec.geometry == "native":
        canvas = (_padded(width, spec.multiple), _padded(height, spec.multiple))
        return Placement(canvas, 0, 0, width, height)
    if spec.geometry == "short-side":
        width, height = _short_side(width, height, spec)
        return Placement((width, height), 0, 0, width, height)
    if spec.geometry == "long-side":
        down = across
    scale = min(across / width, down / height)
    width = min(max(1, int(width * scale + 0.5)), across)
    height = min(max(1, int(height * scale + 0.5)), down)
    if spec.geometry == "long-side":
        return Placement((width, height), 0, 0, width, height)
    if spec.anchor == "centre":
        return Placement(spec.size, (across - width) // 2, (down - height) // 2, width, height)
    return Placement(spec.size, 0, 0, width, height)


def _padded(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple


def _short_side(width: int, height: int, spec: Input) -> tuple[int, int]:
    reference = spec.size[0]
    short, long = min(width, height), max(width, height)
    scale = reference / short if long < reference or short > reference else 1.0
    scale = min(scale, spec.max_side / long)
    # The original truncates before it floors; 1e-9 keeps an exact multiple from falling below itself.
    sides = (int(side * scale + 1e-9) // spec.multiple * spec.multiple for side in (width, height))
    across, down = (max(side, spec.multiple) for side in sides)
    return across, down


def prepare(picture: Picture, model: Model, *, rembg: bool = False) -> tuple[npt.NDArray[Any], Placement]:
    """The model's input tensor for a picture, and how the picture lies in it.

    The tensor has the catalogue's layout and type: (1, 3, H, W), (1, H, W, 3) or (H, W, 3); float32, float16
    or uint8. With `rembg` everything is done as rembg does it. Raises BadOption when rembg has no such model
    or the model needs more than a picture.
    """
    if model.kind == "matting":
        raise BadOption(f"{model.title} refines the edges of a cut-out: it cannot make one.")
    spec = _rules(model, rembg=rembg)[0]
    placement = place(picture.full_size, spec)
    kernel = spec.kernel
    if kernel == "area" and (placement.width > picture.width or placement.height > picture.height):
        kernel = "bilinear"  # averaging areas is for shrinking; enlarged, it leaves blocks
    pixels = srgb_proxy(picture, placement.width, placement.height, kernel=kernel, exact=rembg)
    return _tensor(pixels, spec, placement), placement


def prepare_with_trimap(
    pixels: npt.NDArray[np.uint8], trimap: npt.NDArray[np.uint8], model: Model
) -> tuple[npt.NDArray[Any], Placement]:
    """The input of a matting model: (1, 4, H, W) float32, normalised colour, then the trimap in 0..1.

    `pixels`: (h, w, 3) sRGB; `trimap`: (h, w) with 0, 128 and 255, of which 128 becomes exactly 0.5 (ViTMatte
    was trained on 0, 0.5 and 1). Both are padded with zeros as the model's processor does.
    """
    placement = place((pixels.shape[1], pixels.shape[0]), model.input)
    colour = _tensor(pixels, model.input, placement)
    across, down = placement.canvas
    plane = np.zeros((1, 1, down, across), colour.dtype)
    plane[0, 0, : placement.height, : placement.width] = np.where(trimap == 128, 0.5, trimap / 255)
    colour[:, :, placement.height :] = 0
    colour[:, :, :, placement.width :] = 0
    return np.concatenate((colour, plane), axis=1), placement


def _rules(model: Model, *, rembg: bool) -> tuple[Input, Output]:
    if not rembg:
        return model.input, model.output
    if model.rembg is None:
        raise BadOption(f"rembg has no {model.title}: leave its compatibility mode off.")
    return model.rembg.input, model.rembg.output


def _tensor(pixels: npt.NDArray[np.uint8], spec: Input, placement: Placement) -> npt.NDArray[Any]:
    # A table of 256 values, computed in double precision, gives each pixel the exact result of the model's
    # formula and is several times faster than doing the arithmetic on every pixel.
    table = _table(pixels, spec)
    across, down = placement.canvas
    rows = slice(placement.top, placement.top + placement.height)
    columns = slice(placement.left, placement.left + placement.width)
    whole = (across, down) == (placement.width, placement.height)
    beside = table[list(spec.pad), range(3)]
    dtype = np.dtype(spec.dtype)
    if spec.layout == "nchw":
        tensor = np.empty((1, 3, down, across), table.dtype)
        if not whole:
            tensor[:] = beside[:, None, None]
        for number, channel in enumerate(cv2.split(pixels)):
            tensor[0, number, rows, columns] = _looked_up(channel, table[:, number])
        return tensor.astype(dtype, copy=False)
    tensor = np.empty((down, across, 3), table.dtype)
    if not whole:
        tensor[:] = beside
    tensor[rows, columns] = _looked_up(pixels, table)
    return (tensor[None] if spec.layout == "nhwc" else tensor).astype(dtype, copy=False)


def _table(pixels: npt.NDArray[np.uint8], spec: Input) -> npt.NDArray[Any]:
    # (256, 3): what each value of each channel becomes.
    values = np.arange(256)[:, None]
    if spec.dtype == "uint8":
        return np.tile(values, 3).astype(np.uint8)
    divisor = {"255": 255.0, "max": max(float(pixels.max()), 1e-6), "none": 1.0}[spec.scale]
    table = (values / divisor - np.array(spec.mean)) / np.array(spec.std)
    return np.asarray(table, np.float32)


def _looked_up(pixels: npt.NDArray[Any], table: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if table.dtype == np.uint8:
        return pixels
    return np.asarray(cv2.LUT(pixels, np.ascontiguousarray(table).reshape(1, 256, -1)))


def coarse_alpha(
    output: npt.NDArray[Any], model: Model, placement: Placement, *, rembg: bool = False
) -> Alpha:
    """The alpha a model's output holds: (h, w) float32 in [0, 1], covering exactly the picture's frame.

    Its size is the model's own; padding is cut away, at fractions of a pixel where the output is coarser than
    the input. Raises ModelError for an output that holds no usable numbers.
    """
    spec = _rules(model, rembg=rembg)[1]
    alpha = activate(_plane(output, spec, model), spec.activation, guarded=not rembg)
    return _framed(alpha, placement)


def rembg_mask(output: npt.NDArray[Any], model: Model, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The mask rembg makes of that output: (H, W) uint8 for a picture of `size` (width, height).

    rembg cuts the values to 8 bits before it enlarges them with Lanczos. Raises as `coarse_alpha`.
    """
    spec = _rules(model, rembg=True)[1]
    alpha = activate(_plane(output, spec, model), spec.activation, guarded=False)
    small = Image.fromarray((alpha * 255).astype(np.uint8))
    return np.asarray(small.resize(size, Image.Resampling.LANCZOS))


def _plane(output: npt.NDArray[Any], spec: Output, model: Model) -> Alpha:
    if output.ndim == 4:
        output = output[0, 0] if spec.layout == "nchw" else output[0, :, :, 0]
    elif output.ndim == 3:
        output = output[0] if spec.layout == "nchw" else output[:, :, 0]
    if output.ndim != 2 or 0 in output.shape:
        raise ModelError(
            f"{model.title} answered with something that is not a mask: check its catalogue entry."
        )
    return np.ascontiguousarray(output, np.float32)


def activate(values: Alpha, activation: Activation, *, guarded: bool = True) -> Alpha:
    """A network's (h, w) values as alpha in [0, 1].

    `minmax` is the authors' (x - lowest) / (highest - lowest), to the last bit, when the values span
    CONVINCING_SPAN or more. If `guarded`, a lesser span fades quadratically from that into the values as they
    are, so that a flat map stays what it says: nothing, or everything. Raises ModelError for NaN.
    """
    if activation.startswith("sigmoid"):
        with np.errstate(over="ignore"):  # exp(89) is infinite in float32, and 1 / (1 + infinity) is 0: right
            values = (1 / (1 + np.exp(-values))).astype(np.float32, copy=False)
    lowest, highest = values.min(), values.max()
    if not np.isfinite(lowest + highest):
        raise ModelError(
            "The model answered with no usable numbers: try its full-precision version, or the CPU."
        )
    if not activation.endswith("minmax"):
        return np.clip(values, 0, 1)
    span = highest - lowest
    stretched = (values - lowest) / span if span > 0 else np.zeros_like(values)
    if span >= CONVINCING_SPAN or not guarded:
        return np.clip(stretched, 0, 1, out=stretched)
    trust = np.float32((span / CONVINCING_SPAN) ** 2)
    return trust * stretched + (1 - trust) * np.clip(values, 0, 1)


def _framed(alpha: Alpha, placement: Placement) -> Alpha:
    height, width = alpha.shape
    across, down = width / placement.canvas[0], height / placement.canvas[1]
    left, right = placement.left * across, (placement.left + placement.width) * across
    top, bottom = placement.top * down, (placement.top + placement.height) * down
    if all(edge == int(edge) for edge in (left, right, top, bottom)):
        return alpha[int(top) : int(bottom), int(left) : int(right)]
    size = (max(1, round(right - left)), max(1, round(bottom - top)))
    framed = Image.fromarray(alpha).resize(size, Image.Resampling.BILINEAR, box=(left, top, right, bottom))
    return np.asarray(framed)
