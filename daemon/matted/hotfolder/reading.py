"""A file read whole and only once, with proof that nobody changed it meanwhile.

Imports the errors and the standard library only.
"""

import os
from pathlib import Path

from matted.errors import MattedError
from matted.hotfolder.signature import Signature


class Vanished(MattedError):
    """The file is not there any more."""


class Changed(MattedError):
    """The file is not what it was when it was found whole."""


def read_whole(path: Path, expected: Signature) -> bytes:
    """The bytes of a file that is and stays as `expected`. Raises Vanished, Changed, OSError."""
    flags = (
        os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    )
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Vanished(f"{path.name} is not there any more.") from error
    with os.fdopen(descriptor, "rb") as file:
        before = Signature.of(os.fstat(descriptor))
        if before != expected:
            raise Changed(f"{path.name} was changed.")
        data = file.read()
        if len(data) != expected.size or Signature.of(os.fstat(descriptor)) != expected:
            raise Changed(f"{path.name} was changed.")
    return data
