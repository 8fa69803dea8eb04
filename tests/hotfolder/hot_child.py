"""A process that watches a folder until it is killed: `hot_child.py FOLDER CATALOGUE`.

It prints a word whenever something happened.
"""

import sys
from pathlib import Path

from matted.config import Settings
from matted.hotfolder.cutter import PipelineCutter
from matted.hotfolder.folder import HotFolder
from matted.hotfolder.options import WatchOptions
from matted.hotfolder.telling import Event
from matted.pipeline import Pipeline


def options(folder: Path, *, once: bool = False) -> WatchOptions:
    """In a hurry, so that much happens between two kills."""
    return WatchOptions(folder, once=once, settle_s=0.15, retry_s=(0.1, 0.4), scan_s=1.0)


def pipeline(catalogue: Path) -> Pipeline:
    """The red-key graph on one thread."""
    return Pipeline(Settings(model="red-key", catalogue=catalogue, threads=1))


if __name__ == "__main__":
    folder, catalogue = map(Path, sys.argv[1:])

    def tell(event: Event) -> None:
        """One line to the test."""
        print(event.kind, flush=True)

    HotFolder(options(folder), PipelineCutter(pipeline(catalogue)), tell).run()
