"""The far side of `isolated`: parses one file, waits, decodes it, sends the pixels, ends.

Run as `python -m matted.imaging.decoder_process heif`; not imported by anything. May import the fragile
formats.
"""

import json
import sys
from typing import Any, BinaryIO

from matted.errors import PictureError
from matted.imaging.header import Layout
from matted.imaging.isolated import send
from matted.imaging.picture import Picture
from matted.imaging.picture_file import PictureFile
from matted.imaging.source import Opened


def main() -> None:
    """Serve one file on standard input and output."""
    near, far = sys.stdin.buffer, sys.stdout.buffer
    try:
        request = json.loads(near.readline())
        with Opened(near.read(request["bytes"]), name=request["name"]) as opened:
            file = _open(opened, sys.argv[1])
            send(far, {"layout": _as_plain(file.layout)})
            order = near.readline()
            if order:
                _send_picture(far, file.decode(min_side=json.loads(order)["min_side"]))
    except PictureError as error:
        send(far, {"error": type(error).__name__, "sentence": str(error)})


def _open(opened: Opened, kind: str) -> PictureFile:
    if kind == "heif":
        from matted.imaging.heif import open_heif

        return open_heif(opened)
    from matted.imaging.raw import open_raw

    return open_raw(opened)


def _as_plain(layout: Layout) -> dict[str, int]:
    return {name: getattr(layout, name) for name in ("width", "height", "orientation", "bytes_per_pixel")}


def _send_picture(far: BinaryIO, picture: Picture) -> None:
    kept = picture.metadata
    blobs: dict[str, bytes | None] = {
        "icc": picture.icc,
        "exif": kept.exif,
        "xmp": kept.xmp,
        "iptc": kept.iptc,
    }
    present: dict[str, Any] = {name: blob for name, blob in blobs.items() if blob is not None}
    description = {
        "blobs": {name: len(blob) for name, blob in present.items()},
        "shape": picture.pixels.shape,
        "dtype": picture.pixels.dtype.str,
        "space": picture.space,
        "has_alpha": picture.has_alpha,
        "dpi": kept.dpi,
        "format": picture.format,
        "full_size": picture.full_size,
    }
    send(far, description, *present.values(), picture.pixels.data.cast("B"))


if __name__ == "__main__":
    main()
