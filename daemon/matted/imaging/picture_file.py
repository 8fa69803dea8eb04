"""What every format module hands out. Pure type; imports only what it names."""

from typing import Protocol

from matted.imaging.header import Layout
from matted.imaging.picture import Picture


class PictureFile(Protocol):
    """What every format module hands out: a parsed header that can decode the pixels behind it."""

    @property
    def layout(self) -> Layout:
        """The stored size, depth and orientation."""
        ...

    def decode(self, *, min_side: int | None = None) -> Picture:
        """The picture, upright. `min_side`: a smaller one will do while both sides are at least this."""
        ...
