"""Show where two models disagree about a picture: the place to look at before trusting either.

Writes a gray picture, white where they differ fully; with --overlay the picture itself in gray and the
differences in colour. Originals are never changed and existing files never overwritten without --overwrite.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matted.config import Settings
from matted.errors import BadOption, OutputExists, UnreadablePicture

if TYPE_CHECKING:
    from matted.imaging.encoding import FormatName
    from matted.imaging.picture import Picture
    from matted.pipeline import Matte


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `matted compare`."""
    parser.add_argument("input", metavar="PICTURE", help="the picture; - reads it from standard input")
    parser.add_argument(
        "--models", metavar="A,B", required=True, help="two models: ids from `matted models list`, or auto"
    )
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the file to write")
    parser.add_argument(
        "--overlay", action="store_true", help="the picture in gray with the differences in colour"
    )
    parser.add_argument(
        "--edges",
        choices=("none", "fast", "fine", "neural"),
        default="fast",
        help="how edges are brought to the picture's own resolution (default: %(default)s)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a result that is already there")
    parser.add_argument("--no-daemon", action="store_true", help="do not use a running engine")
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Asks both models and writes where they differ."""
    from matted.engines import Wish, open_engine
    from matted.imaging.encoding import format_of_suffix
    from matted.imaging.files import atomic_output
    from matted.matting.adjust import AdjustOptions
    from matted.options import CoarseOptions, RefineOptions

    started = time.perf_counter()
    models = tuple(name.strip() for name in args.models.split(","))
    if len(models) != 2 or not all(models):
        raise BadOption(f"--models takes two models such as builtin,isnet-general-use; not {args.models!r}.")
    target, source = Path(args.output), None if args.input == "-" else Path(args.input)
    form = format_of_suffix(target)
    if form is None:
        raise BadOption(f"{target.suffix or args.output} files cannot be written: name it .png, for one.")
    if source is not None and not source.exists():
        raise UnreadablePicture(f"There is no file {source}.")
    if source is not None and target.exists() and target.samefile(source):
        raise OutputExists(f"{target} is the original itself: choose another name for the result.")
    wish = Wish(CoarseOptions(model=models[0]), RefineOptions(args.edges), AdjustOptions())
    engine = open_engine(settings, wish, use_daemon=not args.no_daemon)
    try:
        given = source if source is not None else sys.stdin.buffer.read()
        picture, difference = engine.disagreement(given, (models[0], models[1]))
    finally:
        engine.close()
    with atomic_output(target, overwrite=args.overwrite) as file:
        _write(picture, difference, form, file, overlay=args.overlay)
    _tell(args, difference, time.perf_counter() - started)
    return 0


def _write(picture: "Picture", difference: "Matte", form: "FormatName", file: Any, *, overlay: bool) -> None:
    from matted.compose.overlay import write_overlay
    from matted.delivery import Delivery, deliver
    from matted.imaging.encoding import Encoding

    if overlay:
        write_overlay(picture, difference.mask, Encoding(form), file)
    else:
        deliver(picture, difference.mask, Delivery("mask", format=form), file)


def _tell(args: argparse.Namespace, difference: "Matte", seconds: float) -> None:
    import numpy as np

    share = float(difference.mask.mean()) / float(np.iinfo(difference.mask.dtype).max)
    if args.json:
        found = {
            "input": args.input,
            "output": args.output,
            "models": difference.model.split(", "),
            "difference": round(share, 5),
            "warnings": [{"code": n.code, "sentence": n.sentence} for n in difference.warnings],
        }
        print(json.dumps(found))
        return
    for notice in difference.warnings:
        print(f"{args.input}: {notice.sentence}", file=sys.stderr)
    print(f"{args.output}  ({difference.model} differ over {share:.1%} of the picture, {seconds:.2f} s)")
