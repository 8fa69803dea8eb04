"""What a request says of brush strokes: the ids of uploaded gray pictures, turned into what the chain takes.

Knows the wire's forms and the store of uploaded pictures, no HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from matted.errors import BadOption
from matted.service.store import PictureStore
from matted.service.wire import build_options

if TYPE_CHECKING:
    from matted.brushing import Brush


@dataclass(frozen=True, slots=True)
class BrushOptions:
    """Ids of uploaded gray pictures of the picture's size.

    `painted`: the mask as the person left it. `made`: the mask as it was before; null for the one that the
    request's other options make. `guide`: not 0 where alpha is to be found again.
    """

    painted: str | None = None
    made: str | None = None
    guide: str | None = None


BRUSH_KEYS = ("painted", "made", "guide")


def brush_of(options: Mapping[str, Any], store: PictureStore) -> "Brush":
    """The strokes that a request names. Raises BadOption, UnknownPicture."""
    from matted.brushing import Brush

    given = {name: options[name] for name in BRUSH_KEYS if name in options}
    named = build_options(BrushOptions, given, "of the request")
    if named.painted is None:
        raise BadOption("There is no painted: the id of the mask as it was left, which must be uploaded.")
    return Brush(
        gray_plane(store, named.painted, "The painted mask must be a gray picture."),
        gray_plane(store, named.made, "The mask before must be a gray picture.") if named.made else None,
        gray_plane(store, named.guide, "The guide must be a gray picture.") if named.guide else None,
    )


def gray_plane(store: PictureStore, name: str, refusal: str) -> npt.NDArray[Any]:
    """An uploaded gray picture's plane (H, W), uint8, uint16 or float32; `refusal` tells why it is none.

    Raises BadOption with it, UnknownPicture.
    """
    picture = store.get(name)
    if picture.space != "gray":
        raise BadOption(refusal)
    plane = picture.pixels[..., 0]
    return plane.astype(np.float32) if plane.dtype.kind == "f" else plane
