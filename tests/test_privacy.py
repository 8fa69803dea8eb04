"""Nothing leaves the computer, and nothing that could is prepared behind the person's back."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("arguments", [["cut", "PHOTO", "-o", "OUT"], ["doctor"]])
def test_the_runtimes_telemetry_is_off(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """ONNX Runtime keeps a device id and unsent events in the cache folder when its telemetry is on."""
    monkeypatch.delenv("CI", raising=False)  # where this is set the runtime keeps quiet by itself
    places = {"PHOTO": str(photos / "cat.jpg"), "OUT": str(tmp_path / "out.png")}
    command = [sys.executable, "-m", "matted", *[places.get(word, word) for word in arguments]]
    subprocess.run(command, check=True, capture_output=True)
    kept = [path.name for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert not {"deviceid", "onnxruntime.db"} & set(kept)
