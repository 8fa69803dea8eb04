"""The folders the daemon watches: each in a thread of its own, all of them by the daemon's one engine.

Knows the hot folder and the engine, no HTTP.
"""

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

from matted.config import Settings, WatchEntry
from matted.errors import MattedError
from matted.hotfolder.cutter import PipelineCutter
from matted.hotfolder.folder import HotFolder
from matted.hotfolder.names import shown
from matted.hotfolder.options import WatchOptions
from matted.hotfolder.telling import Event
from matted.pipeline import Pipeline

AGAIN_S = 30.0  # a folder that cannot be watched now is tried again after so long
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Watches:
    """The folders of `settings.watch` from `start` to `close`.

    `folders`: those being watched now. `troubles`: why another one is not.
    """

    settings: Settings
    folders: list[HotFolder] = field(default_factory=list)
    troubles: dict[Path, str] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self, pipeline: Pipeline) -> None:
        """Begins to watch."""
        for entry in self.settings.watch:
            thread = threading.Thread(
                target=self._watch, args=(entry, PipelineCutter(pipeline)), name="matted-watch", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def close(self, *, patience_s: float) -> bool:
        """Ends all watches; pictures under way are given up and begun anew next time. True when all ended."""
        self._stopping.set()
        for folder in list(self.folders):
            folder.abandon()
        for thread in self._threads:
            thread.join(patience_s)
        return not any(thread.is_alive() for thread in self._threads)

    def _watch(self, entry: WatchEntry, cutter: PipelineCutter) -> None:
        told = ""
        while not self._stopping.is_set():
            try:
                options = WatchOptions(entry.folder, recipe=entry.recipe, poll=entry.poll)
                folder = HotFolder(options, cutter, lambda event: _write(entry, event))
                self.folders.append(folder)
                self.troubles.pop(entry.folder, None)
                try:
                    if not self._stopping.is_set():
                        folder.run()
                finally:
                    self.folders.remove(folder)
            except MattedError as error:
                if str(error) != told:
                    _log.error("%s is not watched: %s", shown(entry.folder), error)
                told = self.troubles[entry.folder] = str(error)
            except Exception:
                self.troubles[entry.folder] = "Watching it failed unexpectedly; Matted's log says more."
                _log.exception("watching %s failed unexpectedly", shown(entry.folder))
            self._stopping.wait(AGAIN_S)


def _write(entry: WatchEntry, event: Event) -> None:
    level = logging.WARNING if event.kind in ("failed", "again", "notice") else logging.INFO
    if event.kind != "rest":
        what = "" if event.path is None else f"{shown(event.path)} {event.kind}"
        _log.log(level, "%s: %s %s", shown(entry.folder), what, event.sentence)
