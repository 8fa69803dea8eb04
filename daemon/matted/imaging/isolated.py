"""Decoding in a process of its own, for decoders that a damaged file can crash (libheif, LibRaw).

A crash there is one unreadable picture here, not the end of everything. This is the near side; the far side
is `decoder_process`. They speak over pipes: a line of JSON, then the bytes it announces. Knows no format.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

import numpy as np

from matted import errors
from matted.imaging.header import Layout
from matted.imaging.picture import Metadata, Picture, Pixels
from matted.imaging.source import Opened

Fragile = Literal["heif", "raw"]


@dataclass(frozen=True, slots=True)
class IsolatedFile:
    """A file another process has parsed and can decode."""

    opened: Opened
    layout: Layout
    child: "subprocess.Popen[bytes]" = field(repr=False)

    def decode(self, *, min_side: int | None = None) -> Picture:
        """The picture, as the decoder in the other process gives it. Raises what that raises."""
        with contextlib.suppress(OSError):  # a dead child shows when its answer is read
            send(_pipe(self.child.stdin), {"min_side": min_side})
        return _receive_picture(_pipe(self.child.stdout), self.opened.name)


def open_isolated(opened: Opened, kind: Fragile) -> IsolatedFile:
    """Parse a file in another process, which ends when `opened` is closed. Raises what the decoder raises."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "matted.imaging.decoder_process", kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    opened.when_closed(lambda: _end(child))
    data = opened.data()
    with contextlib.suppress(OSError):
        send(_pipe(child.stdin), {"name": opened.name, "bytes": len(data)}, data)
    answer = _receive(_pipe(child.stdout), opened.name)
    return IsolatedFile(opened, Layout(**answer["layout"]), child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):
            _pipe(pipe).close()
    child.wait()


def _receive_picture(pipe: io.BufferedReader, name: str) -> Picture:
    answer = _receive(pipe, name)
    blobs = {key: _exactly(pipe, size, name) for key, size in answer["blobs"].items()}
    pixels: Pixels = np.empty(answer["shape"], answer["dtype"])
    rest = pixels.data.cast("B")
    while rest:
        count = pipe.readinto(rest)
        if not count:
            raise _died(name)
        rest = rest[count:]
    dpi = tuple(answer["dpi"]) if answer["dpi"] else None
    return Picture(
        pixels,
        space=answer["space"],
        has_alpha=answer["has_alpha"],
        icc=blobs.pop("icc", None),
        metadata=Metadata(**blobs, dpi=dpi),
        format=answer["format"],
        full_size=tuple(answer["full_size"]),
    )


def _receive(pipe: BinaryIO, name: str) -> dict[str, Any]:
    line = pipe.readline()
    if not line.endswith(b"\n"):
        raise _died(name)
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise getattr(errors, answer["error"])(answer["sentence"])
    return answer


def _exactly(pipe: BinaryIO, size: int, name: str) -> bytes:
    block = pipe.read(size)
    if len(block) < size:
        raise _died(name)
    return block


def _died(name: str) -> errors.UnreadablePicture:
    return errors.UnreadablePicture(f"{name} is damaged or cut off: copy or export it again.")


def _pipe(pipe: Any) -> Any:
    assert pipe is not None
    return pipe


def send(pipe: BinaryIO, message: dict[str, Any], *blocks: Any) -> None:
    """One message of either side: a line of JSON, then blocks of bytes."""
    pipe.write(json.dumps(message).encode() + b"\n")
    for block in blocks:
        pipe.write(block)
    pipe.flush()
