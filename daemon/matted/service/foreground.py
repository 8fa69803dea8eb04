"""Clean colours for editors that want a layer of them: raw planes, nothing is encoded.

The matte is the model's, or the alpha that the picture was sent with: then no model runs. Knows no HTTP;
imports the matting when it is asked, which is in a worker thread.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from matted.errors import BadOption
from matted.imaging.picture import Picture
from matted.service.wire import PLANE_FORMATS


@dataclass(frozen=True, slots=True)
class ForegroundOptions:
    """`alpha`: whose matte says where colours are mixed: the `model`'s, or the picture's `own` alpha."""

    alpha: Literal["model", "own"] = "model"


def plane_format(picture: Picture) -> str:
    """The name of the raw format that holds the picture's colours without alpha. Raises BadOption."""
    kind = picture.pixels.dtype
    name = picture.space + ("f" if kind.kind == "f" else "") + str(8 * kind.itemsize)
    if name not in PLANE_FORMATS:
        raise BadOption(f"Clean colours come as gray or RGB, not {picture.space.upper()}: ask for a cut-out.")
    return name


def clean_colours(picture: Picture, mask: npt.NDArray[Any] | None) -> memoryview:
    """The picture's colours (H, W, C), little-endian, where `mask` is soft freed of what is behind.

    `mask`: (H, W) uint8 or uint16; None takes the picture's own alpha. Raises BadOption where it has none.
    """
    from matted.compose.blend import in_depth
    from matted.matting.foreground import estimate_foreground

    colours = picture.pixels[..., : picture.colour_channels]
    own = picture.pixels[..., -1] if picture.has_alpha else None
    if mask is not None:
        clean = estimate_foreground(colours, mask, opacity=own)
    elif own is not None:
        clean = estimate_foreground(colours, in_depth(own, np.uint16 if picture.is_deep else np.uint8))
    else:
        raise BadOption("The picture has no alpha of its own: send one with alpha, or let the model look.")
    return clean.astype(clean.dtype.newbyteorder("<"), order="C", copy=False).data
