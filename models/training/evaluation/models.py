"""The models of one evaluation, run as Matted runs them: its decoding, its proxy, its sessions, its resizing.
May import the package; knows no truth and no score.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
from matted.config import load_settings
from matted.errors import BadOption
from matted.imaging.picture import Picture
from matted.inference.catalogue import Catalogue, Model, WeightFile, load_catalogue
from matted.inference.catalogue_file import read_models
from matted.inference.predict import Predictor
from matted.inference.sessions import Sessions
from matted.inference.weights import Weights
from matted.matting.fine import fine_upsample
from matted.matting.upsample import full_scale, guided_upsample, upsample
from matted.options import Level
from numpy.typing import NDArray

_NAMED = re.compile(r"([A-Za-z0-9._-]+)=(.+)")
_BUILT_IN = "builtin"


class Models:
    """Models by name, in the order they were wished for.

    wishes: each `[NAME=]SPEC`, where SPEC is an id of the catalogue, `FILE.toml:ID` for an entry of another
    catalogue file, or `FILE.onnx` for a graph with the built-in model's inputs and outputs. weights: a folder
    with the files of entries that name a file but no place. refine: how a coarse alpha comes to the picture's
    size. flip: average with what the model says of the mirrored picture.
    Raises BadOption or UnknownModel for a wish that means nothing, ModelNotInstalled for missing weights.
    """

    def __init__(
        self,
        wishes: Sequence[str],
        *,
        weights: Path | None = None,
        threads: int = 2,
        refine: Level = "none",
        flip: bool = False,
    ) -> None:
        settings = load_settings({"threads": threads, "keep_alive_s": -1.0})
        known = load_catalogue(settings)
        models = [_found(wish, known, weights) for wish in wishes]
        self.names = tuple(model.id for model in models)
        if len(set(self.names)) < len(models):
            raise BadOption("Two models have one name: tell them apart with NAME=SPEC.")
        catalogue = Catalogue(models)
        self._refine, self._flip = refine, flip
        self._sessions = Sessions(settings)
        self._predictor = Predictor(catalogue, Weights(settings, catalogue), self._sessions)
        for name in self.names:
            self._predictor.load(name)

    def alpha(self, name: str, picture: Picture) -> NDArray[np.float32]:
        """The alpha of a picture at its own size: float32 (H, W) in [0, 1], in the steps of a stored mask."""
        coarse = self._predictor.coarse(picture, name).alpha
        if self._flip:
            mirrored = replace(picture, pixels=np.ascontiguousarray(picture.pixels[:, ::-1]))
            coarse = (coarse + self._predictor.coarse(mirrored, name).alpha[:, ::-1]) / 2
        depth = np.uint16 if picture.is_deep else np.uint8
        if self._refine == "none":
            mask = upsample(coarse, picture.width, picture.height, depth)
        else:
            place_edge = fine_upsample if self._refine == "fine" else guided_upsample
            mask = place_edge(coarse, picture.pixels, depth)
        return mask.astype(np.float32) / np.float32(full_scale(depth))

    def inference_ms(self, name: str, picture: Picture) -> float:
        """Milliseconds that the graph alone ran for this picture."""
        return self._predictor.coarse(picture, name).times["model"] * 1000

    def close(self) -> None:
        """Drops every model."""
        self._sessions.close()


def _found(wish: str, known: Catalogue, weights: Path | None) -> Model:
    named = _NAMED.fullmatch(wish)
    name, spec = named.groups() if named else (None, wish)
    file, colon, entry = spec.rpartition(":")
    if spec.endswith(".onnx"):
        model = _exported(Path(spec), known.get(_BUILT_IN))
    elif colon and file.endswith(".toml"):
        entries = read_models(Path(file), {model.id: model for model in known.models()})
        model = Catalogue(entries.values()).get(entry)
    else:
        model = known.get(spec)
    if weights is not None:
        model = replace(model, files=tuple(_placed(file, weights) for file in model.files))
    return replace(model, id=name or model.id, aliases=())


def _exported(path: Path, contract: Model) -> Model:
    if not path.is_file():
        raise BadOption(f"There is no model file {path}.")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    _, height, width, _ = session.get_inputs()[0].shape
    return replace(
        contract,
        id=path.stem,
        title=str(path),
        files=(WeightFile("model", path.name, path=path.resolve()),),
        input=replace(contract.input, size=(width, height)),
    )


def _placed(file: WeightFile, weights: Path) -> WeightFile:
    place = weights / file.name
    return replace(file, path=place, urls=()) if file.path is None and place.is_file() else file
