"""Providers that are absent, broken, silent, or that fail later: each is said, none stops the work.

The CPU does the arithmetic for real; a provider's failures are put into the one call that opens a session, in
ONNX Runtime's own words as onnxruntime-gpu 1.31 said them on computers without CUDA's libraries, without a
driver and without TensorRT.
"""

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from matted.config import Settings
from matted.errors import BadOption, ProviderFailed
from matted.inference.providers import BY_NAME, CPU, PROVIDERS, candidates, explain, openings, plain
from matted.inference.runtime import Runtime
from matted.inference.sessions import Graph, Sessions

CUDA, TENSORRT = BY_NAME["cuda"], BY_NAME["tensorrt"]
ONES = np.ones((1, 3, 8, 8), np.float32)
NO_CUBLAS = "libcublasLt.so.13: cannot open shared object file: No such file or directory"
NO_DRIVER = "libcuda.so.1: cannot open shared object file: No such file or directory"
NO_TENSORRT = (
    "/onnxruntime_src/onnxruntime/python/onnxruntime_pybind_state.cc:729 void "
    "onnxruntime::python::RegisterTensorRTPluginsAsCustomOps(PySessionOptions&, const "
    "onnxruntime::ProviderOptions&) Please install TensorRT libraries as mentioned in the GPU requirements "
    "page, make sure they're in the PATH or LD_LIBRARY_PATH, and that your GPU is supported."
)
GPU_FULL = (
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running Conv node. "
    "CUDA failure 2: out of memory ; GPU=0"
)


class Claiming:
    """A session that does its work on the CPU and claims another provider."""

    def __init__(self, session, provider, errors=()):
        self._session = session
        self._provider = provider
        self._errors = list(errors)

    def __getattr__(self, name):
        return getattr(self._session, name)

    def get_providers(self):
        return [self._provider, CPU.runtime_name]

    def run(self, *arguments):
        if self._errors:
            raise RuntimeError(self._errors.pop(0))
        return self._session.run(*arguments)

    def end_profiling(self):
        """As if the provider had run what the CPU ran."""
        path = Path(self._session.end_profiling())
        path.write_text(path.read_text().replace(CPU.runtime_name, self._provider))
        return str(path)


class Idle(Claiming):
    """Registered, but takes none of the operators."""

    def end_profiling(self):
        return self._session.end_profiling()


class Partial(Claiming):
    """Runs the light operators only."""

    def end_profiling(self):
        path = Path(self._session.end_profiling())
        events = json.loads(path.read_text())
        for event in events:
            if event.get("cat") == "Node" and event["args"].get("op_name") != "MatMul":
                event["args"]["provider"] = self._provider
        path.write_text(json.dumps(events))
        return str(path)


class Machine(Runtime):
    """The real runtime on a computer whose wheel lists providers; `behave` says what opening one does."""

    def __init__(self, cache, behave):
        super().__init__(threads=1, cache=cache)
        self.behave = behave
        self.tried = []

    def available(self):
        return [BY_NAME[name].runtime_name for name in self.behave] + [CPU.runtime_name]

    def create(self, path, options, names):
        wanted = names[0] if isinstance(names[0], str) else names[0][0]
        name = next(one.name for one in PROVIDERS if one.runtime_name == wanted)
        self.tried.append(name)
        session = super().create(path, options, [CPU.runtime_name])
        return session if name == "cpu" else self.behave[name](session, wanted)


def raises(message):
    def behave(_session, _wanted):
        raise RuntimeError(message)

    return behave


def left_out(session, _wanted):
    return session


@pytest.fixture
def machine(tmp_path):
    def build(settings=None, **behave):
        runtime = Machine(tmp_path, behave)
        return Sessions(settings or Settings(), runtime=runtime), runtime

    return build


@pytest.fixture
def graph(doubling):
    return Graph("tiny", doubling())


def test_the_built_in_order_ends_with_the_cpu():
    order, missing = candidates((), [one.runtime_name for one in PROVIDERS])
    names = "tensorrt cuda migraphx rocm coreml directml openvino cpu"
    assert [one.name for one in order] == names.split()
    assert missing == []


def test_unknown_providers_of_the_runtime_are_ignored():
    order, _ = candidates((), ["AzureExecutionProvider", "CPUExecutionProvider"])
    assert order == [CPU]


def test_a_provider_asked_for_that_the_wheel_lacks_is_said():
    order, missing = candidates(("cuda", "cpu"), ["CPUExecutionProvider"])
    assert order == [CPU]
    assert missing[0].sentence(CPU) == (
        "NVIDIA CUDA could not be used because the installed ONNX Runtime package was built without it, so "
        "the CPU did the work: to use it, install the package onnxruntime-gpu in place of the present one "
        "(`matted doctor` tells more)."
    )


def test_what_is_asked_for_after_the_cpu_is_never_reached():
    order, missing = candidates(("cpu", "cuda"), ["CUDAExecutionProvider", "CPUExecutionProvider"])
    assert (order, missing) == ([CPU], [])


def test_a_provider_that_does_not_exist_is_refused():
    with pytest.raises(BadOption, match="no provider 'gpu'; there are tensorrt, cuda"):
        candidates(("gpu",), [])


@pytest.mark.parametrize(
    ("provider", "message", "reason", "cure"),
    [
        (CUDA, NO_CUBLAS, "the library libcublasLt.so.13 was not found", "onnxruntime-gpu[cuda,cudnn]"),
        (CUDA, NO_DRIVER, "no NVIDIA driver was found (libcuda.so.1)", "install the NVIDIA driver"),
        (TENSORRT, NO_TENSORRT, "TensorRT's libraries were not found", "package tensorrt"),
        (
            TENSORRT,
            "libnvinfer.so.10: cannot open shared object file: No such file or directory",
            "the library libnvinfer.so.10 was not found",
            "package tensorrt",
        ),
        (CUDA, GPU_FULL, "its memory was full", "smaller model"),
        (
            CUDA,
            "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=0",
            "the graphics driver is too old for it",
            "update the graphics driver",
        ),
        (CUDA, "CUDA failure 100: no CUDA-capable device is detected", "it found no device", "graphics card"),
        (
            BY_NAME["directml"],
            "887A0005: The GPU device instance has been suspended",
            "stopped answering",
            "driver",
        ),
        (
            CUDA,
            "Could not find module 'C:\\x\\onnxruntime_providers_cuda.dll' (or one of its dependencies).",
            "a library that onnxruntime_providers_cuda.dll needs was not found",
            "onnxruntime-gpu[cuda,cudnn]",
        ),
        (CUDA, "Something odd\nat line 3", "it failed with “Something odd at line 3”", "matted doctor"),
    ],
)
def test_a_failure_is_explained_with_its_cure(provider, message, reason, cure):
    fall_back = explain(provider, message)
    assert reason in fall_back.reason
    assert cure in fall_back.cure


def test_a_runtime_message_is_made_readable():
    message = (
        "[ONNXRuntimeError] : 1 : FAIL : /onnxruntime_src/onnxruntime/core/x.cc:12 Load   failed\n"
        + "x" * 400
    )
    assert plain(message).startswith("Load failed xxx")
    assert len(plain(message)) == 200


def test_half_precision_is_enabled_only_where_it_is_allowed(tmp_path):
    (options,) = openings(TENSORRT, half_ok=False, cache=tmp_path)
    assert options["trt_fp16_enable"] == "0"
    (options,) = openings(TENSORRT, half_ok=True, cache=tmp_path)
    assert options["trt_fp16_enable"] == "1"


def test_a_compiled_engine_is_never_kept_for_another_file(tmp_path, doubling):
    folders = []

    class Noting(Machine):
        def create(self, path, options, names):
            if not isinstance(names[0], str):
                folders.append(names[0][1]["trt_engine_cache_path"])
            return super().create(path, options, names)

    runtime = Noting(tmp_path, {"tensorrt": Claiming})
    for factor, padding in ((2.0, 0), (3.0, 10)):
        runtime.open(doubling(factor=factor, padding=padding), TENSORRT, half_ok=False)
    assert folders[0] != folders[1]


def test_a_provider_that_works_is_the_one_named(machine, graph):
    sessions, _ = machine(cuda=Claiming)
    ran = sessions.run(graph, ONES)
    assert (ran.provider, ran.fell_back) == ("cuda", None)
    assert sessions.loaded()[0].provider == "cuda"


def test_a_provider_left_out_in_silence_is_found_out(machine, graph, caplog):
    sessions, _ = machine(cuda=left_out)
    with caplog.at_level(logging.WARNING):
        ran = sessions.run(graph, ONES)
    assert ran.provider == "cpu"
    assert ran.outputs[0].max() == 2.0
    assert ran.fell_back is not None
    assert (
        "NVIDIA CUDA could not be used because the library libonnxruntime_providers_cuda.so" in ran.fell_back
    )
    assert caplog.messages == [ran.fell_back] == sessions.fallbacks()


def test_a_provider_that_takes_no_operator_is_found_out_by_its_first_run(machine, graph):
    sessions, runtime = machine(coreml=Idle)
    first, second = sessions.run(graph, ONES), sessions.run(graph, ONES)
    assert (first.provider, second.provider) == ("cpu", "cpu")
    assert first.outputs[0].max() == second.outputs[0].max() == 2.0
    assert "it took none of the model's operators" in (first.fell_back or "")
    assert runtime.tried == ["coreml", "cpu"]


def test_when_tensorrt_hands_everything_to_cuda_it_is_cuda_that_ran(machine, graph):
    class HandsOver(Claiming):
        def end_profiling(self):
            path = Path(self._session.end_profiling())
            path.write_text(path.read_text().replace(CPU.runtime_name, CUDA.runtime_name))
            return str(path)

    sessions, runtime = machine(tensorrt=HandsOver, cuda=Claiming)
    assert [sessions.run(graph, ONES).provider for _ in range(2)] == ["cuda", "cuda"]
    assert runtime.tried == ["tensorrt", "cuda"]


def test_a_provider_that_leaves_the_heavy_operators_to_the_cpu_is_said_to(machine, product, caplog):
    sessions, _ = machine(coreml=Partial)
    with caplog.at_level(logging.WARNING):
        ran = sessions.run(Graph("product", product), np.eye(4, dtype=np.float32))
    assert ran.provider == "coreml"
    assert caplog.messages == [
        "Apple Core ML left 1 heavy operator of product to the CPU, which makes it slower than it could be."
    ]


def test_a_fall_back_is_logged_once_and_told_each_time(machine, graph, caplog):
    sessions, _ = machine(cuda=raises(NO_CUBLAS))
    with caplog.at_level(logging.WARNING):
        sentences = {sessions.run(graph, ONES, keep_alive_s=0).fell_back for _ in range(3)}
    assert len(caplog.messages) == 1
    assert sentences == set(caplog.messages)


def test_a_provider_that_cannot_start_is_not_tried_for_every_model(machine, doubling):
    sessions, runtime = machine(cuda=raises(NO_DRIVER))
    for name in "abc":
        assert "no NVIDIA driver" in (sessions.run(Graph(name, doubling(name)), ONES).fell_back or "")
    assert runtime.tried == ["cuda", "cpu", "cpu", "cpu"]


def test_tensorrt_is_passed_over_quietly_unless_it_was_asked_for(machine, graph):
    sessions, _ = machine(tensorrt=raises(NO_TENSORRT), cuda=Claiming)
    ran = sessions.run(graph, ONES)
    assert (ran.provider, ran.fell_back) == ("cuda", None)
    asked, _ = machine(Settings(providers=("tensorrt", "cuda")), tensorrt=raises(NO_TENSORRT), cuda=Claiming)
    assert "so NVIDIA CUDA did the work" in (asked.run(graph, ONES).fell_back or "")


def test_a_graphics_card_whose_memory_fills_up_later_hands_over_to_the_cpu(machine, graph, caplog):
    sessions, runtime = machine(cuda=lambda session, name: Claiming(session, name))
    assert sessions.run(graph, ONES).provider == "cuda"
    engine = next(iter(sessions._slots.values())).engine
    engine._session._errors.append(GPU_FULL)
    with caplog.at_level(logging.WARNING):
        ran, after = sessions.run(graph, 3 * ONES), sessions.run(graph, ONES)
    assert (ran.provider, after.provider) == ("cpu", "cpu")
    assert ran.outputs[0].max() == 6.0
    assert "because its memory was full" in (ran.fell_back or "")
    assert len(caplog.messages) == 1
    assert runtime.tried == ["cuda", "cpu"]


def test_a_full_graphics_card_is_tried_again_once_another_model_has_left_it(machine, graph, doubling):
    def behave(session, name):
        return Claiming(session, name, [GPU_FULL] if len(runtime.tried) == 2 else [])

    sessions, runtime = machine(cuda=behave)
    sessions.run(Graph("other", doubling("other")), ONES)
    ran = sessions.run(graph, ONES)
    assert (ran.provider, ran.fell_back) == ("cuda", None)
    assert [one.id for one in sessions.loaded()] == ["tiny"]


def test_after_a_full_card_the_next_load_tries_it_again(machine, graph):
    def behave(session, name):
        return Claiming(session, name, [GPU_FULL] if runtime.tried == ["cuda"] else [])

    sessions, runtime = machine(cuda=behave)
    assert sessions.run(graph, ONES).provider == "cpu"
    sessions.unload("tiny")
    assert sessions.run(graph, ONES).provider == "cuda"


def test_graphics_providers_take_the_half_precision_file(machine, doubling):
    sessions, _ = machine(cuda=Claiming)
    graph = Graph("tiny", doubling(factor=2.0), fp16=doubling("half", half=True, factor=4.0))
    assert sessions.run(graph, ONES).outputs[0].max() == 4.0


def test_a_failing_provider_falls_back_to_the_full_precision_file(machine, doubling):
    sessions, _ = machine(cuda=raises(NO_CUBLAS))
    graph = Graph("tiny", doubling(factor=2.0), fp16=doubling("half", half=True, factor=4.0))
    assert sessions.run(graph, ONES).outputs[0].max() == 2.0


def test_when_even_the_cpu_fails_it_is_one_sentence(machine, doubling):
    sessions, _ = machine()
    graph = Graph("odd", doubling(shape=("n", 3, "h", "w")))
    sessions.run(graph, ONES)
    engine = next(iter(sessions._slots.values())).engine
    engine._session = Claiming(
        engine._session, CPU.runtime_name, ["[ONNXRuntimeError] : 1 : FAIL : It broke"]
    )
    with pytest.raises(ProviderFailed, match=r"not even on the CPU \(It broke\)"):
        sessions.run(graph, ONES)


def test_no_profile_of_the_proof_is_left_behind(machine, graph, tmp_path, monkeypatch):
    import tempfile

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    sessions, _ = machine(cuda=Claiming, coreml=raises("no"))
    sessions.run(graph, ONES)
    sessions.close()
    assert list(folder.iterdir()) == []
