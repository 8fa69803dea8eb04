"""Show what the running engine is, holds and does. Ends with 7 when none is running."""

import argparse
import json
from typing import Any

from matted.client import Client, Unavailable
from matted.config import Settings
from matted.errors import DaemonUnavailable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `matted status`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, _settings: Settings) -> int:
    """Asks the running daemon; never starts one. Raises DaemonUnavailable."""
    try:
        with Client.connect(start=False, timeout_s=10) as client:
            found = client.status()
    except Unavailable as error:
        raise DaemonUnavailable(str(error)) from error
    print(json.dumps(found) if args.json else describe(found))
    return 0


def describe(found: dict[str, Any]) -> str:
    """The daemon's status for a person."""
    lines = [
        f"Matted {found['version']} runs: process {found['pid']}, port {found['port']}, "
        f"up {_span(found['up_s'])}, using {_megabytes(found['memory_bytes'])}",
        f"jobs: {found['jobs']['active']} active; pictures kept: {_megabytes(found['kept_bytes'])}",
    ]
    if not found["ready"]:
        lines.append("its engine is still starting")
    elif not found["models"]:
        lines.append("no model is loaded; the next picture loads one")
    for model in found["models"]:
        leaves = model["expires_s"]
        stays = "stays loaded" if leaves is None else f"unloads in {_span(leaves)} if unused"
        lines.append(f"model {model['id']} on {model['provider']}, {stays}")
    lines += found["fallbacks"]
    if found["idle_exit_s"]:
        lines.append(
            f"ends after {_span(found['idle_exit_s'])} without use; idle for {_span(found['idle_s'])}"
        )
    return "\n".join(lines)


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.0f} MB"
