"""Which masks are taken for one that was painted on: `python tests/bench/origin.py DATA [SET...] [--most N]`.

DATA as for `brush.py`. Of each picture's automatic mask: what people may paint on it (strokes hard and soft,
gray along the edge, half of it painted anew, a veil of paint over half of it) must not be called "other";
the mask of other options, of another look, grown, feathered or through another gamma should be. Prints how
many were called what. What paint does is simulated here, from the mask's own edge.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from brush import SETS, pairs
from people import painted, stroke

from matted.config import Settings
from matted.imaging.read import read_picture
from matted.matting.adjust import AdjustOptions, adjust
from matted.matting.origin import origin_of
from matted.options import CoarseOptions, RefineOptions
from matted.pipeline import Pipeline

Plane = np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--most", type=int, default=10, help="pictures of each set, evenly taken")
    args = parser.parse_args()
    pipeline = Pipeline(Settings())
    taken: dict[str, list[str]] = {}
    before: Plane | None = None
    for name in args.sets:
        for image, mask in pairs(args.data / name, args.most):
            picture = read_picture(image, max_pixels=10**8)
            truth = read_picture(mask, max_pixels=10**8).pixels[..., 0].astype(np.float32) / 255
            made = pipeline.matte(picture).mask
            for what, left in people(made, truth):
                taken.setdefault(f"painted: {what}", []).append(origin_of(made, left))
            for level in ("none", "fine"):
                left = pipeline.matte(picture, refine=RefineOptions(level)).mask
                taken.setdefault(f"other: edges {level}", []).append(origin_of(made, left))
            for look in ("once", "twice"):
                left = pipeline.matte(picture, CoarseOptions(look=look)).mask
                if not np.array_equal(left, made):
                    taken.setdefault("other: looks", []).append(origin_of(made, left))
            for what, left in others(made):
                taken.setdefault(f"other: {what}", []).append(origin_of(made, left))
            if before is not None:
                size = (made.shape[1], made.shape[0])
                left = cv2.resize(before, size, interpolation=cv2.INTER_LINEAR)
                taken.setdefault("other: another picture's", []).append(origin_of(made, left))
            before = made
    for what, answers in taken.items():
        print(f"{what:34} {len(answers):3}: {', '.join(f'{n} {a}' for a, n in Counter(answers).items())}")


def people(made: Plane, truth: Plane) -> Iterator[tuple[str, Plane]]:
    """What is left of `made` (H, W) after a person painted on it."""
    for soft in (False, True):
        now = made
        for _ in range(5):
            drawn = stroke(truth, now, soft=soft)
            now = now if drawn is None else painted(now, drawn)
        yield f"5 strokes, {'soft' if soft else 'hard'}", now
    height, width = made.shape
    edge = cv2.morphologyEx((made >= 128).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    across = max(3, round(0.02 * max(made.shape)))
    along = cv2.dilate(edge, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across)))
    yield "gray along the whole edge", np.where(along > 0, np.uint8(128), made)
    half = np.zeros(made.shape, np.float32)
    half[:, : width // 2] = 1
    fade = cv2.GaussianBlur(half, (0, 0), across)
    for value in (255, 0):
        yield f"half painted {value}", mixed(made, fade, value)
        yield f"all painted {value}", np.full_like(made, value)
    yield "a veil over half", mixed(made, 0.4 * half, 255)
    dab = np.zeros(made.shape, np.float32)
    y, x = np.unravel_index(
        int(cv2.distanceTransform((made > 127).astype(np.uint8), 2, 5).argmax()), made.shape
    )
    cv2.circle(dab, (int(x), int(y)), max(4, min(height, width) // 4), 1.0, -1)
    yield (
        "one dab, very soft",
        mixed(made, np.minimum(1, 1.4 * cv2.GaussianBlur(dab, (0, 0), 3 * across)), 255),
    )
    anew = np.zeros_like(made)
    drawn = stroke(truth, anew, soft=True, width=0.9, length=8)
    yield "cleared and painted anew", anew if drawn is None else painted(anew, drawn)


def mixed(made: Plane, cover: Plane, value: int) -> Plane:
    return (made + cover * (value - made.astype(np.float32)) + 0.5).astype(np.uint8)


def others(made: Plane) -> Iterator[tuple[str, Plane]]:
    """Masks that were not made by painting on `made`."""
    for px in (-2.0, -1.0, 1.0, 2.0):
        yield f"grown by {px:g} px", adjust(made, AdjustOptions(grow_px=px))
    for px in (1.0, 3.0):
        yield f"feathered by {px:g} px", adjust(made, AdjustOptions(feather_px=px))
    yield "another gamma", (255 * (made / np.float32(255)) ** (1 / 2.2) + 0.5).astype(np.uint8)


if __name__ == "__main__":
    main()
