"""Which of the subjects in an alpha a person means by a box or by points.

Works on the alpha of one look, in its own pixels. Knows numpy and OpenCV only, no model and no picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matted.matting.subjects import Subjects

Alpha = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]
Point = tuple[float, float]

SOLID = 0.5
TOLERANCE = 0.1  # of the box's side: how far beyond it a subject fades out
WITHIN = 0.5  # of a subject's alpha: what has more of it in the box is meant
LEAST_SHARE = 0.02  # of the box that what is meant covers
NEAR_SHARE = 0.02  # of the look's longer side: a click this near to a subject is on it


@dataclass(frozen=True, slots=True, eq=False)
class Meant:
    """What a person means.

    `alpha`: (h, w) float32 in [0, 1], 0 outside what is meant. `joined`: which of the points on what is not
    wanted, by their places in the list, lie on the same piece as one that is: they cannot be told apart.
    """

    alpha: Alpha
    joined: tuple[int, ...] = ()

    @property
    def is_there(self) -> bool:
        """Something was found."""
        return bool(self.alpha.max() >= SOLID)


def meant_by_box(alpha: Alpha, box: Box, unwanted: Sequence[Point] = ()) -> Meant:
    """The subjects that lie mostly within `box` (left, top, right, bottom), or the one with most in it.

    alpha: (h, w) float32 in [0, 1]. Those with an `unwanted` point are left out. Beyond the box alpha fades
    to 0 within a tenth of its side. Nothing is there where less than 2 % of the box is covered.
    """
    inside = alpha * _window(alpha.shape, box, 0.0)
    subjects = Subjects.of(alpha)
    if not subjects.all:
        return Meant(np.zeros_like(alpha))
    labels = subjects.places(alpha.shape)
    whole = np.bincount(labels.ravel(), weights=alpha.ravel(), minlength=2)
    within = np.bincount(labels.ravel(), weights=inside.ravel(), minlength=2)
    not_wanted = {number for point in unwanted if (number := hit(alpha, subjects, point))}
    chosen = {n for n in range(1, len(whole)) if within[n] > WITHIN * whole[n]}
    if not chosen:
        chosen = {int(within[1:].argmax()) + 1}
    chosen -= not_wanted
    area = max(1.0, (box[2] - box[0]) * (box[3] - box[1]))
    if sum(within[n] for n in chosen) < LEAST_SHARE * area:
        return Meant(np.zeros_like(alpha))
    kept = subjects.matte(alpha, tuple(sorted(chosen)))
    return Meant(kept * _window(alpha.shape, box, TOLERANCE))


def meant_by_points(alpha: Alpha, wanted: Sequence[Point], unwanted: Sequence[Point]) -> Meant:
    """The subjects at the points that are `wanted`, without those at points that are `unwanted`.

    alpha: (h, w) float32 in [0, 1]. With no point wanted: all subjects but the unwanted.
    """
    subjects = Subjects.of(alpha)
    chosen = {number for point in wanted if (number := hit(alpha, subjects, point))}
    if not wanted:
        chosen = {subject.number for subject in subjects.all}
    refused = [hit(alpha, subjects, point) for point in unwanted]
    joined = tuple(place for place, number in enumerate(refused) if wanted and number in chosen)
    if not wanted:
        chosen -= set(refused)
    if not chosen:
        return Meant(np.zeros_like(alpha), joined)
    return Meant(subjects.matte(alpha, tuple(sorted(chosen))), joined)


def hit(alpha: Alpha, subjects: Subjects, point: Point) -> int:
    """The number of the subject at `point`, in pixels of `alpha`; 0 if it lies on none."""
    height, width = alpha.shape
    near = max(1.0, NEAR_SHARE * max(alpha.shape))
    x, y = point
    top, bottom = max(0, int(y - near)), min(height, int(y + near) + 1)
    left, right = max(0, int(x - near)), min(width, int(x + near) + 1)
    around = alpha[top:bottom, left:right]
    if not around.size or float(around.max()) < SOLID:
        return 0
    return subjects.at(x, y)


def _window(shape: tuple[int, ...], box: Box, tolerance: float) -> Alpha:
    """1 in the box, 0 from `tolerance` of its sides beyond it on, straight between; with 0: hard."""
    sides = []
    for count, low, high in ((shape[1], box[0], box[2]), (shape[0], box[1], box[3])):
        centres = np.arange(count, dtype=np.float32) + 0.5
        beyond = np.maximum(low - centres, centres - high)
        fade = max(tolerance * (high - low), 1e-3)
        sides.append(np.clip(1 - beyond / fade, 0, 1).astype(np.float32))
    across, down = sides
    return down[:, None] * across[None, :]
