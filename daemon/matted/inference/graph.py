"""What a session is asked to run: one ONNX file, its outputs, and the arrays fitted to its inputs.

Knows engines and the sentences said when a file and its catalogue entry disagree; knows nothing of how long
anything stays loaded.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from matted.errors import ModelError
from matted.inference.providers import Provider, plain
from matted.inference.runtime import Array, Engine

Key = tuple[str, tuple[tuple[str, int, int], ...]]


@dataclass(frozen=True, slots=True)
class Graph:
    """One ONNX file and what is asked of it."""

    id: str  # shown to people, and what `Sessions.unload` takes: "u2net", "mobilesam/encoder"
    path: Path  # the fp32, or only, file
    outputs: tuple[str | int, ...] = (0,)  # in this order, by name or index
    fp16: Path | None = None  # half-precision file: taken instead of `path` where it gains (GPU providers)
    int8: Path | None = None  # quantised file: taken instead of `path` on the CPU
    half_ok: bool = False  # providers may compute the fp32 file in fp16
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # for `warm`, where the file is open

    def file_for(self, provider: Provider) -> Path:
        """The file a provider opens."""
        if provider.half and self.fp16 is not None:
            return self.fp16
        if not provider.half and self.int8 is not None:
            return self.int8
        return self.path

    def key(self) -> Key:
        """Names what is loaded: two files under one id are two models, and so is a file that was replaced."""
        files = []
        for path in (self.path, self.fp16, self.int8):
            if path is not None:
                with contextlib.suppress(OSError):
                    state = path.stat()
                    files.append((str(path), state.st_size, state.st_mtime_ns))
        return self.id, tuple(files)

    def names(self, engine: Engine) -> list[str]:
        """The outputs' names in the opened file. Raises ModelError when it has no such output."""
        names = []
        for wanted in self.outputs:
            if isinstance(wanted, int) and -len(engine.outputs) <= wanted < len(engine.outputs):
                names.append(engine.outputs[wanted])
            elif isinstance(wanted, str) and wanted in engine.outputs:
                names.append(wanted)
            else:
                raise self.misfit(f"it has no output {wanted!r}, only {', '.join(engine.outputs)}")
        return names

    def fitted(self, engine: Engine, feed: Array | Mapping[str, Array]) -> dict[str, Array]:
        """The arrays by input name, contiguous, floats in the file's own width. Raises ModelError."""
        named = {next(iter(engine.inputs)): feed} if isinstance(feed, np.ndarray) else dict(feed)
        if set(named) != set(engine.inputs):
            raise self.misfit(f"its inputs are {', '.join(engine.inputs)}, it was given {', '.join(named)}")
        fitted: dict[str, Array] = {}
        for name, array in named.items():
            floats = array.dtype.kind == "f" and engine.inputs[name].kind == "f"
            fitted[name] = np.ascontiguousarray(array, engine.inputs[name] if floats else None)
        return fitted

    def misfit(self, reason: str) -> ModelError:
        """The error that says the file is not what the catalogue describes."""
        return ModelError(
            f"The file of the model {self.id} does not fit its catalogue entry ({plain(reason)}): "
            "correct the entry, or pull the model again."
        )
