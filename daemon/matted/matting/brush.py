"""A mask corrected by brush strokes: what was painted holds, and spreads along the object's own edge.

Around the strokes the piece they mean is found on a reduced window and its edge placed at native resolution;
everything else stays as it was, to the bit. May import numpy, OpenCV and this folder; knows no model.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
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
MARGIN = 12  # px of the window around a piece whose edge is placed: as far as colours are gathered
LOOKS = (0.3, 0.15)  # of the picture's longer side: how far around the strokes a model looks, in turn
REACH = 0.3  # of the picture's longer side: no correction spreads farther from its strokes
APART = 2 * REACH  # strokes farther from each other have windows of their own; those that overlap cost more
SMOOTHING = (5, 0.08, 2.0)  # of the window's colours: pixels, colour and place of a bilateral filter
FADE = 2.0  # pixels of the window over which what was found again gives way to what was there

Edges = Literal["none", "fast", "fine", "neural"]
Stop = Callable[[], bool]
Place = tuple[slice, slice]  # rows and columns
Look = Callable[[slice, slice], Plane | None]  # rows and columns to alpha (h, w) float32; None: no answer


def brush_refine(
    made: Mask,
    painted: Plane,
    colour: Colour,
    *,
    guide: Plane | None = None,
    limit: Plane | None = None,
    edges: Edges = "fast",
    look: Look | None = None,
    cancelled: Stop = lambda: False,
) -> Mask:
    """`made` corrected by what was painted on it: (H, W) of its type; itself where nothing was painted.

    White strokes are alpha 1 and black ones 0, exactly; from there the correction goes as far as the piece of
    the picture that they mean (`spread.piece_of`), whose edge is placed at native resolution. Gray paint and
    `guide` are solved again from the colours on both sides. Farther than REACH from any stroke, and wherever
    the strokes' piece does not lie, every value stays the same to the bit. Strokes that lie farther than
    APART from each other are solved each in its own window.

    made: (H, W) uint8 or uint16. painted, guide, limit: (H, W) uint8, uint16 or float32 in [0, 1]; what
    spreads stays below `limit` where it was not above it before. colour: (H, W, C) as in `guided_upsample`.
    edges: how the piece's edge is placed: `none` interpolates it, `fast` lets the colours on both sides place
    it, `fine` and `neural` solve it as `fine_upsample` does. look: what a model says of a part of the
    picture, asked around the strokes (LOOKS); without, colours and structure decide. Returns `made` unchanged
    once `cancelled()` is true. Raises ValueError where sizes differ.
    """
    strokes = find_strokes(made, painted, guide)
    if strokes is None or cancelled():
        return made
    side = max(made.shape)
    rounds = [
        _Round.of(group, strokes, made, colour, look) for group in strokes.apart(max(1.0, APART * side))
    ]
    result = made.copy()
    for to_keep in (True, False):
        for one in rounds:
            if not cancelled():
                one.spread(result, colour, edges, limit, cancelled, keep=to_keep)
    for one in rounds:
        if one.strokes.unsure.any() and not cancelled():
            one.solve_again(result, colour, limit)
    if cancelled():
        return made
    box = result[strokes.rows, strokes.columns]
    box[strokes.keep] = full_scale(made.dtype)
    box[strokes.remove] = 0
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Round:
    """Strokes that lie together: their window of the picture, what is seen there, and where they are on it.

    `keep`, `remove`: those strokes; `all_keep`, `all_remove`: all that lie in the window. (h, w) bool each.
    """

    strokes: Strokes
    window: "_Window"
    ground: Ground
    made: Mask
    keep: Marked
    remove: Marked
    all_keep: Marked
    all_remove: Marked

    @classmethod
    def of(cls, group: Strokes, strokes: Strokes, made: Mask, colour: Colour, look: Look | None) -> "_Round":
        """The round for a `group` of the `strokes`."""
        window = _Window.around(group, made.shape)
        place = (window.rows, window.columns)
        seen = _seen(group, window, made.shape, look) if look is not None else ()
        ground = _ground(colour[place], made[place], window, max(made.shape), seen)
        keep, remove = (_seeds(window, group, marked) for marked in (group.keep, group.remove))
        all_keep, all_remove = keep, remove
        if group is not strokes:
            all_keep = keep | _seeds(window, strokes, strokes.keep)
            all_remove = remove | _seeds(window, strokes, strokes.remove)
        return cls(group, window, ground, made, keep, remove, all_keep, all_remove)

    def spread(
        self,
        result: Mask,
        colour: Colour,
        edges: Edges,
        limit: Plane | None,
        cancelled: Stop,
        *,
        keep: bool,
    ) -> None:
        """Adds the piece that these strokes mean to `result` (H, W), or takes it away; in place."""
        mine, other = (self.keep, self.all_remove) if keep else (self.remove, self.all_keep)
        if not mine.any():
            return
        piece = piece_of(self.ground, mine, other & ~mine, keep=keep, reach=REACH * self.ground.side)
        cells, place = self.window.around_piece(piece > 0)
        placed = _placed(piece[cells], colour[place], result.dtype, edges, cancelled)
        _lay(result[place], placed, keep=keep)
        _bound(result, self.made, limit, place)

    def solve_again(self, result: Mask, colour: Colour, limit: Plane | None) -> None:
        """Finds `result` again where the person was not sure, from what lies around; in place."""
        unsure = self.window.placed(self.strokes, self.strokes.unsure & ~_fringe(self.strokes))
        if not unsure.any():
            return
        window, place = self.window, (self.window.rows, self.window.columns)
        alpha = result[place]
        known = window.reduced(alpha).astype(np.float32) / np.float32(full_scale(alpha.dtype))
        doubt = window.reduced(unsure.astype(np.uint8)) > 0
        coarse = unsure_alpha(replace(self.ground, alpha=known), doubt)
        cells, place = window.around_piece(doubt)
        alpha, unsure = result[place], unsure[window.within(place)]
        part = np.ascontiguousarray(coarse[cells])
        found = fine_upsample(part, colour[place], alpha.dtype, soft=SoftArea(np.zeros_like(part), 0.0))
        inside = cv2.distanceTransform(unsure.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        rise = np.clip(inside / (FADE * window.shape[1] / window.width), 0, 1)[unsure]
        mixed = alpha[unsure] + rise * (found[unsure] - alpha[unsure].astype(np.float32))
        alpha[unsure] = (mixed + 0.5).astype(alpha.dtype)
        _bound(result, self.made, limit, place)


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

    def around_piece(self, piece: Marked) -> tuple[Place, Place]:
        """The window's cells around what is marked, with MARGIN, and their part of the picture."""
        x, y, across, down = cv2.boundingRect(piece.view(np.uint8))
        rows = slice(max(y - MARGIN, 0), min(y + down + MARGIN, self.height))
        columns = slice(max(x - MARGIN, 0), min(x + across + MARGIN, self.width))
        native = (
            _scaled(rows, self.shape[0] / self.height, self.rows.start),
            _scaled(columns, self.shape[1] / self.width, self.columns.start),
        )
        return (rows, columns), native

    def within(self, place: Place) -> Place:
        """A part of the picture in the window's own pixels."""
        rows, columns = place
        return (
            slice(rows.start - self.rows.start, rows.stop - self.rows.start),
            slice(columns.start - self.columns.start, columns.stop - self.columns.start),
        )

    def placed(self, strokes: Strokes, marked: Marked) -> Marked:
        """`marked`, of the strokes' box, as a plane of the whole part."""
        plane = np.zeros(self.shape, bool)
        rows, columns = _common(self.rows, strokes.rows), _common(self.columns, strokes.columns)
        plane[self.within((rows, columns))] = marked[
            rows.start - strokes.rows.start : rows.stop - strokes.rows.start,
            columns.start - strokes.columns.start : columns.stop - strokes.columns.start,
        ]
        return plane


def _common(part: slice, other: slice) -> slice:
    start = max(part.start, other.start)
    return slice(start, max(start, min(part.stop, other.stop)))


def _scaled(cells: slice, factor: float, start: int) -> slice:
    return slice(start + round(cells.start * factor), start + round(cells.stop * factor))


def _widened(part: slice, margin: int, length: int) -> slice:
    return slice(max(part.start - margin, 0), min(part.stop + margin, length))


def _seeds(window: _Window, strokes: Strokes, marked: Marked) -> Marked:
    """The window's places that are marked for the most part, or at least most of all."""
    if not marked.any():
        return np.zeros((window.height, window.width), bool)
    share = window.reduced(window.placed(strokes, marked).view(np.uint8) * np.uint8(255))
    return share >= np.clip(share.max(), 1, 128)


def _ground(colour: Colour, made: Mask, window: _Window, side: int, seen: tuple[Plane, ...] = ()) -> Ground:
    three = colour[..., :3] if colour.shape[2] >= 3 else colour[..., :1]
    rgb = unit(window.reduced(three if three.dtype != np.float16 else three.astype(np.float32)))
    rgb = rgb.reshape(window.height, window.width, -1)
    smooth = cv2.bilateralFilter(rgb if rgb.shape[2] == 3 else np.repeat(rgb, 3, axis=2), *SMOOTHING)
    alpha = window.reduced(made).astype(np.float32) / np.float32(full_scale(made.dtype))
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2Lab) / np.float32(100)
    return Ground(lab, alpha, side * window.width / window.shape[1], seen)


def _seen(strokes: Strokes, window: _Window, shape: tuple[int, ...], look: Look) -> tuple[Plane, ...]:
    """What a model says of the parts around the strokes, on the window's grid, not a number beyond the part;
    none where it says nothing.
    """
    planes = []
    for share in LOOKS:
        margin = round(share * max(shape)) + 1
        place = _widened(strokes.rows, margin, shape[0]), _widened(strokes.columns, margin, shape[1])
        alpha = look(*place)
        if alpha is None:
            return ()
        planes.append(_on_window(alpha, place, window))
    return tuple(planes)


def _on_window(alpha: Plane, place: Place, window: _Window) -> Plane:
    """`alpha` (h, w), of a part of the picture, at the window's places; not a number beyond it."""
    lines = []
    for part, whole, cells, count in zip(
        place, (window.rows, window.columns), (window.height, window.width), alpha.shape, strict=True
    ):
        native = (np.arange(cells) + 0.5) * (whole.stop - whole.start) / cells + whole.start - part.start
        native[(native < 0) | (native > part.stop - part.start)] = np.nan
        lines.append((native * count / (part.stop - part.start) - 0.5).astype(np.float32))
    down, across = lines
    known = np.isfinite(down)[:, None] & np.isfinite(across)[None]
    columns, rows = np.meshgrid(np.nan_to_num(across), np.nan_to_num(down))
    values = cv2.remap(alpha, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(known, values, np.float32(np.nan))


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


def _bound(result: Mask, made: Mask, limit: Plane | None, place: Place) -> None:
    """Keeps `result` in this part below the limit where it was not above it before; in place."""
    if limit is not None:
        bound = quantised(unit(limit[place]), made.dtype)
        np.minimum(result[place], np.maximum(made[place], bound), out=result[place])


def _fringe(strokes: Strokes) -> Marked:
    """Of what is unsure, the soft rim of strokes: it hangs together with a stroke's core."""
    touched = (strokes.keep | strokes.remove | strokes.unsure).astype(np.uint8)
    _, pieces = cv2.connectedComponents(touched, connectivity=8)
    has_core = np.zeros(int(pieces.max()) + 1, bool)
    has_core[pieces[strokes.keep | strokes.remove]] = True
    return strokes.unsure & has_core[pieces]
