"""Run the engine that keeps models warm for GIMP, Krita and the other commands.

It listens on this computer alone, for this user alone, and tells its programs where through a file that
only the user can read. The plugins and `matted cut` start it by themselves; run it by hand to watch it.
"""

import argparse
import logging
import os
import sys
from dataclasses import replace

from matted.config import Settings
from matted.errors import BadOption


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `matted serve`."""
    parser.add_argument("--port", type=int, metavar="N", help="the port to listen on (default: any free one)")
    parser.add_argument(
        "--idle-exit-s",
        type=float,
        metavar="S",
        help="end after so many seconds without a request; 0 stays for ever (default: 1800)",
    )
    parser.add_argument("--verbose", action="store_true", help="log more")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serves until it is told to stop; refuses when a daemon of this user runs already."""
    if args.port is not None:
        settings = replace(settings, port=args.port)
    if args.idle_exit_s is not None:
        if args.idle_exit_s < 0:
            raise BadOption("--idle-exit-s must not be negative.")
        settings = replace(settings, idle_exit_s=args.idle_exit_s)
    logging.raiseExceptions = False  # a full disk under the log must not end the daemon
    logging.basicConfig(
        level=logging.DEBUG if args.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    from matted.service.daemon import run as serve

    if not serve(settings):
        logging.shutdown()
        os._exit(0)  # a thread that cannot be stopped must not keep the process alive
    return 0
