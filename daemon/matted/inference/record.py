"""What is written down beside a model's weights: which files were put there, their checksums, the licence.

A small JSON file in the model's folder. Knows the catalogue's classes; reads and writes nothing else.
"""

import datetime
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from matted.errors import LicenceNotAccepted
from matted.inference.catalogue import Model, WeightFile
from matted.inference.disk import Digest, read_json, write_json

FILE_NAME = "weights.json"


@dataclass(slots=True)
class Entry:
    """A verified file. `ours`: Matted wrote it, and may delete it. `origin`: where it is from."""

    size: int
    sha256: str
    origin: str
    ours: bool
    verified_at: str
    damaged: bool = False


@dataclass(slots=True)
class Record:
    """The record of one model; empty when nothing was written yet, or the file is not readable."""

    folder: Path
    files: dict[str, Entry] = field(default_factory=dict)
    licence_accepted: str | None = None
    licence_accepted_at: str | None = None

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """The record in a model's folder."""
        content = read_json(folder / FILE_NAME)
        record = cls(folder)
        try:
            record.files = {name: Entry(**entry) for name, entry in content.get("files", {}).items()}
        except (TypeError, AttributeError):
            return record
        record.licence_accepted = content.get("licence_accepted")
        record.licence_accepted_at = content.get("licence_accepted_at")
        return record

    def save(self) -> None:
        """Writes it. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any] = {"files": {name: asdict(entry) for name, entry in self.files.items()}}
        if self.licence_accepted is not None:
            content["licence_accepted"] = self.licence_accepted
            content["licence_accepted_at"] = self.licence_accepted_at
        write_json(self.folder / FILE_NAME, content)

    def holds(self, file: WeightFile) -> bool:
        """Whether that file was verified and is still there with the size it had."""
        entry, path = self.files.get(file.name), self.folder / file.name
        return (
            entry is not None and not entry.damaged and path.is_file() and path.stat().st_size == entry.size
        )

    def agrees(self, model: Model) -> bool:
        """Whether the model's weights may be fetched: free for commercial use, or the licence accepted."""
        return model.commercial or self.licence_accepted == model.licence

    def agree(self, model: Model, *, accepted: bool) -> None:
        """Writes down that a non-commercial licence was accepted. Raises LicenceNotAccepted if it was not."""
        if self.agrees(model):
            return
        if not accepted:
            raise LicenceNotAccepted(
                f"{model.title} is not free for commercial use: {model.licence}. Read {model.homepage}; if "
                f"your use is allowed, `matted models pull {model.id} --accept-licence`."
            )
        self.licence_accepted, self.licence_accepted_at = model.licence, _now()
        self.save()

    def add(self, file: WeightFile, found: Digest, *, origin: str, ours: bool) -> None:
        """Writes down a verified file."""
        self.files[file.name] = Entry(found.size, found.sha256, origin, ours, _now())
        self.save()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
