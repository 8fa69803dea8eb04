"""What a person painted on a mask, as the chain takes it, checked against the picture it belongs to.

The correction itself is in `matting`. May import `imaging` and `matting`; knows no model and no HTTP.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matted.errors import BadOption, NotItsMask
from matted.imaging.picture import Picture
from matted.matting.brush import Edges, Look, brush_refine
from matted.matting.origin import origin_of
from matted.matting.planes import Mask, in_depth
from matted.notice import Notice

Plane = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Brush:
    """What a person painted; every plane (H, W) of the picture's size, uint8, uint16 or float32 in [0, 1].

    `painted`: the mask as it was left. `made`: the mask as it was before, in a further round the result of
    the one before; None for the one that the chain makes. `guide`: not 0 where alpha is to be found again.
    """

    painted: Plane
    made: Plane | None = None
    guide: Plane | None = None

    def check(self, picture: Picture) -> None:
        """Raises BadOption where a plane is not of the picture's size."""
        shape = (picture.height, picture.width)
        for name, plane in (
            ("painted mask", self.painted),
            ("mask before", self.made),
            ("guide", self.guide),
        ):
            if plane is not None:
                same_size(name, plane.shape, shape)

    def made_for(self, picture: Picture) -> Mask | None:
        """The mask as it was before, at the depth of the picture's masks; None if the chain is to make it."""
        depth = np.dtype(np.uint16 if picture.is_deep else np.uint8)
        return None if self.made is None else in_depth(self.made, depth)

    def notices(self, made: Mask) -> tuple[Notice, ...]:
        """What a person is told of the strokes, which are what differs from `made` (H, W).

        Raises NotItsMask where `painted` is another matte than `made`: all of its edge would count as paint.
        """
        origin = origin_of(made, self.painted)
        if origin == "other":
            before, cure = (
                ("the mask before", "Give the very mask that was painted on as the mask before.")
                if self.made is not None
                else (
                    "the one that these options make",
                    "Paint on a mask that Matted made, or give that mask.",
                )
            )
            raise NotItsMask(
                f"What was painted cannot be told: the painted mask and {before} differ along most of their "
                f"soft edge. {cure}"
            )
        if origin == "anew":
            return (
                Notice(
                    "all-painted",
                    "Nothing of the edge of the mask before is left: if you did not paint over all of it, "
                    "give the mask that you painted on as the mask before.",
                ),
            )
        return ()

    def correct(
        self,
        made: Mask,
        picture: Picture,
        *,
        edges: Edges,
        limit: Plane | None,
        look: Look | None,
        cancelled: Callable[[], bool],
    ) -> Mask:
        """`made` (H, W) as the strokes correct it; the options are those of `brush_refine`."""
        return brush_refine(
            made,
            self.painted,
            picture.pixels[..., : picture.colour_channels],
            guide=self.guide,
            limit=limit,
            edges=edges,
            look=look,
            cancelled=cancelled,
        )


def same_size(name: str, shape: tuple[int, ...], whole: tuple[int, ...]) -> None:
    """Raises BadOption, which calls a plane of `shape` by `name`, unless that is the picture's, `whole`."""
    if shape != whole:
        (height, width), (rows, columns) = shape, whole
        raise BadOption(
            f"The {name} has {width} x {height} pixels, the picture {columns} x {rows}: "
            "they must be the same."
        )
