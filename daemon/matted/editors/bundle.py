"""What a plugin consists of: its shipped files and the client, as files to install and as a zip.

Both editors' plugins are a folder `matted`; Krita's has a `matted.desktop` beside it and may have a
`matted.action` for the shortcut editor. May import the shipped files' place.
"""

import json
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from matted import __version__, client
from matted.errors import MattedError
from matted.resources import shipped

FOLDER = "matted"
CLIENT = f"{FOLDER}/matted_client.py"
MANIFEST = f"{FOLDER}/matted-installed.json"
START = {"gimp": f"{FOLDER}/matted.py", "krita": f"{FOLDER}/__init__.py"}  # what the editor looks for
BESIDE = {"gimp": (), "krita": ("matted.desktop", "../actions/matted.action")}  # the last one need not be
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold


@dataclass(frozen=True, slots=True)
class Bundle:
    """A plugin ready to be installed. `files`: path from the editor's plugin folder, to content.

    `programs`: those that must be executable.
    """

    editor: str
    version: str
    files: dict[str, bytes]
    programs: frozenset[str]

    @property
    def beside(self) -> list[str]:
        """The files that do not lie in the plugin's own folder."""
        return [name for name in BESIDE[self.editor] if name in self.files]

    def manifest(self) -> bytes:
        """What is written beside the files, so that a later Matted knows them as its own."""
        content = {
            "format": 1,
            "editor": self.editor,
            "version": self.version,
            "files": {name: digest(content) for name, content in sorted(self.files.items())},
        }
        return (json.dumps(content, indent=1) + "\n").encode()


def digest(content: bytes) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    return sha256(content).hexdigest()


def load(editor: str, tree: Path | None = None) -> Bundle:
    """The plugin of "gimp" or "krita". `tree`: its folder, by default the shipped one.

    Raises MattedError when this installation lacks it.
    """
    tree = shipped(f"plugins/{editor}") if tree is None else tree
    found = [path for path in sorted((tree / FOLDER).rglob("*")) if path.is_file() and _belongs(path)]
    files = {path.relative_to(tree).as_posix(): path.read_bytes() for path in found}
    for name in BESIDE[editor]:  # in the tree and in a zip they lie at the top
        if (top := tree / Path(name).name).is_file():
            files[name] = top.read_bytes()
    for needed in (START[editor], *BESIDE[editor][:1]):
        if needed not in files:
            raise MattedError(f"This installation of Matted lacks {tree / needed}: install it again.")
    files[CLIENT] = Path(client.__file__).read_bytes()
    return Bundle(
        editor,
        __version__,
        files,
        frozenset({START["gimp"]} if editor == "gimp" else ()),
    )


def write_zip(bundle: Bundle, file: BinaryIO) -> None:
    """The plugin as a zip, the same bytes every time.

    Folders have entries of their own, which Krita's importer needs; programs carry the executable bit, which
    unpacking for GIMP needs.
    """
    files = {Path(name).name if name in bundle.beside else name: bundle.files[name] for name in bundle.files}
    folders = {parent.as_posix() + "/" for name in files for parent in Path(name).parents if parent.name}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted({*files, *folders}):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, so that the bits below count
            if name in folders:
                entry.external_attr = (0o40755 << 16) | 0x10
                archive.writestr(entry, b"")
                continue
            entry.external_attr = (0o100755 if name in bundle.programs else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])


def _belongs(path: Path) -> bool:
    return "__pycache__" not in path.parts and path.suffix != ".pyc" and not path.name.startswith(".")
