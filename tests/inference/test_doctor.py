"""`matted doctor` on computers we do not have, from facts recorded or composed, and once on this one."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from matted.cli import main
from matted.config import Settings
from matted.inference.doctor import Card, Facts, Library, Trial, diagnose, healthy
from matted.inference.examine import examine
from matted.inference.providers import BY_NAME, CPU, explain

NVIDIA = Card("nvidia", "NVIDIA GeForce RTX 4070")
CUDA_13 = (
    Library("libcuda.so.1", "driver", found=True),
    Library("libcublasLt.so.13", "cuda", found=True),
    Library("libcublas.so.13", "cuda", found=True),
    Library("libcudart.so.13", "cuda", found=True),
    Library("libcufft.so.12", "cuda", found=True),
    Library("libcurand.so.10", "cuda", found=True),
    Library("libcudnn.so.9", "cudnn", found=True),
    Library("libnvinfer.so.10", "tensorrt", found=True),
)

# onnxruntime 1.31.1 on the computer these tests were written on
PLAIN = Facts(
    system="Linux 6.18 x86_64",
    platform="linux",
    python="3.11.7",
    matted="0.1.0",
    packages={"onnxruntime": "1.31.1"},
    runtime="1.31.1",
    runtime_error=None,
    available=("AzureExecutionProvider", "CPUExecutionProvider"),
    asked=(),
    cuda_wanted=None,
    cards=(),
    driver=None,
    driver_cuda=None,
    rocm=None,
    libraries=(),
    strangers=(),
    trials=(Trial("cpu", 0.11, 0.03),),
    models_dir="/home/ana/.local/share/matted/models",
    models_writable=True,
    free_bytes=69 << 30,
    missing_files=(),
)
# onnxruntime-gpu 1.31.1 and its extras, with a card
GPU = replace(
    PLAIN,
    packages={"onnxruntime-gpu": "1.31.1"},
    available=("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"),
    cuda_wanted=13,
    cards=(NVIDIA,),
    driver="580.95.05",
    driver_cuda=(13, 0),
    libraries=CUDA_13,
    trials=(Trial("tensorrt", 40.0, 0.002), Trial("cuda", 0.9, 0.004), Trial("cpu", 0.11, 0.03)),
)


def lacking(facts: Facts, *names: str) -> Facts:
    libraries = tuple(replace(one, found=one.found and one.name not in names) for one in facts.libraries)
    return replace(facts, libraries=libraries)


def failing(facts: Facts, provider: str, message: str) -> Facts:
    failure = explain(BY_NAME[provider], message)
    trials = tuple(
        Trial(one.provider, failure=failure) if one.provider == provider else one for one in facts.trials
    )
    return replace(facts, trials=trials)


def problems(facts: Facts) -> list[tuple[str, str, str]]:
    found = diagnose(facts)
    assert healthy(found) == (not any(one.level == "problem" for one in found))
    return [(one.topic, one.sentence, one.cure or "") for one in found if one.level == "problem"]


@pytest.mark.parametrize("facts", [PLAIN, GPU])
def test_a_healthy_computer_has_nothing_to_fix(facts):
    assert problems(facts) == []


def test_every_problem_comes_with_a_cure():
    worst = replace(
        lacking(GPU, "libcudnn.so.9"),
        packages={"onnxruntime": "1.31.1", "onnxruntime-gpu": "1.31.1"},
        driver_cuda=(12, 4),
        asked=("rocm", "gpu"),
        models_writable=False,
        missing_files=("models/builtin.onnx",),
    )
    found = problems(worst)
    assert {topic for topic, _, _ in found} >= {
        "installation",
        "ONNX Runtime",
        "driver",
        "libraries",
        "settings",
    }
    assert all(cure for _, _, cure in found)


def test_a_card_without_a_driver():
    facts = failing(
        replace(lacking(GPU, "libcuda.so.1"), driver=None, driver_cuda=None, trials=GPU.trials[1:]),
        "cuda",
        "libcuda.so.1: cannot open shared object file: No such file or directory",
    )
    found = problems(facts)
    assert [topic for topic, _, _ in found] == ["driver", "inference"]
    assert "install the NVIDIA driver" in found[0][2]
    assert "no NVIDIA driver was found (libcuda.so.1)" in found[1][1]


def test_a_card_and_its_driver_but_the_package_for_the_cpu():
    (problem,) = problems(replace(PLAIN, cards=(NVIDIA,), driver="580.95.05", driver_cuda=(13, 0)))
    assert problem == (
        "graphics card",
        "NVIDIA GeForce RTX 4070, but the installed ONNX Runtime cannot use it.",
        'pip uninstall -y onnxruntime, then pip install "onnxruntime-gpu[cuda,cudnn]"',
    )


def test_a_package_for_cuda_13_with_the_libraries_of_cuda_12():
    names = [one.name for one in CUDA_13 if one.part == "cuda"]
    facts = failing(
        replace(lacking(GPU, *names), strangers=("CUDA 12",)),
        "cuda",
        "libcublasLt.so.13: cannot open shared object file: No such file or directory",
    )
    libraries, inference = problems(facts)
    assert "Of the libraries of CUDA 13 that ONNX Runtime needs, libcublasLt.so.13," in libraries[1]
    assert "(found: CUDA 12, of another version)" in libraries[1]
    assert libraries[2] == 'pip install "onnxruntime-gpu[cuda,cudnn]"'
    assert "libcublasLt.so.13 was not found" in inference[1]


def test_a_driver_too_old_for_the_package():
    (problem,) = problems(replace(GPU, driver="550.54.14", driver_cuda=(12, 4)))
    assert problem == (
        "driver",
        "The NVIDIA driver 550.54.14, serves CUDA up to 12.4, but the installed ONNX Runtime wants CUDA 13.",
        "update the NVIDIA driver to 580 or newer",
    )


def test_both_packages_at_once():
    (problem,) = problems(replace(GPU, packages={"onnxruntime-gpu": "1.31.1", "onnxruntime": "1.30.0"}))
    assert "onnxruntime and onnxruntime-gpu are installed together" in problem[1]
    assert problem[2] == (
        'pip uninstall -y onnxruntime onnxruntime-gpu, then pip install "onnxruntime-gpu[cuda,cudnn]"'
    )


def test_cudnn_missing_alone():
    (problem,) = problems(lacking(GPU, "libcudnn.so.9"))
    assert problem[1] == "Of the libraries of CUDA 13 that ONNX Runtime needs, libcudnn.so.9 was not found."


def test_tensorrt_missing_is_only_a_note_unless_it_was_asked_for():
    without = lacking(replace(GPU, trials=GPU.trials[1:]), "libnvinfer.so.10")
    assert problems(without) == []
    assert any("CUDA works without them" in one.sentence for one in diagnose(without))
    assert len(problems(replace(without, asked=("tensorrt",)))) == 1


def test_the_package_for_cards_on_a_computer_without_one_is_no_problem():
    """As recorded here with onnxruntime-gpu 1.31.1."""
    facts = failing(
        replace(lacking(GPU, "libcuda.so.1"), cards=(), driver=None, driver_cuda=None, trials=GPU.trials[1:]),
        "cuda",
        "libcuda.so.1: cannot open shared object file: No such file or directory",
    )
    assert problems(facts) == []


def test_no_runtime_at_all():
    gone = replace(
        PLAIN,
        packages={},
        runtime=None,
        runtime_error="No module named 'onnxruntime'",
        available=(),
        trials=(),
    )
    (problem,) = problems(gone)
    assert problem[1:] == (
        "It cannot be loaded (No module named 'onnxruntime').",
        "pip install onnxruntime",
    )


def test_a_provider_asked_for_that_the_package_lacks():
    (problem,) = problems(replace(PLAIN, asked=("openvino", "cpu")))
    assert "asks for Intel OpenVINO" in problem[1]


def test_a_cpu_that_fails_is_always_a_problem():
    facts = replace(PLAIN, trials=(Trial("cpu", failure=explain(CPU, "Illegal instruction")),))
    (problem,) = problems(facts)
    assert problem[1] == "The CPU did not run because it failed with “Illegal instruction”."


def test_a_device_that_leaves_work_to_the_cpu_is_noted():
    facts = replace(GPU, trials=(Trial("cuda", 0.9, 0.04, heavy_left=12), Trial("cpu", 0.11, 0.03)))
    assert any("left 12 heavy operators of the built-in model" in one.sentence for one in diagnose(facts))


def test_windows_with_another_card_is_pointed_to_directml():
    facts = replace(PLAIN, platform="win32", cards=(Card("amd", "AMD Radeon RX 7800 XT"),))
    notes = [one for one in diagnose(facts) if one.level == "note"]
    assert [one.cure for one in notes] == [
        "pip uninstall -y onnxruntime, then pip install onnxruntime-directml"
    ]
    assert problems(facts) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"free_bytes": 300 << 20}, "has only 0.3 GB of free disk left"),
        ({"models_writable": False}, "cannot be written"),
    ],
)
def test_a_models_folder_that_cannot_take_a_model(change, sentence):
    (problem,) = problems(replace(PLAIN, **change))
    assert sentence in problem[1]


def test_this_computer_really_runs_the_built_in_model_on_the_cpu(tmp_path):
    facts = examine(Settings(models_dir=tmp_path / "not" / "yet"))
    (cpu,) = [one for one in facts.trials if one.provider == "cpu"]
    assert cpu.failure is None
    assert cpu.run_s > 0.0
    assert facts.models_writable
    assert list(facts.packages)


def test_the_command_tells_as_json_and_by_its_exit_code(capsys):
    code = main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == (0 if told["healthy"] else 1)
    assert {"level", "topic", "sentence", "cure"} == set(told["findings"][0])
    assert told["facts"]["runtime"]


def test_the_command_ends_with_one_when_there_is_something_to_fix(capsys, monkeypatch):
    monkeypatch.setenv("MATTED_PROVIDERS", "openvino,cuda,cpu")
    assert main(["doctor"]) == 1
    assert "to fix." in capsys.readouterr().out


def test_a_trial_that_fails_tells_its_reason_and_not_a_stack_trace(root):
    command = [sys.executable, "-m", "matted.inference.trial", "cpu", str(root / "README.md")]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(root / "daemon")})
    assert set(json.loads(done.stdout)) == {"reason", "cure"}
