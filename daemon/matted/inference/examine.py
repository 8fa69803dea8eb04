"""Gathers what `doctor.py` judges: packages, cards, driver, libraries, a real inference for each provider.

Looks, changes nothing. Every look that fails is a fact, not an error.
"""

import ctypes
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType

from matted import __version__
from matted.config import Settings
from matted.errors import MattedError
from matted.inference.doctor import Card, Facts, Library, Part, Trial, Vendor
from matted.inference.providers import BY_NAME, PROVIDERS, FallBack, Provider
from matted.inference.runtime import import_runtime, preload_libraries
from matted.resources import shipped

_TRIAL_TIMEOUT_S = 120.0
_ENGINE_BUILD_TIMEOUT_S = 900.0  # TensorRT builds an engine first
_VENDORS: dict[str, tuple[Vendor, str]] = {
    "0x10de": ("nvidia", "an NVIDIA card"),
    "0x1002": ("amd", "an AMD card"),
    "0x8086": ("intel", "an Intel graphics unit"),
}
_WORDS: dict[str, Vendor] = {"nvidia": "nvidia", "amd": "amd", "radeon": "amd", "intel": "intel"}
_CUFFT = {12: 11, 13: 12}  # cuFFT's own major version for each of CUDA's


def examine(settings: Settings) -> Facts:
    """The facts of this computer. Takes some seconds: each provider runs the built-in model."""
    module, runtime_error = _runtime()
    available = tuple(module.get_available_providers()) if module else ()
    cuda_wanted = _major(getattr(module, "cuda_version", "")) if module else None
    if module is not None and cuda_wanted:
        preload_libraries(module)
    driver, driver_cuda, nvidia = _nvidia()
    libraries = tuple(_libraries(cuda_wanted)) if cuda_wanted else ()
    model = _shipped("models/builtin.onnx")
    folder = _existing(settings.models_dir)
    return Facts(
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        platform=sys.platform,
        python=platform.python_version(),
        matted=__version__,
        packages=_packages(),
        runtime=getattr(module, "__version__", None),
        runtime_error=runtime_error,
        available=available,
        asked=settings.providers,
        cuda_wanted=cuda_wanted,
        cards=nvidia or tuple(_cards()),
        driver=driver,
        driver_cuda=driver_cuda,
        rocm=_rocm(),
        libraries=libraries,
        strangers=_strangers(cuda_wanted),
        trials=tuple(_trials(available, libraries, model)) if model else (),
        models_dir=str(settings.models_dir),
        models_writable=os.access(folder, os.W_OK),
        free_bytes=shutil.disk_usage(folder).free,
        missing_files=() if model else ("models/builtin.onnx",),
    )


def _runtime() -> tuple[ModuleType | None, str | None]:
    try:
        module = import_runtime()
        module.get_available_providers()
    except Exception as error:  # a mixture of two packages fails in many ways; each is a finding
        return None, " ".join(str(error).split()) or type(error).__name__
    return module, None


def _packages() -> dict[str, str]:
    """Distributions that install the module onnxruntime."""
    found = {}
    for distribution in metadata.distributions():
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        if re.fullmatch(
            r"(ort|onnxruntime)(-nightly)?(-(gpu|directml|openvino|rocm|migraphx|silicon))?", name
        ):
            found[name] = distribution.version
    return found


def _nvidia() -> tuple[str | None, tuple[int, int] | None, tuple[Card, ...]]:
    """The driver's version, the newest CUDA it serves, and the cards it sees."""
    version, cards = None, []
    for line in _said("nvidia-smi", "--query-gpu=driver_version,name", "--format=csv,noheader").splitlines():
        version, _, name = (part.strip() for part in line.partition(","))
        cards.append(Card("nvidia", name))
    if version is None:
        told = re.search(r"Kernel Module\D*([\d.]+)", _read(Path("/proc/driver/nvidia/version")))
        version = told[1] if told else None
    served = None
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        number = ctypes.c_int()
        if driver.cuDriverGetVersion(ctypes.byref(number)) == 0:
            served = (number.value // 1000, number.value % 1000 // 10)
    except (OSError, AttributeError):
        pass
    return version, served, tuple(cards)


def _cards() -> Iterator[Card]:
    """The graphics cards the system knows, driver or not."""
    if sys.platform == "darwin":
        if platform.machine() == "arm64":
            yield Card("apple", "Apple graphics and neural engine")
        return
    if sys.platform == "win32":
        command = "Get-CimInstance Win32_VideoController | ForEach-Object { $_.Name }"
        for name in filter(None, _said("powershell", "-NoProfile", "-Command", command).splitlines()):
            vendor = next((known for word, known in _WORDS.items() if word in name.lower()), "other")
            yield Card(vendor, name.strip())
        return
    for device in sorted(Path("/sys/bus/pci/devices").glob("*")):
        if _read(device / "class").startswith("0x03"):  # display controllers
            known = _VENDORS.get(_read(device / "vendor").strip())
            if known:
                yield Card(*known)


def _rocm() -> str | None:
    version = _read(Path("/opt/rocm/.info/version")).strip()
    return version or None


def _libraries(cuda: int) -> Iterator[Library]:
    """What a wheel built for that CUDA loads, tried one by one."""
    fft = _CUFFT.get(cuda, cuda - 1)
    named: dict[Part, tuple[str, ...]]
    if sys.platform == "win32":
        named = {
            "driver": ("nvcuda.dll",),
            "cuda": (
                f"cublasLt64_{cuda}.dll",
                f"cublas64_{cuda}.dll",
                f"cudart64_{cuda}.dll",
                f"cufft64_{fft}.dll",
            ),
            "cudnn": ("cudnn64_9.dll",),
            "tensorrt": ("nvinfer_10.dll",),
        }
    else:
        named = {
            "driver": ("libcuda.so.1",),
            "cuda": (
                f"libcublasLt.so.{cuda}",
                f"libcublas.so.{cuda}",
                f"libcudart.so.{cuda}",
                f"libcufft.so.{fft}",
                "libcurand.so.10",
            ),
            "cudnn": ("libcudnn.so.9",),
            "tensorrt": ("libnvinfer.so.10",),
        }
    for part, names in named.items():
        for name in names:
            yield Library(name, part, _loads(name))


def _loads(name: str) -> bool:
    try:
        # 0: Windows searches PATH as well, as it does for what ONNX Runtime's own libraries need
        ctypes.CDLL(name, winmode=0) if sys.platform == "win32" else ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _strangers(cuda: int | None) -> tuple[str, ...]:
    """cuBLAS libraries of another CUDA than the wanted one, wherever libraries usually lie."""
    if cuda is None:
        return ()
    names = re.findall(r"libcublas\.so\.\d+", _said("ldconfig", "-p"))
    folders = [Path(entry) / "nvidia" for entry in sys.path if entry]
    folders += [*Path("/usr/local").glob("cuda*/lib64")] if sys.platform != "win32" else []
    for folder in folders:
        if folder.is_dir():
            names += [file.name for file in folder.rglob("*cublas*")]
    if sys.platform == "win32":
        for entry in os.environ.get("PATH", "").split(os.pathsep):
            names += [file.name for file in Path(entry).glob("cublas64_*.dll")]
    versions = {
        int(told[1])
        for name in names
        if (told := re.fullmatch(r"(?:libcublas\.so\.|cublas64_)(\d+)(?:\.dll)?", name))
    }
    return tuple(f"CUDA {version}" for version in sorted(versions - {cuda}))


def _trials(available: tuple[str, ...], libraries: tuple[Library, ...], model: Path) -> Iterator[Trial]:
    no_tensorrt = any(library.part == "tensorrt" and not library.found for library in libraries)
    for provider in PROVIDERS:
        if provider.runtime_name in available and not (provider.name == "tensorrt" and no_tensorrt):
            yield _trial(provider, model)


def _trial(provider: Provider, model: Path) -> Trial:
    limit = _ENGINE_BUILD_TIMEOUT_S if provider.name == "tensorrt" else _TRIAL_TIMEOUT_S
    command = [sys.executable, "-m", "matted.inference.trial", provider.name, str(model)]
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH", ""))))
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, env={**os.environ, "PYTHONPATH": path}
        )
        told = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        told = {"reason": f"it did not finish within {limit:.0f} s", "cure": "update the graphics driver"}
    except (OSError, ValueError, IndexError):
        told = {"reason": "it ended the process that tried it", "cure": "update the graphics driver"}
    if "reason" in told:
        return Trial(provider.name, failure=FallBack(BY_NAME[provider.name], told["reason"], told["cure"]))
    return Trial(provider.name, told["load_s"], told["run_s"], told["heavy_left"])


def _shipped(relative: str) -> Path | None:
    try:
        return shipped(relative)
    except MattedError:
        return None


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists: the one it would be made in."""
    return next((one for one in (folder, *folder.parents) if one.exists()), Path())


def _major(version: str) -> int | None:
    told = re.match(r"\d+", version or "")
    return int(told[0]) if told else None


def _said(*command: str) -> str:
    """What a command of the system prints; nothing when it is missing, fails or hangs."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
