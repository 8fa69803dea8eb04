"""Krita's own list of plugins that are switched on: one key in `kritarc`, everything else byte for byte.

The file is KConfig's: groups in brackets, `key=value` lines, the last of several equal keys counts.
Standard library and safe writing only.
"""

import re
from pathlib import Path

from matted.errors import OutputFailed
from matted.imaging.files import atomic_output

KEY = "enable_matted"
_GROUP = b"[python]"
_LINE = re.compile(rb"\s*" + KEY.encode() + rb"\s*=\s*(.*?)\s*$")


def is_enabled(path: Path) -> bool | None:
    """Whether Krita loads the plugin; None when the person has not decided. Raises OutputFailed."""
    said = None
    for _, value in _ours(_lines(path)):
        said = value.lower() in (b"true", b"1", b"yes", b"on")
    return said


def enable(path: Path) -> None:
    """Switch the plugin on. Raises OutputFailed."""
    lines = _lines(path)
    ours = [number for number, _ in _ours(lines)]
    end = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    line = f"{KEY}=true".encode() + end
    if ours:
        lines[ours[-1]] = line
    else:
        groups = [number for number, text in enumerate(lines) if text.strip() == _GROUP]
        if lines and not lines[-1].endswith(b"\n"):
            lines[-1] += end
        if groups:
            lines.insert(groups[-1] + 1, line)
        else:
            lines += [*([end] if lines else []), _GROUP + end, line]
    _write(path, lines)


def forget(path: Path) -> None:
    """Take the key out where it says yes; a no is the person's and stays. Raises OutputFailed."""
    if is_enabled(path):
        lines = _lines(path)
        ours = {number for number, _ in _ours(lines)}
        _write(path, [text for number, text in enumerate(lines) if number not in ours])


def _ours(lines: list[bytes]) -> list[tuple[int, bytes]]:
    """The lines of the key: their numbers and values."""
    found = []
    inside = False
    for number, text in enumerate(lines):
        if text.lstrip().startswith(b"["):
            inside = text.strip() == _GROUP
        elif inside and (match := _LINE.match(text)):
            found.append((number, match[1]))
    return found


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OutputFailed(f"{path} cannot be read: {error.strerror}.") from error


def _write(path: Path, lines: list[bytes]) -> None:
    real = path.resolve()  # a link, as people keep who share their settings, stays one
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(f"{real.parent} cannot be made: {error.strerror}.") from error
    with atomic_output(real, overwrite=True) as file:
        file.write(b"".join(lines))
