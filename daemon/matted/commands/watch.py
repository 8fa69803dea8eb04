"""Cut every picture that appears in a folder, by the folder's recipe; originals are never changed.

A picture is taken once it is whole, and cut once: a ledger remembers every one, so that Matted may be stopped
or killed at any time. Without a recipe, the file matted.toml in the folder, a transparent PNG goes into
`cutouts`. Doubtful results go into `review` with the reason; `matted open` shows all of it in the browser.
"""

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matted.config import Settings
from matted.errors import BadOption, MattedError

if TYPE_CHECKING:
    from matted.hotfolder.desk import Desk
    from matted.hotfolder.entries import Entry
    from matted.hotfolder.options import WatchOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `matted watch`."""
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, help="the folder, with all in it")
    parser.add_argument(
        "--recipe",
        type=Path,
        metavar="FILE",
        help="what to make of each picture (default: FOLDER/matted.toml)",
    )
    parser.add_argument(
        "--example", action="store_true", help="print a recipe with every key explained, and end"
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="end when all that is there is cut: 1 if a picture failed (for cron)",
    )
    parser.add_argument(
        "--poll",
        action=argparse.BooleanOptionalAction,
        help="look every few seconds instead of waiting to be told, or never do (default: on network disks)",
    )
    parser.add_argument(
        "--notify", action="store_true", help="a message on the desktop when all that was there is cut"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON for everything that happens")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument(
        "--status", action="store_true", help="show what was done, what waits, and what failed"
    )
    asked.add_argument("--retry", metavar="N|all", help="cut a picture again, or all that failed")
    asked.add_argument(
        "--accept", metavar="N|all", help="move a picture's results, or all, from review to their places"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Watches until Ctrl+C, or answers what is asked of the ledger."""
    if args.example:
        from matted.hotfolder.recipe import example_recipe

        print(example_recipe(), end="")
        return 0
    if args.folder is None:
        raise BadOption("Name the folder to watch, such as `matted watch shoot/`.")
    if args.status or args.retry or args.accept:
        return _ask(args)
    return _watch(args, settings)


def _watch(args: argparse.Namespace, settings: Settings) -> int:
    from matted.hotfolder.cutter import PipelineCutter
    from matted.hotfolder.folder import HotFolder
    from matted.hotfolder.notify import notify
    from matted.hotfolder.options import WatchOptions
    from matted.hotfolder.report import Report
    from matted.memory import keep_memory
    from matted.pipeline import Pipeline
    from matted.processors import keep_threads_apart

    options = WatchOptions(args.folder, recipe=args.recipe, poll=args.poll, once=args.once)
    keep_memory()
    keep_threads_apart()
    report = Report(json_lines=args.json, rested=notify if args.notify else None)
    pipeline = Pipeline(settings)
    try:
        folder = HotFolder(options, PipelineCutter(pipeline), report.tell, report.show)
        _stop_on_signals(folder.stop, folder.abandon, report.notice)
        report.notice(_greeting(folder.root, options))
        summary = folder.run()
    finally:
        report.end()
        pipeline.close()
    report.summary(summary)
    return 1 if args.once and (summary.failed or summary.waiting) else 0


def _greeting(root: Path, options: "WatchOptions") -> str:
    if options.once:
        return f"Matted cuts what is in {root}."
    return f"Matted watches {root} until Ctrl+C; `matted open` shows it in the browser."


def _stop_on_signals(stop: Any, abandon: Any, say: Any) -> None:
    """The first Ctrl+C lets the pictures under way be finished, the second does not."""
    asked = False

    def on_signal(_number: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            abandon()
            return
        asked = True
        say("Matted ends after the pictures under way; once more to end now.")
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)


def _ask(args: argparse.Namespace) -> int:
    from matted.hotfolder.desk import Desk

    with Desk.open(args.folder) as desk:
        if args.status:
            print(json.dumps(_status(desk)) if args.json else _described(desk))
            return 0
        return _change(desk, args)


def _change(desk: "Desk", args: argparse.Namespace) -> int:
    from matted.hotfolder.names import shown

    wish, when = args.retry or args.accept, "" if desk.is_watched else " once the folder is watched"
    chosen = list(_chosen(desk, wish, "failed" if args.retry else "review"))
    if not chosen:
        print("Nothing has failed." if args.retry else "There is nothing to look at.")
    refused = 0
    for entry in chosen:
        try:
            if args.retry:
                desk.retry(entry.id)
                print(f"{entry.id} {shown(entry.path)} will be cut again{when}.")
            else:
                places = ", ".join(shown(path) for path in desk.accept(entry.id))
                print(f"{entry.id} {shown(entry.path)} is accepted: {places}")
        except MattedError as error:
            if wish != "all":
                raise
            refused += 1
            print(f"{entry.id} {shown(entry.path)}: {error}", file=sys.stderr)
    return 1 if refused else 0


def _chosen(desk: "Desk", wish: str, state: Any) -> "Iterator[Entry]":
    """The pictures meant by a number or by `all`."""
    if wish == "all":
        yield from desk.list(state, limit=1_000_000)
    elif wish.isdecimal():
        yield desk.entry(int(wish))
    else:
        raise BadOption(
            f"Give a picture's number, as `matted watch --status` shows it, or all, not {wish!r}."
        )


def _status(desk: "Desk") -> dict[str, Any]:
    listed = {
        state: [
            {"id": entry.id, "path": str(entry.path), "reason": entry.reason, "attempts": entry.attempts}
            for entry in desk.list(state, limit=1000)
        ]
        for state in ("review", "failed")
    }
    facts = {"folder": str(desk.root), "watched": desk.is_watched, "troubles": list(desk.troubles())}
    return {**facts, "counts": desk.counts(), **listed}


def _described(desk: "Desk") -> str:
    from matted.hotfolder.names import shown

    counts = desk.counts()
    lines = [f"{shown(desk.root)}: " + ", ".join(f"{count} {state}" for state, count in counts.items())]
    lines += [*desk.troubles()] if desk.is_watched else ["Nobody watches it now."]
    for state, cure in (("review", "--accept N or --retry N"), ("failed", "--retry N")):
        entries = desk.list(state, limit=50)  # type: ignore[arg-type]
        if entries:
            lines += ["", f"{state} ({cure}):"]
            lines += [f"{entry.id:6}  {shown(entry.path)}: {entry.reason}" for entry in entries]
        if counts[state] > len(entries):  # type: ignore[index]
            lines.append(f"        and {counts[state] - len(entries)} more")  # type: ignore[index]
    waiting = [entry for entry in desk.list("waiting", limit=50) if entry.reason]
    if waiting:
        lines += ["", "to be tried again (at once with --retry N):"]
        lines += [f"{entry.id:6}  {shown(entry.path)}: {entry.reason}" for entry in waiting]
    return "\n".join(lines)
