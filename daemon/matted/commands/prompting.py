"""The options of a command that point at what is wanted, and the prompt they ask for.

Declares and reads flags; what they mean is in `inference/prompt.py`, which is imported only when needed.
"""

import argparse
from typing import TYPE_CHECKING

from matted.errors import BadOption

if TYPE_CHECKING:
    from matted.inference.prompt import Point, Prompt


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares them, as a group of their own."""
    group = parser.add_argument_group(
        "showing what is wanted", "in pixels of the picture; all else becomes transparent"
    )
    group.add_argument("--box", metavar="L,T,R,B", help="what is wanted lies in this box")
    group.add_argument(
        "--point",
        metavar="X,Y",
        action="append",
        default=[],
        help="this is the subject; may be repeated",
    )
    group.add_argument(
        "--not",
        dest="unwanted",
        metavar="X,Y",
        action="append",
        default=[],
        help="this is not; may be repeated",
    )
    group.add_argument(
        "--prompt-model",
        metavar="ID",
        help="the model that answers them: an id such as mobilesam, or none to choose among what --model "
        "finds (default: an installed one, if there is one)",
    )


def prompt_from(args: argparse.Namespace) -> "Prompt | None":
    """What was asked; None for no prompt. Raises BadOption."""
    from matted.inference.prompt import Prompt

    if args.box is None and not args.point and not args.unwanted:
        if args.prompt_model is not None:
            raise BadOption("--prompt-model goes with --box, --point or --not.")
        return None
    box = None
    if args.box is not None:
        left, top, right, bottom = _numbers("--box", args.box, 4, "a box such as 10,20,300,400")
        box = (left, top, right, bottom)
    points = [_point("--point", text, 1) for text in args.point]
    points += [_point("--not", text, 0) for text in args.unwanted]
    return Prompt(box, tuple(points), args.prompt_model)


def _point(flag: str, text: str, wanted: int) -> "Point":
    x, y = _numbers(flag, text, 2, "a point such as 120,340")
    return x, y, wanted


def _numbers(flag: str, text: str, count: int, example: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise BadOption(f"{flag} takes {example}; not {text!r}.")
    return numbers
