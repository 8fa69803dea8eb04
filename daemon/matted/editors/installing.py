"""Puts a plugin into an editor's folder and takes it out again, touching nothing that Matted did not write.

A manifest beside the files says what is Matted's. New files are written into a hidden sibling folder, which
then takes the name in one step. Knows no particular editor beyond what its bundle and place say.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from matted.editors.bundle import BESIDE, FOLDER, MANIFEST, Bundle, digest
from matted.editors.folders import Place
from matted.errors import MattedError, OutputExists, OutputFailed
from matted.imaging.files import atomic_output

_TRACES = (
    "__pycache__",
    ".DS_Store",
    "desktop.ini",
    "Thumbs.db",
)  # what editors and systems leave in folders


class State(StrEnum):
    """What lies where the plugin belongs."""

    ABSENT = "not installed"
    CURRENT = "installed"
    OTHER = "another version"  # Matted's own, untouched, but not this one's files
    INCOMPLETE = "incomplete"  # Matted's own, with files missing
    CHANGED = "changed by hand"
    FOREIGN = "not Matted's"


@dataclass(frozen=True, slots=True)
class Found:
    """A place looked at. `version`: of the installed plugin; `changed`: files that differ from what was put
    there or were added, by their path from the editor's plugin folder."""

    state: State
    version: str = ""
    changed: tuple[str, ...] = ()


def look(place: Place, bundle: Bundle | None = None) -> Found:
    """What is there now. Without `bundle` any version that is whole counts as current."""
    if not any(os.path.lexists(path) for path in (place.plugins / FOLDER, *_beside(place))):
        return Found(State.ABSENT)
    manifest = _manifest(place)
    if manifest is None:
        return Found(State.FOREIGN)
    files, version = manifest
    there = dict(_files(place))
    changed = sorted(name for name in there.keys() - {MANIFEST} if there[name] != files.get(name))
    if changed:
        return Found(State.CHANGED, version, tuple(changed))
    if files.keys() - there.keys():
        return Found(State.INCOMPLETE, version)
    same = bundle is None or bundle.manifest() == (place.plugins / MANIFEST).read_bytes()
    return Found(State.CURRENT if same else State.OTHER, version)


def install(place: Place, bundle: Bundle, *, force: bool = False) -> list[Path]:
    """Put the plugin there, in place of an older one of Matted's. Returns what was moved aside.

    With `force` what is not Matted's, or was changed by hand, is moved aside under another name. Raises
    OutputExists when it is in the way without that, OutputFailed when writing fails.
    """
    found = look(place, bundle)
    aside = []
    if found.state in (State.FOREIGN, State.CHANGED):
        if not force:
            raise OutputExists(_refusal(place, found))
        aside = _move_aside(place)
    with _told(place.plugins):
        place.plugins.mkdir(parents=True, exist_ok=True)
        _sweep(place.plugins)
        hidden = place.plugins / f".{FOLDER}-{secrets.token_hex(4)}.part"
        try:
            _write(hidden, bundle)
            _swap(hidden, place.plugins / FOLDER)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    for name in bundle.beside:
        path = (place.plugins / name).parent.resolve() / Path(name).name
        with _told(path.parent):
            path.parent.mkdir(exist_ok=True)
        with atomic_output(path, overwrite=True) as file:
            file.write(bundle.files[name])
    return aside


def remove(place: Place, *, force: bool = False) -> list[Path]:
    """Take the plugin out. What is not Matted's stays, or with `force` is moved aside, which is returned.

    Raises OutputExists, OutputFailed.
    """
    found = look(place)
    if found.state is State.ABSENT:
        return []
    if found.state in (State.FOREIGN, State.CHANGED):
        if not force:
            raise OutputExists(_refusal(place, found))
        return _move_aside(place)
    with _told(place.plugins):
        for path in _beside(place):
            path.unlink(missing_ok=True)
        hidden = place.plugins / f".{FOLDER}-{secrets.token_hex(4)}.old"
        (place.plugins / FOLDER).rename(hidden)
        shutil.rmtree(hidden)
    return []


def _refusal(place: Place, found: Found) -> str:
    if found.state is State.FOREIGN:
        there = [path for path in (place.plugins / FOLDER, *_beside(place)) if os.path.lexists(path)]
        return (
            f"{there[0]} was not put there by Matted, so it is left alone. "
            "Move it away, or let `--force` keep it under another name."
        )
    return (
        f"In {place.plugins / FOLDER} you have changed {', '.join(found.changed[:3])}"
        f"{' and more' if len(found.changed) > 3 else ''}, so it is left alone. "
        "`--force` keeps your version under another name."
    )


def _manifest(place: Place) -> tuple[dict[str, str], str] | None:
    """Hashes of the files, and the version; None when Matted did not write this folder."""
    folder = place.plugins / FOLDER
    if folder.is_symlink():
        return None
    try:
        found = json.loads((place.plugins / MANIFEST).read_text("utf-8"))
        files = {str(name): str(value) for name, value in found["files"].items()}
        if found["format"] != 1 or found["editor"] != place.editor:
            return None
        return files, str(found["version"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _files(place: Place) -> Iterator[tuple[str, str]]:
    inside = {
        path.relative_to(place.plugins).as_posix(): path for path in (place.plugins / FOLDER).rglob("*")
    }
    beside = {name: place.plugins / name for name in BESIDE[place.editor]}
    for name, path in {**inside, **beside}.items():
        if any(part in _TRACES for part in Path(name).parts) or path.is_dir():
            continue
        try:
            yield name, digest(path.read_bytes())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise OutputFailed(f"{path} cannot be read: {error.strerror}.") from error


def _write(folder: Path, bundle: Bundle) -> None:
    folder.mkdir()
    contents = {**bundle.files, MANIFEST: bundle.manifest()}
    for name, content in contents.items():
        if not name.startswith(f"{FOLDER}/"):
            continue
        path = folder / name.removeprefix(f"{FOLDER}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        path.chmod(0o755 if name in bundle.programs else 0o644)


def _swap(new: Path, target: Path) -> None:
    """Give `new` the name `target`; the old folder goes only when the new one has its name."""
    if not os.path.lexists(target):
        new.rename(target)
        return
    old = new.with_suffix(".old")
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sweep(plugins: Path) -> None:
    """What an installation left behind that was cut short, by a power cut for example."""
    for path in plugins.glob(f".{FOLDER}-????????.part"):
        shutil.rmtree(path, ignore_errors=True)
    if (plugins / FOLDER).is_dir():
        for path in plugins.glob(f".{FOLDER}-????????.old"):
            shutil.rmtree(path, ignore_errors=True)


def _move_aside(place: Place) -> list[Path]:
    """Rename what is there so that the editor no longer loads it."""
    moved = []
    with _told(place.plugins):
        for path in (place.plugins / FOLDER, *_beside(place)):
            if os.path.lexists(path):
                number = 1
                while os.path.lexists(target := path.with_name(f"{path.name}-before-{number}")):
                    number += 1
                path.rename(target)
                moved.append(target)
    return moved


def _beside(place: Place) -> list[Path]:
    return [place.plugins / name for name in BESIDE[place.editor]]


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Turns the system's refusal into a sentence."""
    try:
        yield
    except MattedError:
        raise
    except OSError as error:
        where = folder
        with suppress(TypeError):
            where = Path(error.filename)
        raise OutputFailed(f"{where} cannot be written: {error.strerror}.") from error
