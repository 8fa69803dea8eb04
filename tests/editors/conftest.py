"""Real editors for tests: `gimp`, `krita`, and the `engine` they talk to.

MATTED_EDITORS names the folder that `install.py` filled; each release in it runs every test. Without it the
tests are left out, saying how to get it; where it is set in CI they fail instead.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from editors.editor import Gimp, Krita
from editors.engine import Engine
from editors.install import MARK, RELEASE, installed
from editors.played import Played, play
from editors.room import Room, cannot_enter
from matted.client import LAUNCH_FILE

_FOLDER = os.environ.get("MATTED_EDITORS")
_ROOTS = sorted(path.parent for path in Path(_FOLDER).glob(f"*/{MARK}")) if _FOLDER else []
_SHIPPED = Path(__file__).resolve().parent.parent.parent / "plugins"


@pytest.fixture(scope="session", params=_ROOTS or [None], ids=lambda root: root.name if root else RELEASE)
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    """The root of one release, with a folder that editors and test share."""
    if request.param is None:
        _missing(
            f"MATTED_EDITORS={_FOLDER} holds no editors"
            if _FOLDER
            else "no real editors: run `python tests/editors/install.py DIR`, then set MATTED_EDITORS=DIR"
        )
    if (reason := cannot_enter()) is not None:
        _missing(reason)
    room = Room(request.param)
    yield room
    room.close()


@pytest.fixture(scope="session")
def gimp(room: Room) -> Iterator[Gimp]:
    """GIMP 3 with Matted's plugin."""
    _require(room, "gimp")
    editor = Gimp(room)
    if (_SHIPPED / "gimp").is_dir():
        done = editor.install_plugin("gimp")
        assert done.rc == 0, done.stderr
    yield editor
    editor.close()


@pytest.fixture(scope="session")
def krita(room: Room) -> Iterator[Krita]:
    """Krita 5 with Matted's plugin."""
    _require(room, "krita")
    editor = Krita(room)
    if (_SHIPPED / "krita").is_dir():
        done = editor.install_plugin("krita")
        assert done.rc == 0, done.stderr
    yield editor
    editor.close()


@pytest.fixture(scope="session")
def _engine(room: Room) -> Iterator[Engine]:
    engine = Engine(room.desk / "engine")
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest, krita: Krita, _engine: Engine, photos: Path) -> Iterator[Played]:
    """Every case that the module names in CASES, played in one Krita."""
    yield from play(krita, _engine, photos, request.module.CASES)


@pytest.fixture
def its_engine(_own_folders: None, _engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test itself asks is asked of the engine that the editor asks."""
    monkeypatch.setenv("MATTED_RUNTIME", str(_engine.folder))


@pytest.fixture
def engine(_engine: Engine) -> Engine:
    """A running engine; hand `engine.environment` to the editor's run. A test may stop or kill it."""
    (_engine.folder / LAUNCH_FILE).unlink(missing_ok=True)
    _engine.start()
    return _engine


@pytest.fixture
def desk(room: Room) -> Path:
    """An empty folder of the test's own that has the same path in the editor."""
    folder = room.desk / "tests" / os.urandom(4).hex()
    folder.mkdir(parents=True)
    return folder


def _require(room: Room, editor: str) -> None:
    if editor not in installed(room.root):
        _missing(f"{room.root} holds no {editor}")


def _missing(reason: str) -> None:
    if _FOLDER and os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
