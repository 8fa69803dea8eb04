"""A picture given to the page by hand: into the watched folder under its own name, whole, over nothing.

May import `imaging` and the hot folder's names; knows no HTTP. The watch then finds the file as any other.
"""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from matted.errors import BadOption, OutputExists, PictureError, UnsupportedPicture
from matted.hotfolder.names import fitted, is_in_progress, is_picture, shown

_NOT_ON_WINDOWS = frozenset('<>:"|?*')


def checked_name(name: str) -> str:
    """`name` if it is a picture's, and of nothing but a file. Raises BadOption, UnsupportedPicture."""
    plain = name and PurePosixPath(name).name == name and PureWindowsPath(name).name == name
    strange = not name.isprintable() or (os.name == "nt" and _NOT_ON_WINDOWS & set(name))
    if not plain or strange or is_in_progress(name):
        raise BadOption(f"A picture cannot be called {shown(name)[:80]!r}: rename the file first.")
    if not is_picture(name):
        raise UnsupportedPicture(f"{shown(name)[:80]} is no picture that Matted reads, by its name.")
    return name


def put(folder: Path, name: str, content: memoryview) -> Path:
    """Writes an encoded picture into `folder`; where it is now.

    A name that is taken gets a number, unless the same picture has it already. Raises BadOption,
    UnsupportedPicture, UnreadablePicture, OutputFailed.
    """
    from matted.imaging.files import atomic_output
    from matted.imaging.read import read_header

    checked_name(name)
    try:
        read_header(content)
    except PictureError as error:
        raise type(error)(str(error).replace("The picture", shown(name)[:80], 1)) from error
    for path in _names(folder / name):
        try:
            with atomic_output(path) as file:
                file.write(content)
        except OutputExists:
            if _holds(path, content):
                return path
            continue
        return path
    raise AssertionError("names do not run out")


def _names(path: Path) -> Iterator[Path]:
    yield fitted(path)
    number = 2
    while True:
        yield fitted(path.with_name(f"{path.stem}-{number}{path.suffix}"))
        number += 1


def _holds(path: Path, content: memoryview) -> bool:
    """Whether the file has just this content."""
    try:
        if path.is_symlink() or path.stat().st_size != len(content):
            return False
        with path.open("rb") as file:
            at = 0
            while piece := file.read(1 << 20):
                if content[at : at + len(piece)] != piece:
                    return False
                at += len(piece)
            return at == len(content)
    except OSError:
        return False
