"""A command with a running engine: the same result, from the engine's warm model; alone when it is gone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graphs import red_key_catalogue, save_blue_key
from matted.client import Client, runtime_dir


@pytest.fixture
def engine() -> Iterator[subprocess.Popen[bytes]]:
    """A real `matted serve` in the test's own folders, answering."""
    process = subprocess.Popen([sys.executable, "-m", "matted", "serve"], stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            Client.connect(start=False).close()
            break
        except Exception:
            time.sleep(0.05)
    else:
        pytest.fail("the engine did not come up")
    yield process
    process.terminate()
    process.wait(20)


def cut(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "matted", "cut", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, env=dict(os.environ))


@pytest.mark.usefixtures("engine")
def test_the_engines_result_is_the_same_to_the_byte(photos: Path, tmp_path: Path) -> None:
    by_engine = cut(photos / "cat.jpg", "-o", tmp_path / "engine.png", "--json")
    alone = cut(photos / "cat.jpg", "-o", tmp_path / "alone.png", "--no-daemon")
    assert (by_engine.returncode, alone.returncode) == (0, 0), by_engine.stderr + alone.stderr
    assert (tmp_path / "engine.png").read_bytes() == (tmp_path / "alone.png").read_bytes()
    assert "receive" in json.loads(by_engine.stdout)["times"]  # it went over the wire
    with Client.connect(start=False) as client:
        assert [model["id"] for model in client.status()["models"]] == ["builtin"]


@pytest.mark.usefixtures("engine")
def test_adjusted_and_limited_it_is_the_same_to_the_byte(photos: Path, tmp_path: Path) -> None:
    width, height = Image.open(photos / "cat.jpg").size
    limit = np.zeros((height, width), np.uint16)
    limit[:, : width // 2] = 40000
    Image.fromarray(limit).save(tmp_path / "limit.png")
    flags = ["--limit", tmp_path / "limit.png", "--grow", "2.5", "--keep", "largest", "--mask", "--json"]
    by_engine = cut(photos / "cat.jpg", "-o", tmp_path / "engine.png", *flags)
    alone = cut(photos / "cat.jpg", "-o", tmp_path / "alone.png", "--no-daemon", *flags)
    assert (by_engine.returncode, alone.returncode) == (0, 0), by_engine.stderr + alone.stderr
    assert (tmp_path / "engine.png").read_bytes() == (tmp_path / "alone.png").read_bytes()
    reports = [json.loads(done.stdout) for done in (by_engine, alone)]
    assert "receive" in reports[0]["times"]
    assert reports[0]["confidence"] == reports[1]["confidence"]
    assert reports[0]["warnings"] == reports[1]["warnings"]


@pytest.mark.usefixtures("engine")
def test_shown_what_is_wanted_it_is_the_same_to_the_byte(photos: Path, tmp_path: Path) -> None:
    flags = ["--box", "20,10,300,290", "--not", "5,5", "--look", "once", "--mask", "--json"]
    by_engine = cut(photos / "cat.jpg", "-o", tmp_path / "engine.png", *flags)
    alone = cut(photos / "cat.jpg", "-o", tmp_path / "alone.png", "--no-daemon", *flags)
    assert (by_engine.returncode, alone.returncode) == (0, 0), by_engine.stderr + alone.stderr
    assert (tmp_path / "engine.png").read_bytes() == (tmp_path / "alone.png").read_bytes()
    assert "receive" in json.loads(by_engine.stdout)["times"]


@pytest.fixture
def two_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATTED_CATALOGUE", str(save_blue_key(red_key_catalogue(tmp_path))))


@pytest.mark.usefixtures("two_models", "engine")
def test_two_models_differ_the_same_to_the_byte(photos: Path, tmp_path: Path) -> None:
    outputs = []
    for name, flags in (("engine", []), ("alone", ["--no-daemon"])):
        command = [
            sys.executable,
            "-m",
            "matted",
            "compare",
            photos / "cat.jpg",
            "--models",
            "red-key,blue-key",
        ]
        outputs.append(tmp_path / f"{name}.png")
        done = subprocess.run([*command, "-o", outputs[-1], *flags], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    with Client.connect(start=False) as client:
        assert {model["id"] for model in client.status()["models"]} >= {"red-key", "blue-key"}


@pytest.mark.usefixtures("engine")
def test_the_engines_refusal_keeps_its_sentence_and_code(photos: Path, tmp_path: Path) -> None:
    done = cut(photos / "cat.jpg", "-o", tmp_path / "out.png", "--model", "u2net")
    assert done.returncode == 4
    assert b"matted models pull u2net" in done.stderr


def test_a_killed_engine_does_not_stop_the_command(
    engine: subprocess.Popen[bytes], photos: Path, tmp_path: Path
) -> None:
    os.kill(engine.pid, signal.SIGKILL)
    engine.wait(20)
    done = cut(photos / "cat.jpg", "-o", tmp_path / "out.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").exists()


def test_an_engine_that_no_program_can_find_any_more_ends(engine: subprocess.Popen[bytes]) -> None:
    """The session's runtime folder is wiped at logout; nothing must be left running for ever."""
    shutil.rmtree(runtime_dir())
    assert engine.wait(60) == 0


@pytest.mark.usefixtures("engine")
def test_a_mask_corrected_by_strokes_is_the_same_to_the_byte(photos: Path, tmp_path: Path) -> None:
    width, height = Image.open(photos / "cat.jpg").size
    made, guide = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    painted = made.copy()
    painted[height // 3 : height // 2, width // 3 : width // 2] = 255
    guide[: height // 8, : width // 8] = 1
    for name, plane in (("made", made), ("painted", painted), ("guide", guide)):
        Image.fromarray(plane).save(tmp_path / f"{name}.png")
    given = ["--mask", tmp_path / "painted.png", "--made", tmp_path / "made.png"]
    given += ["--guide", tmp_path / "guide.png", "--only-mask", "--json"]
    command = [sys.executable, "-m", "matted", "refine", photos / "cat.jpg", *given, "-o"]
    by_engine = subprocess.run([*command, tmp_path / "engine.png"], capture_output=True, check=False)
    alone = subprocess.run(
        [*command, tmp_path / "alone.png", "--no-daemon"], capture_output=True, check=False
    )
    assert (by_engine.returncode, alone.returncode) == (0, 0), by_engine.stderr + alone.stderr
    assert (tmp_path / "engine.png").read_bytes() == (tmp_path / "alone.png").read_bytes()
    report = json.loads(by_engine.stdout)
    assert "queue" in report["times"]  # it went over the wire
    assert report["model"] == "brush"
