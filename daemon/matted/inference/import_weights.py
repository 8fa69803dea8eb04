"""Takes weights over from a folder or from another tool's cache, without a network.

Files are recognised by their size and checksum, so their names do not matter. The source is read, hard-linked
where the file system allows, and never changed.
"""

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matted.errors import ModelError
from matted.inference.catalogue import Model, WeightFile
from matted.inference.disk import Digest, Progress, check_cancelled, digest, settle, shifted
from matted.inference.record import Record
from matted.inference.weights import Weights, matches

Outcome = Literal["imported", "present", "licence", "different"]

# So many projects call their file by these names that the name alone says nothing.
_COMMON_NAMES = {"model.onnx", "model_fp16.onnx", "model_quantized.onnx"}


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file that was found.

    `outcome`: `imported`; `present`, it was there already; `licence`, it is not free for commercial use and
    that was not accepted; `different`, it has the name of a catalogue's file but not its content.
    """

    model: str
    file: str
    source: Path
    outcome: Outcome


def known_caches(environment: Mapping[str, str] = os.environ, home: Path | None = None) -> list[Path]:
    """The folders in which other tools keep weights Matted can use, as far as they exist here.

    rembg (U2NET_HOME, REMBG_HOME, and below XDG_DATA_HOME or the home folder), withoutBG, osam and the
    Hugging Face cache (HF_HUB_CACHE, HF_HOME).
    """
    home = Path.home() if home is None else home
    data = Path(environment.get("XDG_DATA_HOME") or home)
    hugging_face = Path(environment.get("HF_HOME") or home / ".cache" / "huggingface")
    places = [
        *(
            Path(environment[name])
            for name in ("U2NET_HOME", "REMBG_HOME", "HF_HUB_CACHE")
            if environment.get(name)
        ),
        data / ".u2net",
        home / ".u2net",
        data / "rembg",
        home / ".rembg",
        home / ".withoutbg",
        home / ".cache" / "osam" / "models" / "blobs",
        hugging_face / "hub",
    ]
    return [place for place in dict.fromkeys(place.expanduser() for place in places) if place.is_dir()]


def import_from(
    weights: Weights,
    place: Path,
    *,
    accept_licence: bool,
    progress: Progress,
    cancelled: threading.Event | None,
) -> list[Imported]:
    """Takes over all that `place` holds. See `Weights.import_from`."""
    if not place.exists():
        raise ModelError(f"There is no file or folder {place} to import weights from.")
    wanted = [(m, f) for m in weights.catalogue.models() for f in m.files if f.path is None]
    candidates = [(path, fitting) for path in _files(place) if (fitting := _fitting(path, wanted))]
    total = sum(path.stat().st_size for path, _ in candidates)
    done, found = 0, []
    for path, fitting in candidates:
        check_cancelled(cancelled)
        seen = digest(path, md5=True, progress=shifted(progress, done, total), cancelled=cancelled)
        done += seen.size
        same = [(m, f) for m, f in fitting if matches(f, seen)]
        for model, file in same:
            outcome = _take(
                weights, model, file, path, seen, accept_licence=accept_licence, cancelled=cancelled
            )
            found.append(Imported(model.id, file.name, path, outcome))
        if not same:
            found.extend(Imported(m.id, f.name, path, "different") for m, f in fitting if _named(path, f))
    taken = {(entry.model, entry.file) for entry in found if entry.outcome != "different"}
    return [e for e in found if e.outcome != "different" or (e.model, e.file) not in taken]


def _files(place: Path) -> Iterator[Path]:
    """Every file once: a cache may show one under its checksum and, by a link, under its own name."""
    seen = set()
    places = [place] if place.is_file() else (Path(top, n) for top, _, names in os.walk(place) for n in names)
    for path in sorted(places, key=lambda path: (not path.is_symlink(), path)):
        with contextlib.suppress(OSError):
            status = path.stat()
            if path.is_file() and (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                yield path


def _fitting(path: Path, wanted: list[tuple[Model, WeightFile]]) -> list[tuple[Model, WeightFile]]:
    """The catalogue's files that `path` could be: of its size, or of its name where that tells something."""
    size = path.stat().st_size
    return [
        (model, file)
        for model, file in wanted
        if file.size == size or _named(path, file) or (file.size is None and path.name in file.also_named)
    ]


def _named(path: Path, file: WeightFile) -> bool:
    return path.name in {file.name, *file.also_named} - _COMMON_NAMES


def _take(
    weights: Weights,
    model: Model,
    file: WeightFile,
    source: Path,
    seen: Digest,
    *,
    accept_licence: bool,
    cancelled: threading.Event | None,
) -> Outcome:
    with weights.writing(model, cancelled) as record:
        if record.holds(file):
            return "present"
        if not record.agrees(model) and not accept_licence:
            return "licence"
        record.agree(model, accepted=accept_licence)
        _bring(source, weights.target(model, file), file, seen, record, cancelled)
        return "imported"


def _bring(
    source: Path,
    target: Path,
    file: WeightFile,
    seen: Digest,
    record: Record,
    cancelled: threading.Event | None,
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.import")
    part.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), part)
    except OSError:
        try:
            with part.open("wb") as copy:
                copied = digest(source, copy_to=copy, cancelled=cancelled)
            if copied.sha256 != seen.sha256:
                raise ModelError(f"{source} changed while it was copied: try again.")
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    settle(part, target)
    record.add(file, seen, origin=str(source), ours=True)
