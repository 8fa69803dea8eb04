"""What the worker hands back for a request: the answer's bytes, and the headers that say how it was made.

Knows the chain's results and the wire's names for them; no HTTP server and no picture store.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matted.imaging.picture import Picture
from matted.notice import Notice
from matted.service.foreground import clean_colours, plane_format

if TYPE_CHECKING:
    from matted.pipeline import Matte

PLANES = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Made:
    """What the worker hands back: the answer's bytes, and what its headers say."""

    body: memoryview
    content_type: str
    headers: dict[str, str]
    times: dict[str, float]


def raw_mask(picture: Picture, matte: "Matte") -> Made:
    """A mask as raw values."""
    kind = "gray8" if matte.mask.dtype.itemsize == 1 else "gray16"
    little = matte.mask.astype(matte.mask.dtype.newbyteorder("<"), order="C", copy=False)
    headers = headers_of(picture, matte) | {"X-Matted-Format": kind}
    return Made(little.data, PLANES, headers, dict(matte.times))


def clean_layer(picture: Picture, matte: "Matte | None") -> Made:
    """Clean colours as raw planes; without a matte the picture's own alpha is one."""
    headers = headers_of(picture, matte) | {"X-Matted-Format": plane_format(picture)}
    started = time.perf_counter()
    planes = clean_colours(picture, matte.mask if matte is not None else None)
    times = (matte.times if matte is not None else {}) | {"foreground": time.perf_counter() - started}
    return Made(planes, PLANES, headers, times)


def headers_of(picture: Picture, matte: "Matte | None") -> dict[str, str]:
    """The headers about a result: its size and, where there is a matte, how it was made, how good it is."""
    height, width = matte.mask.shape if matte is not None else (picture.height, picture.width)
    headers = size_of(width, height)
    if matte is None:
        return headers | {"X-Matted-Warnings": told(())}
    headers |= {"X-Matted-Model": matte.model, "X-Matted-Provider": matte.provider}
    if matte.confidence is not None:
        headers["X-Matted-Confidence"] = f"{matte.confidence:.3f}"
    return headers | {"X-Matted-Warnings": told(matte.warnings)}


def size_of(width: int, height: int) -> dict[str, str]:
    """The headers of a result's size in pixels."""
    return {"X-Matted-Width": str(width), "X-Matted-Height": str(height)}


def told(notices: Iterable[Notice]) -> str:
    """Notices as the JSON of a header."""
    return json.dumps([{"code": notice.code, "sentence": notice.sentence} for notice in notices])
