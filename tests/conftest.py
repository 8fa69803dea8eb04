"""What every test may ask for: real photographs, the built-in model's place, data that does not ship."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# At a desk every run tries new examples; before landing each commit is judged by the same ones.
settings.register_profile("landing", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("landing")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def photos() -> Path:
    """Real photographs that ship with the tests: cat, coffee, astronaut, rocket."""
    return ROOT / "tests" / "photos"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Evaluation data that does not ship: named by MATTED_TEST_DATA or lying beside the repository."""
    named = os.environ.get("MATTED_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the evaluation data is not here ({folder}); set MATTED_TEST_DATA to its folder")
    return folder


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    """A folder to watch whose results need no review unless they are empty."""
    folder = tmp_path / "shoot"
    folder.mkdir()
    (folder / "matted.toml").write_text("review_below = 0.0\n")
    return folder


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or touches the person's own configuration, models, caches or running engine."""
    for name in [name for name in os.environ if name.startswith("MATTED_") and name != "MATTED_TEST_DATA"]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    for variable in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(home))
    for variable, folder in (
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_RUNTIME_DIR", "run"),
        ("XDG_STATE_HOME", "state"),
    ):
        monkeypatch.setenv(variable, str(home / folder))
        (home / folder).mkdir(mode=0o700)
