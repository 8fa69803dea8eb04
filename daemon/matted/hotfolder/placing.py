"""Results on the disk: hidden files that are complete before they get a name, and names that are never taken
from anybody else's file.

What is about to happen stands in the ledger before it does, so that whatever was under way when the process
died is finished, or begun anew, by the next one. Knows the ledger, no pixels.
"""

import contextlib
import errno
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from matted.errors import OutputFailed
from matted.hotfolder.entries import Output, Verdict, Work
from matted.hotfolder.ledger import Ledger
from matted.hotfolder.names import candidates, fitted
from matted.hotfolder.signature import content_of_file
from matted.imaging.files import is_there, output_failed, sync_folder, take_name
from matted.notice import Notice

_PART = ".matted-"
_OF_THE_FILE = (errno.EFBIG, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)  # the folder is not to blame


class PlaceTrouble(OutputFailed):
    """A folder of results cannot be written now: a full disk, a read-only one. Not the picture's fault."""

    def __init__(self, folder: Path, sentence: str) -> None:
        super().__init__(sentence)
        self.folder = folder


@dataclass(frozen=True, slots=True)
class Part:
    """A hidden file and the name it should get. `item`, `home`: as in `Output`; `content` once sealed."""

    item: int
    target: Path
    path: Path
    content: str
    home: Path


class Placing:
    """Writes the results of the folder `root`. `mark`: the ledger's own, in the names of its hidden files."""

    def __init__(self, root: Path, ledger: Ledger, mark: str) -> None:
        self.root = root
        self.ledger = ledger
        self._mark = f"{_PART}{mark}-"
        self._folders: set[Path] = set()
        self._lock = threading.Lock()

    def write(
        self, item: int, target: Path, fill: Callable[[BinaryIO], None], *, home: Path | None = None
    ) -> Part:
        """A hidden file beside `target` that `fill` writes; still to be sealed. Raises PlaceTrouble."""
        folder = fitted(target).parent
        hidden = folder / f"{self._mark}{secrets.token_hex(6)}.part"
        try:
            self._prepare(folder)
            try:
                with hidden.open("xb+") as file:
                    fill(file)
            except BaseException:
                _remove(hidden)
                raise
        except OutputFailed as error:
            raise PlaceTrouble(folder, str(error)) from error
        except OSError as error:
            raise _trouble(target, error) from error
        return Part(item, target, hidden, "", home or target)

    def sealed(self, parts: Sequence[Part]) -> list[Part]:
        """The parts, each on the disk to its last byte, with the name of its content. Raises PlaceTrouble."""
        done = []
        for part in parts:
            try:
                with part.path.open("rb+") as file:
                    os.fsync(file.fileno())
                content = content_of_file(part.path)
            except OSError as error:
                raise _trouble(part.target, error) from error
            assert content is not None
            done.append(replace(part, content=content))
        return done

    def intend(
        self,
        work: Work,
        parts: Sequence[Part],
        verdict: Verdict,
        reason: str = "",
        *,
        confidence: float | None = None,
        notices: Sequence[Notice] = (),
        move_to: Path | None = None,
    ) -> list[Output]:
        """Chooses a name for each sealed part and records it; from here on a kill changes nothing."""
        with self._lock:
            chosen: list[Output] = []
            for part in parts:
                path = self._free_name(part.target, work, {output.path for output in chosen})
                hidden, home = self.key(part.path), self.key(part.home)
                chosen.append(Output(part.item, path, hidden, part.content, home))
            self.ledger.intend(
                work,
                chosen,
                verdict,
                reason,
                confidence=confidence,
                notices=notices,
                move_to=None if move_to is None else self.key(move_to),
            )
        return self.ledger.outputs(work.id, "intended")

    def publish(self, work: Work, outputs: Sequence[Output]) -> list[Path]:
        """Gives hidden files their names. Raises PlaceTrouble; then it may be asked again."""
        placed = []
        for output in outputs:
            try:
                placed.append(self._publish(work, output))
            except OSError as error:
                raise _trouble(self.root / output.path, error) from error
        for folder in {path.parent for path in placed}:
            sync_folder(folder)
        return placed

    def finish(self, work: Work, seconds: float | None = None) -> None:
        """Everything bears its name: closes the work, and removes results in review that were replaced."""
        for output in self.ledger.finish(work, seconds):
            self.remove(output)

    def remove(self, output: Output) -> None:
        """Removes a result of ours in review that another took the place of, unless somebody changed it."""
        path = self.root / output.path
        with contextlib.suppress(OSError):
            if content_of_file(path) == output.content:
                path.unlink()
                sync_folder(path.parent)
        self.ledger.removed(output)

    def lost(self, outputs: Sequence[Output]) -> list[Output]:
        """Those of which neither the hidden file nor the result is there as it was written."""
        return [
            output
            for output in outputs
            if content_of_file(self.root / output.part) != output.content
            and content_of_file(self.root / output.path) != output.content
        ]

    def discard(self, parts: Sequence[Part]) -> None:
        """Removes hidden files that will not be needed."""
        for part in parts:
            _remove(part.path)

    def sweep(self) -> int:
        """Removes hidden files that a killed process left and that nothing needs; how many there were."""
        found, awaited = 0, {self.root / part for part in self.ledger.awaited_parts()}
        for folder in self.ledger.written_folders():
            with contextlib.suppress(OSError):
                for path in (self.root / folder).iterdir():
                    if path.name.startswith(self._mark) and path not in awaited:
                        _remove(path)
                        found += 1
        return found

    def key(self, path: Path) -> Path:
        """A path as the ledger keeps it: relative to the folder if it is inside."""
        return path.relative_to(self.root) if path.is_relative_to(self.root) else path

    def _prepare(self, folder: Path) -> None:
        if folder in self._folders and folder.is_dir():
            return
        missing = [at for at in (folder, *folder.parents) if not at.exists()]
        if self.root in missing:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.root))
        self.ledger.will_write_in(self.key(folder))
        folder.mkdir(parents=True, exist_ok=True)
        for at in missing:
            sync_folder(at.parent)
        self._folders.add(folder)

    def _free_name(self, target: Path, work: Work, taken: set[Path]) -> Path:
        for path in candidates(target, work.path):
            key = self.key(path)
            if key in taken:
                continue
            owners = self.ledger.owners(key)
            if any(not owner.is_written and owner.work != work.id for owner in owners):
                continue
            if self._may_replace(path, work) if is_there(path) else self._is_nobodys(key, work):
                return key
        raise AssertionError("names do not run out")

    def _is_nobodys(self, key: Path, work: Work) -> bool:
        """Nothing is there; it may be that a person took it away, and it would come back with a retry."""
        return all(owner.lineage == work.lineage or not owner.is_held for owner in self.ledger.owners(key))

    def _may_replace(self, path: Path, work: Work) -> bool:
        """Only what was written here for this very file, and nobody has changed since."""
        owners = [owner for owner in self.ledger.owners(self.key(path)) if owner.is_written]
        ours = [owner.output.content for owner in owners if owner.lineage == work.lineage]
        if not ours or path.is_symlink():
            return False
        with contextlib.suppress(OSError):
            return content_of_file(path) in ours
        return False

    def _publish(self, work: Work, output: Output) -> Path:
        path, part = self.root / output.path, self.root / output.part
        while True:
            if is_there(path):
                if not path.is_symlink() and content_of_file(path) == output.content:
                    _remove(part)  # it had its name already when the process died
                    return path
                if self._may_replace(path, work):
                    part.replace(path)
                    return path
            else:
                with contextlib.suppress(FileExistsError):
                    take_name(part, path)
                    _remove(part)
                    return path
            with self._lock:
                key = self._free_name(path, work, {output.path})
                self.ledger.rename(output, key)
            output = replace(output, path=key)
            path = self.root / key


def _trouble(target: Path, error: OSError) -> OutputFailed:
    if error.errno in _OF_THE_FILE:
        return output_failed(target, error)
    return PlaceTrouble(target.parent, str(output_failed(target.parent, error)))


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
