"""Where the files that ship with Matted are: the catalogue, the built-in model, the editors' plugins.

In an installed wheel they lie inside the package (`matted/shipped/`); in a checkout they are the
repository's own `models/` and `plugins/`.
"""

from pathlib import Path

from matted.errors import MattedError

_PACKAGE = Path(__file__).resolve().parent


def shipped(relative: str) -> Path:
    """The path of a shipped file or folder, e.g. `shipped("models/catalogue.toml")`.

    Raises MattedError when the installation lacks it.
    """
    for root in (_PACKAGE / "shipped", _PACKAGE.parent.parent):
        path = root / relative
        if path.exists():
            return path
    raise MattedError(f"This installation of Matted lacks {relative}: install it again.")
