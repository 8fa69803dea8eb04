"""What a person sees in GIMP when the engine fails: one sentence, and an image that nobody has touched.

Real engines that are killed, missing, older or strangers; the slow model loops until somebody gives up.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from editors.editor import Gimp
from editors.engine import PACKAGES, Engine
from editors.room import Room
from graphs import red_key_catalogue, save_slow_red_key
from matted import client
from matted.client import Client

SLOW = """
image = Gimp.Image.new(64, 64, Gimp.ImageBaseType.RGB)
layer = layer_of(image, bytes(range(256)) * 64, 64, 64)
before = pixels(layer, None)
said = call(arguments[0], image, [layer], model="slow-key")
report(said=said, untouched=pixels(layer, None) == before and layer.get_mask() is None)
report(channels=len(image.get_channels()), layers=len(image.get_layers()))
"""
QUICK = SLOW.replace(', model="slow-key"', "")
REFINE = """
image = Gimp.Image.new(64, 64, Gimp.ImageBaseType.RGB)
layer = layer_of(image, bytes(range(256)) * 64, 64, 64)
layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))
report(said=call("matted-refine-mask", image, [layer]), white=set(pixels(layer.get_mask(), "Y u8")) == {255})
report(others=call("matted-remove-background", image, [layer]))
"""
UNTOUCHED = {"untouched": True, "channels": 0, "layers": 1}
OLD = """
import sys
from matted import cli
from matted.service import app, routes
app.table = lambda: [route for route in routes.table() if not route.path.endswith("/refine")]
sys.exit(cli.main(["serve", "--idle-exit-s", "0"]))
"""


@pytest.fixture
def slow(room: Room, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine with a model that never ends; this process finds it, too."""
    engine = Engine(room.desk / f"slow-engine-{os.urandom(3).hex()}")
    models = engine.models
    red_key_catalogue(models, model_id="slow-key").rename(models / "catalogue.toml")
    save_slow_red_key(models / "slow-key.onnx")
    monkeypatch.setenv("MATTED_RUNTIME", str(engine.folder))
    engine.start()
    yield engine
    engine.stop(signal.SIGKILL)


def await_(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 200
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def jobs() -> Any:
    with Client.connect(start=False) as matted:
        return matted.status()["jobs"]


def meanwhile(act: Callable[[], None]) -> threading.Thread:
    """Does `act` once the engine is at work."""

    def work() -> None:
        await_(lambda: jobs()["running"] == 1)
        act()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def plugin_of(gimp: Gimp) -> int:
    """The plug-in's process."""
    script = os.fsencode(gimp.home / "plug-ins/matted/matted.py")
    for found in Path("/proc").glob("[0-9]*/cmdline"):
        words = found.read_bytes().split(b"\0")
        if script in words and b"-run" in words:
            return int(found.parent.name)
    raise AssertionError("the plug-in does not run")


def test_a_killed_engine_is_told_and_nothing_is_changed(gimp: Gimp, slow: Engine):
    acting = meanwhile(lambda: slow.stop(signal.SIGKILL))
    outcome = gimp.run(SLOW, "matted-remove-background", environment=slow.environment, timeout_s=280).good()
    acting.join()
    status, sentence = outcome.report.pop("said")
    assert (status, "stopped while it was working" in sentence) == ("execution-error", True)
    assert outcome.report == UNTOUCHED


def test_when_gimp_cancels_the_engine_is_free_again(gimp: Gimp, slow: Engine):
    # GIMP's Cancel kills the plug-in's process; nothing in it can run any more
    acting = meanwhile(lambda: os.kill(plugin_of(gimp), signal.SIGKILL))
    outcome = gimp.run(SLOW, "matted-remove-background", environment=slow.environment, timeout_s=280).good()
    acting.join()
    await_(lambda: jobs() == {"active": 0, "running": 0})
    assert outcome.report.pop("said")[0] != "success"
    assert outcome.report == UNTOUCHED


def test_an_engine_that_does_not_run_is_started(gimp: Gimp, room: Room):
    engine = Engine(room.desk / "unstarted-engine")
    engine.let_editors_start_it()
    outcome = gimp.run(QUICK, "matted-remove-background", environment=engine.environment).good()
    assert outcome.report["said"] == ["success", None]
    assert not outcome.report["untouched"]


def test_an_engine_that_is_not_installed_is_told_with_what_to_do(gimp: Gimp, room: Room):
    engine = Engine(room.desk / "absent-engine")
    outcome = gimp.run(QUICK, "matted-remove-background", environment=engine.environment).good()
    status, sentence = outcome.report.pop("said")
    assert status == "execution-error"
    assert "could not be started" in sentence
    assert "matted plugins install gimp" in sentence
    assert outcome.report == UNTOUCHED


def test_a_wrong_token_sends_nothing(gimp: Gimp, room: Room, engine: Engine):
    told = Engine(room.desk / "wrong-token")
    runtime = json.loads((engine.folder / client.RUNTIME_FILE).read_text("utf-8"))
    path = told.folder / client.RUNTIME_FILE
    path.write_text(json.dumps({**runtime, "token": "f" * 64}), "utf-8")
    path.chmod(0o600)
    outcome = gimp.run(QUICK, "matted-remove-background", environment=told.environment).good()
    status, sentence = outcome.report.pop("said")
    assert status == "execution-error"
    assert "nothing was sent" in sentence
    assert outcome.report == UNTOUCHED


def test_an_old_engine_is_told_where_it_matters_only(gimp: Gimp, room: Room):
    folder = room.desk / "old-engine"
    engine = Engine(folder)
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGES), "HOME": str(folder / "home")}
    old = subprocess.Popen([sys.executable, "-c", OLD], env={**variables, **engine.environment})
    try:
        await_((folder / client.RUNTIME_FILE).exists)
        outcome = gimp.run(REFINE, environment=engine.environment).good()
    finally:
        old.terminate()
        old.wait()
    status, sentence = outcome.report["said"]
    assert (status, "older than this plug-in" in sentence) == ("execution-error", True)
    assert outcome.report["white"]
    assert outcome.report["others"] == ["success", None]
