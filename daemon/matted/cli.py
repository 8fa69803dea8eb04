"""The command `matted`: its subcommands, their help and the exit codes.

Each subcommand lives in `commands/` and imports what is heavy only when it runs, so that `--help` answers
at once. Imports nothing outside the standard library but the package's own light modules.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module

from matted import __version__
from matted.errors import MattedError

COMMANDS = {
    "cut": "cut the subject out of pictures",
    "refine": "correct a mask by what was painted on it",
    "compare": "show where two models disagree about a picture",
    "watch": "cut out every picture that appears in a folder",
    "open": "show the watched folders in the browser",
    "serve": "run the engine that keeps models warm for GIMP, Krita and this command",
    "status": "what the engine is doing: device, models, memory",
    "models": "list, pull, import, remove and verify models",
    "plugins": "put Matted into GIMP and Krita, see what is there, take it out",
    "service": "start the engine with the computer, on demand",
    "doctor": "explain what the graphics card and its libraries are missing",
}

_EPILOG = """\
examples:
  matted cut cat.jpg                     writes cat-cutout.png beside it
  matted cut cat.jpg -o cat.png --background white
  matted cut cat.jpg --box 40,30,620,510 what is in this box, nothing else
  matted cut shoot/ -o cutouts/ --mask   one mask for each picture of a folder
  matted refine cat.jpg --mask painted.png -o cat.png     paint on the mask, and it follows the edges
  matted watch shoot/                    one cut-out of every picture that comes in
  matted models list                     which models there are, and which are here

exit codes:
  0 done   1 failed, or some of several pictures failed   2 wrong option   3 the picture cannot be used
  4 the model cannot be used   5 too busy, too slow or out of memory   6 the result cannot be written
  7 the engine cannot be reached   130 cancelled
"""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; `commands/` fills in each part."""
    parser = argparse.ArgumentParser(
        prog="matted",
        description="Local AI cut-outs. Everything happens on this computer.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"matted {__version__}")
    parser.set_defaults(run=None, json=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        module = import_module(f"matted.commands.{name}")
        sub = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code and never lets an expected failure show a stack trace."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.run is None:
        parser.print_help()
        return 0
    from matted.config import load_settings

    try:
        code: int = args.run(args, load_settings())
    except MattedError as error:
        if args.json:
            print(json.dumps({"error": error.slug, "detail": str(error)}))
        print(f"matted: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("matted: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return code
