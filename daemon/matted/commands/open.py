"""Show the watched folders in the browser: what came, what came of it, what is to look at.

These are the folders of `matted watch`, now or in the last seven days, and those that the engine watches by
itself, as [[watch]] tables of its config.toml. The page shows before and after, accepts results from review,
tries pictures again, and takes pictures that you drop on it. The link works once, within a minute, for you
alone; the page then stays open in that browser until the engine ends.
"""

import argparse
import json
import webbrowser

from matted.client import Client, Unavailable
from matted.config import Settings
from matted.errors import DaemonUnavailable, MattedError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `matted open`."""
    parser.add_argument(
        "--print", dest="only_print", action="store_true", help="print the link instead of opening a browser"
    )
    parser.add_argument("--json", action="store_true", help="print the link as one JSON object")


def run(args: argparse.Namespace, _settings: Settings) -> int:
    """Starts the engine if need be. Raises DaemonUnavailable, or MattedError when there is no browser."""
    try:
        with Client.connect(timeout_s=30) as client:
            link = client.page_link()
    except Unavailable as error:
        raise DaemonUnavailable(str(error)) from error
    if args.json or args.only_print:
        print(json.dumps({"link": link}) if args.json else link)
        return 0
    if not webbrowser.open(link):
        raise MattedError("No browser could be opened: run `matted open --print` and follow the link.")
    return 0
