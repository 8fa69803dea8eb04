"""The options of a command that adjust the matte, and what was asked with them.

Declares and reads flags; what they mean is in `matting/adjust.py`, which is imported only when it is needed.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matted.errors import BadOption

if TYPE_CHECKING:
    import numpy.typing as npt

    from matted.matting.adjust import AdjustOptions, Keep
    from matted.options import Limit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares them, as a group of their own."""
    group = parser.add_argument_group("adjusting the matte", "in this order, in pixels of the picture")
    group.add_argument(
        "--keep",
        metavar="WHICH",
        default="all",
        help="which subjects: all, largest, or numbers such as 1 or 1,3 (1 is the largest; default: all)",
    )
    group.add_argument(
        "--keep-at",
        metavar="X,Y",
        action="append",
        default=[],
        help="the subject at, or nearest to, this point; may be repeated",
    )
    group.add_argument("--low", type=float, default=0.0, metavar="0-1", help="alpha that becomes 0")
    group.add_argument("--high", type=float, default=1.0, metavar="0-1", help="alpha that becomes 1")
    group.add_argument(
        "--contrast", type=float, default=0.0, metavar="0-1", help="steepen alpha around one half"
    )
    group.add_argument("--threshold", type=float, metavar="0-1", help="from here on 1, below it 0")
    group.add_argument(
        "--fill-holes", type=int, default=0, metavar="PIXELS", help="fill holes of fewer pixels (an area)"
    )
    group.add_argument(
        "--drop-islands", type=int, default=0, metavar="PIXELS", help="drop islands of fewer pixels (an area)"
    )
    group.add_argument(
        "--smooth", type=float, default=0.0, metavar="PX", help="even out wiggles of the outline this narrow"
    )
    group.add_argument(
        "--grow", type=float, default=0.0, metavar="PX", help="move the outline outward; negative: inward"
    )
    group.add_argument("--feather", type=float, default=0.0, metavar="PX", help="soften the outline")
    group.add_argument(
        "--limit",
        metavar="MASK",
        help="a gray picture of the same size that the matte may not exceed: white where it may be",
    )


def adjust_options(args: argparse.Namespace) -> "AdjustOptions":
    """What was asked. Raises BadOption."""
    from matted.matting.adjust import AdjustOptions

    return AdjustOptions(
        keep=_keep(args.keep),
        keep_at=tuple(_point(text) for text in args.keep_at),
        low=args.low,
        high=args.high,
        contrast=args.contrast,
        threshold=args.threshold,
        fill_holes_px=args.fill_holes,
        drop_islands_px=args.drop_islands,
        smooth_px=args.smooth,
        grow_px=args.grow,
        feather_px=args.feather,
    )


def limit_from(args: argparse.Namespace, max_pixels: int) -> "Limit | None":
    """The mask in the file that was named. Raises MattedError."""
    from matted.options import Limit

    if args.limit is None:
        return None
    meaning = "the limit is white where the matte may be, else black"
    return Limit(gray_plane(args.limit, max_pixels, meaning), args.limit)


def gray_plane(name: str, max_pixels: int, meaning: str) -> "npt.NDArray[Any]":
    """The plane (H, W) of a gray picture's file, uint8, uint16 or float32.

    `meaning`: what its gray says, for the error. Raises BadOption, and what reading it raises.
    """
    from matted.imaging.read import read_picture

    picture = read_picture(Path(name), max_pixels=max_pixels)
    if picture.space != "gray":
        raise BadOption(f"{name} is not gray: {meaning}.")
    plane = picture.pixels[..., 0]
    return plane.astype("f4") if plane.dtype.kind == "f" else plane


def _keep(text: str) -> "Keep | tuple[int, ...]":
    words: dict[str, Keep] = {"all": "all", "largest": "largest"}
    if text in words:
        return words[text]
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise BadOption(f"--keep takes all, largest, or numbers such as 1,3; not {text!r}.") from None


def _point(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise BadOption(f"--keep-at takes a point such as 120,340; not {text!r}.") from None
    return x, y
