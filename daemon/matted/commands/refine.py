"""Correct a mask by what was painted on it: white where the subject was missed, black where too much was
taken, gray where it is to be looked at again. A rough stroke is enough: the correction follows the object's
edge, and everything far from the strokes stays as it was. The model looks closely around the strokes (unless
--look once); without one, colours and structure decide.

    matted cut cat.jpg --mask -o made.png        paint on a copy of it in any editor, then
    matted refine cat.jpg --mask painted.png --made made.png -o cat.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from matted.commands import adjusting, cut, look, prompting
from matted.config import Settings
from matted.errors import BadOption, OutputExists

if TYPE_CHECKING:
    pass


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `matted refine`."""
    parser.add_argument("picture", metavar="PICTURE", help="the picture that the mask belongs to")
    parser.add_argument(
        "--mask",
        dest="painted",
        metavar="PAINTED",
        required=True,
        help="the mask as you left it: a gray picture of the same size",
    )
    parser.add_argument(
        "--made",
        metavar="MADE",
        help="the mask as it was before you painted, such as the result of the last correction (default: "
        "the one that `matted cut` makes with the same options)",
    )
    parser.add_argument(
        "--guide",
        metavar="GUIDE",
        help="a gray picture of the same size: where it is not black, the mask is to be found again",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="the file to write; - writes to standard output (default: beside the picture, as "
        "NAME-cutout.png or NAME-mask.png)",
    )
    parser.add_argument(
        "--only-mask", dest="mask", action="store_true", help="write the mask alone, as a gray picture"
    )
    look.add_arguments(parser)
    cut.add_engine_arguments(parser)
    cut.add_file_arguments(parser)
    prompting.add_arguments(parser)
    adjusting.add_arguments(parser)
    parser.set_defaults(each_subject=False, recursive=False, rembg=False)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Corrects the mask of one picture and writes it, or the cut-out. Raises MattedError."""
    from matted.brushing import Brush

    if args.picture == "-" or Path(args.picture).is_dir():
        raise BadOption("One picture's mask is corrected at a time: give the name of its file.")
    for name in (args.painted, args.made, args.guide):
        _spare(name, args.output)
    args.inputs = [args.picture]
    meaning = "a mask is, white where the subject is"
    painted, made, guide = (
        adjusting.gray_plane(name, settings.max_pixels, meaning) if name is not None else None
        for name in (args.painted, args.made, args.guide)
    )
    assert painted is not None
    return cut.cut_all(args, settings, Brush(painted, made, guide))


def _spare(name: str | None, output: str | None) -> None:
    """Raises OutputExists where the result would replace a picture that it is made from."""
    if name is None or output is None:
        return
    source, target = Path(name), Path(output)
    if source.exists() and target.exists() and target.samefile(source):
        raise OutputExists(f"{target} is one of the masks given: choose another name for the result.")
