"""Cut the subject out of pictures: files, folders, or - for standard input and output.

Originals are never changed and existing files never overwritten unless --overwrite is given. A running
engine does the work if there is one; otherwise this command does it itself.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matted.commands import adjusting, look, prompting
from matted.config import Settings
from matted.errors import BadOption, MattedError, OutputExists, UnreadablePicture

if TYPE_CHECKING:
    from matted.brushing import Brush
    from matted.delivery import Delivery
    from matted.engines import Engine
    from matted.imaging.encoding import FormatName
    from matted.matting.planes import Mask

_SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".heic", ".heif", ".avif"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `matted cut`."""
    parser.add_argument(
        "inputs", nargs="+", metavar="IN", help="pictures or folders of pictures; - reads one"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="the file to write, or the folder for several pictures; - writes one to standard output "
        "(default: beside the picture, as NAME-cutout.png or NAME-mask.png)",
    )
    parser.add_argument("--mask", action="store_true", help="write the mask alone, as a gray picture")
    look.add_arguments(parser)
    add_engine_arguments(parser)
    add_file_arguments(parser)
    parser.add_argument(
        "--each-subject",
        action="store_true",
        help="a result for each subject instead of one for all: NAME-1.png, NAME-2.png, the largest first",
    )
    parser.add_argument("--recursive", action="store_true", help="also take the folders inside folders")
    parser.add_argument(
        "--rembg", action="store_true", help="process exactly as rembg does, to compare; edges stay rough"
    )
    prompting.add_arguments(parser)
    adjusting.add_arguments(parser)


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options that say which model looks and how edges are placed."""
    parser.add_argument(
        "--model",
        metavar="ID",
        help="which model looks at the picture: an id from `matted models list`, auto, or auto:people and "
        "the like for the best one that is here (default: builtin)",
    )
    parser.add_argument(
        "--look",
        choices=("once", "twice", "auto"),
        default="auto",
        help="how often the model looks: once at the whole picture; twice also at its subjects by "
        "themselves, which draws them finer; auto the second time only at small ones (default: %(default)s)",
    )
    parser.add_argument(
        "--edges",
        choices=("none", "fast", "fine", "neural"),
        default="fast",
        help="how edges are brought to the picture's own resolution: none stretches the mask, fast follows "
        "the colours, fine is for hair and fur, neural asks a matting model (default: %(default)s)",
    )


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options that say how results are written and told."""
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        help="png, tiff, webp, jpeg, avif, or with layers and an editable mask psd or layered-tiff (default: "
        "from OUT's name, else PNG, or TIFF where PNG would lose depth or colour space)",
    )
    parser.add_argument("--quality", type=int, default=92, metavar="1-100", help="for JPEG, WebP and AVIF")
    parser.add_argument("--overwrite", action="store_true", help="replace results that are already there")
    parser.add_argument("--no-daemon", action="store_true", help="do not use a running engine")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each picture")


@dataclass(frozen=True, slots=True)
class _Job:
    source: Path | None  # None: standard input
    target: Path | None  # None: standard output

    @property
    def name(self) -> str:
        return str(self.source) if self.source else "-"


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Cuts every input. One failing picture does not stop the others."""
    return cut_all(args, settings)


def cut_all(args: argparse.Namespace, settings: Settings, brush: "Brush | None" = None) -> int:
    """Cuts every input, its matte corrected by `brush`; returns the exit code."""
    from matted.engines import Wish, open_engine
    from matted.memory import keep_memory
    from matted.options import CoarseOptions, RefineOptions

    if args.each_subject and args.output == "-":
        raise BadOption("--each-subject writes several files: give a name or a folder with -o.")
    keep_memory()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # half-written results are removed then, too
    delivery = look.delivery(args, _format(args), max_pixels=settings.max_pixels)
    jobs = list(_jobs(args, delivery))
    if not jobs:
        raise UnreadablePicture(f"There is no picture in {', '.join(args.inputs)}.")
    engine = open_engine(
        settings,
        Wish(
            CoarseOptions(model=args.model, rembg=args.rembg, look=args.look),
            RefineOptions(args.edges),
            adjusting.adjust_options(args),
            adjusting.limit_from(args, settings.max_pixels),
            brush,
            prompting.prompt_from(args),
        ),
        use_daemon=not args.no_daemon,
    )
    try:
        failures = _cut_all(jobs, engine, delivery, args)
    finally:
        engine.close()
    if not failures:
        return 0
    return failures[0].exit_code if len(jobs) == 1 else 1


def _cut_all(
    jobs: list[_Job], engine: "Engine", delivery: "Delivery", args: argparse.Namespace
) -> list[MattedError]:
    """Cuts in order; the next picture is already being cut while one is written."""
    from concurrent.futures import ThreadPoolExecutor

    from tqdm import tqdm

    failures: list[MattedError] = []
    bar = tqdm(total=len(jobs), unit="picture", disable=len(jobs) < 2 or args.json or not sys.stderr.isatty())
    with bar, ThreadPoolExecutor(min(2, len(jobs))) as pool:
        for job, future in [(job, pool.submit(_cut, job, engine, delivery, args)) for job in jobs]:
            try:
                report = future.result()
                _tell(report, args, bar)
            except MattedError as error:
                failures.append(error)
                if args.json:
                    print(json.dumps({"input": job.name, "error": error.slug, "detail": str(error)}))
                where = "" if Path(job.name).name in str(error) else f"{job.name}: "
                bar.write(f"matted: {where}{error}", file=sys.stderr)
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            bar.update()
    return failures


def _cut(job: _Job, engine: "Engine", delivery: "Delivery", args: argparse.Namespace) -> dict[str, Any]:
    from matted.delivery import deliver, format_for
    from matted.imaging.encoding import FORMATS
    from matted.imaging.files import atomic_output

    started = time.perf_counter()
    source = job.source if job.source is not None else sys.stdin.buffer.read()
    picture, matte = engine.matte(source)
    target, written, notices = job.target, list[str](), list(matte.warnings)
    if target is not None and not target.suffix:
        target = target.with_name(target.name + FORMATS[format_for(picture, delivery)].suffixes[0])
    delivering = time.perf_counter()
    if target is None:
        notices += deliver(picture, matte.mask, delivery, sys.stdout.buffer).notices
        sys.stdout.buffer.flush()
    for path, mask in _parts(target, matte.mask, args) if target is not None else ():
        _spare_original(job.source, path)
        with atomic_output(path, overwrite=args.overwrite) as file:
            notices += deliver(picture, mask, delivery, file).notices
        written.append(str(path))
    ended = time.perf_counter()
    times = matte.times | {"write": ended - delivering, "all": ended - started}
    return {
        "input": job.name,
        "output": written[0] if written else "-",
        "outputs": written,
        "confidence": None if matte.confidence is None else round(matte.confidence, 3),
        "model": matte.model,
        "provider": matte.provider,
        "width": picture.width,
        "height": picture.height,
        "warnings": [{"code": n.code, "sentence": n.sentence} for n in dict.fromkeys(notices)],
        "times": {stage: round(seconds, 4) for stage, seconds in times.items()},
    }


def _parts(target: Path, mask: "Mask", args: argparse.Namespace) -> Iterator[tuple[Path, "Mask"]]:
    """The files to write and their masks: one for all, or one for each subject."""
    if not args.each_subject:
        yield target, mask
        return
    from matted.matting.subjects import Subjects

    found = Subjects.of(mask)
    if not found.all:
        yield target, mask
    for subject in found.all:
        path = target.with_name(f"{target.stem}-{subject.number}{target.suffix}")
        yield path, found.matte(mask, (subject.number,))


def _tell(report: dict[str, Any], args: argparse.Namespace, bar: Any) -> None:
    if args.json:
        print(json.dumps(report), file=sys.stderr if report["output"] == "-" else sys.stdout)
        return
    for warning in report["warnings"]:
        bar.write(f"{report['input']}: {warning['sentence']}", file=sys.stderr)
    if report["outputs"]:
        seconds, trust = report["times"]["all"], report["confidence"]
        sure = "" if trust is None else f"confidence {trust:.2f}, "
        bar.write(
            f"{', '.join(report['outputs'])}  "
            f"({report['model']} on {report['provider']}, {sure}{seconds:.2f} s)",
            file=sys.stdout,
        )


def _format(args: argparse.Namespace) -> "FormatName | None":
    """The format asked for, by name or by the output's suffix."""
    from matted.imaging.encoding import FORMATS, format_named, format_of_suffix

    known = ", ".join(FORMATS)
    if args.format is not None:
        found = format_named(args.format)
        if found is None:
            raise BadOption(f"{args.format!r} cannot be written; {known} can.")
        endings, out = FORMATS[found].suffixes, Path(args.output or "")
        if format_of_suffix(out) and out.suffix.lower() not in endings and not out.is_dir():
            raise BadOption(f"The name {out} must end with {' or '.join(endings)}, as --format says.")
        return found
    if args.output in (None, "-") or Path(args.output).is_dir():
        return None
    suffix = Path(args.output).suffix
    found = format_of_suffix(Path(args.output))
    if found is None and suffix and len(args.inputs) == 1 and not Path(args.inputs[0]).is_dir():
        raise BadOption(f"{suffix} files cannot be written; {known} can.")
    return found


def _jobs(args: argparse.Namespace, delivery: "Delivery") -> Iterator[_Job]:
    """What to read and where to write it. Raises BadOption, UnreadablePicture, OutputExists."""
    sources = list(_sources(args))
    if args.output == "-":
        if len(sources) != 1:
            raise BadOption("Standard output takes one picture: give -o a folder for several.")
        yield _Job(sources[0], None)
        return
    out = Path(args.output) if args.output else None
    several = len(sources) > 1 or any(path is not None and path not in _named(args) for path in sources)
    as_folder = out is not None and (several or out.is_dir() or args.output.endswith(("/", os.sep)))
    if out is not None and as_folder:
        out.mkdir(parents=True, exist_ok=True)
    taken: set[Path] = set()
    for source in sources:
        if source is None and out is None:
            yield _Job(None, None)
            continue
        target = out if out is not None and not as_folder else _beside(source, out, delivery, taken)
        taken.add(target)
        _spare_original(source, target)
        yield _Job(source, target)


def _spare_original(source: Path | None, target: Path) -> None:
    if source is not None and target.exists() and target.samefile(source):
        raise OutputExists(f"{target} is the original itself: choose another name for the result.")


def _beside(source: Path | None, folder: Path | None, delivery: "Delivery", taken: set[Path]) -> Path:
    """`cat-cutout.png` for `cat.jpg`; two pictures of one stem keep their suffix in the name."""
    from matted.imaging.encoding import FORMATS

    stem = source.stem if source is not None else "picture"
    parent = folder if folder is not None else (source.parent if source is not None else Path())
    ending = f"-{delivery.what}" + (FORMATS[delivery.format].suffixes[0] if delivery.format else "")
    target = parent / f"{stem}{ending}"
    number = 1
    while target in taken:
        suffix = source.suffix.lstrip(".") if source is not None and number == 1 else str(number)
        target = parent / f"{stem}-{suffix}{ending}"
        number += 1
    return target


def _named(args: argparse.Namespace) -> set[Path]:
    return {Path(name) for name in args.inputs}


def _sources(args: argparse.Namespace) -> Iterator[Path | None]:
    for name in args.inputs:
        path = Path(name)
        if name == "-":
            yield None
        elif path.is_dir():
            found = path.rglob("*") if args.recursive else path.iterdir()
            yield from sorted(
                p for p in found if p.suffix.lower() in _SUFFIXES and not p.name.startswith(".")
            )
        elif path.exists():
            yield path
        else:
            raise UnreadablePicture(f"There is no file {name}.")
