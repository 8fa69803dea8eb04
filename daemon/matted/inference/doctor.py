"""What is right and wrong with this installation, told from gathered facts.

`diagnose` is a pure function of `Facts`, so that it is tested for computers we do not have; `examine.py`
gathers the facts. Imports no ONNX Runtime.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from matted.inference.providers import BY_NAME, CPU, GPU_WHEEL, PROVIDERS, FallBack, left_some

Vendor = Literal["nvidia", "amd", "intel", "apple", "other"]
Part = Literal["driver", "cuda", "cudnn", "tensorrt"]

_LOW_DISK = 1 << 30  # bytes; the smallest useful model that is not built in has 43 MB, the best 970 MB
_DRIVER_FOR_CUDA = {12: 525, 13: 580}  # oldest Linux driver branch, CUDA toolkit release notes, table 2
_REINSTALL = "pip install --force-reinstall {package}"


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card as the system or its driver names it."""

    vendor: Vendor
    name: str


@dataclass(frozen=True, slots=True)
class Library:
    """A library that the installed wheel needs, and what became of loading it."""

    name: str  # "libcublas.so.13"
    part: Part
    found: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """A real inference of the built-in model on one provider. Times in seconds."""

    provider: str  # short name
    load_s: float = 0.0
    run_s: float = 0.0
    heavy_left: int = 0  # convolutions and matrix products that the CPU had to run for it
    failure: FallBack | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a diagnosis rests on."""

    system: str  # "Linux 6.1 x86_64"
    platform: str  # sys.platform: "linux", "win32", "darwin"
    python: str
    matted: str
    packages: dict[str, str]  # installed distributions that bring the module onnxruntime, with versions
    runtime: str | None  # version of the module that is imported; None when it cannot be
    runtime_error: str | None
    available: tuple[str, ...]  # ONNX Runtime's names of the providers in the wheel
    asked: tuple[str, ...]  # short names from the settings
    cuda_wanted: int | None  # major version the wheel was built for
    cards: tuple[Card, ...]
    driver: str | None  # NVIDIA's version, "535.54.03"
    driver_cuda: tuple[int, int] | None  # newest CUDA the driver can serve
    rocm: str | None
    libraries: tuple[Library, ...]
    strangers: tuple[str, ...]  # CUDA libraries of other versions that were seen
    trials: tuple[Trial, ...]
    models_dir: str
    models_writable: bool
    free_bytes: int
    missing_files: tuple[str, ...]  # of what ships with Matted


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. `problem` means there is something to fix."""

    level: Literal["ok", "note", "problem"]
    topic: str
    sentence: str
    cure: str | None = None


def diagnose(facts: Facts) -> list[Finding]:
    """Every finding, in the order a person should read them."""
    return [
        Finding("ok", "system", f"Matted {facts.matted} on {facts.system} with Python {facts.python}."),
        *_shipped(facts),
        *_packages(facts),
        *_cards(facts),
        *_driver(facts),
        *_libraries(facts),
        *_asked(facts),
        *_trials(facts),
        *_models(facts),
    ]


def healthy(findings: list[Finding]) -> bool:
    """Whether there is nothing to fix."""
    return not any(finding.level == "problem" for finding in findings)


def _shipped(facts: Facts) -> Iterator[Finding]:
    if facts.missing_files:
        yield Finding(
            "problem",
            "installation",
            f"This installation lacks {', '.join(facts.missing_files)}.",
            _REINSTALL.format(package="matted"),
        )


def _packages(facts: Facts) -> Iterator[Finding]:
    names = sorted(facts.packages)
    if len(names) > 1:
        yield Finding(
            "problem",
            "ONNX Runtime",
            f"{_listed(names)} are installed together and overwrite each other's files: a mixture runs.",
            f"pip uninstall -y {' '.join(names)}, then pip install {_wheel(facts)}",
        )
    if facts.runtime is None:
        yield Finding(
            "problem",
            "ONNX Runtime",
            f"It cannot be loaded ({facts.runtime_error or 'it is not installed'}).",
            _REINSTALL.format(package=_wheel(facts)) if names else f"pip install {_wheel(facts)}",
        )
    elif len(names) <= 1:
        brought = f"{names[0]} {facts.packages[names[0]]}" if names else f"version {facts.runtime}"
        built = f", built for CUDA {facts.cuda_wanted}" if facts.cuda_wanted else ""
        known = [one.title for one in PROVIDERS if one.runtime_name in facts.available]
        yield Finding(
            "ok", "ONNX Runtime", f"{brought}{built}; it knows {', '.join(known) or 'no provider'}."
        )


def _cards(facts: Facts) -> Iterator[Finding]:
    if not facts.cards:
        yield Finding("note", "graphics card", "No graphics card was found: the CPU does the work.")
        return
    names = ", ".join(card.name for card in facts.cards)
    better = _better_wheel(facts)
    if better is None:
        yield Finding("ok", "graphics card", f"{names}.")
        return
    yield Finding(
        "problem" if _has(facts, "nvidia") else "note",
        "graphics card",
        f"{names}, but the installed ONNX Runtime cannot use it.",
        f"pip uninstall -y {' '.join(sorted(facts.packages)) or 'onnxruntime'}, then pip install {better}",
    )


def _driver(facts: Facts) -> Iterator[Finding]:
    if not _has(facts, "nvidia"):
        return
    if facts.driver is None:
        yield Finding(
            "problem",
            "driver",
            "There is an NVIDIA card, but its driver is not installed or not running.",
            "install the NVIDIA driver of your system and start the computer again",
        )
        return
    serves = f", serves CUDA up to {facts.driver_cuda[0]}.{facts.driver_cuda[1]}" if facts.driver_cuda else ""
    wanted = facts.cuda_wanted
    if wanted and facts.driver_cuda and facts.driver_cuda[0] < wanted:
        oldest = _DRIVER_FOR_CUDA.get(wanted)
        yield Finding(
            "problem",
            "driver",
            f"The NVIDIA driver {facts.driver}{serves}, but the installed ONNX Runtime wants CUDA {wanted}.",
            "update the NVIDIA driver" + (f" to {oldest} or newer" if oldest else ""),
        )
        return
    yield Finding("ok", "driver", f"NVIDIA driver {facts.driver}{serves}.")


def _libraries(facts: Facts) -> Iterator[Finding]:
    if not facts.cuda_wanted:
        return
    if not _has(facts, "nvidia") and facts.driver is None:
        yield Finding(
            "note",
            "libraries",
            "The package for NVIDIA cards is installed, but there is no such card.",
            "nothing need be done; pip install onnxruntime in its place saves 300 MB and more",
        )
        return
    needed = [library for library in facts.libraries if library.part in ("cuda", "cudnn")]
    missing = [library.name for library in needed if not library.found]
    if missing:
        seen = f" (found: {', '.join(facts.strangers)}, of another version)" if facts.strangers else ""
        yield Finding(
            "problem",
            "libraries",
            f"Of the libraries of CUDA {facts.cuda_wanted} that ONNX Runtime needs, {_listed(missing)} "
            f"{'was' if len(missing) == 1 else 'were'} not found{seen}.",
            GPU_WHEEL,
        )
    elif needed:
        yield Finding("ok", "libraries", f"All libraries of CUDA {facts.cuda_wanted} and cuDNN were found.")
    tensorrt = [library for library in facts.libraries if library.part == "tensorrt"]
    if tensorrt and not all(library.found for library in tensorrt):
        yield Finding(
            "problem" if "tensorrt" in facts.asked else "note",
            "libraries",
            "TensorRT's libraries were not found; CUDA works without them.",
            "pip install tensorrt, to let models run faster after a first start that takes minutes",
        )


def _asked(facts: Facts) -> Iterator[Finding]:
    for name in facts.asked:
        provider = BY_NAME.get(name)
        if provider is None:
            yield Finding(
                "problem",
                "settings",
                f"The setting providers names {name!r}, which does not exist.",
                f"choose among {', '.join(BY_NAME)}",
            )
        elif provider.runtime_name not in facts.available and facts.runtime is not None:
            yield Finding(
                "problem",
                "settings",
                f"The setting providers asks for {provider.title}, which the installed ONNX Runtime lacks.",
                f"install {provider.package} in place of the present package, or change the setting",
            )


def _trials(facts: Facts) -> Iterator[Finding]:
    for trial in facts.trials:
        provider = BY_NAME[trial.provider]
        title = provider.title[0].upper() + provider.title[1:]
        if trial.failure is None:
            seconds = f"{trial.run_s:.3f} s after loading it in {trial.load_s:.2f} s"
            yield Finding("ok", "inference", f"{title} ran the built-in model in {seconds}.")
            if trial.heavy_left:
                sentence = left_some(provider, "the built-in model", trial.heavy_left)
                yield Finding("note", "inference", sentence, f"update the package {provider.package}")
            continue
        harmless = trial.provider not in facts.asked and (
            provider.optional or not _meant(facts, trial.provider)
        )
        yield Finding(
            "note" if harmless and provider is not CPU else "problem",
            "inference",
            f"{title} did not run because {trial.failure.reason}.",
            trial.failure.cure if _meant(facts, trial.provider) else None,
        )


def _models(facts: Facts) -> Iterator[Finding]:
    free = facts.free_bytes / 2**30
    if not facts.models_writable:
        yield Finding(
            "problem",
            "models",
            f"The models folder {facts.models_dir} cannot be written, so no model can be pulled.",
            "make the folder writable for you, or set models_dir to another one",
        )
    elif facts.free_bytes < _LOW_DISK:
        yield Finding(
            "problem",
            "models",
            f"The models folder {facts.models_dir} has only {free:.1f} GB of free disk left.",
            "free some disk, or set models_dir to a folder on another one",
        )
    else:
        yield Finding("ok", "models", f"The models folder {facts.models_dir} has {free:.0f} GB of free disk.")


def _has(facts: Facts, vendor: Vendor) -> bool:
    return any(card.vendor == vendor for card in facts.cards)


def _meant(facts: Facts, name: str) -> bool:
    """Whether the computer has what the provider is for, so that its failure is a fault."""
    match name:
        case "cuda" | "tensorrt":
            return _has(facts, "nvidia")
        case "migraphx" | "rocm":
            return _has(facts, "amd")
        case _:
            return True


def _better_wheel(facts: Facts) -> str | None:
    """The package that can use the card, when the installed one cannot."""
    knows = {one.name for one in PROVIDERS if one.runtime_name in facts.available}
    if _has(facts, "nvidia") and not knows & {"cuda", "directml"}:
        return '"onnxruntime-gpu[cuda,cudnn]"'
    if facts.platform == "win32" and not knows & {"cuda", "directml", "openvino"}:
        return "onnxruntime-directml"
    if _has(facts, "amd") and facts.rocm and not knows & {"migraphx", "rocm"}:
        return "onnxruntime-migraphx"
    return None


def _wheel(facts: Facts) -> str:
    """The package this computer should have."""
    if _has(facts, "nvidia"):
        return '"onnxruntime-gpu[cuda,cudnn]"'
    if facts.platform == "win32" and facts.cards:
        return "onnxruntime-directml"
    return "onnxruntime"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
