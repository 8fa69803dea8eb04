"""A second look at the subjects of a whole picture: each by itself, as finely as the model can.

A look that tells another story than the first is not believed: what is merged only draws the same subject
more finely. What that brings is measured by `tests/bench/second_look.py`. Knows no model and no cache.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from matted.inference.crops import Frame, laid, plane_shape
from matted.inference.prepare import Alpha
from matted.matting.subjects import Subjects

Look = Callable[[Frame], Alpha]

MOST_LOOKS = 3  # beyond the first, at the largest subjects: what a second look may cost
MARGIN = 0.1  # of a subject's box
LEAST_FRAME_PX = 64
MOST_SHARE = 0.6  # of the picture: a frame that is larger shows nothing new
SMALL_SHARE = 0.3  # a smaller one is looked at unasked
AGREED = 0.6  # overlap with the first look from which the second is believed
MOST_OBLONG = 1.8  # sides of a frame: a narrower one is squeezed out of shape by models that want squares


def look_closer(first: Alpha, size: tuple[int, int], look: Look, *, only_small: bool) -> Alpha:
    """`first` (h, w), the whole look at a picture of `size` (width, height), with its subjects drawn finer.

    `look` gives a part's alpha (h, w). `only_small`: only subjects that are small in the picture. Returns
    `first` itself where no second look was worth it.
    """
    whole = Frame(0, 0, *size)
    parts = []
    for frame in _frames(first, size, SMALL_SHARE if only_small else MOST_SHARE):
        alpha = look(frame)
        if _overlap(first, alpha, frame, size) >= AGREED:
            parts.append((alpha, frame))
    if not parts:
        return first
    shape = plane_shape(size, [(first, whole), *parts])
    _, plane = laid(first, whole, size, shape)
    for alpha, frame in parts:
        where, values = laid(alpha, frame, size, shape)
        there = plane[where]
        there += _weight(values.shape, frame, size) * (values - there)
    return plane


def _frames(first: Alpha, size: tuple[int, int], most_share: float) -> list[Frame]:
    rows, columns = first.shape
    across, down = size[0] / columns, size[1] / rows
    frames = []
    for subject in Subjects.of(first).all[:MOST_LOOKS]:
        left, top, right, bottom = subject.box
        box = (left * across, top * down, right * across, bottom * down)
        frame = Frame.around(box, size, MARGIN, LEAST_FRAME_PX)
        is_small = frame.width * frame.height <= most_share * size[0] * size[1]
        if is_small and max(frame.width, frame.height) <= MOST_OBLONG * min(frame.width, frame.height):
            frames.append(frame)
    return frames


def _overlap(first: Alpha, alpha: Alpha, frame: Frame, size: tuple[int, int]) -> float:
    """Intersection over union of both looks at one half, within the frame, on the first one's grid."""
    where, values = laid(alpha, frame, size, (first.shape[0], first.shape[1]))
    one, other = first[where] >= 0.5, values >= 0.5
    union = int((one | other).sum())
    return float((one & other).sum() / union) if union else 1.0


def _weight(shape: tuple[int, ...], frame: Frame, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """1, falling to 0 over the margin towards those sides of the frame that are not the picture's."""
    lines = []
    for count, low, high in (
        (shape[0], frame.top > 0, frame.bottom < size[1]),
        (shape[1], frame.left > 0, frame.right < size[0]),
    ):
        place = (np.arange(count, dtype=np.float32) + 0.5) / count
        fade = MARGIN / (1 + 2 * MARGIN) * 0.75
        line = np.ones(count, np.float32)
        if low:
            line = np.minimum(line, place / fade)
        if high:
            line = np.minimum(line, (1 - place) / fade)
        lines.append(line)
    return lines[0][:, None] * lines[1][None, :]
