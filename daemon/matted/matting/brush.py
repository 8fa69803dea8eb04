"""A mask corrected by brush strokes: what was painted holds, and spreads along the object's own edge.

Around the strokes the piece they mean is found on a reduced window and its edge placed at native resolution;
everything else stays as it was, to the bit. May import numpy, OpenCV and this folder; knows no model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from matted.matting.fine import fine_upsample
from matted.matting.planes import Colour, Mask, Plane, full_scale, quantised, unit
from matted.matting.spread import Ground, Marked, piece_of, unsure_alpha
from matted.matting.strokes import Strokes, find_strokes
from matted.matting.trimap import SoftArea
from matted.matting.upsample import guided_upsample, upsample

GRID = 192  # px; the longer side of the reduced window, at least
WHOLE = 256  # px; the longer side of the whole picture reduced by as much, at least
REACH = 0.3  # of the picture's longer side: no correction spreads farther from its strokes
SMOOTHING = (5, 0.08, 2.0)  # of the window's colours: pixels, colour and place of a bilateral filter
FADE = 2.0  # pixels of the window over which what was found again gives way to what was there

Edges = Literal["none", "fast", "fine", "neural"]
Stop = Callable[[], bool]


def brush_refine(
    made: Mask,
    painted: Plane,
    colour: Colour,
    *,
    guide: Plane | None = None,
    limit: Plane | None = None,
    edges: Edges = "fast",
    cancelled: Stop = lambda: False,
) -> Mask:
    """`made` corrected by what was painted on it: (H, W) of its type; itself where nothing was painted.

    White strokes are alpha 1 and black ones 0, exactly; from there the correction goes as far as the piece of
    the picture that they mean (`spread.piece_of`), whose edge is placed at native resolution. Gray paint and
    `guide` are solved again from the colours on both sides. Farther than REACH from any stroke, and wherever
    the strokes' piece does not lie, every value stays the same to the bit.

    made: (H, W) uint8 or uint16. painted, guide, limit: (H, W) uint8, uint16 or float32 in [0, 1]; what
    spreads stays below `limit` where it was not above it before. colour: (H, W, C) as in `guided_upsample`.
    edges: how the piece's edge is placed: `none` interpolates it, `fast` lets the colours on both sides place
    it, `fine` and `neural` solve it as `fine_upsample` does. Returns `made` unchanged once
    `cancelled()` is true. Raises ValueError where sizes differ.
    """
    strokes = find_strokes(made, painted, guide)
    if strokes is None or cancelled():
        return made
    window = _Window.around(strokes, made.shape)
    place = (window.rows, window.columns)
    part, before = colour[place], made[place]
    ground = _ground(part, before, window, max(made.shape))
    after = before.copy()
    keep, remove = (_seeds(window, strokes, marked) for marked in (strokes.keep, strokes.remove))
    for mine, other, to_keep in ((keep, remove & ~keep, True), (remove, keep & ~remove, False)):
        if mine.any() and not cancelled():
            piece = piece_of(ground, mine, other, keep=to_keep, reach=REACH * ground.side)
            _lay(after, _placed(piece, part, made.dtype, edges, cancelled), keep=to_keep)
    if strokes.unsure.any() and not cancelled():
        _solve_again(after, ground, part, window, strokes)
    if limit is not None:
        bound = quantised(unit(limit[place]), made.dtype)
        np.minimum(after, np.maximum(before, bound), out=after)
    if cancelled():
        return made
    result = made.copy()
    result[place] = after
    box = result[strokes.rows, strokes.columns]
    box[strokes.keep] = full_scale(made.dtype)
    box[strokes.remove] = 0
    return result


@dataclass(frozen=True, slots=True)
class _Window:
    """A part of the picture, and the size it is reduced to for a look at the whole of it."""

    rows: slice
    columns: slice
    height: int
    width: int

    @classmethod
    def around(cls, strokes: Strokes, shape: tuple[int, ...]) -> "_Window":
        reach = round(REACH * max(shape)) + 1
        rows, columns = _widened(strokes.rows, reach, shape[0]), _widened(strokes.columns, reach, shape[1])
        tall, wide = rows.stop - rows.start, columns.stop - columns.start
        factor = max(1.0, min(max(tall, wide) / GRID, max(shape) / WHOLE))
        return cls(rows, columns, max(1, round(tall / factor)), max(1, round(wide / factor)))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the part at native resolution."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def reduced(self, plane: Plane) -> Plane:
        """The part's plane or planes, averaged to the window's size."""
        return np.asarray(cv2.resize(plane, (self.width, self.height), interpolation=cv2.INTER_AREA))

    def placed(self, strokes: Strokes, marked: Marked) -> Marked:
        """`marked`, of the strokes' box, as a plane of the whole part."""
        plane = np.zeros(self.shape, bool)
        top, left = strokes.rows.start - self.rows.start, strokes.columns.start - self.columns.start
        plane[top : top + marked.shape[0], left : left + marked.shape[1]] = marked
        return plane


def _widened(part: slice, margin: int, length: int) -> slice:
    return slice(max(part.start - margin, 0), min(part.stop + margin, length))


def _seeds(window: _Window, strokes: Strokes, marked: Marked) -> Marked:
    """The window's places that are marked for the most part, or at least most of all."""
    share = window.reduced(window.placed(strokes, marked).view(np.uint8) * np.uint8(255))
    return share >= np.clip(share.max(), 1, 128)


def _ground(colour: Colour, made: Mask, window: _Window, side: int) -> Ground:
    three = colour[..., :3] if colour.shape[2] >= 3 else colour[..., :1]
    rgb = unit(window.reduced(three if three.dtype != np.float16 else three.astype(np.float32)))
    rgb = rgb.reshape(window.height, window.width, -1)
    smooth = cv2.bilateralFilter(rgb if rgb.shape[2] == 3 else np.repeat(rgb, 3, axis=2), *SMOOTHING)
    alpha = window.reduced(made).astype(np.float32) / np.float32(full_scale(made.dtype))
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2Lab) / np.float32(100)
    return Ground(lab, alpha, side * window.width / window.shape[1])


def _placed(piece: Plane, colour: Colour, dtype: npt.DTypeLike, edges: Edges, cancelled: Stop) -> Mask:
    """The piece at native resolution: (H, W) of `dtype`."""
    if edges == "none":
        return upsample(piece, colour.shape[1], colour.shape[0], dtype)
    place = guided_upsample if edges == "fast" else fine_upsample
    return place(piece, colour, dtype, cancelled=cancelled)


def _lay(alpha: Mask, piece: Mask, *, keep: bool) -> None:
    """Adds the piece to `alpha`, or takes it away."""
    if keep:
        np.maximum(alpha, piece, out=alpha)
    else:
        np.minimum(alpha, np.iinfo(alpha.dtype).max - piece, out=alpha)


def _solve_again(alpha: Mask, ground: Ground, colour: Colour, window: _Window, strokes: Strokes) -> None:
    """Finds `alpha` again where the person was not sure, from what lies around; in place."""
    unsure = window.placed(strokes, strokes.unsure & ~_fringe(strokes))
    if not unsure.any():
        return
    known = window.reduced(alpha).astype(np.float32) / np.float32(full_scale(alpha.dtype))
    doubt = window.reduced(unsure.astype(np.uint8)) > 0
    coarse = unsure_alpha(Ground(ground.lab, known, ground.side), doubt)
    found = fine_upsample(coarse, colour, alpha.dtype, soft=SoftArea(np.zeros_like(coarse), 0.0))
    inside = cv2.distanceTransform(unsure.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    rise = np.clip(inside / (FADE * window.shape[1] / window.width), 0, 1)[unsure]
    mixed = alpha[unsure] + rise * (found[unsure] - alpha[unsure].astype(np.float32))
    alpha[unsure] = (mixed + 0.5).astype(alpha.dtype)


def _fringe(strokes: Strokes) -> Marked:
    """Of what is unsure, the soft rim of strokes: it hangs together with a stroke's core."""
    touched = (strokes.keep | strokes.remove | strokes.unsure).astype(np.uint8)
    _, pieces = cv2.connectedComponents(touched, connectivity=8)
    has_core = np.zeros(int(pieces.max()) + 1, bool)
    has_core[pieces[strokes.keep | strokes.remove]] = True
    return strokes.unsure & has_core[pieces]
