"""The weights on this computer: where they are, fetched, checked, removed.

Each model has a folder of its own below `models_dir` and in it a record of what was put there. Knows the
catalogue; must not know ONNX Runtime. A file counts as installed only once its checksum has been verified;
nothing that Matted did not put there is ever deleted.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matted.config import Settings
from matted.errors import ModelError, ModelNotInstalled, WeightsDamaged
from matted.inference.catalogue import Catalogue, Model, WeightFile
from matted.inference.disk import Digest, Progress, digest, exclusive, failed_to_write, settle, shifted
from matted.inference.record import FILE_NAME, Record

if TYPE_CHECKING:
    from matted.inference.import_weights import Imported


def silent(_done: int, _total: int) -> None:
    """The progress of someone who does not want to know."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that is what it should be. `against`: `catalogue`, `record` (its first verified download) or
    `nothing`, for a file of the person's own that has no checksum.
    """

    path: Path
    sha256: str
    against: str


@dataclass(frozen=True, slots=True)
class Removed:
    """What removing a model freed, in bytes, and what was left because Matted did not put it there."""

    freed: int
    left: tuple[Path, ...]


class Weights:
    """The store. Safe to use from several threads and processes at once. `root`: the folder of it all."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.root = settings.models_dir

    def folder(self, model: Model) -> Path:
        """Where a model's files are kept, whether or not it is installed."""
        return self.root / model.id

    def target(self, model: Model, file: WeightFile) -> Path:
        """Where a file is, or would be."""
        return file.path if file.path is not None else self.folder(model) / file.name

    def installed(self, model: Model) -> bool:
        """Whether every file of the model is there and was verified."""
        record = Record.read(self.folder(model))
        return all(_present(file, record) for file in model.files)

    def path(self, model: Model, role: str = "model") -> Path:
        """The verified file of that role, all others of the model being there too.

        Raises ModelNotInstalled, saying how to install it, and WeightsDamaged when it has changed since.
        """
        record = Record.read(self.folder(model))
        for file in model.files:
            if _present(file, record):
                continue
            if file.path is not None:
                raise ModelNotInstalled(f"{model.title} should be {file.path}, but there is no such file.")
            if file.name in record.files and (self.folder(model) / file.name).exists():
                raise WeightsDamaged(
                    f"The weights of {model.title} have changed since they were checked: "
                    f"`matted models pull {model.id}` fetches them again."
                )
            raise ModelNotInstalled(_how_to_install(model))
        return self.target(model, model.file(role))

    def pull(
        self,
        model: Model,
        *,
        accept_licence: bool = False,
        progress: Progress = silent,
        cancelled: threading.Event | None = None,
    ) -> None:
        """Downloads what is missing of a model; every file is verified before it gets its name.

        Goes on where an earlier pull stopped. A second process pulling the same model waits and then finds
        it done. With only an MD5 sum in the catalogue that one is checked, and the SHA-256 sum recorded for
        later checks. `progress` is called with bytes there and bytes in all (0 while not known). Blocks;
        call it from a thread without an event loop.
        Raises LicenceNotAccepted, NoNetwork, WeightsDamaged, ModelError, OutputFailed, Cancelled.
        """
        if all(file.path is not None for file in model.files):
            self.path(model, model.files[0].role)
            return
        with self.writing(model, cancelled) as record:
            record.agree(model, accepted=accept_licence)
            done, total = 0, model.size or 0
            for file in model.files:
                if not _present(file, record):
                    self._fetch(model, file, record, shifted(progress, done, total), cancelled)
                done += self.target(model, file).stat().st_size
                progress(done, total)

    def import_from(
        self,
        place: Path,
        *,
        accept_licence: bool = False,
        progress: Progress = silent,
        cancelled: threading.Event | None = None,
    ) -> "list[Imported]":
        """Takes over every file the catalogue knows from a folder (or one file), leaving the source as it is.

        Files are recognised by size and checksum, whatever they are called. `progress` is called with bytes
        read and bytes to read. Raises ModelError when there is nothing at `place`, OutputFailed, Cancelled.
        """
        from matted.inference.import_weights import import_from

        return import_from(self, place, accept_licence=accept_licence, progress=progress, cancelled=cancelled)

    def verify(
        self, model: Model, *, progress: Progress = silent, cancelled: threading.Event | None = None
    ) -> tuple[Checked, ...]:
        """Reads every file of an installed model again and compares its checksum.

        `progress` counts bytes file by file. Raises ModelNotInstalled, WeightsDamaged (the model then counts
        as not installed), Cancelled.
        """
        self.path(model, model.files[0].role)
        record = Record.read(self.folder(model))
        return tuple(self._checked(model, file, record, progress, cancelled) for file in model.files)

    def remove(self, model: Model) -> Removed:
        """Deletes a model's weights and what an interrupted download left of them.

        Files that are not as Matted wrote them stay. Raises ModelError for a model that is not in the store,
        ModelNotInstalled, OutputFailed.
        """
        folder = self.folder(model)
        if all(file.path is not None for file in model.files):
            raise ModelError(f"{model.title} was not downloaded: there is nothing of it to remove.")
        if not folder.is_dir():
            raise ModelNotInstalled(f"{model.title} is not installed.")
        freed = 0
        with self.writing(model) as record:
            for file in model.files:
                path = folder / file.name
                entry = record.files.get(file.name)
                if entry and entry.ours and path.is_file() and path.stat().st_size == entry.size:
                    freed += entry.size
                    path.unlink()
                for part in _parts(path):
                    part.unlink(missing_ok=True)
            (folder / FILE_NAME).unlink(missing_ok=True)
            left = tuple(sorted(folder.iterdir()))
            if not left:
                folder.rmdir()
        return Removed(freed, left)

    @contextlib.contextmanager
    def writing(self, model: Model, cancelled: threading.Event | None = None) -> Iterator[Record]:
        """The model's record, held against every other process; what cannot be written becomes a sentence.

        Raises OutputFailed, Cancelled while waiting for another process.
        """
        try:
            with exclusive(self.root / ".locks" / f"{model.id}.lock", cancelled=cancelled):
                yield Record.read(self.folder(model))
        except OSError as error:
            raise failed_to_write(error, self.root) from error

    def _fetch(
        self,
        model: Model,
        file: WeightFile,
        record: Record,
        progress: Progress,
        cancelled: threading.Event | None,
    ) -> None:
        from matted.inference.download import download

        target = self.target(model, file)
        known = record.files.get(file.name)
        if target.exists() and not (known and known.ours):
            found = digest(target, md5=file.sha256 is None, cancelled=cancelled)
            if not matches(file, found):
                raise WeightsDamaged(
                    f"{target} was not put there by Matted and is not the file the catalogue describes: "
                    "move it away and pull again."
                )
            record.add(file, found, origin=str(target), ours=False)
            return
        if not file.urls:
            raise ModelNotInstalled(_how_to_install(model))
        target.parent.mkdir(parents=True, exist_ok=True)
        part, notes = _parts(target)
        url = download(file.urls, part, notes, size=file.size, progress=progress, cancelled=cancelled)
        found = digest(part, md5=file.sha256 is None, cancelled=cancelled)
        notes.unlink(missing_ok=True)
        if not matches(file, found):
            part.unlink()
            raise WeightsDamaged(
                f"What {url} sent for {model.title} is not what the catalogue describes (its checksum "
                "differs), so it was deleted. Try again; if it stays so, the file there has been replaced."
            )
        settle(part, target)
        record.add(file, found, origin=url, ours=True)

    def _checked(
        self,
        model: Model,
        file: WeightFile,
        record: Record,
        progress: Progress,
        cancelled: threading.Event | None,
    ) -> Checked:
        target, known = self.target(model, file), record.files.get(file.name)
        found = digest(target, md5=file.md5 is not None, progress=progress, cancelled=cancelled)
        if matches(file, found) and (known is None or known.sha256 == found.sha256):
            against = "catalogue" if file.sha256 else "record" if known else "nothing"
            return Checked(target, found.sha256, against)
        if known is not None:
            with self.writing(model, cancelled) as record:
                record.files[file.name].damaged = True
                record.save()
        cure = f"`matted models pull {model.id}` fetches it again" if file.urls else "replace it"
        raise WeightsDamaged(f"{target} is damaged: its checksum is not what it should be; {cure}.")


def matches(file: WeightFile, found: Digest) -> bool:
    """Whether a file is the one the catalogue describes, as far as it describes it."""
    if file.size is not None and found.size != file.size:
        return False
    if file.sha256 is not None:
        return found.sha256 == file.sha256
    return file.md5 is None or found.md5 == file.md5


def _present(file: WeightFile, record: Record) -> bool:
    return file.path.is_file() if file.path is not None else record.holds(file)


def _parts(target: Path) -> tuple[Path, Path]:
    """The unfinished download of a file, and what was noted of where it comes from."""
    return target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.part.json")


def _how_to_install(model: Model) -> str:
    if any(not file.urls and file.path is None for file in model.files):
        return (
            f"{model.title} is not installed and cannot be downloaded: if you have its weights, "
            "`matted models import FOLDER` takes them over."
        )
    size = f" ({model.size / 1e6:.0f} MB)" if model.size else ""
    return f"{model.title} is not installed: `matted models pull {model.id}` fetches it{size}."
