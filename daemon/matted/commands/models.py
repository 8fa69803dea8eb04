"""See which models there are, fetch their weights, take them over from elsewhere, check and remove them.

Every file is checked against the catalogue before it is used. The built-in model needs none of this.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matted.config import Settings
from matted.errors import ModelError, WeightsDamaged

if TYPE_CHECKING:
    from matted.inference.catalogue import Model
    from matted.inference.weights import Weights

_EPILOG = """\
examples:
  matted models list                       all models, and which are on this computer
  matted models pull birefnet-general-lite
  matted models import                     take over what rembg and other tools have downloaded already
  matted models import D:/weights          take over what a folder holds, for computers without a network
  matted models verify                     read every installed file again and compare its checksum
  matted models remove u2net

A model of your own: put a file `catalogue.toml` into the models folder (`matted models list --json` shows
where that is) with, for example,
  format = 1
  [[model]]
  id = "my-cars"
  like = "u2net"                           processed as that model is
  [[model.file]]
  path = "my-cars.onnx"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the actions of `matted models`."""
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")

    listing = actions.add_parser("list", help="all models, what they are good for, which are here")
    listing.add_argument("--installed", action="store_true", help="only those on this computer")

    pull = actions.add_parser("pull", help="download weights; goes on where an earlier download stopped")
    pull.add_argument("ids", nargs="+", metavar="ID", help="a model from `matted models list`")

    taking = actions.add_parser("import", help="take weights over from a folder or another tool's cache")
    taking.add_argument(
        "places",
        nargs="*",
        type=Path,
        metavar="DIR",
        help="folders or files (default: where rembg, withoutBG and the Hugging Face tools keep theirs)",
    )
    for action in (pull, taking):
        action.add_argument(
            "--accept-licence",
            action="store_true",
            help="you have read the licences that do not allow commercial use, and yours is allowed",
        )

    remove = actions.add_parser("remove", help="delete weights that Matted downloaded or imported")
    remove.add_argument("ids", nargs="+", metavar="ID", help="an installed model")

    verify = actions.add_parser("verify", help="read installed weights again and compare their checksums")
    verify.add_argument("ids", nargs="*", metavar="ID", help="an installed model (default: all of them)")

    for action in (listing, pull, taking, remove, verify):
        action.add_argument("--json", action="store_true", help="the result as JSON, for scripts")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Carries out the action. Raises what the store raises; returns the exit code."""
    from matted.inference.catalogue import load_catalogue
    from matted.inference.weights import Weights

    weights = Weights(settings, load_catalogue(settings))
    actions: dict[str, Callable[[argparse.Namespace, Weights], int]] = {
        "list": _list,
        "pull": _pull,
        "import": _import,
        "remove": _remove,
        "verify": _verify,
    }
    return actions[args.action](args, weights)


def _list(args: argparse.Namespace, weights: "Weights") -> int:
    models = [(model, weights.installed(model)) for model in weights.catalogue.models()]
    shown = [(model, here) for model, here in models if here or not args.installed]
    if args.json:
        content = {
            "folder": str(weights.root),
            "models": [_described(model, weights, here=here) for model, here in shown],
        }
        print(json.dumps(content, indent=1))
        return 0
    width = max((len(model.id) for model, _ in shown), default=0)
    for model, here in shown:
        free = "" if model.commercial else "  [not for commercial use]"
        print(
            f"{'*' if here else ' '} {model.id:<{width}}  {_size(model, weights):>8}  {model.title}: "
            f"{', '.join(model.good_for)}{free}"
        )
    print("\n* on this computer. `matted models pull ID` fetches another.")
    return 0


def _described(model: "Model", weights: "Weights", *, here: bool) -> dict[str, Any]:
    return {
        "id": model.id,
        "title": model.title,
        "kind": model.kind,
        "good_for": list(model.good_for),
        "installed": here,
        "licence": model.licence,
        "commercial": model.commercial,
        "size": model.size,
        "precision": model.precision,
        "homepage": model.homepage,
        "source": model.source,
        "rembg": model.rembg.name if model.rembg else None,
        "files": [
            {
                "role": file.role,
                "path": str(weights.target(model, file)),
                "size": file.size,
                "sha256": file.sha256,
                "urls": list(file.urls),
                "unknown": file.unknown,
            }
            for file in model.files
        ],
    }


def _pull(args: argparse.Namespace, weights: "Weights") -> int:
    models = [weights.catalogue.get(model_id) for model_id in args.ids]
    for model in models:
        with _bar(model.id) as progress:
            weights.pull(model, accept_licence=args.accept_licence, progress=progress)
        if not args.json:
            print(f"{model.title} is ready: use it with --model {model.id}.")
    if args.json:
        print(json.dumps([{"id": model.id, "installed": weights.installed(model)} for model in models]))
    return 0


def _import(args: argparse.Namespace, weights: "Weights") -> int:
    from matted.inference.import_weights import known_caches

    places = args.places or known_caches()
    if not places:
        raise ModelError("No other tool keeps weights here: name the folder that holds yours.")
    found = []
    for place in places:
        with _bar(str(place)) as progress:
            found += weights.import_from(place, accept_licence=args.accept_licence, progress=progress)
    if args.json:
        entries = [
            {"id": e.model, "file": e.file, "source": str(e.source), "outcome": e.outcome} for e in found
        ]
        print(json.dumps(entries, indent=1))
        return 0
    sentences = {
        "imported": "imported from {source}",
        "present": "was here already",
        "licence": "not imported from {source}: not free for commercial use; if yours is allowed, add "
        "--accept-licence",
        "different": "not imported: {source} has its name but not its content",
    }
    for entry in found:
        print(f"{entry.model}: {sentences[entry.outcome].format(source=entry.source)}")
    if not found:
        print(f"Nothing the catalogue knows was found in {', '.join(map(str, places))}.")
    return 0


def _remove(args: argparse.Namespace, weights: "Weights") -> int:
    results = []
    for model in [weights.catalogue.get(model_id) for model_id in args.ids]:
        removed = weights.remove(model)
        results.append({"id": model.id, "freed": removed.freed, "left": [str(path) for path in removed.left]})
        if not args.json:
            print(f"{model.title} is removed ({_megabytes(removed.freed)} freed).")
            for path in removed.left:
                print(f"  left {path}: it was not put there by Matted.")
    if args.json:
        print(json.dumps(results))
    return 0


def _verify(args: argparse.Namespace, weights: "Weights") -> int:
    named = [weights.catalogue.get(model_id) for model_id in args.ids]
    damaged, results = 0, []
    for model in named or [model for model in weights.catalogue.models() if weights.installed(model)]:
        try:
            with _bar(model.id) as progress:
                checked = weights.verify(model, progress=progress)
        except WeightsDamaged as error:
            damaged += 1
            results.append({"id": model.id, "intact": False, "detail": str(error)})
            print(f"matted: {error}", file=sys.stderr)
            continue
        results.append({"id": model.id, "intact": True, "against": [file.against for file in checked]})
        if not args.json:
            known = all(file.against != "nothing" for file in checked)
            print(f"{model.id}: {'intact' if known else 'there (no checksum to compare with)'}")
    if args.json:
        print(json.dumps(results))
    return WeightsDamaged.exit_code if damaged else 0


def _size(model: "Model", weights: "Weights") -> str:
    """What it takes on disk: as the catalogue says, else as the files there say."""
    paths = [weights.target(model, file) for file in model.files]
    if model.size is None and not all(path.is_file() for path in paths):
        return "? MB"
    return _megabytes(model.size or sum(path.stat().st_size for path in paths))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size < 10e6 else f"{size / 1e6:.0f} MB"


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, when a person is looking."""
    from tqdm import tqdm

    with tqdm(desc=label, unit="B", unit_scale=True, unit_divisor=1000, leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        yield progress
