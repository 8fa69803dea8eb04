"""The hot folder's loop: see, let settle, queue, cut, tell. All of it runs in the thread that calls `run`.

What may be lost by a kill is only in memory here; what may not is in the ledger. May import everything of
the hot folder.
"""

import contextlib
import logging
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from matted.errors import Cancelled, MattedError
from matted.hotfolder.book import Book
from matted.hotfolder.cutter import Cutter
from matted.hotfolder.cutting import ENGINE, Cutting, Ending
from matted.hotfolder.entries import Found, Work
from matted.hotfolder.ledger import Ledger
from matted.hotfolder.moving import Moving
from matted.hotfolder.names import shown
from matted.hotfolder.options import WatchOptions
from matted.hotfolder.place import place_of, resolved
from matted.hotfolder.placing import Placing
from matted.hotfolder.recipe import RECIPE_FILE
from matted.hotfolder.room import Holds, Room
from matted.hotfolder.scanning import Scan, identity_of, is_gone
from matted.hotfolder.settling import Settling
from matted.hotfolder.signature import Signature
from matted.hotfolder.telling import Event, Progress, Show, Tell
from matted.hotfolder.watching import Watching

_log = logging.getLogger(__name__)
_TICK_S = 1.0
_AHEAD = 1  # works beyond those whose pictures are in memory: one is being read, or waits for the disk
_REST_S = 20.0  # with nothing to do for so long, memory is given back
_MOST_QUEUED = 64  # works looked at in one go
_RECIPE_S = 30.0  # what waits for its recipe is looked at that often
_UNSETTLED_S = 30.0  # `once` leaves a file that does not settle to the next run after so long


class HotFolder:
    """A folder being watched. `stop()` ends it after the pictures under way, `abandon()` at once."""

    def __init__(
        self,
        options: WatchOptions,
        cutter: Cutter,
        tell: Tell = lambda _event: None,
        show: Show = lambda _progress: None,
    ) -> None:
        self.options = options
        self.root = resolved(options.folder)
        self._cutter = cutter
        self._tell = tell
        self._show = show
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._settling = Settling(options.settle_s)
        tell_trouble = (lambda _sentence: None) if options.once else self._notice  # `once` ends with it
        self._holds = Holds(tell_trouble, first_s=options.hold_s)
        self._flying: dict[Future[Ending], Work] = {}
        self._seen: dict[Path, tuple[Signature, str]] = {}
        self._given_up: MattedError | None = None
        self._counts = {"done": 0, "review": 0, "failed": 0}
        self._busy_s, self._busy_since = 0.0, 0.0
        self._rest_due = time.monotonic() + _REST_S
        self._scan_due, self._moved_on = 0.0, time.monotonic()
        self._identity: tuple[int, int] | None = None
        self._unreadable: list[str] = []
        self._troubles: list[str] = []

    def stop(self) -> None:
        """Ends the watch once the pictures under way are done; from any thread."""
        self._stopping.set()
        self._wake.set()

    def abandon(self) -> None:
        """Ends the watch now; pictures under way are begun anew by the next one."""
        self._abandoned.set()
        self.stop()

    def run(self) -> Progress:
        """Watches until told to stop, or with `once` until all is done; what was done.

        Raises BadRecipe, ModelError and the like at the start, AlreadyWatched, and with `once` what kept it
        from ending.
        """
        place = place_of(self.root)
        assert place is not None
        with place.taken(), contextlib.ExitStack() as closing:
            ledger = Ledger(place.ledger, stop=self._abandoned, tell=self._notice)
            closing.callback(ledger.close)
            settle_s, check = self.options.settle_s, self._cutter.check
            book = Book(self.root, self.options.recipe, self._recorded, check=check, settle_s=settle_s)
            for recipe in {chapter.recipe.coarse: chapter.recipe for chapter in book.chapters()}.values():
                self._cutter.warm(recipe)
            self._start(ledger, book, Placing(self.root, ledger, place.mark))
            watching = Watching(self.root, self._wake, poll=self.options.poll)
            closing.callback(watching.stop)
            watching.start()
            self._watching = watching
            self._identity = identity_of(self.root)
            self._settling.trust_times = os.name == "posix" and not watching.polls
            if watching.polls:
                reason = f", for {watching.why_polling}" if watching.why_polling else ""
                self._notice(f"Matted looks into {self.root} every few seconds{reason}.")
            with ThreadPoolExecutor(
                self.options.crew + _AHEAD, thread_name_prefix="matted-hot"
            ) as self._pool:
                try:
                    self._recover()
                    self._loop()
                finally:
                    self._land()
            summary = self.progress()
        if self._given_up is not None:
            raise self._given_up
        return summary

    def progress(self) -> Progress:
        """Where it stands."""
        busy = self._busy_s + (time.monotonic() - self._busy_since if self._flying else 0.0)
        ended = sum(self._counts.values())
        counts, working = self._ledger.counts(), len(self._flying)
        not_taken = max(0, working - counts.get("working", 0))  # under way, and in the ledger still waiting
        waiting = max(0, counts.get("waiting", 0) - not_taken) + len(self._settling)
        return Progress(
            **self._counts,
            waiting=waiting,
            working=working,
            per_s=ended / busy if busy > 0 else 0.0,
        )

    # --------------------------------------------------------------------------------------- beginning

    def _start(self, ledger: Ledger, book: Book, placing: Placing) -> None:
        self._ledger, self._book = ledger, book
        self._scan = Scan(self.root, book)
        self._seen = ledger.known()
        ledger.set_troubles([])
        self._cutting = Cutting(
            self.root,
            ledger,
            book,
            self._cutter,
            placing,
            Moving(self.root, ledger, self._notice),
            self.options.retry_s,
            Room(self.options.memory_bytes, self.options.crew).held,
            self._abandoned,
        )

    def _recover(self) -> None:
        """Ends or begins anew what the last process had under way."""
        for work in self._ledger.interrupted():
            self._ended(self._cutting.resume(work))
        for output in self._ledger.to_remove():
            self._cutting.placing.remove(output)
        for work in self._ledger.to_move():
            self._cutting.moving.move(work)
        self._cutting.placing.sweep()
        self._ledger.release_all()

    # ---------------------------------------------------------------------------------------- the loop

    def _loop(self) -> None:
        resting = True
        while not self._stopping.is_set():
            self._collect()
            if self._is_here():
                self._look()
                self._queue()
                self._dispatch()
            self._show(self.progress())
            nothing = not self._flying and not len(self._settling)
            if nothing and not resting and not self._is_due():
                resting = True
                self._cutting.moving.move_copies(self._book)
                self._tell(Event("rest"))
                self._rest_due = time.monotonic() + _REST_S
            resting = resting and nothing
            if self.options.once and self._is_over(nothing=nothing):
                return
            if resting and time.monotonic() >= self._rest_due:
                self._cutter.rest()
                self._rest_due = time.monotonic() + _REST_S
            self._sleep()

    def _land(self) -> None:
        """Waits for the pictures under way."""
        while self._flying:
            self._wake.wait(_TICK_S)
            self._wake.clear()
            self._collect()

    def _is_over(self, *, nothing: bool) -> bool:
        if self._given_up is not None:
            return not self._flying
        if not self._flying and len(self._settling) and time.monotonic() - self._moved_on > _UNSETTLED_S:
            self._notice(f"{len(self._settling)} files are still being written: the next run takes them.")
            return True
        return nothing and not self._is_due()

    def _is_due(self) -> bool:
        due = self._ledger.due_s()
        return due is not None and due <= time.time()

    def _sleep(self) -> None:
        due = self._settling.due_s()
        wait = _TICK_S if due is None else min(_TICK_S, due)
        self._wake.wait(wait)
        self._wake.clear()

    def _is_here(self) -> bool:
        """Whether the folder is there, and the same; when it comes back everything is looked at anew."""
        identity = identity_of(self.root)
        if identity == self._identity and identity is not None and not self._watching.is_deaf:
            return True
        if identity is None:
            if self._identity is not None:
                self._notice(f"The folder {self.root} is gone: Matted waits until it comes back.")
                self._watching.stop()
                self._settling.clear()
            self._identity = None
            if self.options.once:
                self._given_up = MattedError(f"The folder {self.root} is gone.")
            return False
        if self._identity is None:
            self._notice(f"The folder {self.root} is back.")
        self._watching.stop()
        self._watching.start()
        self._identity = identity
        self._scan_due = 0.0
        return True

    # ------------------------------------------------------------------------------------------ seeing

    def _look(self) -> None:
        touched = self._watching.touched()
        now = time.monotonic()
        edited = any(path.name == RECIPE_FILE for path in touched)
        if edited or self._book.look_again() or now >= self._scan_due:
            self._look_everywhere(now)
            return
        for path in touched:
            for found, signature in self._scan.at(path):
                self._see(found, signature)

    def _look_everywhere(self, now: float) -> None:
        edition = self._book.edition
        try:
            found = dict(self._scan.all())
            if self._book.edition != edition:  # a recipe read on the way may rule what was seen before
                found = dict(self._scan.all())
        except OSError:
            self._scan_due = now + _TICK_S
            return
        unreadable = list(self._scan.troubles)
        news = [sentence for sentence in unreadable if sentence not in self._unreadable]
        self._unreadable = unreadable
        self._book.tidy()
        self._weigh_troubles()
        for sentence in news:
            self._notice(sentence)
        for path, signature in found.items():
            self._see(path, signature)
        lost = [key for key in self._seen if self.root / key not in found and is_gone(self.root / key)]
        if lost:
            self._ledger.vanished(lost)
            for key in lost:
                del self._seen[key]
        took = time.monotonic() - now
        pause = self.options.poll_s if self._watching.polls else self.options.scan_s
        self._scan_due = now + took + max(pause, 10 * took)

    def _recorded(self, sentence: str) -> None:
        """Tells what became of a recipe, once the ledger shows it to whoever looks there."""
        self._weigh_troubles()
        self._notice(sentence)

    def _weigh_troubles(self) -> None:
        """Keeps in the ledger what is wrong now; what waited for something else goes on."""
        now = [*self._unreadable, *self._book.wrong.values()]
        for sentence in set(self._troubles) - set(now):
            self._ledger.release(sentence)
        if now != self._troubles:
            self._ledger.set_troubles(now)
        self._troubles = now

    def _see(self, path: Path, signature: Signature) -> None:
        key = path.relative_to(self.root)
        if self._seen.get(key) != (signature, self._book.chapter(path).recipe.digest):
            self._settling.look(path, signature)

    def _queue(self) -> None:
        whole = [
            Found(path.relative_to(self.root), signature, self._book.chapter(path).recipe.digest)
            for path, signature in self._settling.whole()
            if self._book.why_waits(path) is None
        ]
        if whole:
            self._ledger.found(whole)
            self._seen |= {found.path: (found.signature, found.recipe) for found in whole}
            self._moved_on = time.monotonic()

    # ----------------------------------------------------------------------------------------- cutting

    def _dispatch(self) -> None:
        while self._given_up is None:
            free = self.options.crew + _AHEAD - len(self._flying)
            if free <= 0 or any(work.crashes for work in self._flying.values()):
                return
            busy = {work.path for work in self._flying.values()}
            works = self._ledger.next(
                time.time(), busy, _MOST_QUEUED if len(self._holds) or self._book.is_held else free
            )
            held: dict[tuple[float, str], list[Work]] = {}
            for work in works:
                if work.crashes and self._flying:
                    break  # what may have ended Matted before works alone
                block = self._waits(work) or self._holds.blocks(self._keys(work), time.time())
                if block is not None:
                    held.setdefault(block, []).append(work)
                elif len(self._flying) < self.options.crew + _AHEAD:
                    self._send(work)
                    if work.crashes:
                        break
            for (until_s, sentence), blocked in held.items():
                self._ledger.put_back(blocked, until_s, sentence)
            if not held:
                return

    def _waits(self, work: Work) -> tuple[float, str] | None:
        """Until when, and why, a work waits for its recipe."""
        sentence = self._book.why_waits(self.root / work.path)
        if sentence is None:
            return None
        return time.time() + (_RECIPE_S if sentence in self._troubles else _TICK_S), sentence

    def _send(self, work: Work) -> None:
        if not self._flying:
            self._busy_since = time.monotonic()
        future = self._pool.submit(self._cutting.run, work)
        self._flying[future] = work
        future.add_done_callback(lambda _future: self._wake.set())

    def _collect(self) -> None:
        for future in [future for future in self._flying if future.done()]:
            del self._flying[future]
            self._moved_on = time.monotonic()
            if not self._flying:
                self._busy_s += self._moved_on - self._busy_since
            with contextlib.suppress(Cancelled):  # the ledger could not be written when all was given up
                self._ended(future.result())

    def _ended(self, ending: Ending) -> None:
        work, keys = ending.work, self._keys(ending.work)
        if ending.what == "held":
            assert ending.trouble is not None
            until_s = self._holds.trouble(ending.trouble, ending.sentence, time.time())
            self._holds.ended([key for key in keys if key != ending.trouble])
            self._ledger.put_back([work], until_s, ending.sentence)
            if self.options.once:
                self._given_up = ending.error or MattedError(ending.sentence)
            return
        if ending.what in ("done", "review"):
            for sentence in self._holds.fine(keys):
                self._ledger.release(sentence)
        else:
            self._holds.ended(keys)
        if ending.what == "nothing":
            self._look_again(work)
            return
        if ending.what == "again":
            self._tell(Event("again", work.path, ending.sentence))
            return
        self._counts[ending.what] += 1
        for notice in ending.notices if ending.what == "done" else ():
            _log.info("%s: %s", shown(work.path), notice.sentence)
        self._tell(Event(ending.what, work.path, ending.sentence, ending.outputs, ending.seconds))

    def _look_again(self, work: Work) -> None:
        """A file that was not what it was when it was queued is looked at again at once."""
        first = self._ledger.source_of(work.path)
        if first is not None:
            if first != work.path and not is_gone(self.root / first):  # else it was renamed
                self._notice(f"{shown(work.path)} is the same picture as {shown(first)}, which is cut once.")
            return
        self._seen.pop(work.path, None)
        for path, signature in self._scan.at(self.root / work.path):
            self._see(path, signature)

    def _keys(self, work: Work) -> list[Path | str]:
        return [ENGINE, *dict.fromkeys(target.parent for target in self._cutting.targets(work))]

    def _notice(self, sentence: str) -> None:
        self._tell(Event("notice", None, sentence))
