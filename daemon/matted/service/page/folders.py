"""The watched folders, whoever watches them, as the page shows them, and what it may ask, by numbers alone.

The page never names a file that exists: it says which folder and which picture of the ledger. May import the
hot folder, when it is first asked; knows no HTTP. Everything here blocks and may be called from any thread.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matted.config import WatchEntry
from matted.errors import MattedError

if TYPE_CHECKING:
    from matted.hotfolder.desk import Desk
    from matted.hotfolder.entries import Entry, State

SHOWN: "tuple[State, ...]" = ("review", "failed", "working", "waiting", "done")
MOST_SHOWN = 1000
SHOWN_S = 7 * 86400.0  # a folder of which nothing was heard for so long is shown while it is watched alone


class UnknownFolder(MattedError):
    """No folder of that number is watched."""

    status, slug = 404, "unknown-folder"


class Folders:
    """The folders of the settings, in their order, then those that a `matted watch` has or had lately.

    A folder keeps its number as long as this lives. Each question opens a ledger: folders get renamed.
    """

    def __init__(self, entries: Sequence[WatchEntry]) -> None:
        self._paths = [entry.folder for entry in entries]
        self._locks = [threading.Lock() for _ in entries]
        self._looking = threading.Lock()

    def state(self, limit: int, troubles: dict[Path, str]) -> list[dict[str, Any]]:
        """Every folder: its name, how many pictures are in which state, and `limit` pictures of each state.

        `troubles`: why a folder is not being watched now.
        """
        self._look()
        return [
            self._content(number, limit, troubles.get(path, "")) for number, path in enumerate(self._paths)
        ]

    def path(self, number: int) -> Path:
        """The folder itself. Raises UnknownFolder."""
        if not 0 <= number < len(self._paths):
            raise UnknownFolder("That folder is not watched: load the page again.")
        return self._paths[number]

    def source(self, number: int, picture: int) -> Path:
        """Where a picture's original is. Raises UnknownFolder, UnknownPicture, NotWatched."""
        with self._desk(number) as desk:
            return desk.source(picture)

    def results(self, number: int, picture: int) -> list[Path]:
        """Where a picture's results are. Raises as `source`."""
        with self._desk(number) as desk:
            return [desk.root / path for path in desk.entry(picture).outputs]

    def accept(self, number: int, picture: int) -> str:
        """Moves a picture's results from review to their places; a sentence. Raises as `Desk.accept`."""
        from matted.hotfolder.names import shown

        with self._desk(number) as desk:
            places = desk.accept(picture)
            named = ", ".join(_short(path, desk.root) for path in places)
            return f"{shown(desk.entry(picture).path)} is accepted: {named}."

    def retry(self, number: int, picture: int) -> str:
        """Has a picture cut again; a sentence. Raises as `Desk.retry`."""
        from matted.hotfolder.names import shown

        with self._desk(number) as desk:
            desk.retry(picture)
            when = "" if desk.is_watched else " once the folder is watched"
            return f"{shown(desk.entry(picture).path)} will be cut again{when}."

    def _look(self) -> None:
        """Takes in the folders that somebody else watches, or watched lately."""
        from matted.hotfolder.place import places

        with self._looking:
            known = {Path(os.path.realpath(path)) for path in self._paths}
            for place in places():
                is_new = place.root not in known and place.root.is_dir()
                if is_new and (place.heard_of_s() > time.time() - SHOWN_S or place.is_watched):
                    self._locks.append(threading.Lock())
                    self._paths.append(place.root)

    @contextmanager
    def _desk(self, number: int) -> "Iterator[Desk]":
        """The folder's desk, for one at a time."""
        from matted.hotfolder.desk import Desk

        path = self.path(number)
        with self._locks[number], Desk.open(path) as desk:
            yield desk

    def _content(self, number: int, limit: int, trouble: str) -> dict[str, Any]:
        from matted.hotfolder.desk import NotWatched
        from matted.hotfolder.names import shown

        path = self._paths[number]
        content: dict[str, Any] = {
            "number": number,
            "name": shown(path.name or str(path)),
            "path": shown(path),
            "trouble": trouble,
            "watched": False,
            "counts": dict.fromkeys(SHOWN, 0),
            "pictures": [],
        }
        try:
            with self._desk(number) as desk:
                content["watched"] = desk.is_watched
                content["trouble"] = "\n".join([*filter(None, [trouble]), *desk.troubles()])
                content["counts"] = desk.counts()
                content["pictures"] = [
                    _picture(entry, desk.root) for state in SHOWN for entry in desk.list(state, limit=limit)
                ]
        except NotWatched:
            pass  # the watch has not begun yet
        except MattedError as error:
            content["trouble"] = trouble or str(error)
        return content


def _picture(entry: "Entry", root: Path) -> dict[str, Any]:
    from matted.hotfolder.names import shown

    return {
        "number": entry.id,
        "name": shown(entry.path),
        "state": entry.state,
        "reason": entry.reason,
        "confidence": None if entry.confidence is None else round(entry.confidence, 3),
        "notices": [sentence for _, sentence in entry.notices],
        "results": [_short(root / path, root) for path in entry.outputs],
        "attempts": entry.attempts,
        "due_s": entry.due_s,
        "changed_s": round(entry.updated_s, 3),
    }


def _short(path: Path, root: Path) -> str:
    from matted.hotfolder.names import shown

    return shown(path.relative_to(root) if path.is_relative_to(root) else path)
