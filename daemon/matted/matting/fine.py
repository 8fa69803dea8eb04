"""Level `fine`: the alpha at native resolution that the picture's own colours explain best.

The matting Laplacian is solved on a small copy of the picture and carried to finer and finer ones, each only
in the band that is still unknown, tile by tile. May import numpy, OpenCV and this folder; knows no model.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil, log2, pi, sqrt

import cv2
import numpy as np
import numpy.typing as npt

from matted.matting.discriminant import Discriminant, find_discriminant
from matted.matting.laplacian import REACH, MattingLaplacian, settle, solve
from matted.matting.planes import Alpha, Colour, Mask, Plane, averaged, quantised, sampled
from matted.matting.tiles import threads
from matted.matting.trimap import SoftArea, find_soft_area, unknown_band
from matted.matting.upsample import upsample

COARSEST = 512  # px; the longest side of the copy that is solved as a whole
COARSEST_STEPS = 60
TOLERANCE = 1e-3
STEPS = 2  # of the iteration on every finer copy
TILE = 256  # px; a tile's planes then stay within a core's cache
NOISE = 1e-6  # variance of a colour in [0, 1] within a window that counts as none
COLOUR_WEIGHT = 0.1  # of what the colours of both sides say, against the Laplacian
COARSE_WEIGHT = 0.5  # of the coarse alpha's local means, on the coarsest copy
BLUR_RANGE = (0.5, 3.0)  # coarse pixels; how far a model's alpha may be taken to be blurred
SOFT_WEIGHT = 1.0  # of the coarse alpha itself where it is soft over a large area
KNOWN = 0.02  # alpha this near to 0 or 1, and even, needs no finer look
MARGIN = 6  # px of the finer copy: three of the coarser one, as far as its linear functions look

Stop = Callable[[], bool]


def fine_upsample(
    alpha: Alpha,
    colour: Colour,
    dtype: npt.DTypeLike = np.uint8,
    *,
    soft: SoftArea | None = None,
    tile: int = TILE,
    workers: int | None = None,
    cancelled: Stop = lambda: False,
) -> Mask:
    """Coarse `alpha` brought to the size of `colour`, solved along its edge at full resolution.

    Where the coarse alpha is unsure, alpha is sought that is, in every 3 x 3 window, a linear function of the
    colours (Levin, Lischinski, Weiss 2008), agrees with what the colours on both sides of the edge say as far
    as they differ (`find_discriminant`), and whose local means are the coarse alpha's. Solved on a small copy
    by conjugate gradients; every finer copy starts from the linear functions found on the one before and is
    settled by a few steps of a smoother: the cascade of Bornemann, Deuflhard, "The cascadic multigrid method
    for elliptic problems", Numerische Mathematik 75, 1996. Known pixels stay exactly 0 and 1.

    alpha: (h, w) float32 in [0, 1]. colour: (H, W, C), uint8, uint16, float16 or float32 (1.0 is white); its
    first three channels count, or the first where there are one or two. soft: where the coarse alpha's own
    values are to be kept; found here if not given. tile: pixels along a tile's side, even; the result does
    not depend on it beyond rounding. workers: threads, else one per processor up to 16. Returns (H, W) of
    `dtype` (uint8 or uint16). Memory beside the result: 1.4 bytes per pixel and about 16 MiB per thread.
    Stops early, with whatever there is, once `cancelled()` is true.
    """
    height, width = colour.shape[:2]
    lines = find_discriminant(alpha, colour)
    if lines is None:
        return upsample(alpha, width, height, dtype)
    job = _Job(alpha, colour, lines, soft or find_soft_area(alpha), tile, cancelled)
    levels = max(0, ceil(log2(max(height, width) / COARSEST)))
    with ThreadPoolExecutor(workers or threads()) as pool:
        plane = _coarsest(job, levels, pool)
        for level in range(levels - 1, 0, -1):
            plane = _finer(job, plane, level, np.dtype(np.float32), pool)
        if levels:
            return _finer(job, plane, 0, np.dtype(dtype), pool)
    return quantised(plane, dtype)


@dataclass(frozen=True, slots=True)
class _Job:
    alpha: Alpha
    colour: Colour
    lines: Discriminant
    soft: SoftArea
    tile: int
    cancelled: Stop

    def size(self, level: int) -> tuple[int, int]:
        """Rows and columns of the copy whose pixels are 2**level full-resolution ones wide."""
        return -(-self.colour.shape[0] >> level), -(-self.colour.shape[1] >> level)

    def guide(self, level: int, rows: slice, columns: slice) -> Plane:
        """The copy's colours there: (C, h, w) float32 in [0, 1]."""
        return averaged(self.colour, rows, columns, 2**level)

    def coarse(self, plane: Plane, level: int, rows: slice, columns: slice) -> Plane:
        """A plane on the coarse alpha's grid, interpolated there: (h, w)."""
        down, across = (2**level * n / full for n, full in zip(plane.shape, self.colour.shape, strict=False))
        size = (columns.stop - columns.start, rows.stop - rows.start)
        return sampled(plane, size, across=across, down=down, left=columns.start, top=rows.start)

    def wish(self, guide: Plane, level: int, rows: slice, columns: slice) -> tuple[Plane, Plane]:
        """What alpha should be there by colours and soft areas alone, and the weight of that: (h, w) each."""
        size = (columns.stop - columns.start, rows.stop - rows.start)
        coefficients, trust = self.lines.sampled(size, step=2**level, left=columns.start, top=rows.start)
        *factors, wish = cv2.split(coefficients)
        for factor, channel in zip(factors, guide, strict=True):
            factor *= channel
            wish += factor
        np.clip(wish, 0, 1, out=wish)
        weight = trust * np.float32(COLOUR_WEIGHT)
        if self.soft.share:
            keep = self.coarse(self.soft.weight, level, rows, columns)
            coarse = self.coarse(self.alpha, level, rows, columns)
            wish += keep * (coarse - wish)
            weight += keep * (SOFT_WEIGHT - weight)
        return wish, weight


def _coarsest(job: _Job, level: int, pool: ThreadPoolExecutor) -> Plane:
    """The alpha of the smallest copy, solved as a whole: (h, w) float32 in [0, 1]."""
    height, width = job.size(level)
    guide = np.empty((3 if job.colour.shape[2] >= 3 else 1, height, width), np.float32)

    def read(corner: tuple[int, int]) -> None:
        rows, columns = _square(corner, 64, height, width)
        guide[:, rows, columns] = job.guide(level, rows, columns)

    _each(pool, read, _corners(height, width, 64))
    whole = (slice(0, height), slice(0, width))
    coarse = np.clip(job.coarse(job.alpha, level, *whole), 0, 1)
    coarse_px = max(height / job.alpha.shape[0], width / job.alpha.shape[1])
    unknown = unknown_band(coarse, coarse_px=coarse_px)
    blur_px = max(_blur(job.alpha) * coarse_px, 0.5)
    rows, columns = _bounds(unknown, ceil(3 * blur_px) + REACH)
    guide, coarse, unknown = guide[:, rows, columns], coarse[rows, columns], unknown[rows, columns]
    laplacian = MattingLaplacian(np.ascontiguousarray(guide), noise=NOISE)
    wish, weight = job.wish(guide, level, rows, columns)
    free = unknown.astype(np.float32)
    start = np.where(unknown, coarse + weight / np.float32(COLOUR_WEIGHT) * (wish - coarse), coarse >= 0.5)

    def matrix(plane: Plane) -> Plane:
        blurred = cv2.GaussianBlur(plane, (0, 0), blur_px, borderType=cv2.BORDER_REFLECT)
        return laplacian.apply(plane) + weight * plane + np.float32(COARSE_WEIGHT) * blurred

    right = weight * wish + np.float32(COARSE_WEIGHT) * coarse
    found = solve(matrix, right, start.astype(np.float32), free, steps=COARSEST_STEPS, tolerance=TOLERANCE)
    plane = (job.coarse(job.alpha, level, *whole) >= 0.5).astype(np.float32)
    plane[rows, columns] = _snapped(found)
    return plane


def _blur(alpha: Alpha) -> float:
    """How far the coarse alpha is blurred, as a Gaussian's deviation in its pixels.

    From the steepest parts of its edge, where only the blur keeps it from being a step: a blurred step
    rises by 1 / (sqrt(2 pi) deviation) at its middle. Hair and fur are soft by themselves.
    """
    down, across = (cv2.Sobel(alpha, cv2.CV_32F, *order, ksize=1, scale=0.5) for order in ((0, 1), (1, 0)))
    slope = np.hypot(down, across)[(alpha > 0.3) & (alpha < 0.7)]
    steepest = float(np.quantile(slope, 0.995)) if slope.size else 0.0
    return float(np.clip(1 / (sqrt(2 * pi) * max(steepest, 1e-6)), *BLUR_RANGE))


def _finer(
    job: _Job, before: Plane, level: int, dtype: npt.DTypeLike, pool: ThreadPoolExecutor
) -> npt.NDArray[np.generic]:
    """The alpha of the copy twice as fine as `before`'s: (h, w) float32 in [0, 1] or steps of a mask."""
    height, width = job.size(level)
    known = before if np.dtype(dtype).kind == "f" else quantised(before, dtype)
    size = (2 * before.shape[1], 2 * before.shape[0])
    target = cv2.resize(known, size, interpolation=cv2.INTER_NEAREST)[:height, :width]

    def refine(corner: tuple[int, int]) -> None:
        rows, columns = _square(corner, job.tile, height, width)
        if job.cancelled() or not _is_open(before, rows, columns):
            return
        found = _tile(job, before, level, rows, columns)
        if found is not None:
            target[rows, columns] = found if target.dtype.kind == "f" else quantised(found, target.dtype)

    _each(pool, refine, _corners(height, width, job.tile))
    return target


def _is_open(before: Plane, rows: slice, columns: slice) -> bool:
    """Whether a tile of the finer copy has anything unknown in it."""
    window = before[max(rows.start // 2 - 3, 0) : rows.stop // 2 + 4]
    window = window[:, max(columns.start // 2 - 3, 0) : columns.stop // 2 + 4]
    lowest, highest, _, _ = cv2.minMaxLoc(window)
    return lowest != highest or 0 < lowest < 1


def _tile(job: _Job, before: Plane, level: int, rows: slice, columns: slice) -> Plane | None:
    """One tile's alpha, (h, w) float32 in [0, 1]; None where all of it is known."""
    height, width = job.size(level)
    halo = REACH * STEPS + MARGIN
    wide_rows, wide_columns = _widened(rows, halo, height), _widened(columns, halo, width)
    half = before[_halved(wide_rows), _halved(wide_columns)]
    free, start = _carried(half, wide_rows.stop - wide_rows.start, wide_columns.stop - wide_columns.start)
    core = (_within(rows, wide_rows), _within(columns, wide_columns))
    if not free[core].any():
        return None
    guide = job.guide(level, wide_rows, wide_columns)
    start = np.where(free, _by_colour(guide, half), start)
    near_rows, near_columns = _bounds(free, REACH)
    near = (near_rows, near_columns)
    guide, start_near = np.ascontiguousarray(guide[:, near_rows, near_columns]), start[near]
    laplacian = MattingLaplacian(guide, noise=NOISE)
    there = (_moved(near_rows, wide_rows.start), _moved(near_columns, wide_columns.start))
    wish, weight = job.wish(guide, level, *there)
    found = settle(
        lambda plane: laplacian.apply(plane) + weight * plane,
        weight * wish,
        np.ascontiguousarray(start_near),
        free[near].astype(np.float32),
        steps=STEPS,
        highest=1 + max(COLOUR_WEIGHT, SOFT_WEIGHT if job.soft.share else 0),
    )
    start[near] = found
    return _snapped(start[core])


def _carried(half: Plane, height: int, width: int) -> tuple[npt.NDArray[np.bool_], Plane]:
    """From the coarser copy's window: what is unknown on the finer one, and the known values: (h, w) both.

    Unknown is what is neither 0 nor 1, what lies beside something else, and one coarser pixel around.
    """
    window = np.ones((3, 3), np.uint8)
    uneven = cv2.dilate(half, window) != cv2.erode(half, window)
    uneven |= (half > 0) & (half < 1)
    unknown = cv2.dilate(uneven.astype(np.uint8), window)
    size = (2 * half.shape[1], 2 * half.shape[0])
    free = cv2.resize(unknown, size, interpolation=cv2.INTER_NEAREST)[:height, :width]
    known = cv2.resize(half, size, interpolation=cv2.INTER_NEAREST)[:height, :width]
    return free.astype(bool), known


def _by_colour(guide: Plane, half: Plane) -> Plane:
    """The finer window's alpha by the linear functions of colour that explain the coarser one's: (h, w)."""
    height, width = guide.shape[1:]
    size = (2 * half.shape[1], 2 * half.shape[0])
    rest = (0, size[1] - height, 0, size[0] - width)  # a last pixel of the coarser copy may span only one
    even = [cv2.copyMakeBorder(plane, *rest, cv2.BORDER_REPLICATE) if any(rest) else plane for plane in guide]
    smaller = np.stack([cv2.resize(plane, half.shape[::-1], interpolation=cv2.INTER_AREA) for plane in even])
    factors, constant = MattingLaplacian(smaller, noise=NOISE).fit(half)
    alpha = np.ascontiguousarray(cv2.resize(constant, size)[:height, :width])
    for factor, channel in zip(factors, guide, strict=True):
        alpha += cv2.resize(factor, size)[:height, :width] * channel
    return np.clip(alpha, 0, 1, out=alpha)


def _snapped(alpha: Plane) -> Plane:
    """Alpha in [0, 1] of which what is nearly 0 or 1 is exactly that, without a jump beside it."""
    known = np.float32(KNOWN)
    raised = np.maximum(alpha, 1 - 2 * (1 - known - alpha))
    return np.clip(np.where(alpha < 0.5, np.minimum(alpha, 2 * (alpha - known)), raised), 0, 1)


def _corners(height: int, width: int, side: int) -> Iterable[tuple[int, int]]:
    return ((top, left) for top in range(0, height, side) for left in range(0, width, side))


def _each(
    pool: ThreadPoolExecutor, work: Callable[[tuple[int, int]], None], corners: Iterable[tuple[int, int]]
) -> None:
    for _ in pool.map(work, corners):
        pass


def _square(corner: tuple[int, int], side: int, height: int, width: int) -> tuple[slice, slice]:
    top, left = corner
    return slice(top, min(top + side, height)), slice(left, min(left + side, width))


def _widened(part: slice, halo: int, length: int) -> slice:
    return slice(max(part.start - halo, 0), min(part.stop + halo, length))


def _halved(part: slice) -> slice:
    return slice(part.start // 2, -(-part.stop // 2))


def _within(part: slice, whole: slice) -> slice:
    return slice(part.start - whole.start, part.stop - whole.start)


def _moved(part: slice, start: int) -> slice:
    return slice(part.start + start, part.stop + start)


def _bounds(marked: npt.NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """The rows and columns that hold everything marked and a margin."""
    x, y, width, height = cv2.boundingRect(marked.astype(np.uint8))
    return (
        slice(max(y - margin, 0), min(y + height + margin, marked.shape[0])),
        slice(max(x - margin, 0), min(x + width + margin, marked.shape[1])),
    )
