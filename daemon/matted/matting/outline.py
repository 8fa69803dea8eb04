"""The outline of a matte moved, rounded, softened: grow and shrink, smooth, feather.

Each is a pure function of an alpha plane, float32 in [0, 1] or the integer masks, and keeps what it is
given: depth, size, range, and every flat region. `Outline` does the three in one pass over tiles, so that
neither a float copy nor a second plane of the whole picture is made. Knows numpy and OpenCV only.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from matted.matting.planes import Plane, full_scale, stored
from matted.matting.tiles import Tile, in_parallel, tiles

TILE = 256  # px; a tile and its margin then stay within a core's cache
MOST_RADII = 12  # looked at between two whole ones
STRIDE = 12  # px; longer ways are gone in strides: a disc of 12 px has 441 pixels, one of 100 px 31,417
BOXES_FROM = 2.0  # px of deviation from which three box filters stand for a Gaussian


@dataclass(frozen=True, slots=True)
class Outline:
    """What to do to the outline, in the plane's own pixels: smooth, then grow (or shrink), then feather."""

    smooth_px: float = 0.0
    grow_px: float = 0.0
    feather_px: float = 0.0

    @property
    def is_identity(self) -> bool:
        """Nothing is to be done."""
        return self.smooth_px == self.grow_px == self.feather_px == 0

    @property
    def margin(self) -> int:
        """How far from a pixel others count for it."""
        smooth = max(math.ceil(self.smooth_px) + 1, _reach(self.smooth_px))
        return smooth + math.ceil(abs(self.grow_px)) + 1 + _reach(self.feather_px)

    def applied(self, alpha: Plane, *, cancelled: Callable[[], bool] = lambda: False) -> Plane:
        """The whole plane; a new one. Stops early, the rest as it was, once `cancelled()` is true."""
        made = alpha.copy()
        if self.is_identity:
            return made
        way, margin = _way(abs(self.grow_px)), self.margin

        def work(tile: Tile) -> None:
            around = alpha[tile.around]
            if not cancelled() and around.min() != around.max():
                made[tile.inside] = self._of(around, way)[tile.core]

        side = max(TILE, 2 * margin) if alpha.size > 4 * TILE * TILE else max(TILE // 2, margin)
        in_parallel(work, tiles(alpha.shape, side, margin))
        return made

    def _of(self, alpha: Plane, way: "_Way") -> Plane:
        dtype = alpha.dtype
        made = _smoothed(alpha, self.smooth_px) if self.smooth_px else alpha
        if self.grow_px:
            made = _grown(made, way, shrinks=self.grow_px < 0)
        if self.feather_px:
            made = _blurred(made.astype(np.float32), self.feather_px / 2)
        return made if made.dtype == dtype else stored(made, dtype)


def grow(alpha: Plane, px: float) -> Plane:
    """The matte grown by `px` pixels; shrunk where `px` is negative.

    Every straight edge, hard or soft, moves outward by `px`: exactly along rows and columns, within 0.25 px
    in other directions (2 % of long ways) and without bias over all of them; its softness stays. Each pixel
    takes the greatest alpha within a disc (a dilation; Serra, "Image Analysis and Mathematical Morphology",
    1982), half-way between two discs for half a pixel. Shrinking is the same done to what is outside. Nothing
    comes in from beyond the picture's border, and nothing is taken there.
    """
    return Outline(grow_px=px).applied(alpha)


def smooth(alpha: Plane, px: float) -> Plane:
    """The outline without its wiggles, where they are narrower than about `px` pixels.

    Edges stay where they are and about as soft as they are: alpha is blurred by a Gaussian of deviation
    `px` / 2, which evens the outline out, and then steepened again around the middle of what lies nearby by
    as much as the blur took from an edge of the softness found there. Strands and gaps narrower than `px`
    go, corners become round, flat regions of any alpha stay.
    """
    return Outline(smooth_px=px).applied(alpha)


def feather(alpha: Plane, px: float) -> Plane:
    """A softer edge: a Gaussian of deviation `px` / 2, so that a hard edge rises from 2 % `px` pixels
    outside to 98 % `px` pixels inside.

    Large ones are three box filters of the same variance (Wells, "Efficient Synthesis of Gaussian Filters by
    Cascaded Uniform Filters", 1986). Beyond the picture's border its last pixels go on.
    """
    return Outline(feather_px=px).applied(alpha)


@dataclass(frozen=True, slots=True)
class _Ring:
    """What a disc gains on the way to a larger one, and that one's weight in the mixture."""

    kernel: npt.NDArray[np.uint8]
    weight: float


@dataclass(frozen=True, slots=True)
class _Way:
    """How a plane grows: `strides` times by a whole disc, then by a mixture of discs."""

    strides: int
    disc: npt.NDArray[np.uint8]
    rings: list[_Ring]


def _way(radius: float) -> _Way:
    strides, rest = divmod(radius, STRIDE)
    nearest = max(_discs(STRIDE), key=lambda disc: disc[1])[0]
    return _Way(int(strides), _ring(-1.0, nearest), _rings(rest))


def _rings(radius: float) -> list[_Ring]:
    """Discs that mixed by their weights, 1 in all, reach `radius` px; each as what it adds to the last."""
    whole = math.floor(radius)
    share = radius - whole
    mixture = [(rho, weight * (1 - share)) for rho, weight in _discs(whole)]
    if share > 0:
        mixture += [(rho, weight * share) for rho, weight in _discs(whole + 1)]
    inner = [-1.0, *(rho for rho, _ in mixture[:-1])]
    return [_Ring(_ring(least, rho), weight) for least, (rho, weight) in zip(inner, mixture, strict=True)]


def _ring(inner: float, outer: float) -> npt.NDArray[np.uint8]:
    """1 where the distance from the middle is above `inner` and up to `outer`, else 0."""
    reach = math.floor(outer)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(y, x)
    return ((distance > inner) & (distance <= outer)).astype(np.uint8)


def _discs(whole: int) -> list[tuple[float, float]]:
    """Radii and weights of one or two discs of pixels that together reach `whole` pixels on the average of
    all directions, and exactly that along rows and columns.
    """
    if whole == 0:
        return [(0.0, 1.0)]
    y, x = np.mgrid[0 : whole + 1, 0 : whole + 1]
    distance = np.hypot(y, x)
    radii = np.unique(distance[(distance >= whole) & (distance < whole + 1)])
    radii = radii[:: max(1, len(radii) // MOST_RADII)]
    angles = np.linspace(0, math.pi / 2, 181)
    rim = (distance > whole - 1) & (distance < whole + 1)
    along = np.outer(x[rim], np.cos(angles)) + np.outer(y[rim], np.sin(angles))
    reaches = [float(along[distance[rim] <= rho].max(axis=0).mean()) for rho in radii]
    after = next((n for n, reach in enumerate(reaches) if reach > whole), len(radii) - 1)
    if after == 0 or reaches[after] <= whole:
        return [(float(radii[after]), 1.0)]
    share = (whole - reaches[after - 1]) / (reaches[after] - reaches[after - 1])
    return [(float(radii[after - 1]), 1 - share), (float(radii[after]), share)]


def _grown(alpha: Plane, way: _Way, *, shrinks: bool) -> Plane:
    """Of the plane's depth for a single disc, else float32 in the plane's numbers."""
    spread, merge = (cv2.erode, cv2.min) if shrinks else (cv2.dilate, cv2.max)
    for _ in range(way.strides):
        alpha = spread(alpha, way.disc)
    rings = way.rings
    widest: Plane = spread(alpha, rings[0].kernel)
    if len(rings) == 1:
        return widest
    mean = widest.astype(np.float32)
    so_far = rings[0].weight
    for ring in rings[1:]:
        widest = merge(widest, spread(alpha, ring.kernel))
        so_far += ring.weight
        cv2.accumulateWeighted(widest, mean, ring.weight / so_far)
    return mean


def _smoothed(alpha: Plane, px: float) -> Plane:
    deviation = px / 2
    values = alpha.astype(np.float32) * np.float32(1 / full_scale(alpha.dtype))
    slope = _slope(values)
    side = 2 * math.ceil(px) + 1
    steep = cv2.blur(slope * slope, (side, side), borderType=cv2.BORDER_REPLICATE)
    inverse_width = steep / np.maximum(cv2.blur(slope, (side, side), borderType=cv2.BORDER_REPLICATE), 1e-6)
    gain = np.sqrt(1 + np.float32(2 * math.pi * deviation**2) * inverse_width * inverse_width)
    window = np.ones((side, side), np.uint8)
    least, most = cv2.erode(alpha, window), cv2.dilate(alpha, window)
    middle = (least.astype(np.float32) + most) * np.float32(0.5)
    made = _blurred(alpha.astype(np.float32), deviation)
    made = (made - middle) * gain + middle
    return np.clip(made, least, most, out=made)


def _slope(values: Plane) -> Plane:
    """How much alpha changes from each pixel to the next, right and down: (H, W)."""
    across, down = np.zeros_like(values), np.zeros_like(values)
    np.subtract(values[:, 1:], values[:, :-1], out=across[:, :-1])
    np.subtract(values[1:], values[:-1], out=down[:-1])
    return np.asarray(cv2.magnitude(across, down))


def _reach(px: float) -> int:
    """Pixels from the middle of the kernel of a blur of deviation `px` / 2 to its end."""
    deviation = px / 2
    if deviation < BOXES_FROM:
        return math.ceil(3 * deviation)
    box, _ = _boxes(deviation)
    return 3 * (box // 2 + 1)


def _boxes(deviation: float) -> tuple[int, float]:
    """An odd width, and the share by which the next odd width stands in for it, that three times make the
    variance asked for.
    """
    each = deviation**2 / 3
    width = math.floor(math.sqrt(12 * each + 1))
    width -= width % 2 == 0
    low, high = (width**2 - 1) / 12, ((width + 2) ** 2 - 1) / 12
    return width, (each - low) / (high - low)


def _blurred(alpha: Plane, deviation: float) -> Plane:
    border = cv2.BORDER_REPLICATE
    if deviation < BOXES_FROM:
        side = 2 * math.ceil(3 * deviation) + 1
        return cv2.GaussianBlur(alpha, (side, side), deviation, borderType=border)
    width, share = _boxes(deviation)
    for _ in range(3):
        narrow = cv2.blur(alpha, (width, width), borderType=border)
        wide = cv2.blur(alpha, (width + 2, width + 2), borderType=border)
        alpha = cv2.addWeighted(narrow, 1 - share, wide, share, 0)
    return alpha
