"""The options of `matted cut` that say what a result looks like, and the delivery they ask for.

Declaring them imports nothing heavy; what they mean is in `compose`.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from matted.errors import BadOption

if TYPE_CHECKING:
    from matted.compose.background import Background
    from matted.compose.style import Shadow
    from matted.delivery import Delivery
    from matted.imaging.encoding import FormatName
    from matted.imaging.picture import Picture

_STYLE = ("right", "down", "blur", "opacity", "colour")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "--background",
        metavar="COLOR|IMAGE|blur",
        help="what to put behind the subject: a colour (white, #f4f4f4), a picture, or the blurred original",
    )
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="a marketplace's frame: the subject in the middle, white unless --background says otherwise: "
        "square, amazon, ebay, etsy, google, shopify or walmart (the README tells their figures)",
    )
    parser.add_argument("--shadow", action="store_true", help="the subject casts a soft shadow")
    parser.add_argument(
        "--shadow-style",
        metavar="K=V,...",
        help="a shadow of your own, e.g. right=0.4,down=0.8,blur=1,opacity=0.45,colour=#000000 (the first "
        "three in percent of the longer side)",
    )
    parser.add_argument(
        "--keep-shadow", action="store_true", help="keep the natural shadow at the subject's foot, if found"
    )
    parser.add_argument(
        "--keep-colours",
        action="store_true",
        help="leave the colours of soft edges as they are, with the old background's tint",
    )
    parser.add_argument(
        "--max-side", type=int, metavar="PX", help="reduce a result whose longer side is longer than this"
    )
    parser.add_argument(
        "--bits", type=int, choices=(8, 16), help="bits per channel (default: the picture's own)"
    )


def delivery(args: argparse.Namespace, file_format: "FormatName | None", *, max_pixels: int) -> "Delivery":
    """What `args` ask for. Raises BadOption, and what reading a background picture raises."""
    from matted.delivery import Delivery

    return Delivery(
        what="mask" if args.mask else "cutout",
        background=_background(args.background, max_pixels) if args.background else None,
        format=file_format,
        quality=args.quality,
        keep_colours=args.keep_colours or args.rembg,  # rembg frees nothing of its background
        shadow=_shadow(args),
        keep_shadow=args.keep_shadow,
        preset=args.preset,
        bits=args.bits,
        max_side_px=args.max_side,
    )


def _background(text: str, max_pixels: int) -> "Background":
    from matted.compose.background import parse_background
    from matted.imaging.read import read_picture

    def read(name: str) -> "Picture | None":
        path = Path(name)
        return read_picture(path, max_pixels=max_pixels) if path.exists() else None

    return parse_background(text, read)


def _shadow(args: argparse.Namespace) -> "Shadow | None":
    if not args.shadow and args.shadow_style is None:
        return None
    from matted.compose.style import Shadow

    given: dict[str, str] = {}
    for part in filter(None, (args.shadow_style or "").split(",")):
        name, _, value = part.strip().partition("=")
        if name not in _STYLE or not value:
            raise BadOption(f"A shadow's style is {', '.join(_STYLE)}, each as name=value, not {part!r}.")
        given[name] = value
    plain = Shadow()
    return Shadow(
        right_percent=_number(given, "right", plain.right_percent),
        down_percent=_number(given, "down", plain.down_percent),
        blur_percent=_number(given, "blur", plain.blur_percent),
        opacity=_number(given, "opacity", plain.opacity),
        colour=given.get("colour", plain.colour),
    )


def _number(given: dict[str, str], name: str, default: float) -> float:
    text = given.get(name)
    try:
        return default if text is None else float(text)
    except ValueError:
        raise BadOption(f"The shadow's {name} must be a number, not {text!r}.") from None
