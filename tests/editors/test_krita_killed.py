"""An engine that dies under the docker costs a sentence, never a mask or Krita itself."""

import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from editors.editor import Krita
from editors.engine import Engine
from matted.client import Client, Planes


@pytest.fixture
def told(krita: Krita, engine: Engine, desk: Path, photos: Path) -> dict[str, Any]:
    """What the docker said; its files are in `desk`."""
    Image.open(photos / "cat.jpg").convert("RGBA").save(desk / "cat.png")
    engine.record(["/bin/false"])

    def killer() -> None:
        for asked, did, act in (
            ("kill", "killed", lambda: engine.stop(signal.SIGKILL)),
            ("revive", "revived", engine.start),
        ):
            deadline = time.monotonic() + 120
            while not (desk / asked).exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            act()
            (desk / did).touch()

    thread = threading.Thread(target=killer, daemon=True)
    thread.start()
    outcome = krita.run(
        "from krita_killed import main", desk, desk / "cat.png", environment=engine.environment, timeout_s=120
    ).good()
    thread.join(10)
    return outcome.report


def test_a_killed_engine_is_told_and_the_next_one_used(
    told: dict[str, Any], engine: Engine, desk: Path, monkeypatch: pytest.MonkeyPatch
):
    assert "Matted" in told["slider"]
    assert "Matted" in told["cut out"]
    assert told["mask kept"]
    assert told["mask still kept"]
    assert told["masks"] == ["Matted"]
    assert told["state"] == "Asleep"
    monkeypatch.setenv("MATTED_RUNTIME", str(engine.folder))
    picture = Image.open(desk / "cat.png")
    with Client.connect(start=False) as client:
        answer = client.mask(
            Planes(picture.tobytes(), *picture.size, "rgba8"),
            {"refine": {"level": "fine"}, "adjust": {"grow_px": 9}},
        )
    alpha = np.asarray(Image.open(desk / "revived.png").convert("RGBA"))[..., 3]
    assert np.array_equal(alpha.reshape(-1), np.frombuffer(bytes(answer.data), np.uint8))
