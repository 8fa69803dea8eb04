"""Put Matted into GIMP 3 and Krita, see what is there, take it out again.

  matted plugins install            into every GIMP and Krita of yours; `gimp` or `krita` for one of them
  matted plugins status             where it is, and whether it is this version
  matted plugins remove
  matted plugins zip krita          a file for Krita's Tools > Scripts > Import Python Plugin from File
  matted plugins zip gimp           a file to unpack in GIMP's plug-ins folder

Nothing that Matted did not put there is overwritten or removed; `--force` moves it aside.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matted.config import Settings
from matted.errors import BadOption, MattedError

if TYPE_CHECKING:
    from matted.editors.folders import Place

EDITORS = ("gimp", "krita")
_MENU = {"gimp": "the menu Filters > Matted", "krita": "the menu Settings > Dockers > Matted"}
_FOLDER = {"gimp": "plug-ins", "krita": "pykrita"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the actions of `matted plugins`."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    install = actions.add_parser("install", help="put the plugin into the editors")
    status = actions.add_parser("status", help="where the plugin is, and which version")
    remove = actions.add_parser("remove", help="take the plugin out of the editors")
    for action in (install, status, remove):
        action.add_argument("editor", nargs="?", choices=EDITORS, help="one editor (default: both)")
        action.add_argument(
            "--into",
            type=Path,
            metavar="FOLDER",
            help="GIMP's plug-ins or Krita's pykrita folder, when it is not found",
        )
    for action in (install, remove):
        action.add_argument(
            "--force", action="store_true", help="move what is not Matted's, or was changed, aside"
        )
    install.add_argument(
        "--enable", action="store_true", help="switch it on even if it is switched off in Krita's settings"
    )
    packing = actions.add_parser("zip", help="write the plugin as a zip, to install by hand")
    packing.add_argument("editor", choices=EDITORS)
    packing.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: matted-EDITOR.zip")
    packing.add_argument("--overwrite", action="store_true", help="replace an existing file")
    for action in (install, status, remove, packing):
        action.add_argument("--json", action="store_true", help="the result as JSON, for scripts")


def run(args: argparse.Namespace, _settings: Settings) -> int:
    """Carries out the action; returns the exit code. Raises MattedError when it failed everywhere."""
    if args.action == "zip":
        return _zip(args)
    actions: dict[str, Callable[[argparse.Namespace, Place], dict[str, Any]]] = {
        "install": _install,
        "status": _status,
        "remove": _remove,
    }
    results: list[dict[str, Any]] = []
    failures: list[MattedError] = []
    for place in _places(args, failures):
        try:
            results.append(actions[args.action](args, place))
        except MattedError as error:
            failures.append(error)
    if args.json:
        print(json.dumps({"editors": results, "problems": [str(error) for error in failures]}, indent=1))
    else:
        for result in results:
            print("\n  ".join([f"{result['title']}: {result['said']}", *result["then"]]))
    if args.action == "status" and args.editor is None:
        failures = [error for error in failures if not isinstance(error, _NotFound)]
    if failures and not results and not args.json:
        raise failures[0]
    failures = [error for error in failures if args.editor or not (results and isinstance(error, _NotFound))]
    for failure in failures:
        print(f"matted: {failure}", file=sys.stderr)
    return failures[0].exit_code if failures else 0


class _NotFound(MattedError):
    """The editor is not on this computer, or was never started."""

    slug = "editor-not-found"


def _places(args: argparse.Namespace, failures: list[MattedError]) -> "Iterable[Place]":
    from matted.editors.folders import TITLES, System, by_hand, places

    if args.into is not None:
        if args.editor is None:
            raise BadOption("--into needs the editor's name: `matted plugins install gimp --into FOLDER`.")
        folder = Path(os.path.abspath(args.into.expanduser()))  # noqa: PTH100 - links stay as they are
        below = folder / _FOLDER[args.editor]
        yield by_hand(args.editor, below if below.is_dir() else folder)
        return
    for editor in (args.editor,) if args.editor else EDITORS:
        found = places(editor, System.here())
        for place in found:
            if place.takes_over and args.action != "status":
                failures.append(
                    _NotFound(
                        f"{place.title} has not been started yet and would miss the settings of your older "
                        f"GIMP if its folder were made now: start it once, then run this again."
                    )
                )
            else:
                yield place
        if not found:
            failures.append(
                _NotFound(
                    f"{TITLES[editor]}{' 3' if editor == 'gimp' else ''} was not found. If it is on this "
                    f"computer, start it once and run this again, or name its {_FOLDER[editor]} folder: "
                    f"`matted plugins {args.action} {editor} --into FOLDER`."
                )
            )


def _install(args: argparse.Namespace, place: "Place") -> dict[str, Any]:
    from matted.commands.service import DEFAULT_PORT
    from matted.editors import bundle, installing, kritarc, reach
    from matted.editors.folders import TITLES

    plugin = bundle.load(place.editor)
    before = installing.look(place, plugin)
    aside = installing.install(place, plugin, force=args.force)
    then = [f"What was there is now {path}." for path in aside]
    if place.settings is not None:
        if args.enable or kritarc.is_enabled(place.settings) is None:
            kritarc.enable(place.settings)
        elif not kritarc.is_enabled(place.settings):
            then.append(
                "It is switched off in Krita's settings (Configure Krita > Python Plugin Manager), and stays "
                "so; `--enable` switches it on."
            )
    elif place.editor == "krita":
        then.append("Switch it on in Settings > Configure Krita > Python Plugin Manager.")
    then.append(f"Restart {TITLES[place.editor]} if it is running; you find Matted in {_MENU[place.editor]}.")
    then += reach.record(place, socket_port=_socket_port(), default_port=DEFAULT_PORT)
    fresh = before.state in (installing.State.ABSENT, installing.State.FOREIGN)
    done = "installed" if fresh else "brought up to date"
    return _result(place, f"Matted {plugin.version} is {done} in {place.plugins}.", then, state="installed")


def _remove(args: argparse.Namespace, place: "Place") -> dict[str, Any]:
    from matted.editors import installing, kritarc
    from matted.editors.folders import TITLES

    before = installing.look(place)
    aside = installing.remove(place, force=args.force)
    if before.state is installing.State.ABSENT:
        return _result(place, f"nothing of Matted's is in {place.plugins}.", [], state="not installed")
    if place.settings is not None:
        kritarc.forget(place.settings)
    then = [f"What was there is now {path}." for path in aside]
    then.append(f"Restart {TITLES[place.editor]} if it is running.")
    return _result(place, f"Matted is removed from {place.plugins}.", then, state="not installed")


def _status(_args: argparse.Namespace, place: "Place") -> dict[str, Any]:
    from matted import __version__
    from matted.editors import bundle, installing, kritarc

    found = installing.look(place, bundle.load(place.editor))
    where, state = f"in {place.plugins}", found.state
    then: list[str] = []
    if state is installing.State.CURRENT:
        said = f"Matted {found.version} is installed {where}."
    elif state is installing.State.OTHER:
        said = f"Matted {found.version} is installed {where}, {_compared(found.version, __version__)}."
        then.append(f"`matted plugins install {place.editor}` brings it up to date.")
    elif state is installing.State.CHANGED:
        said = f"Matted {found.version} is installed {where}, and was changed by hand."
        then += [f"Changed: {name}" for name in found.changed]
    elif state is installing.State.INCOMPLETE:
        said = f"Matted {found.version} is installed {where}, but files are missing."
        then.append(f"`matted plugins install {place.editor}` puts them back.")
    elif state is installing.State.FOREIGN:
        said = f"something called matted that Matted did not put there is {where}."
    else:
        said = f"not installed; it would go to {place.plugins}."
    there = state not in (installing.State.ABSENT, installing.State.FOREIGN)
    if there and place.settings is not None and kritarc.is_enabled(place.settings) is False:
        then.append("It is switched off in Krita's settings; `matted plugins install krita --enable` helps.")
    content = _result(place, said, then, state=state.value)
    return {**content, "version": found.version, "changed": list(found.changed)}


def _compared(there: str, here: str) -> str:
    """How the installed plugin's version stands to this Matted's, when their files differ."""
    if there == here:
        return "with other files than this Matted has"
    first, second = ([int(part) for part in re.findall(r"\d+", version)] for version in (there, here))
    return f"{'newer' if first > second else 'older'} than this Matted ({here})"


def _zip(args: argparse.Namespace) -> int:
    from matted.editors import bundle
    from matted.imaging.files import atomic_output

    plugin = bundle.load(args.editor)
    path = args.file or Path(f"matted-{args.editor}.zip")
    with atomic_output(path, overwrite=args.overwrite) as file:
        bundle.write_zip(plugin, file)
    hint = {
        "gimp": "Unpack it in GIMP's plug-ins folder (Preferences > Folders > Plug-ins shows which).",
        "krita": "Choose it in Krita's Tools > Scripts > Import Python Plugin from File.",
    }[args.editor]
    print(json.dumps({"file": str(path)}) if args.json else f"{path} is written. {hint}")
    return 0


def _result(place: "Place", said: str, then: list[str], *, state: str) -> dict[str, Any]:
    return {
        "editor": place.editor,
        "title": place.title,
        "folder": str(place.plugins),
        "state": state,
        "said": said,
        "then": then,
    }


def _socket_port() -> int | None:
    """Where systemd listens for the engine, if `matted service install` was run."""
    from matted.commands.service import DEFAULT_PORT, set_up

    plan = set_up(sys.platform, ["matted"], port=DEFAULT_PORT, home=Path.home(), environment=os.environ)
    for path in plan.files:
        if path.suffix == ".socket" and path.is_file():
            found = re.search(r"^ListenStream=\S*:(\d+)$", path.read_text("utf-8"), re.MULTILINE)
            return int(found[1]) if found else None
    return None
