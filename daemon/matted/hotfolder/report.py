"""A hot folder on the terminal: a line for each picture, and where it stands in a line that stays below.

Imports the standard library only.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import TextIO

from matted.hotfolder.names import shown
from matted.hotfolder.telling import Event, Progress


class Report:
    """Writes to standard output, notices to standard error. `json_lines`: one object a line instead.

    `rested`: called with a sentence when all that was there is cut.
    """

    def __init__(self, *, json_lines: bool = False, rested: Callable[[str], None] | None = None) -> None:
        self._json = json_lines
        self._rested = rested
        self._live = not json_lines and sys.stderr.isatty()
        self._line = ""
        self._progress = Progress()
        self._before = Progress()
        self._lock = threading.Lock()

    def tell(self, event: Event) -> None:
        """Shows an event."""
        if event.kind == "rest":
            self._rest()
        if self._json:
            shape = {
                "event": event.kind,
                "path": None if event.path is None else shown(event.path),
                "sentence": event.sentence,
                "outputs": [shown(path) for path in event.outputs],
                "seconds": round(event.seconds, 3),
            }
            self._print(json.dumps(shape), sys.stdout)
        elif event.kind == "notice":
            self.notice(event.sentence)
        elif event.path is not None:
            self._print(_described(event), sys.stderr if event.kind in ("failed", "again") else sys.stdout)

    def show(self, progress: Progress) -> None:
        """Shows where it stands, if that can be done without filling the terminal."""
        self._progress = progress
        if not self._live:
            return
        text = _standing(progress)
        with self._lock:
            if text != self._line:
                width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
                sys.stderr.write(f"\r\x1b[2K{text[: width - 1]}")
                sys.stderr.flush()
                self._line = text

    def notice(self, sentence: str) -> None:
        """Shows a sentence about the folder as a whole."""
        if self._json:
            print(json.dumps({"event": "notice", "sentence": sentence}), flush=True)
        else:
            self._print(f"matted: {sentence}", sys.stderr)

    def end(self) -> None:
        """Leaves the terminal as it was."""
        if self._line:
            self._print("", sys.stderr)

    def summary(self, progress: Progress) -> None:
        """The last line."""
        if self._json:
            print(json.dumps({"event": "summary", **asdict(progress)}), flush=True)
        else:
            self._print(_standing(progress), sys.stdout)

    def _rest(self) -> None:
        now, before = self._progress, self._before
        self._before = now
        ended = now.ended - before.ended
        if self._rested is not None and ended > 0:
            parts = [f"{now.done - before.done} cut out"]
            parts += [f"{now.review - before.review} to look at"] if now.review > before.review else []
            parts += [f"{now.failed - before.failed} failed"] if now.failed > before.failed else []
            self._rested(", ".join(parts))

    def _print(self, text: str, stream: TextIO) -> None:
        with self._lock:
            if self._line:
                sys.stderr.write("\r\x1b[2K")
                sys.stderr.flush()
                self._line = ""
            if text:
                print(text, file=stream, flush=True)


def _described(event: Event) -> str:
    assert event.path is not None
    name = shown(event.path)
    results = ", ".join(shown(path) for path in event.outputs)
    match event.kind:
        case "done":
            return f"{name} -> {results}  ({event.seconds:.2f} s)"
        case "review":
            return f"{name} -> {results}  to look at: {event.sentence}"
        case "again":
            return f"{name}: {event.sentence} It is tried again."
        case _:
            return f"{name}: {event.sentence}"


def _standing(progress: Progress) -> str:
    text = f"{progress.done} done, {progress.review} to look at, {progress.failed} failed"
    if progress.waiting or progress.working:
        text += f", {progress.waiting + progress.working} to do"
    return f"{text}, {progress.per_s:.2f} pictures/s" if progress.ended else text
