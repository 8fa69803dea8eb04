"""What a person points at, found by a model that only knows what stands out: the saliency model, looking
where the prompt is.

A box is looked at by itself, as finely as the model can; points choose among the subjects of the whole
picture and, where a point is on none, among those of ever closer looks around it. Knows no model and no
cache: whoever asks brings the look.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from matted.inference.crops import Frame, laid, plane_shape
from matted.inference.prepare import Alpha
from matted.inference.prompt import Box, Prompt
from matted.matting.meant import Meant, Point, hit, meant_by_box, meant_by_points
from matted.matting.subjects import Subjects

Look = Callable[[Frame], Alpha]

BOX_MARGINS = (0.05, 0.35)  # of the box's sides, in turn; what they bring: tests/bench/prompts.py
LEAST_FRAME_PX = 32
POINT_FRAMES = (0.6, 0.35, 0.2)  # of the picture's longer side: how far is looked around a point, in turn


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What was found: `alpha` (h, w) float32 in [0, 1] of the whole frame, 0 where nothing is meant.

    `missed`: the wanted points where nothing was found; `joined`: the unwanted that could not be told apart
    from a wanted one.
    """

    alpha: Alpha
    missed: tuple[Point, ...] = ()
    joined: tuple[Point, ...] = ()

    @property
    def is_there(self) -> bool:
        """Anything was found."""
        return bool(self.alpha.max() >= 0.5)


def find(prompt: Prompt, size: tuple[int, int], look: Look) -> Found:
    """What `prompt` means in a picture of `size` (width, height); `look` gives a part's alpha (h, w)."""
    whole = Frame(0, 0, *size)
    parts: list[tuple[Alpha, Frame]] = []
    joined: tuple[Point, ...] = ()
    if prompt.box is not None:
        parts += _in_box(prompt.box, prompt.unwanted, size, look)
    rest = tuple(point for point in prompt.wanted if not _covers(parts, point))
    if rest or not prompt.says_what:
        alpha = look(whole)
        scaled = _inner(whole, rest, alpha)
        there = tuple(hit(alpha, Subjects.of(alpha), point) > 0 for point in scaled)
        on = tuple(point for point, found in zip(scaled, there, strict=True) if found)
        rest = tuple(point for point, found in zip(rest, there, strict=True) if not found)
        if on or not prompt.says_what:
            meant = meant_by_points(alpha, on, _inner(whole, prompt.unwanted, alpha))
            parts.append((meant.alpha, whole))
            joined += tuple(prompt.unwanted[n] for n in meant.joined)
    missed = []
    for point in rest:
        if _covers(parts, point):
            continue
        closer = _around_point(point, prompt, size, look)
        if closer is None:
            missed.append(point)
            continue
        meant, frame = closer
        parts.append((meant.alpha, frame))
        joined += tuple(prompt.unwanted[n] for n in meant.joined)
    return Found(_together(parts, size), tuple(missed), tuple(dict.fromkeys(joined)))


def _in_box(
    box: Box, unwanted: Sequence[Point], size: tuple[int, int], look: Look
) -> list[tuple[Alpha, Frame]]:
    frames = [Frame.around(box, size, margin, LEAST_FRAME_PX) for margin in BOX_MARGINS]
    for frame in dict.fromkeys((*frames, Frame(0, 0, *size))):
        alpha = look(frame)
        corners = (*frame.inner(box[0], box[1], alpha.shape), *frame.inner(box[2], box[3], alpha.shape))
        meant = meant_by_box(alpha, corners, _inner(frame, unwanted, alpha))
        if meant.is_there:
            return [(meant.alpha, frame)]
    return []


def _around_point(
    point: Point, prompt: Prompt, size: tuple[int, int], look: Look
) -> tuple[Meant, Frame] | None:
    x, y = point
    for share in POINT_FRAMES:
        side = max(share * max(size), LEAST_FRAME_PX)
        frame = Frame.around((x, y, x, y), size, 0, side)
        alpha = look(frame)
        meant = meant_by_points(alpha, _inner(frame, (point,), alpha), _inner(frame, prompt.unwanted, alpha))
        if meant.is_there:
            return meant, frame
    return None


def _inner(frame: Frame, points: Iterable[Point], alpha: Alpha) -> tuple[Point, ...]:
    return tuple(frame.inner(x, y, alpha.shape) for x, y in points)


def _covers(parts: Sequence[tuple[Alpha, Frame]], point: Point) -> bool:
    for alpha, frame in parts:
        x, y = frame.inner(*point, alpha.shape)
        rows, columns = alpha.shape
        if 0 <= x < columns and 0 <= y < rows and alpha[int(y), int(x)] >= 0.5:
            return True
    return False


def _together(parts: Sequence[tuple[Alpha, Frame]], size: tuple[int, int]) -> Alpha:
    """The parts on one plane of the whole frame, the higher alpha counting."""
    if not parts:
        return np.zeros((min(size[1], 64), min(size[0], 64)), np.float32)
    shape = plane_shape(size, parts)
    plane = np.zeros(shape, np.float32)
    for alpha, frame in parts:
        where, values = laid(alpha, frame, size, shape)
        np.maximum(plane[where], values, out=plane[where])
    return plane
