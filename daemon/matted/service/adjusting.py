"""What a request says about adjusting the matte, and the list of subjects as an answer.

Turns the options `adjust`, `limit` and `side_px` into what the chain takes, and what the chain found into
JSON. Knows the wire's forms and the store of uploaded pictures, no HTTP.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from matted.errors import BadOption
from matted.imaging.picture import Picture
from matted.service.brushing import BRUSH_KEYS, gray_plane
from matted.service.store import PictureStore
from matted.service.wire import build_options

if TYPE_CHECKING:
    from matted.matting.adjust import AdjustOptions
    from matted.matting.subjects import Subject, Subjects
    from matted.options import Limit
    from matted.pipeline import Matte

KEYS: dict[str, tuple[str, ...]] = {  # of a request beside "coarse" and "refine", by what is asked for
    "mask": ("prompt", "adjust", "limit", "side_px"),
    "refine": ("prompt", "adjust", "limit", "side_px", *BRUSH_KEYS),
    "cutout": ("prompt", "adjust", "limit"),
    "foreground": ("prompt", "adjust", "limit"),
    "subjects": ("prompt",),
    "disagreement": ("prompt",),
}


@dataclass(frozen=True, slots=True)
class OuterOptions:
    """What a request says beside the options of the stages.

    `limit`: the id of an uploaded gray picture of the same size that the mask may not exceed. `side_px`: the
    longest side of a mask that is to be a preview; null for the picture's own size.
    """

    limit: str | None = None
    side_px: int | None = None

    def __post_init__(self) -> None:
        if self.side_px is not None and self.side_px < 1:
            raise BadOption(f"A preview's side_px is at least 1, not {self.side_px}.")


@dataclass(frozen=True, slots=True, eq=False)
class Adjusting:
    """How one request's matte is adjusted, within what, and how large it shall be."""

    adjust: "AdjustOptions"
    limit: "Limit | None"
    side_px: int | None


def adjusting_of(options: Mapping[str, Any], store: PictureStore) -> Adjusting:
    """What a request's options say of it. Raises BadOption, UnknownPicture."""
    from matted.matting.adjust import AdjustOptions

    given = {name: options[name] for name in ("limit", "side_px") if name in options}
    outer = build_options(OuterOptions, given, "of the request")
    adjust = build_options(AdjustOptions, options.get("adjust", {}), "adjust")
    return Adjusting(adjust, _limit(store, outer.limit), outer.side_px)


def _limit(store: PictureStore, name: str | None) -> "Limit | None":
    from matted.options import Limit

    if name is None:
        return None
    refusal = "The limit must be a gray picture: white where the mask may be, black where not."
    return Limit(gray_plane(store, name, refusal), name)


def subjects_answer(picture: Picture, found: "Subjects", matte: "Matte") -> memoryview:
    """The list of subjects as the bytes of a JSON object."""
    content = {
        "width": picture.width,
        "height": picture.height,
        "confidence": _rounded(matte.confidence),
        "warnings": [asdict(notice) for notice in matte.warnings],
        "subjects": [_subject(subject) for subject in found.all],
    }
    return memoryview(json.dumps(content).encode())


def _subject(subject: "Subject") -> dict[str, Any]:
    return {
        "number": subject.number,
        "box": list(subject.box),
        "at": [round(subject.at[0], 1), round(subject.at[1], 1)],
        "area_px": round(subject.area_px),
        "share": round(subject.share, 5),
        "confidence": _rounded(subject.confidence),
    }


def _rounded(confidence: float | None) -> float | None:
    return None if confidence is None else round(confidence, 3)
