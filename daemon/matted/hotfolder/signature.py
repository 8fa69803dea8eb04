"""What tells without reading whether a file is still the same, and what tells by reading it.

Imports the standard library and xxhash only.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import xxhash

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Signature:
    """A file as its folder shows it. Times in nanoseconds; `changed_ns`: of its entry, not of its content.

    On POSIX nothing can change a file and leave `changed_ns` as it was, so a copy restored with its old
    `written_ns` still differs.
    """

    size: int
    written_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, facts: os.stat_result) -> "Signature":
        """From a stat."""
        return cls(facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)

    @classmethod
    def from_text(cls, text: str) -> "Signature":
        """From what `str` made of one."""
        size, written, changed, inode = map(int, text.split())
        return cls(size, written, changed, inode)

    def __str__(self) -> str:
        return f"{self.size} {self.written_ns} {self.changed_ns} {self.inode}"


def content_of(data: bytes | memoryview) -> str:
    """The name of a content: 128 bits of XXH3, as text."""
    return xxhash.xxh3_128_hexdigest(data)


def content_of_file(path: Path) -> str | None:
    """The name of a file's content; None where there is no such file. Raises OSError."""
    digest = xxhash.xxh3_128()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return digest.hexdigest()
