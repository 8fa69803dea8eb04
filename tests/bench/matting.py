"""How right solved edges are: `python tests/bench/matting.py DATA [SET...] [--blur 1 2] [--sheets FOLDER]`.

DATA holds folders with `images/` and `masks/` of true alpha. The coarse alpha is the truth reduced to 320
pixels and blurred, so that only the refinement is judged. Errors of plain interpolation, a colour guided
filter, `fast`, `fine` and, with `--closed-form`, pymatting's closed form over the whole picture, from the
trimap rembg makes of the same alpha and from ours. With `--sheets` the hardest part of each picture at 100 %.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from edges import guided_filter, pairs

from matted.imaging.read import read_picture
from matted.matting.fine import fine_upsample
from matted.matting.trimap import trimap
from matted.matting.upsample import guided_upsample, upsample

SETS = ("am2k", "lemur")
SIDE = 320
PART = 400  # px; of a sheet's tiles

Method = Callable[
    [np.ndarray, np.ndarray], np.ndarray
]  # coarse alpha, colour -> alpha (H, W) float in [0, 1]


def closed_form(marks: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Levin, Lischinski, Weiss 2008 over the whole picture, by pymatting."""
    from pymatting import estimate_alpha_cf

    return estimate_alpha_cf(colour / 255.0, np.where(marks == 128, 0.5, marks / 255.0)).astype(np.float32)


def rembg_trimap(alpha: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """The trimap of rembg's alpha matting with its defaults: thresholds 240 and 10, eroded by 10 px."""
    mask = upsample(alpha, colour.shape[1], colour.shape[0])
    square = np.ones((10, 10), np.uint8)
    marks = np.full(mask.shape, 128, np.uint8)
    marks[cv2.erode((mask > 240).astype(np.uint8), square, borderValue=0) > 0] = 255
    marks[cv2.erode((mask < 10).astype(np.uint8), square, borderValue=1) > 0] = 0
    return marks


def methods(*, with_closed_form: bool) -> dict[str, Method]:
    """What is compared, by name."""
    found: dict[str, Method] = {
        "interpolated": lambda a, c: upsample(a, c.shape[1], c.shape[0]) / 255,
        "guided filter": guided_filter,
        "fast": lambda a, c: guided_upsample(a, c) / 255,
        "fine": lambda a, c: fine_upsample(a, c) / 255,
    }
    if with_closed_form:
        found["closed form, rembg's trimap"] = lambda a, c: closed_form(rembg_trimap(a, c), c)
        found["closed form, our trimap"] = lambda a, c: closed_form(trimap(a, c.shape[1], c.shape[0]), c)
    return found


def sheet(colour: np.ndarray, planes: list[np.ndarray], truth: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Input, the planes and the truth side by side at 100 %, where the interpolated alpha `at` errs most."""
    error = cv2.blur(np.abs(at - truth), (PART | 1, PART | 1))
    y, x = np.unravel_index(int(error.argmax()), error.shape)
    top = int(np.clip(y - PART // 2, 0, max(truth.shape[0] - PART, 0)))
    left = int(np.clip(x - PART // 2, 0, max(truth.shape[1] - PART, 0)))
    part = (slice(top, top + PART), slice(left, left + PART))
    grays = [np.repeat((plane[part] * 255 + 0.5).astype(np.uint8)[..., None], 3, 2) for plane in planes]
    return np.hstack([colour[part][..., ::-1], *grays])


def measures() -> list[Callable[[np.ndarray, np.ndarray], float]]:
    """SAD, MSE, gradient and connectivity errors, from the folder that evaluates models."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "models" / "training"))
    from evaluation.matting_errors import connectivity_error, gradient_error, mse, sad

    return [sad, mse, gradient_error, connectivity_error]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--blur", type=float, nargs="*", default=[1.0, 2.0], help="in coarse pixels")
    parser.add_argument("--most", type=int, default=20, help="pictures of each set")
    parser.add_argument("--closed-form", action="store_true", help="pymatting too: a minute a picture")
    parser.add_argument("--sheets", type=Path, help="a folder for contact sheets")
    args = parser.parse_args()
    errors = measures()
    ways = methods(with_closed_form=args.closed_form)
    for blur in args.blur:
        rows: dict[str, list[list[float]]] = {name: [] for name in ways}
        for image, mask in [pair for name in args.sets for pair in pairs(args.data / name)[: args.most]]:
            colour = read_picture(image, max_pixels=10**8).pixels
            truth = read_picture(mask, max_pixels=10**8).pixels[..., 0].astype(np.float32) / 255
            reduced = cv2.resize(truth, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            coarse = cv2.GaussianBlur(reduced, (0, 0), blur)
            made = {name: way(coarse, colour) for name, way in ways.items()}
            for name, alpha in made.items():
                rows[name].append([error(alpha, truth) for error in errors])
            if args.sheets:
                args.sheets.mkdir(parents=True, exist_ok=True)
                planes = [made["interpolated"], made["fast"], made["fine"], truth]
                shown = sheet(colour, planes, truth, made["interpolated"])
                cv2.imwrite(str(args.sheets / f"{image.stem}-{blur:g}.png"), shown)
        print(f"blurred by {blur:g} coarse pixels, {len(rows['fine'])} pictures")
        for name, found in rows.items():
            for kind, (s, m, g, c) in (
                ("mean", np.mean(found, axis=0)),
                ("median", np.median(found, axis=0)),
            ):
                print(
                    f"  {name:28} {kind:6} SAD {s:7.2f}k   MSE {1000 * m:6.3f}e-3   "
                    f"Grad {g:6.2f}k   Conn {c:6.2f}k",
                    flush=True,
                )


if __name__ == "__main__":
    main()
