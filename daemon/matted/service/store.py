"""Pictures uploaded once and asked of many times, named by their content.

They lie in the pipeline's stage cache under the same names as what is computed from them: one memory
budget, the least recently used goes first. Knows no HTTP.
"""

from matted.cache import StageCache
from matted.errors import UnknownPicture
from matted.imaging.picture import Picture

_STAGE = "picture"


class PictureStore:
    """Uploaded pictures in `cache`. Safe from any thread, as the cache is."""

    def __init__(self, cache: StageCache) -> None:
        self._cache = cache

    def add(self, name: str, picture: Picture) -> Picture:
        """Hold `picture`; the one already held under that name is kept and returned instead."""
        held = self._cache.get((name, _STAGE))
        if isinstance(held, Picture):
            return held
        self._cache.put((name, _STAGE), picture, int(picture.pixels.nbytes) + len(picture.icc or b""))
        return picture

    def find(self, name: str) -> Picture | None:
        """The picture of that name if it is held; it counts as used now."""
        held = self._cache.get((name, _STAGE))
        return held if isinstance(held, Picture) else None

    def get(self, name: str) -> Picture:
        """The picture of that name, which counts as used now. Raises UnknownPicture."""
        held = self.find(name)
        if held is None:
            raise UnknownPicture("The daemon does not hold that picture (any more): send it again.")
        return held

    def drop(self, name: str) -> None:
        """Forget the picture of that name and all that was computed from it. Raises UnknownPicture."""
        self.get(name)
        self._cache.drop(name)
