"""A screen without a monitor, inside a root: windows for GIMP and Krita, keys, pictures of what they show.

Standard library only; knows no editor.
"""

import os
import random
import shutil
import struct
import subprocess
import time
import zlib
from pathlib import Path

from editors.room import Finished, Room, end

FRAME = "Xvfb_screen0"


class Screen:
    """A running X server of 1400 x 900 pixels; programs of the same room find it by `environment`."""

    def __init__(self, room: Room, *, width: int = 1400, height: int = 900) -> None:
        self.room = room
        self.folder = room.desk / f"screen-{os.urandom(3).hex()}"
        self.folder.mkdir()
        # The abstract sockets are the whole computer's: a number nobody uses, and no such socket.
        self.environment = {
            "DISPLAY": f":{random.randint(2000, 30000)}",
            "MATTED_SCREEN": str(self.folder / FRAME),
        }
        self._server = room.start(
            [
                *("Xvfb", self.environment["DISPLAY"], "-screen", "0", f"{width}x{height}x24"),
                *("-fbdir", str(self.folder), "-nolisten", "tcp", "-nolisten", "local", "-noreset"),
            ],
            {},
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while self.xdotool("getdisplaygeometry").rc:
            if time.monotonic() > deadline or self._server.poll() is not None:
                self.close()
                raise RuntimeError("the X server did not start")

    def close(self) -> None:
        """End the server, and with it every window."""
        end(self._server)
        (self.room.sockets / f"X{self.environment['DISPLAY'][1:]}").unlink(missing_ok=True)

    def xdotool(self, *arguments: str, timeout_s: float = 30) -> Finished:
        """Press keys, move the pointer, find windows: `screen.xdotool("key", "ctrl+z")`."""
        return self.room.run(["xdotool", *arguments], self.environment, timeout_s=timeout_s)

    def shot(self, path: Path) -> Path:
        """Write what the screen shows now as a PNG."""
        frame = self.folder / f"{FRAME}.copy"
        shutil.copy(self.folder / FRAME, frame)
        return picture_of(frame, path)


def picture_of(frame: Path, path: Path) -> Path:
    """Turn an X window dump, as the server keeps its screen in and scripts inside copy it, into a PNG.

    The dump's header is 25 big-endian numbers (XWDFile.h of the X11 protocol), then the colour table, then
    rows of 32-bit pixels.
    """
    dump = frame.read_bytes()
    header = struct.unpack(">25I", dump[:100])
    start, width, height, little, bits, stride, colours = (header[i] for i in (0, 4, 5, 7, 11, 12, 19))
    assert bits == 32
    start += colours * 12
    blue, green, red = (0, 1, 2) if little == 0 else (3, 2, 1)
    rows = bytearray()
    for y in range(height):
        pixels = dump[start + y * stride : start + y * stride + width * 4]
        row = bytearray(1 + width * 3)
        row[1::3], row[2::3], row[3::3] = pixels[red::4], pixels[green::4], pixels[blue::4]
        rows += row
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, content in (
            (b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(bytes(rows), 6)),
            (b"IEND", b""),
        ):
            file.write(struct.pack(">I", len(content)) + kind + content)
            file.write(struct.pack(">I", zlib.crc32(kind + content)))
    return path
