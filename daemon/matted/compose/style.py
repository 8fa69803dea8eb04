"""How a cast shadow looks, and what a colour is called.

Pure options: may import nothing heavy before it is needed, for the service reads this file as it starts.
"""

from dataclasses import dataclass

from matted.errors import BadOption


def parse_colour(text: str) -> tuple[int, int, int]:
    """`white`, `#f4f4f4`, `rgb(0,128,0)`: 8-bit sRGB. Raises BadOption."""
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise BadOption(f"{text!r} is no colour: give a name such as white, or #f4f4f4.") from None
    return red, green, blue


@dataclass(frozen=True, slots=True)
class Shadow:
    """A shadow that the subject casts on a plane behind it.

    `right_percent`, `down_percent`: how far it lies off, in percent of the result's longer side; negative is
    left and up. `blur_percent`: standard deviation of its softness, of the same. `opacity`: 0 to 1.
    `colour`: a name or `#rrggbb`, sRGB.
    """

    right_percent: float = 0.4
    down_percent: float = 0.8
    blur_percent: float = 1.0
    opacity: float = 0.45
    colour: str = "#000000"

    def __post_init__(self) -> None:
        for name, value in (("right", self.right_percent), ("down", self.down_percent)):
            if not -50 <= value <= 50:
                raise BadOption(f"A shadow lies at most 50 % off ({name}), not {value:g} %.")
        if not 0 <= self.blur_percent <= 20:
            raise BadOption(f"A shadow's blur goes from 0 to 20 %, not {self.blur_percent:g} %.")
        if not 0 <= self.opacity <= 1:
            raise BadOption(f"A shadow's opacity goes from 0 to 1, not {self.opacity:g}.")
        parse_colour(self.colour)

    @property
    def srgb(self) -> tuple[int, int, int]:
        """The colour as 8-bit sRGB."""
        return parse_colour(self.colour)
