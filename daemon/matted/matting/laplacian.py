"""The matting Laplacian without its matrix: alpha in every small window is a linear function of colour.

How far a plane is from that, and the linear functions that come nearest to it, by box means alone; and the
iteration that lowers it. May import numpy and OpenCV; knows no picture, no band and no tile.
"""

from collections.abc import Callable

import cv2
import numpy as np

from matted.matting.planes import Plane

REACH = 2  # pixels around one that `MattingLaplacian.apply` looks at: two windows of radius 1
_THIRD = np.full(3, 1 / 3, np.float32)


class MattingLaplacian:
    """The quadratic form of Levin, Lischinski, Weiss, "A Closed-Form Solution to Natural Image Matting", PAMI
    2008, in 3 x 3 windows, applied by box means as in He, Sun, Tang, "Fast Matting Using Large Kernel Matting
    Laplacian Matrices", CVPR 2010, so that it costs a few planes of memory and no sparse matrix.

    Divided by the nine windows of a pixel, its eigenvalues lie in [0, 1]. Beyond the planes' edges everything
    goes on mirrored. Not to be shared between threads: it holds scratch planes.
    """

    def __init__(self, colour: Plane, *, noise: float) -> None:
        """colour: (C, h, w) float32, C 1 or 3. noise: the variance below which colours count as equal."""
        middle = colour.mean(axis=(1, 2), keepdims=True)  # small numbers keep their digits in the products
        self._middle = middle[:, 0, 0]
        self._colour = colour - middle
        self._mean = _boxes(self._colour)
        self._pivots, self._below = self._factorised(noise)
        self._slopes, self._spare = np.empty_like(colour), np.empty_like(colour[0])

    def fit(self, plane: Plane) -> tuple[Plane, Plane]:
        """The linear functions of colour that come nearest to `plane` (h, w), each the mean of its windows'.

        Factors (C, h, w) and constants (h, w): plane is about (factors * colour).sum(0) + constants.
        """
        slopes, offset = self._lines(plane)
        factors, constant = _boxes(slopes), _box(offset)
        return factors, constant - np.tensordot(self._middle, factors, 1)

    def apply(self, plane: Plane) -> Plane:
        """The form's matrix times `plane` (h, w), divided by nine: how far each pixel is from its windows'
        linear functions.
        """
        slopes, offset = self._lines(plane)
        result = plane - _box(offset, self._spare)
        for channel, slope in zip(self._colour, slopes, strict=True):
            _box(slope, slope)
            result -= np.multiply(slope, channel, out=self._spare)
        return result

    def _lines(self, plane: Plane) -> tuple[Plane, Plane]:
        """Per window: factors (C, h, w), valid until the next call, and the constant (h, w)."""
        slopes, spare = self._slopes, self._spare
        mean = _box(plane)
        np.multiply(self._colour, plane, out=slopes)
        for slope, centre in zip(slopes, self._mean, strict=True):
            _box(slope, slope)
            slope -= np.multiply(centre, mean, out=spare)
        for (i, j), below in self._below.items():
            slopes[i] -= np.multiply(below, slopes[j], out=spare)
        slopes *= self._pivots
        for (i, j), below in reversed(self._below.items()):
            slopes[j] -= np.multiply(below, slopes[i], out=spare)
        for slope, centre in zip(slopes, self._mean, strict=True):
            mean -= np.multiply(slope, centre, out=spare)
        return slopes, mean

    def _factorised(self, noise: float) -> tuple[Plane, dict[tuple[int, int], Plane]]:
        """The windows' covariances as L D L': 1 / D (C, h, w), and what L has below its diagonal.

        Cofactors would lose in single precision what a high-contrast gray edge leaves of the determinant.
        """
        colour, mean = self._colour, self._mean
        channels = range(len(colour))
        rest = {
            (i, j): _box(colour[i] * colour[j]) - mean[i] * mean[j]
            for i in channels
            for j in channels[: i + 1]
        }
        pivots, below = np.empty_like(colour), {}
        for j in channels:
            pivots[j] = 1 / np.maximum(rest[j, j] + np.float32(noise), np.float32(noise))
            for i in channels[j + 1 :]:
                below[i, j] = rest[i, j] * pivots[j]
            for i in channels[j + 1 :]:
                for k in channels[j + 1 : i + 1]:
                    rest[i, k] -= below[i, j] * rest[k, j]
        return pivots, below


def settle(
    matrix: Callable[[Plane], Plane], right: Plane, start: Plane, free: Plane, *, steps: int, highest: float
) -> Plane:
    """Moves `start` towards the solution of matrix(x) = right where `free` is 1; elsewhere it stays.

    Chebyshev's semi-iteration (Golub, Varga, Numerische Mathematik 3, 1961) on the upper part of the
    spectrum, which ends at `highest`: `steps` of it leave what is smooth to coarser grids. It needs no inner
    products, so each pixel depends only on those within `steps` reaches of the matrix, and a picture may be
    cut into tiles that overlap by so much without any trace. All planes (h, w) float32.
    """
    lowest = highest * 1.5 / steps**2
    centre, half = (highest + lowest) / 2, (highest - lowest) / 2
    turn = half / centre
    plane = start.copy()
    rest = (right - matrix(plane)) * free
    move = rest / np.float32(centre)
    for step in range(steps):
        plane += move
        if step == steps - 1:
            break
        pull = matrix(move)
        pull *= free
        rest -= pull
        following = 1 / (2 * centre / half - turn)
        move *= np.float32(following * turn)
        move += rest * np.float32(2 * following / half)
        turn = following
    return plane


def solve(
    matrix: Callable[[Plane], Plane], right: Plane, start: Plane, free: Plane, *, steps: int, tolerance: float
) -> Plane:
    """The solution of matrix(x) = right where `free` is 1, from `start`; elsewhere `start` stays.

    Conjugate gradients (Hestenes, Stiefel 1952), at most `steps` of them, or until the residual has shrunk by
    `tolerance`. All planes (h, w) float32.
    """
    plane = start.copy()
    rest = (right - matrix(plane)) * free
    move = rest.copy()
    left = first = float(np.vdot(rest, rest))
    for _ in range(steps):
        if left <= tolerance**2 * first:
            break
        pull = matrix(move) * free
        along = float(np.vdot(move, pull))
        if along <= 0:
            break
        length = np.float32(left / along)
        plane += length * move
        rest -= length * pull
        before, left = left, float(np.vdot(rest, rest))
        move *= np.float32(left / before)
        move += rest
    return plane


def _box(plane: Plane, into: Plane | None = None) -> Plane:
    """Means of 3 x 3 pixels."""
    return cv2.sepFilter2D(plane, cv2.CV_32F, _THIRD, _THIRD, dst=into, borderType=cv2.BORDER_REFLECT)


def _boxes(planes: Plane) -> Plane:
    return np.stack([_box(plane) for plane in planes])
