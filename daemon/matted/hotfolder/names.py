"""Names of files in a watched folder: which belong to other programs' work in progress, and how a result's
name is made to fit.

Imports the standard library only.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path, PurePath

LONGEST_NAME = 255  # bytes (POSIX) or UTF-16 units (Windows) of one name; most filesystems' limit

PICTURE_SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"),
        *(".heic", ".heif", ".hif", ".avif", ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2"),
        *(".raf", ".orf", ".rw2", ".pef", ".srw", ".x3f", ".3fr", ".iiq", ".mrw", ".erf"),
    )
)

# What is written in steps bears such a name until it is whole: in browsers, rsync, sync clients, ExifTool,
# macOS' safe saving, office programs, and the .tmp of Photoshop, Lightroom and Capture One. Only names that
# nobody gives a finished picture: one wrongly left out would be missed.
_IN_PROGRESS = re.compile(
    r"""
      ^\. | ^~ | ~$
    | \.(?:tmp|temp|part|partial|filepart|crdownload|download|opdownload|unconfirmed|!ut|!qb|aria2
          |swp|swo|swx|lock|lck|lrtmp|cotmp)$
    | _exiftool_tmp$ | \.sb-[0-9a-f]{8}- | ^photoshop\ temp
    """,
    re.VERBOSE | re.IGNORECASE,
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def is_in_progress(name: str) -> bool:
    """Whether a file name says that its program has not finished it, or that it is hidden."""
    return _IN_PROGRESS.search(name) is not None


def is_picture(name: str) -> bool:
    """Whether a file name has the suffix of a format Matted reads."""
    return PurePath(name).suffix.lower() in PICTURE_SUFFIXES


def fitted(path: Path) -> Path:
    """`path` with every name that is not there yet short enough for the filesystem; a shortened one keeps its
    suffix and gets a mark made from the whole name, so that two long names never become one.
    """
    there = next((folder for folder in path.parents if _is_folder(folder)), None)
    if there is None:
        return path
    longest = longest_name(there)
    return there.joinpath(*(_fitted_name(name, longest) for name in path.relative_to(there).parts))


def longest_name(folder: Path) -> int:
    """How long a name may be in a folder that is there: on encrypted disks it is less than usual."""
    if os.name == "posix":
        with contextlib.suppress(OSError, ValueError):
            return min(LONGEST_NAME, os.pathconf(folder, "PC_NAME_MAX"))
    return LONGEST_NAME


def candidates(target: Path, source: Path) -> Iterator[Path]:
    """`target`, then other names for it when that one is taken: with the source's suffix, then numbered."""
    yield fitted(target)
    kind = source.suffix.lstrip(".").lower()
    stem, suffix = target.stem, target.suffix
    if kind:
        yield fitted(target.with_name(f"{stem}-{kind}{suffix}"))
    number = 2
    while True:
        yield fitted(target.with_name(f"{stem}-{number}{suffix}"))
        number += 1


def shown(path: str | Path) -> str:
    """A path as it can be printed: what is no text, or would break the line, becomes a question mark."""
    return _CONTROL.sub("?", os.fsencode(path).decode("utf-8", "replace"))


def _is_folder(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return path.is_dir()
    return False


def _fitted_name(name: str, longest: int) -> str:
    if _length(name) <= longest:
        return name
    stem, suffix = PurePath(name).stem, PurePath(name).suffix
    if _length(suffix) > 16:
        stem, suffix = name, ""
    ending = f"~{blake2b(os.fsencode(name), digest_size=4).hexdigest()}{suffix}"
    while _length(stem) + _length(ending) > longest:
        stem = stem[:-1]
    return stem + ending


def _length(name: str) -> int:
    if os.name == "nt":
        return len(name.encode("utf-16-le", "surrogatepass")) // 2
    return len(os.fsencode(name))
