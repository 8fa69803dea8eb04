"""What a stroke is worth: `python tests/bench/brush.py DATA [SET...] [--most N] [--sheet FILE] | --time`.

DATA holds folders with `images/` and `masks/` (same stem; 255 is subject). Simulated people correct the
built-in model's matte, each stroke at the largest error that is left (`people.stroke`), every other one soft:
one refines after each stroke, one only paints. For both the sum of absolute differences to the truth (SAD, in
percent of the picture) and boundary IoU (2 % of the diagonal) after 1, 2, 3 and 5 strokes, and how many
strokes of mere painting give the same SAD. `same strokes` paints those of the one who refines. `--time`: a
round at 24 megapixels.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from adjust import Peak
from people import painted, stroke
from pictures import photograph

from matted.config import Settings
from matted.imaging.picture import Picture
from matted.imaging.read import read_picture
from matted.looks import Ask
from matted.matting.brush import Look, brush_refine
from matted.pipeline import Pipeline

SETS = ("davis", "voc", "grabcut", "am2k", "bags", "cats")
SHOWN = (0, 1, 2, 3, 5)
REFINED, PAINTED = 5, 10  # strokes
Plane = np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--most", type=int, default=20, help="pictures of each set, evenly taken")
    parser.add_argument("--edges", choices=("none", "fast", "fine"), default="fast")
    parser.add_argument("--sheet", type=Path, help="a picture of each set's first strokes")
    parser.add_argument("--width", type=float, default=0.5, help="of the brush, of the error's width")
    parser.add_argument("--length", type=float, default=4.0, help="of a stroke at most, in brush widths")
    parser.add_argument("--gray", action="store_true", help="the one who refines says: look here again")
    parser.add_argument("--no-looks", action="store_true", help="no model looks around the strokes")
    parser.add_argument("--time", action="store_true")
    args = parser.parse_args()
    if args.time:
        timed(args.edges)
    if args.data is None:
        return
    brush = {"width": args.width, "length": args.length}
    pipeline, rows = Pipeline(Settings()), list[Plane]()
    everything: dict[str, list[list[list[float]]]] = {}
    for name in args.sets:
        for pair in pairs(args.data / name, args.most):
            colour, truth, made, look = loaded(pipeline, pair)
            look = None if args.no_looks else look
            results, first = corrected(colour, truth, made, look, args.edges, brush, gray=args.gray)
            everything.setdefault(name, []).append(results)
            if first is not None and len(everything[name]) <= 4:
                rows.append(sheet_row(colour, truth, made, *first))
        told(name, everything[name])
    told("all", [one for found in everything.values() for one in found])
    if args.sheet:
        widest = max(row.shape[1] for row in rows)
        stacked = [np.pad(row, ((0, 3), (0, widest - row.shape[1]), (0, 0))) for row in rows]
        cv2.imwrite(str(args.sheet), np.vstack(stacked)[..., ::-1])


def pairs(folder: Path, most: int, *, rest: bool = False) -> list[tuple[Path, Path]]:
    """Pictures that have a mask: at most so many, evenly over the folder; `rest`: all the others."""
    found = []
    for image in sorted((folder / "images").iterdir()):
        mask = folder / "masks" / f"{image.stem}.png"
        if mask.exists():
            found.append((image, mask))
    places = np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int))
    taken = set(places.tolist())
    return [pair for place, pair in enumerate(found) if (place in taken) != rest]


def loaded(pipeline: Pipeline, pair: tuple[Path, Path]) -> tuple[Plane, Plane, Plane, Look]:
    """Colours (H, W, C), truth (H, W) float32 in [0, 1], the automatic mask (H, W) uint8, the looks."""
    picture = read_picture(pair[0], max_pixels=10**8)
    truth = read_picture(pair[1], max_pixels=10**8).pixels[..., 0].astype(np.float32) / 255
    made = pipeline.matte(picture).mask
    return picture.pixels[..., : picture.colour_channels], truth, made, looking(pipeline, picture)


def looking(pipeline: Pipeline, picture: Picture) -> Look:
    """What the built-in model says of a part of the picture, asked anew each time."""
    ask = Ask("builtin", False, "auto", None, None, lambda _stage, _done: None, None)
    return pipeline._looks.around(picture, ask, {})


def corrected(
    colour: Plane,
    truth: Plane,
    made: Plane,
    look: Look | None,
    edges: str,
    brush: dict[str, float],
    *,
    gray: bool = False,
) -> tuple[list[list[float]], tuple[Plane, Plane] | None]:
    """SAD and boundary IoU by strokes: refined, the same strokes painted, painted; and the first round."""
    now, same, plain = made, made, made
    refined, followed, painting = [scores(made, truth)], [scores(made, truth)], [scores(made, truth)]
    first = None
    for number in range(REFINED):
        found = stroke(truth, now, soft=number % 2 == 1 and not gray, **brush)
        if found is not None:
            left = painted(now, found, gray=gray)
            after = brush_refine(now, left, colour, edges=edges, look=look)
            first = first or (left, after)
            now, same = after, painted(same, found)
        refined.append(scores(now, truth))
        followed.append(scores(same, truth))
    for number in range(PAINTED):
        found = stroke(truth, plain, soft=number % 2 == 1, **brush)
        plain = plain if found is None else painted(plain, found)
        painting.append(scores(plain, truth))
    return [list(column) for arm in (refined, followed, painting) for column in zip(*arm, strict=True)], first


def scores(mask: Plane, truth: Plane) -> tuple[float, float]:
    """SAD in percent of the picture, and boundary IoU (Cheng et al., CVPR 2021)."""
    sad = float(np.abs(mask / np.float32(255) - truth).mean()) * 100
    width = max(1, round(0.02 * float(np.hypot(*truth.shape))))
    one, other = (rim(plane, width) for plane in (mask >= 128, truth >= 0.5))
    either = int((one | other).sum())
    return sad, int((one & other).sum()) / either if either else 1.0


def rim(inside: Plane, width: int) -> Plane:
    """The pixels inside that are no farther than `width` from outside."""
    distance = cv2.distanceTransform(np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)[
        1:-1, 1:-1
    ]
    return inside & (distance <= width)


def told(name: str, found: list[list[list[float]]]) -> None:
    """Prints the means of one set."""
    sad, iou, same_sad, same_iou, plain_sad, plain_iou = (
        np.mean([one[k] for one in found], axis=0) for k in range(6)
    )
    print(f"{name}: {len(found)} pictures; after {', '.join(map(str, SHOWN))} strokes")
    for what, sads, ious in (
        ("refined", sad, iou),
        ("same strokes", same_sad, same_iou),
        ("painted", plain_sad, plain_iou),
    ):
        parts = "  ".join(f"{sads[k]:6.2f} {ious[k]:.3f}" for k in SHOWN)
        print(f"  {what:13} SAD, boundary IoU  {parts}")
    worth = ", ".join(f"{k} = {equal(plain_sad, sad[k])}" for k in SHOWN[1:])
    print(f"  strokes of painting with the same SAD: {worth}", flush=True)


def equal(plain: Plane, sad: float) -> str:
    """How many strokes of painting bring SAD so low, between strokes linearly."""
    if sad < plain[-1]:
        return f"more than {PAINTED}"
    return f"{np.interp(-sad, -plain, np.arange(len(plain))):.1f}"


def sheet_row(
    colour: Plane, truth: Plane, made: Plane, left: Plane, after: Plane, *, height: int = 200
) -> Plane:
    """Picture with its strokes, made, painted, refined, truth beside each other."""
    shown = np.repeat(colour, 3, axis=2) if colour.shape[2] == 1 else colour.copy()
    shown[left.astype(int) - made > 20], shown[made.astype(int) - left > 20] = (0, 255, 0), (255, 0, 0)
    masks = (np.dstack([plane] * 3) for plane in (made, left, after, (truth * 255).astype(np.uint8)))
    size = (max(1, round(colour.shape[1] * height / colour.shape[0])), height)
    return np.hstack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (shown, *masks)])


def timed(edges: str) -> None:
    """One round of a stroke across a missed part, at 24 megapixels."""
    colour = photograph(24)
    height, width = colour.shape[:2]
    made = np.zeros((height, width), np.uint8)
    cv2.ellipse(made, (width // 2, height), (1320, 1680), 0, 0, 360, 255, -1)  # the body without its head
    left = made.copy()
    cv2.line(left, (width // 2 - 300, 1500), (width // 2 + 300, 1700), 255, 240, cv2.LINE_AA)
    pipeline = Pipeline(Settings())
    look = looking(pipeline, Picture(colour))
    for name, what, seen in rounds(made, left, look):
        clock, spent = [], []
        with Peak() as peak:
            for _ in range(7):
                started, before = time.perf_counter(), time.process_time()
                brush_refine(made, what, colour, edges=edges, look=seen)
                clock.append(time.perf_counter() - started)
                spent.append(time.process_time() - before)
        print(
            f"24 MP, {edges}, {name}: {median(clock):.2f} s (best {min(clock):.2f} s), "
            f"all cores together {median(spent):.2f} s, +{peak.mb:.0f} MiB",
            flush=True,
        )


def rounds(made: Plane, left: Plane, look: Look) -> Iterator[tuple[str, Plane, Look | None]]:
    apart = left.copy()
    cv2.circle(apart, (300, 300), 60, 255, -1)
    yield "a stroke of 240 px, without a model", left, None
    yield "the same with the model's looks", left, look
    yield "and a dab 2400 px from it", apart, look
    yield "nothing painted", made, look


if __name__ == "__main__":
    main()
