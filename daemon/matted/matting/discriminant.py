"""Alpha as a linear function of colour, found from the colours surely inside and surely outside.

Fisher's discriminant on a reduced picture, for every place near an edge, with how far it can be trusted
there. May import numpy and OpenCV; knows nothing of what is made of it.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from matted.matting.planes import Alpha, Colour, Plane, sampled, unit

GUIDE_SIDE = 512  # px; the colour statistics are smooth, so they are gathered on a reduced picture
REACH = 2.0  # coarse pixels on either side of the edge from which the colours of both sides are gathered
SEPARATION = 16.0  # squared distance (in deviations) of the two sides' colours that earns half the trust
NOISE = 4e-4  # least variance of a colour channel in [0, 1]: about 5 grey levels
SURE = 0.02  # alpha this near to 0 or 1 is certain


@dataclass(frozen=True, slots=True)
class Discriminant:
    """Alpha as a linear function of colour, on the guide's grid, and how far each place trusts it.

    `coefficients`: (h, w, C + 1) float32, one factor per colour in [0, 1], then the constant.
    `weight`: (h, w) float32 in [0, 1], 0 where the coarse alpha is sure or the two sides look alike.
    `factor`: full-resolution pixels along a side of one of the guide's; a rest at the right and the bottom
    belongs to the guide's last pixels.
    """

    coefficients: Plane
    weight: Plane
    factor: int

    def trusted(self, rows: slice, columns: slice) -> tuple[slice, slice] | None:
        """The part of a full-resolution tile that holds every place that is trusted at all; None: none is."""
        height, width = self.weight.shape
        y0 = max(min(rows.start // self.factor, height) - 1, 0)
        x0 = max(min(columns.start // self.factor, width) - 1, 0)
        near = self.weight[y0 : rows.stop // self.factor + 2, x0 : columns.stop // self.factor + 2] > 0
        x, y, across, down = cv2.boundingRect(near.view(np.uint8))
        if not across:
            return None
        found = (self._reached(y0 + y, down, rows, 0), self._reached(x0 + x, across, columns, 1))
        return found if all(part.stop > part.start for part in found) else None

    def _reached(self, first: int, count: int, tile: slice, axis: int) -> slice:
        """Of a tile's rows or columns those in which `count` cells of the guide from `first` on share."""
        is_last = first + count >= self.weight.shape[axis]  # which holds whatever is left beyond it
        stop = tile.stop if is_last else min((first + count + 1) * self.factor, tile.stop)
        return slice(max((first - 1) * self.factor, tile.start), stop)

    def sampled(self, size: tuple[int, int], *, step: float, left: int, top: int) -> tuple[Plane, Plane]:
        """Coefficients (h, w, C + 1) and weight (h, w) on a grid of pixels `step` full-resolution ones wide.

        `size` is (width, height); (`left`, `top`) is the first pixel of that grid.
        """
        across = step / self.factor
        place = {"across": across, "down": across, "left": left, "top": top}
        return sampled(self.coefficients, size, **place), sampled(self.weight, size, **place)


def find_discriminant(alpha: Alpha, colour: Colour) -> Discriminant | None:
    """What tells inside from outside along the edge of `alpha`; None where nothing is unsure.

    Around every place in the unsure band the colours surely inside and surely outside are gathered; the
    linear function of colour that tells the two apart best (Fisher, "The Use of Multiple Measurements in
    Taxonomic Problems", 1936) gives a colour its alpha, as its position between the two means. It is trusted
    as far as the two sides differ.

    alpha: (h, w) float32 in [0, 1]. colour: (H, W, C) as in `guided_upsample`.
    """
    height, width = colour.shape[:2]
    factor = min(max(1, max(height, width) // GUIDE_SIDE), height, width)
    rows, columns = height // factor, width // factor
    across, down = alpha.shape[1] * factor / width, alpha.shape[0] * factor / height
    coarse = sampled(alpha, (columns, rows), across=across, down=down)
    reach = max(2, round(REACH / min(across, down)))
    unsure = ((coarse > SURE) & (coarse < 1 - SURE)).astype(np.uint8)
    if not unsure.any():
        return None
    band = cv2.dilate(unsure, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach | 1, reach | 1)))
    x, y, w, h = cv2.boundingRect(band)
    margin = 4 * reach
    top, bottom = max(y - margin, 0), min(y + h + margin, rows)
    left, right = max(x - margin, 0), min(x + w + margin, columns)
    inside = (slice(top, bottom), slice(left, right))
    guide = _guide(colour[top * factor : bottom * factor, left * factor : right * factor], factor)
    coefficients = np.zeros((rows, columns, guide.shape[2] + 1), np.float32)
    trust = np.zeros((rows, columns), np.float32)
    coefficients[inside], trust[inside] = _discriminant(guide, coarse[inside], reach)
    trust *= cv2.blur(band.astype(np.float32), (reach | 1, reach | 1))
    return Discriminant(coefficients, trust, factor)


def _discriminant(guide: Plane, alpha: Plane, reach: int) -> tuple[Plane, Plane]:
    """Per pixel: the factors of the colours and the constant (h, w, C + 1), and the trust in them (h, w)."""
    window = (2 * reach + 1, 2 * reach + 1)

    def mean(plane: Plane) -> Plane:
        once = cv2.blur(plane, window, borderType=cv2.BORDER_REFLECT)
        return cv2.blur(once, window, borderType=cv2.BORDER_REFLECT)

    channels = guide.shape[2]
    planes = [np.ascontiguousarray(guide[..., c]) for c in range(channels)]
    pairs = [(i, j) for i in range(channels) for j in range(i, channels)]
    products = {(i, j): planes[i] * planes[j] for i, j in pairs}

    def side(weight: Plane) -> tuple[Plane, list[Plane], dict[tuple[int, int], Plane]]:
        """Of the colours weighted so: how many, their means, their covariances."""
        amount = mean(weight)
        share = 1.0 / np.maximum(amount, 1e-6)
        means = [mean(weight * plane) * share for plane in planes]
        spread = {(i, j): mean(weight * products[i, j]) * share - means[i] * means[j] for i, j in pairs}
        return amount, means, spread

    inside, colour_in, spread_in = side(np.clip((alpha - 0.8) * 10, 0, 1))
    outside, colour_out, spread_out = side(np.clip((0.2 - alpha) * 10, 0, 1))
    spread = {pair: (spread_in[pair] + spread_out[pair]) * 0.5 for pair in pairs}
    for c in range(channels):
        spread[c, c] = np.maximum(spread[c, c], 0) + NOISE
    step = [a - b for a, b in zip(colour_in, colour_out, strict=True)]
    direction = [step[0] / spread[0, 0]] if channels == 1 else _solve_symmetric3(spread, step)
    separation = np.maximum(_dot(direction, step), 1e-6)
    factors = [d / separation for d in direction]
    seen = np.clip(np.minimum(inside, outside) * 10, 0, 1)
    trust = seen * separation / (separation + SEPARATION)
    return np.dstack([*factors, -_dot(factors, colour_out)]), trust


def _dot(a: list[Plane], b: list[Plane]) -> Plane:
    total = a[0] * b[0]
    for x, y in zip(a[1:], b[1:], strict=True):
        total += x * y
    return total


def _solve_symmetric3(matrix: dict[tuple[int, int], Plane], right: list[Plane]) -> list[Plane]:
    """Solves a symmetric 3x3 system at every pixel by cofactors; `matrix` holds the upper triangle."""
    rr, rg, rb = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    gg, gb, bb = matrix[1, 1], matrix[1, 2], matrix[2, 2]
    c_rr, c_rg, c_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    scale = 1.0 / np.maximum(rr * c_rr + rg * c_rg + rb * c_rb, NOISE**3)
    r, g, b = right
    return [
        (c_rr * r + c_rg * g + c_rb * b) * scale,
        (c_rg * r + c_gg * g + c_gb * b) * scale,
        (c_rb * r + c_gb * g + c_bb * b) * scale,
    ]


def _guide(colour: Colour, factor: int) -> Plane:
    """A part of the picture averaged over whole blocks of `factor` x `factor`: (h, w, C) in [0, 1], C 1 or 3.

    All channels are averaged: to leave some out of a large part costs a copy of it.
    """
    channels = 3 if colour.shape[2] >= 3 else 1
    rows, columns = colour.shape[0] // factor, colour.shape[1] // factor
    blocks = colour[: rows * factor, : columns * factor]
    if colour.dtype == np.float16:  # OpenCV does not average these
        blocks, factor = blocks[::factor, ::factor].astype(np.float32), 1
    if factor > 1:
        blocks = cv2.resize(blocks, (columns, rows), interpolation=cv2.INTER_AREA)
    return unit(blocks.reshape(rows, columns, -1)[..., :channels])
