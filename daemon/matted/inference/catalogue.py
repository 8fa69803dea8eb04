"""What is known of every model: where its weights are, what it is good for, how it wants its pixels.

Plain data and the choice among models. May read the settings and the shipped files; must not import numpy,
know ONNX Runtime or touch weights. How a catalogue file is read is in `catalogue_file`.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from matted.config import Settings
from matted.errors import BadOption, UnknownModel
from matted.resources import shipped

Kind = Literal["saliency", "prompt", "matting"]
Geometry = Literal["squash", "letterbox", "short-side", "long-side", "native"]
Kernel = Literal["lanczos", "bilinear", "area"]
Layout = Literal["nchw", "nhwc", "hwc"]
Dtype = Literal["float32", "float16", "uint8"]
Scale = Literal["255", "max", "none"]
Anchor = Literal["top-left", "centre"]
Activation = Literal["none", "sigmoid", "minmax", "sigmoid-minmax"]
Precision = Literal["fp32", "fp16", "int8"]

AUTO = "auto"
LAST_RESORT = "builtin"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of a model.

    `role`: what the code asks for it by: `model`, or `encoder` and `decoder`, or `data` for tensors kept
    beside a graph. `urls`: where it can be had, in order of preference; empty when it cannot be downloaded.
    `path`: a file that is already on this computer, instead of `urls`. `size` is in bytes. `unknown` says
    which of the facts could not be found, and why.
    """

    role: str
    name: str
    urls: tuple[str, ...] = ()
    path: Path | None = None
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    also_named: tuple[str, ...] = ()
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """How a picture becomes the tensor a model wants.

    `size`: (width, height) in pixels, of the canvas or, for `short-side` and `long-side`, its first number
    is the length of that side. `scale`: what 8-bit values are divided by: 255, the picture's own maximum, or
    nothing. `mean`, `std`: per channel, after scaling. `pad`: the colour beside a letterboxed picture, 0..255
    before scaling. `multiple`: what both sides are floored (`short-side`) or padded (`native`) to.
    `max_side`: `short-side` goes no longer than this.
    """

    tensor: str | None = None
    size: tuple[int, int] = (320, 320)
    geometry: Geometry = "squash"
    kernel: Kernel = "bilinear"
    anchor: Anchor = "top-left"
    pad: tuple[int, int, int] = (0, 0, 0)
    multiple: int = 32
    max_side: int = 2048
    layout: Layout = "nchw"
    dtype: Dtype = "float32"
    scale: Scale = "255"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Output:
    """Which of the graph's outputs holds the alpha (a name, or a position, -1 being the last), and what
    turns it into alpha. `layout` is that of the output; its first channel is taken.
    """

    tensor: str | int = 0
    layout: Literal["nchw", "nhwc"] = "nchw"
    activation: Activation = "none"


@dataclass(frozen=True, slots=True)
class Decoder:
    """What the decoder of a prompt model calls its tensors, beside the points, their labels and the mask fed
    back, which are named alike everywhere.

    `features`: its inputs that the encoder makes, in the order of `made_by`, the encoder's outputs by name or
    position. `masks`: the output with the logits at a quarter of the canvas; `expected`: that with the
    overlap expected of each. `size`: the type of its input `orig_im_size`, or none where it has no such one.
    """

    features: tuple[str, ...] = ("image_embeddings",)
    made_by: tuple[str | int, ...] = (0,)
    masks: str | int = "low_res_masks"
    expected: str | int = "iou_predictions"
    size: Literal["float32", "int64", "none"] = "float32"


@dataclass(frozen=True, slots=True)
class Rembg:
    """The same model as rembg runs it: `name` is rembg's own name for it."""

    name: str
    input: Input
    output: Output


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the catalogue. `source` says where its facts come from."""

    id: str
    title: str
    kind: Kind
    good_for: tuple[str, ...]
    licence: str
    commercial: bool
    source: str
    files: tuple[WeightFile, ...]
    input: Input
    output: Output
    decoder: Decoder = field(default_factory=Decoder)
    homepage: str | None = None
    aliases: tuple[str, ...] = ()
    rank: Mapping[str, int] = field(default_factory=dict)
    precision: Precision = "fp32"
    like: str | None = None
    rembg: Rembg | None = None

    @property
    def size(self) -> int | None:
        """Bytes of all its files together; None when one of them is not known."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def file(self, role: str = "model") -> WeightFile:
        """The file with that role. Raises KeyError."""
        for file in self.files:
            if file.role == role:
                return file
        raise KeyError(f"{self.id} has no file {role!r}")


class Catalogue:
    """All models known, in the order of their files; a later file's entry replaces one of the same id."""

    def __init__(self, models: Iterable[Model]) -> None:
        self._models: dict[str, Model] = {model.id: model for model in models}
        self._aliases = {alias: model.id for model in self._models.values() for alias in model.aliases}

    def models(self) -> tuple[Model, ...]:
        """Every entry."""
        return tuple(self._models.values())

    def get(self, model_id: str) -> Model:
        """The entry of that id or alias. Raises UnknownModel, naming the nearest."""
        model = self._models.get(model_id) or self._models.get(self._aliases.get(model_id, ""))
        if model is not None:
            return model
        near = difflib.get_close_matches(model_id, [*self._models, *self._aliases], n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UnknownModel(f"There is no model {model_id!r}: {hint}`matted models list` shows them all.")

    def variant(self, model: Model, precision: Precision) -> Model | None:
        """The same model with weights of another precision, if the catalogue has it."""
        for other in self._models.values():
            if other.like == model.id and other.precision == precision != model.precision:
                return other
        return None

    def purposes(self) -> tuple[str, ...]:
        """What can be wished for: the words after `auto:`."""
        return tuple(sorted({purpose for model in self.models() for purpose in model.rank}))

    def choose(self, wish: str, installed: Callable[[Model], bool]) -> Model:
        """The best model present for `auto`, `auto:people` and the like, or the one of that id.

        The purpose may be given in the singular (`auto:product`). Among the installed saliency models the
        one ranked highest for the purpose wins; when none is ranked for it, the one ranked highest for
        `general`; when nothing is installed, the built-in one. Raises BadOption for an unknown purpose,
        UnknownModel for an unknown id.
        """
        if wish != AUTO and not wish.startswith(f"{AUTO}:"):
            return self.get(wish)
        purpose = wish.partition(":")[2] or "general"
        if f"{purpose}s" in self.purposes():
            purpose = f"{purpose}s"
        if purpose not in self.purposes():
            raise BadOption(f"No model is made for {purpose!r}: choose from {', '.join(self.purposes())}.")
        present = [m for m in self.models() if m.kind == "saliency" and m.rank and installed(m)]
        for wanted in (purpose, "general"):
            ranked = [m for m in present if wanted in m.rank]
            if ranked:
                return max(ranked, key=lambda m: m.rank[wanted])
        return self.get(LAST_RESORT)


def user_catalogues(settings: Settings) -> tuple[Path, ...]:
    """The person's own catalogue files, in reading order: beside their weights, then the one they set."""
    beside = settings.models_dir / "catalogue.toml"
    files = [beside] if beside.is_file() else []
    if settings.catalogue is not None:
        files.append(settings.catalogue)
    return tuple(files)


def load_catalogue(settings: Settings) -> Catalogue:
    """The shipped catalogue with the person's own merged after it.

    Raises BadOption naming the file, the entry, the key and the reason for anything wrong in them.
    """
    from matted.inference.catalogue_file import read_models

    models: dict[str, Model] = {}
    for path in (shipped("models/catalogue.toml"), *user_catalogues(settings)):
        models |= read_models(path, models)
    return Catalogue(models.values())
