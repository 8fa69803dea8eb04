"""Names of results made from names of pictures, and which names a recipe takes.

A name never leads out of the folder, whatever the picture is called. Imports the errors and the standard
library only.
"""

import re
import string
import unicodedata
from fnmatch import fnmatch
from pathlib import PurePath, PurePosixPath

from matted.errors import BadOption

FIELDS = {
    "folder": "the picture's sub-folder",
    "stem": "its name without suffix",
    "name": "its name with suffix",
    "ext_in": "its suffix without the dot",
    "item": "the output's name",
    "ext": "the suffix of the output's format",
}
_PROBES = tuple(PurePosixPath(name) for name in ("a.jpg", "b/c/\u00c4 1.tiff", "d.e.png", "f/g"))
_FORBIDDEN = re.compile(r'[\\:*?"<>|\x00-\x1f]')  # what one system or another keeps out of names


def check_pattern(pattern: str) -> None:
    """Raises BadOption for a pattern that names nothing, names all pictures alike or leads elsewhere."""
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError:
        parts = [("", "", "", None)]
    for _text, field, spec, conversion in parts:
        if field is not None and (field not in FIELDS or spec or conversion):
            known = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise BadOption(f"a name is made of text and of {known}, not {pattern!r}.")
    literal = "".join(text for text, *_ in parts)
    if pattern.startswith(("/", "~")) or ".." in PurePosixPath(pattern).parts or _FORBIDDEN.search(literal):
        raise BadOption(
            f"the name {pattern!r} must stay within the folder: use plain names and / between folders, "
            'no .. and none of \\ : * ? " < > |.'
        )
    if not {"stem", "name"} & {field for _, field, *_ in parts}:
        raise BadOption(f"the name {pattern!r} would be the same for every picture: use {{stem}} in it.")
    if pattern.endswith("/"):
        raise BadOption(f"the name {pattern!r} is that of a folder: end it with {{stem}}.{{ext}}.")


def expanded(pattern: str, picture: PurePath, *, item: str, extension: str) -> PurePosixPath:
    """The result's name, relative to the folder, for a picture whose path is relative to it, too."""
    whole = pattern.format(
        folder=picture.parent.as_posix(),
        stem=_plain(picture.stem),
        name=_plain(picture.name),
        ext_in=picture.suffix.lstrip("."),
        item=item,
        ext=extension,
    )
    return PurePosixPath(*(part for part in whole.split("/") if part not in ("", ".", "..")))


def same_name(patterns: tuple[tuple[str, str, str], tuple[str, str, str]]) -> bool:
    """Whether two outputs, each (pattern, item, extension), would get one name; case does not count."""
    return any(
        len({_folded(expanded(p, probe, item=item, extension=ext)) for p, item, ext in patterns}) == 1
        for probe in _PROBES
    )


def is_plain_name(name: str) -> bool:
    """Whether a file or folder may be called so on every system."""
    return bool(name.strip(". ")) and "/" not in name and _FORBIDDEN.search(name) is None


def fixed_folder(pattern: str) -> str | None:
    """The folder, one name, that all results of a pattern lie in; None where that is not the same for all."""
    first, slash, _ = pattern.partition("/")
    return first if slash and "{" not in first else None


def matches(picture: PurePath, patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns (`*.tif`, `selects/*.jpg`) is the picture's name, or its relative path."""
    name, whole = (_folded(part) for part in (picture.name, picture.as_posix()))
    return any(fnmatch(whole if "/" in pattern else name, _folded(pattern)) for pattern in patterns)


def _plain(name: str) -> str:
    """A name that is no step through folders."""
    return name if name.strip(".") else "_" * max(1, len(name))


def _folded(name: PurePath | str) -> str:
    return unicodedata.normalize("NFC", str(name)).casefold()
