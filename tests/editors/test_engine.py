"""That a program inside the editors' root reaches the engine outside, and can start it there."""

from pathlib import Path

import pytest

from editors.editor import Gimp
from editors.engine import Engine
from editors.room import has_name_spaces
from matted import client

SCRIPT = """
import importlib.util
spec = importlib.util.spec_from_file_location("matted_client", arguments[0])
matted_client = importlib.util.module_from_spec(spec)
spec.loader.exec_module(matted_client)
try:
    with matted_client.Client.connect(start=arguments[1] == "start") as matted:
        picture = matted_client.Planes(bytes(64 * 64 * 4), 64, 64, "rgba8")
        report(width=matted.upload(picture).width)
except matted_client.Unavailable as error:
    report(sentence=str(error))
"""


@pytest.fixture
def copy(desk: Path) -> Path:
    """The client where the editor can read it."""
    path = desk / "matted_client.py"
    path.write_bytes(Path(client.__file__).read_bytes())
    return path


def test_the_editor_reaches_a_running_engine(gimp: Gimp, engine: Engine, copy: Path):
    outcome = gimp.run(SCRIPT, copy, "wait", environment=engine.environment).good()
    assert outcome.report == {"width": 64}


@pytest.mark.skipif(not has_name_spaces(), reason="a plain chroot has no way out to the computer")
def test_the_editor_starts_the_engine(gimp: Gimp, engine: Engine, copy: Path):
    engine.stop()
    engine.let_editors_start_it()
    outcome = gimp.run(SCRIPT, copy, "start", environment=engine.environment).good()
    assert outcome.report == {"width": 64}


def test_the_editor_is_told_when_there_is_no_engine(gimp: Gimp, engine: Engine, copy: Path):
    engine.stop()
    outcome = gimp.run(SCRIPT, copy, "wait", environment=engine.environment).good()
    assert "not running" in outcome.report["sentence"]
