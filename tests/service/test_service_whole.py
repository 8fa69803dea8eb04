"""The true pipeline with the built-in model behind the socket."""

import io
import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matted.client import Encoded, Planes
from matted.config import Settings
from matted.imaging.read import read_picture
from matted.pipeline import Pipeline


@pytest.fixture
def whole(start, pipeline, monkeypatch):
    """A daemon with the true pipeline instead of the stand-in."""
    true = Pipeline(replace(Settings()))
    for name in ("matte", "warm", "close", "cache", "catalogue", "weights", "sessions"):
        monkeypatch.setattr(pipeline, name, getattr(true, name))
    yield start()
    true.close()


@pytest.mark.parametrize("photo", ["cat.jpg", "astronaut.jpg"])
def test_a_photo_gets_the_mask_it_gets_without_a_daemon(whole, photos: Path, photo: str):
    picture = read_picture(photos / photo, max_pixels=10**8)
    alone = Pipeline(Settings())
    expected = alone.matte(picture).mask
    alone.close()
    with whole.client() as matted:
        answer = matted.mask(Encoded(photos / photo))
        held = matted.upload(Planes(memoryview(picture.pixels), picture.width, picture.height, "rgb8"))
        again = matted.mask(held)
    assert answer.model == "builtin"
    assert bytes(answer.data) == expected.tobytes()
    if picture.icc is None:
        assert bytes(again.data) == expected.tobytes()


def test_a_second_question_does_not_run_the_model_again(whole, photos: Path):
    with whole.client() as matted:
        held = matted.upload(Encoded(photos / "cat.jpg"))
        assert "model" in matted.mask(held, {"refine": {"level": "none"}}).times_s
        assert "model" not in matted.mask(held, {"refine": {"level": "fast"}}).times_s


def test_a_prompt_chooses_on_a_photo_and_a_second_one_asks_only_what_is_new(whole, photos: Path):
    picture = read_picture(photos / "cat.jpg", max_pixels=10**8)
    box = [0.0, 0.0, picture.width * 0.7, float(picture.height)]
    with whole.client() as matted:
        held = matted.upload(Encoded(photos / "cat.jpg"))
        boxed = matted.mask(held, {"prompt": {"box": box}})
        click = [picture.width / 2, picture.height / 2, 1]
        clicked = matted.mask(held, {"prompt": {"points": [click]}})
        again = matted.mask(held, {"prompt": {"points": [click]}, "refine": {"level": "none"}})
    mask = np.frombuffer(boxed.data, np.uint8).reshape(picture.height, picture.width)
    assert mask.mean() > 20
    assert not mask[:, round(picture.width * 0.8) :].any()
    assert np.frombuffer(clicked.data, np.uint8).mean() > 20
    assert "model" not in again.times_s


def test_a_cutout_keeps_the_size_and_shows_the_subject(whole, photos: Path):
    with whole.client() as matted:
        answer = matted.cutout(Encoded(photos / "cat.jpg"))
    with Image.open(io.BytesIO(answer.data)) as cut, Image.open(photos / "cat.jpg") as photo:
        assert cut.mode == "RGBA"
        assert cut.size == photo.size
        alpha = np.asarray(cut)[..., 3]
    assert alpha.max() > 200
    assert alpha.min() < 50


def test_health_answers_while_45_megapixels_are_being_cut(whole):
    pixels = np.tile(np.linspace(0, 255, 8256, dtype=np.uint8)[None, :, None], (5504, 1, 3))
    answers: list[bool] = []  # whether the job was still running after each answer

    def cut() -> None:
        with whole.client() as matted:
            matted.mask(Planes(memoryview(np.ascontiguousarray(pixels)), 8256, 5504, "rgb8"))

    cutting = threading.Thread(target=cut)
    cutting.start()
    with whole.client() as matted:
        while cutting.is_alive():
            assert matted.health()["status"] == "ok"
            answers.append(matted.status()["jobs"]["running"] == 1)
    assert any(answers)


def test_a_deep_picture_gets_a_deep_mask(whole):
    pixels = np.zeros((40, 30, 3), np.float32)
    with whole.client() as matted:
        assert matted.mask(Planes(memoryview(pixels), 30, 40, "rgbf32")).format == "gray16"


def test_an_unknown_model_is_a_sentence(whole):
    with whole.client() as matted, pytest.raises(Exception, match="There is no model 'u2nett'"):
        matted.mask(Planes(bytes(300), 10, 10, "rgb8"), {"coarse": {"model": "u2nett"}})


def test_the_catalogue_is_listed(whole):
    with whole.client() as matted:
        found = {model["id"]: model for model in matted.models()}
    assert found["builtin"]["installed"]
    assert not found["u2net"]["installed"]


def test_status_and_metrics_name_the_loaded_model(whole, photos: Path):
    with whole.client() as matted:
        matted.mask(Encoded(photos / "cat.jpg"))
        (model,) = matted.status()["models"]
        assert (model["id"], model["provider"]) == ("builtin", "cpu")
        matted.unload("builtin")
        assert matted.status()["models"] == []


def test_the_status_command_speaks_to_people_and_programs(whole):
    command = [sys.executable, "-m", "matted", "status"]
    spoken = subprocess.run(command, capture_output=True, text=True, check=False)
    assert spoken.stdout.startswith("Matted ")
    listed = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert json.loads(listed.stdout)["pid"] == whole.runtime.pid


def test_the_status_command_says_when_nothing_runs():
    done = subprocess.run(
        [sys.executable, "-m", "matted", "status"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 7
    assert "Matted is not running" in done.stderr


def test_mixed_requests_under_load_are_all_answered_and_right(root: Path):
    command = [sys.executable, str(root / "tests" / "bench" / "load.py"), "--requests", "120"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert found["lost"] == []
    assert found["wrong"] == []
    assert found["jobs_left"] == {"active": 0, "running": 0}
    assert found["answered"] + found["refused_as_wished"] + found["abandoned"] == 120
