"""Execution providers: their order, their options, why one could not run and what cures that.

Facts and sentences only: imports no ONNX Runtime, so that all of it is tested for machines we do not
have. Knows no model and no session.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matted.errors import BadOption

GPU_WHEEL = 'pip install "onnxruntime-gpu[cuda,cudnn]"'


@dataclass(frozen=True, slots=True)
class Provider:
    """One execution provider as ONNX Runtime knows it and as a person does."""

    name: str  # short name used in settings, answers and logs
    runtime_name: str  # ONNX Runtime's own
    title: str
    package: str  # the wheel that brings it
    library: str | None = None  # stem of the wheel's library, loaded by itself to learn what it lacks
    half: bool = True  # gains from fp16 weights; the CPU does not (0.98 to 1.00x, 4x longer load)
    optional: bool = False  # listed by wheels whose users may well not have it: passed over without noise


PROVIDERS = (
    Provider(
        "tensorrt",
        "TensorrtExecutionProvider",
        "NVIDIA TensorRT",
        "onnxruntime-gpu",
        library="onnxruntime_providers_tensorrt",
        optional=True,
    ),
    Provider(
        "cuda",
        "CUDAExecutionProvider",
        "NVIDIA CUDA",
        "onnxruntime-gpu",
        library="onnxruntime_providers_cuda",
    ),
    Provider("migraphx", "MIGraphXExecutionProvider", "AMD MIGraphX", "onnxruntime-migraphx"),
    Provider("rocm", "ROCMExecutionProvider", "AMD ROCm", "onnxruntime-rocm"),
    Provider("coreml", "CoreMLExecutionProvider", "Apple Core ML", "onnxruntime"),
    Provider("directml", "DmlExecutionProvider", "DirectML", "onnxruntime-directml"),
    Provider(
        "openvino",
        "OpenVINOExecutionProvider",
        "Intel OpenVINO",
        "onnxruntime-openvino",
        library="onnxruntime_providers_openvino",
    ),
    Provider("cpu", "CPUExecutionProvider", "the CPU", "onnxruntime", half=False),
)

BY_NAME = {provider.name: provider for provider in PROVIDERS}
CPU = BY_NAME["cpu"]


@dataclass(frozen=True, slots=True)
class FallBack:
    """A provider that was wanted and did not run."""

    wanted: Provider
    reason: str  # "libcublasLt.so.13 was not found": completes "... because"
    cure: str  # "install ...": completes "To use it, ..."

    def sentence(self, ran: Provider) -> str:
        """What a person is told, `ran` being the provider that did the work instead."""
        return (
            f"{self.wanted.title} could not be used because {self.reason}, so {ran.title} did the work: "
            f"to use it, {self.cure} (`matted doctor` tells more)."
        )


def candidates(asked: Sequence[str], available: Sequence[str]) -> tuple[list[Provider], list[FallBack]]:
    """The providers to try, best first and always ending with the CPU, and those asked for in vain.

    `asked`: short names in order of preference, empty for the built-in order. `available`: ONNX Runtime's
    names as `get_available_providers()` gives them: what the wheel was built with, no promise that it runs.
    Raises BadOption for a name that does not exist.
    """
    for name in asked:
        if name not in BY_NAME:
            raise BadOption(f"There is no provider {name!r}; there are {', '.join(BY_NAME)}.")
    order = [BY_NAME[name] for name in asked] if asked else list(PROVIDERS)
    found = [provider for provider in order if provider.runtime_name in available and provider is not CPU]
    missing = [
        FallBack(
            provider,
            "the installed ONNX Runtime package was built without it",
            f"install the package {provider.package} in place of the present one",
        )
        for provider in order
        if asked and provider.runtime_name not in available and provider is not CPU
    ]
    if CPU in order:  # whatever a person put after the CPU is never reached
        before = order[: order.index(CPU)]
        found = [provider for provider in found if provider in before]
        missing = [fall_back for fall_back in missing if fall_back.wanted in before]
    return [*found, CPU], missing


def openings(provider: Provider, *, half_ok: bool, cache: Path) -> tuple[dict[str, str], ...]:
    """The provider's options, as the alternatives to open it with, in order.

    `half_ok`: fp16 arithmetic is known to cost nothing visible for this model. `cache`: a folder of this
    weight file's own where compiled engines are kept; it must change when the file does, since TensorRT
    and Core ML name their files by the graph and would take up an old engine with new weights.
    """
    half = "1" if half_ok else "0"
    folder = str(cache)
    match provider.name:
        case "tensorrt":
            # Building an engine takes up to minutes; without the two caches it would at every load.
            return (
                {
                    "trt_engine_cache_enable": "1",
                    "trt_engine_cache_path": folder,
                    "trt_timing_cache_enable": "1",
                    "trt_timing_cache_path": folder,
                    "trt_fp16_enable": half,
                },
            )
        case "cuda":
            # The default EXHAUSTIVE tries every convolution algorithm on the first run of each shape, the one
            # run a person waits for; the default arena doubles itself and keeps memory that other programs
            # on the same card (the editor) could use.
            return ({"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"},)
        case "migraphx":
            return ({"migraphx_fp16_enable": half},)
        case "rocm":
            return ({"arena_extend_strategy": "kSameAsRequested"},)
        case "coreml":
            # MLProgram knows more operators than the default NeuralNetwork format. A dynamic shape on the
            # neural engine means compiling again for each picture, so such nodes are left to the CPU.
            return (
                {
                    "ModelFormat": "MLProgram",
                    "MLComputeUnits": "ALL",
                    "RequireStaticInputShapes": "1",
                    "ModelCacheDirectory": folder,
                    "AllowLowPrecisionAccumulationOnGPU": half,
                },
            )
        case "openvino":
            # Asked for an absent GPU, OpenVINO 1.24 does not start at all, not even as "AUTO:GPU,CPU"; on the
            # CPU it still pays for quantised files (0.33 of the time of fp32, against 0.53).
            precision = "FP16" if half_ok else "ACCURACY"
            return (
                {"device_type": "GPU", "precision": precision, "cache_dir": folder},
                {"device_type": "CPU", "precision": "ACCURACY", "cache_dir": folder},
            )
        case _:
            return ({},)


_NO_LIBRARY = re.compile(  # as the loaders of Linux, Windows (Python's words) and macOS tell it
    r"(?P<so>lib[\w.+-]+\.so[\d.]*): cannot open shared object"
    r"|Could not find module '(?:[^']*[\\/])?(?P<dll>[^'\\/]+\.dll)'"
    r"|Library not loaded: (?:\S*/)?(?P<dylib>[\w.+-]+\.dylib)"
)
_MEMORY = ("out of memory", "bad allocation", "bad_alloc", "failed to allocate memory", "cuda failure 2:")
_OLD_DRIVER = ("driver version is insufficient", "cuda failure 35")
_NO_DEVICE = ("no cuda-capable device", "cuda failure 100", "no hip gpus", "device gpu is not available")
_LOST = ("device lost", "device removed", "device hung", "887a0005", "887a0006", "unspecified launch failure")


def took_nothing(provider: Provider) -> FallBack:
    """What is said of a provider that was registered and left every operator to the CPU."""
    return FallBack(
        provider,
        "it took none of the model's operators",
        "choose a model it can run, or name cpu alone in the setting providers to stop trying",
    )


def left_some(provider: Provider, what: str, count: int) -> str:
    """What is said of a provider that ran a model only in part. `count`: heavy operators left to the CPU."""
    return (
        f"{provider.title} left {count} heavy operator{'s' if count > 1 else ''} of {what} to the CPU, "
        "which makes it slower than it could be."
    )


def is_out_of_memory(message: str) -> bool:
    """Whether ONNX Runtime's message tells of memory that could not be had."""
    return any(part in message.lower() for part in _MEMORY)


def explain(provider: Provider, message: str) -> FallBack:
    """What went wrong with a provider and its cure, from ONNX Runtime's or the loader's own message."""
    low = message.lower()
    library = _NO_LIBRARY.search(message)
    if library:
        return _missing_library(provider, library["so"] or library["dll"] or library["dylib"])
    if is_out_of_memory(message):
        return FallBack(
            provider,
            "its memory was full",
            "close other programs that use the graphics card or take a smaller model",
        )
    if any(part in low for part in _OLD_DRIVER):
        return FallBack(provider, "the graphics driver is too old for it", "update the graphics driver")
    if "install tensorrt" in low:
        return FallBack(provider, "TensorRT's libraries were not found", "install the package tensorrt")
    if any(part in low for part in _NO_DEVICE):
        return FallBack(
            provider,
            "it found no device it can use",
            "check that the graphics card and its driver are installed",
        )
    if any(part in low for part in _LOST):
        return FallBack(provider, "the graphics device stopped answering", "update the graphics driver")
    return FallBack(provider, f"it failed with “{plain(message)}”", "see what `matted doctor` finds")


def _missing_library(provider: Provider, name: str) -> FallBack:
    reason = f"the library {name} was not found"
    if name.startswith("onnxruntime_"):  # Windows names the library asked for, not the one it lacks
        reason = f"a library that {name} needs was not found"
    if name.startswith(("libcuda.", "nvcuda")):
        return FallBack(provider, f"no NVIDIA driver was found ({name})", "install the NVIDIA driver")
    if name.startswith(("libnvinfer", "nvinfer", "libnvonnxparser", "nvonnxparser")):
        return FallBack(provider, reason, "install the package tensorrt")
    if provider.package == "onnxruntime-gpu":
        return FallBack(provider, reason, f"run `{GPU_WHEEL}`")
    return FallBack(provider, reason, f"install {provider.title} as {provider.package} wants it")


def plain(message: str) -> str:
    """What a person can read of a runtime message: one line, no source paths, at most 200 characters."""
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", message.strip())
    text = re.sub(r"/?\S*onnxruntime\S*\.(?:cc|h|cpp):\d+ ", "", text)
    text = " ".join(text.split())
    return text if len(text) <= 200 else text[:199] + "…"
