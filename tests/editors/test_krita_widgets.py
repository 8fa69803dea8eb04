"""The docker's widgets in PyQt5, Krita 5's, and in PyQt6, Krita 6's: they look and answer alike."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from editors.editor import INSIDE
from editors.room import Room
from matted import client


@pytest.fixture(params=["PyQt5", "PyQt6"])
def found(request: pytest.FixtureRequest, room: Room, desk: Path, root: Path) -> dict[str, Any]:
    """What the widgets did in one of the two."""
    shutil.copytree(root / "plugins/krita", desk / "plugin")
    shutil.copy(str(client.__file__), desk / "plugin/matted/matted_client.py")
    shutil.copy(INSIDE / "krita_widgets.py", desk)
    command = [
        "/usr/bin/python3",
        desk / "krita_widgets.py",
        request.param,
        desk / "plugin",
        desk / "shot.png",
    ]
    done = room.run([str(part) for part in command], {"QT_QPA_PLATFORM": "offscreen"}, timeout_s=60)
    if f"No module named '{request.param}'" in done.stderr:
        pytest.skip(f"this root holds no {request.param}")
    assert done.rc == 0, done.stderr
    return {"asked for": request.param, **json.loads(done.stdout.splitlines()[-1])}


def test_the_docker_behaves_the_same_in_both(found: dict[str, Any]):
    assert found["generation"] == int(found["asked for"][-1])
    assert (found["top"], found["bottom"], found["before"]) == ("#ffffff", "#c81e1e", "#c81e1e")
    assert 45 <= found["dragged"] <= 55
    assert found["wish"] == ["fast", -3.5, "mask"]
    assert found["download hidden"]
    assert found["download shown"]
    assert found["model while it is not here"] is None
    assert found["busy"] == [False, True, 400]
    assert found["idle"] == [True, False]
    assert found["kept"] == [2]
    assert found["the last one stays"]
    assert found["state"] == "Ready on NVIDIA graphics"
    assert found["wish shown"]
    assert not found["posted at once"]
    assert found["posted"]
    assert {"change", "pull", "cut_out", "refine", "cancel", "compare"} <= set(found["calls"])
