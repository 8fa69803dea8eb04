"""What a person's sliders ask of a matte: which parts, which levels, what outline, within which limit.

`adjust` does it all in a fixed order to the alpha plane of any depth; each step is also a function of its
own here, in `outline` and in `pieces`. Nothing asked returns the plane itself, to the bit. Knows numpy and
OpenCV only, no picture and no model.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from matted.errors import BadOption
from matted.matting.outline import Outline
from matted.matting.pieces import drop_islands, fill_holes
from matted.matting.planes import Plane, full_scale, in_depth
from matted.matting.subjects import Subjects
from matted.matting.tiles import in_parallel, strips

Keep = Literal["all", "largest"]

MOST_GROW_PX = 200.0
MOST_SMOOTH_PX = 100.0
MOST_FEATHER_PX = 500.0


@dataclass(frozen=True, slots=True)
class AdjustOptions:
    """What to do to the matte; the defaults change nothing. Applied in the order given here.

    `keep`: all subjects, the largest, or those of these numbers (as in the list of subjects, 1 is the
    largest). `keep_at`: also those nearest to these points, (x, y) in pixels of the picture; with `keep`
    at "all", only those. Then the levels: `low` and `high`, the alpha that becomes 0 and the one that becomes
    1; `contrast`, 0 to 1, steepens around one half; `threshold` makes all from it upwards 1 and the rest 0.
    `fill_holes_px` and `drop_islands_px`: holes and islands of fewer pixels (an area) go. `smooth_px` takes
    the wiggles out of the outline; `grow_px` moves it outward, or inward where negative; `feather_px` softens
    it.
    """

    keep: Keep | tuple[int, ...] = "all"
    keep_at: tuple[tuple[float, float], ...] = ()
    low: float = 0.0
    high: float = 1.0
    contrast: float = 0.0
    threshold: float | None = None
    fill_holes_px: int = 0
    drop_islands_px: int = 0
    smooth_px: float = 0.0
    grow_px: float = 0.0
    feather_px: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise BadOption(f"The levels must be 0 <= low < high <= 1, not {self.low:g} and {self.high:g}.")
        _within("contrast", self.contrast, 0, 1)
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise BadOption(f"The threshold lies above 0 and up to 1, not at {self.threshold:g}.")
        _within("fill_holes_px", self.fill_holes_px, 0, 10**9)
        _within("drop_islands_px", self.drop_islands_px, 0, 10**9)
        _within("smooth_px", self.smooth_px, 0, MOST_SMOOTH_PX)
        _within("grow_px", self.grow_px, -MOST_GROW_PX, MOST_GROW_PX)
        _within("feather_px", self.feather_px, 0, MOST_FEATHER_PX)
        if isinstance(self.keep, str):
            if self.keep not in ("all", "largest"):
                raise BadOption(f"All subjects can be kept, the largest, or numbers, not {self.keep!r}.")
        elif not self.keep or min(self.keep) < 1:
            raise BadOption("The subjects to keep are numbers from 1, as in the list of subjects.")
        if not all(np.isfinite(value) for point in self.keep_at for value in point):
            raise BadOption("The points of the subjects to keep must be numbers.")

    @property
    def is_identity(self) -> bool:
        """Nothing is asked for."""
        return self == AdjustOptions()

    @property
    def chooses(self) -> bool:
        """Only some subjects are wanted."""
        return self.keep != "all" or bool(self.keep_at)

    def scaled(self, scale: float) -> "AdjustOptions":
        """The same for a plane `scale` times as large, 0 to 1, to be shown as a preview."""
        return replace(
            self,
            fill_holes_px=round(self.fill_holes_px * scale**2),
            drop_islands_px=round(self.drop_islands_px * scale**2),
            smooth_px=self.smooth_px * scale,
            grow_px=self.grow_px * scale,
            feather_px=self.feather_px * scale,
        )

    def chosen(self, subjects: Subjects, limit: Plane | None = None) -> tuple[int, ...]:
        """The numbers of the subjects that are kept; the largest is that within `limit`.

        Raises BadOption for a number that is not there.
        """
        count = len(subjects.all)
        found = {subjects.at(x, y) for x, y in self.keep_at}
        if isinstance(self.keep, tuple):
            if max(self.keep) > count:
                raise BadOption(f"There is no subject {max(self.keep)}: {_there_are(count)}.")
            found |= set(self.keep)
        elif self.keep == "largest":
            found.add(subjects.largest(limit))
        elif not self.keep_at:
            found = set(range(count + 1))
        return tuple(sorted(found))


def adjust(
    alpha: Plane,
    options: AdjustOptions,
    *,
    subjects: Subjects | None = None,
    limit: Plane | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Plane:
    """`alpha` (H, W), float32 in [0, 1], uint8 or uint16, as `options` ask; of the same depth.

    `subjects`: those of the whole matte, if a choice is to be made; without it they are looked for in
    `alpha`. `limit` (H, W) of any of the depths: nothing of the result exceeds it, and "the
    largest" is the one with most of its area within it. Returns `alpha` itself where nothing is asked for.
    A cancelled one returns early with a plane of no use. Raises BadOption.
    """
    if limit is not None and limit.shape != alpha.shape:
        raise BadOption(
            f"The limit has {limit.shape[1]} x {limit.shape[0]} pixels, the picture "
            f"{alpha.shape[1]} x {alpha.shape[0]}: they must be the same."
        )
    made = alpha
    if options.chooses:
        found = subjects or Subjects.of(alpha)
        made = found.matte(made, options.chosen(found, limit))
    made = toned(made, options.low, options.high, contrast=options.contrast, threshold=options.threshold)
    if options.fill_holes_px > 1 and not cancelled():
        made = fill_holes(made, options.fill_holes_px)
    if options.drop_islands_px > 1 and not cancelled():
        made = drop_islands(made, options.drop_islands_px)
    outline = Outline(options.smooth_px, options.grow_px, options.feather_px)
    if not outline.is_identity:
        made = outline.applied(made, cancelled=cancelled)
    return made if limit is None else limited(made, limit)


def toned(
    alpha: Plane,
    low: float = 0.0,
    high: float = 1.0,
    *,
    contrast: float = 0.0,
    threshold: float | None = None,
) -> Plane:
    """Alpha mapped value by value: levels, then contrast, then threshold.

    `low` to `high` becomes 0 to 1, straight. `contrast` c: c / 2 to 1 - c / 2 becomes 0 to 1, so that 1
    leaves only 0 below one half and 1 from there on. `threshold` t: 1 from t on, else 0.
    Returns `alpha` itself where that changes nothing.
    """
    if (low, high, contrast, threshold) == (0.0, 1.0, 0.0, None):
        return alpha

    def curve(values: Plane) -> Plane:
        mapped = (values - np.float32(low)) / np.float32(high - low)
        if contrast < 1:
            mapped = (mapped - np.float32(contrast / 2)) / np.float32(1 - contrast)
        else:
            mapped = (mapped >= 0.5).astype(np.float32)
        np.clip(mapped, 0, 1, out=mapped)
        return mapped if threshold is None else (mapped >= threshold).astype(np.float32)

    if alpha.dtype.kind == "f":
        return curve(alpha)
    top = full_scale(alpha.dtype)
    table = (curve(np.arange(top + 1, dtype=np.float32) / np.float32(top)) * top + 0.5).astype(alpha.dtype)
    if alpha.dtype == np.uint8:
        mapped: Plane = cv2.LUT(alpha, table)
        return mapped
    made = np.empty_like(alpha)
    in_parallel(lambda rows: np.take(table, alpha[rows], out=made[rows]), strips(alpha.shape))
    return made


def limited(alpha: Plane, limit: Plane) -> Plane:
    """The lesser of `alpha` and `limit` at each pixel, at the depth of `alpha`."""
    made = np.empty_like(alpha)

    def work(rows: slice) -> None:
        np.minimum(alpha[rows], in_depth(limit[rows], alpha.dtype), out=made[rows])

    in_parallel(work, strips(alpha.shape))
    return made


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise BadOption(f"{name} goes from {least:g} to {most:g}, not {value:g}.")


def _there_are(count: int) -> str:
    return "none was found" if count == 0 else "there is one" if count == 1 else f"there are {count}"
