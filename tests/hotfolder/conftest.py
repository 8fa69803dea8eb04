"""A watched folder with a tiny real model, a way to run it once, and a way to watch it live."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graphs import red_key_catalogue
from matted.config import Settings
from matted.hotfolder.cutter import Cutter, PipelineCutter
from matted.hotfolder.desk import Desk
from matted.hotfolder.folder import HotFolder
from matted.hotfolder.options import WatchOptions
from matted.hotfolder.recipe import Recipe
from matted.hotfolder.telling import Event, Progress
from matted.pipeline import Pipeline

TRUSTING = "review_below = 0.0\n"


@pytest.fixture(scope="session")
def cutter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cutter]:
    """Cuts out what is red."""
    catalogue = red_key_catalogue(tmp_path_factory.mktemp("model"))
    pipeline = Pipeline(Settings(model="red-key", catalogue=catalogue, threads=1))
    yield PipelineCutter(pipeline)
    pipeline.close()


def picture(number: int, *, empty: bool = False) -> bytes:
    """A red square on blue as a PNG, different for each number, as is its result; `empty`: no square."""
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[..., 2] = 255
    pixels[..., 1] = number % 256
    if not empty:
        pixels[24:72, 24:72] = (255, number % 200, number // 200)
    pixels[0, 0] = (0, number // 256, number % 251)
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG")
    return target.getvalue()


def made_of(content: bytes, recipe: Recipe, cutter: PipelineCutter) -> list[bytes]:
    """Every result of a picture as it must be, made without any folder."""
    whole, matte = cutter.matte(content, recipe, threading.Event())
    results = []
    for item in recipe.items:
        target = io.BytesIO()
        item.write(whole, matte, target)
        results.append(target.getvalue())
    return results


@dataclass
class Live:
    """A watch going on in a thread; `wait` waits for something it tells."""

    folder: HotFolder
    events: list[Event] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _read: int = 0

    def tell(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait(self, kind: str, path: str | None = None, saying: str = "") -> Event:
        """The next event of this kind, of this picture, after those already waited for."""

        def found() -> Event | None:
            for at in range(self._read, len(self.events)):
                event = self.events[at]
                named = path is None or (event.path is not None and event.path.as_posix() == path)
                if event.kind == kind and named and saying in event.sentence:
                    self._read = at + 1
                    return event
            return None

        with self._changed:
            event = self._changed.wait_for(found, 60)
        assert event is not None, (kind, path, saying, self.events)
        return event


@dataclass
class Hot:
    """A folder to drop pictures into."""

    path: Path
    cutter: Cutter

    def options(self, **more: object) -> WatchOptions:
        values: dict[str, object] = {"settle_s": 0.1, "retry_s": (0.1,), "scan_s": 60.0, "hold_s": 0.1}
        return WatchOptions(self.path, **(values | more))  # type: ignore[arg-type]

    def once(self, tell: Callable[[Event], None] = lambda _event: None, **more: object) -> Progress:
        """All that is there, cut."""
        return HotFolder(self.options(once=True, **more), self.cutter, tell).run()

    def live(self, **more: object) -> AbstractContextManager[Live]:
        """A watch that has looked at what was there, and goes on until the block ends."""

        @contextmanager
        def watching() -> Iterator[Live]:
            ready = threading.Event()
            live = Live(
                HotFolder(self.options(**more), self.cutter, lambda e: live.tell(e), lambda _p: ready.set())
            )
            errors: list[BaseException] = []

            def run() -> None:
                try:
                    live.folder.run()
                except BaseException as error:
                    errors.append(error)
                    ready.set()

            thread = threading.Thread(target=run)
            thread.start()
            try:
                assert ready.wait(60)
                if errors:
                    raise errors[0]
                yield live
            finally:
                live.folder.stop()
                thread.join(60)
            assert not errors, errors

        return watching()

    def drop(self, name: str, number: int = 0, *, empty: bool = False) -> Path:
        """A red square on blue, another one for each number; `empty`: no square, so that it needs review."""
        pixels = np.zeros((220, 220, 3), np.uint8)
        pixels[..., 2] = 255
        if not empty:
            pixels[60:160, 60:160] = (255, number % 256, 0)
        pixels[0, 0, 1] = number % 256
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=95)
        return path

    def results(self) -> list[str]:
        """All files but the originals' and the recipes', by name."""
        tops = ("cutouts", "masks", "review", "done", "failed")
        return sorted(
            path.relative_to(self.path).as_posix()
            for top in tops
            for path in (self.path / top).rglob("*")
            if path.is_file()
        )

    def desk(self) -> Desk:
        return Desk.open(self.path)

    def square(self, name: str) -> int:
        """The number of the picture that a result was made of."""
        return int(np.asarray(Image.open(self.path / name))[110, 110, 1])


@pytest.fixture
def hot(tmp_path: Path, cutter: Cutter) -> Hot:
    """An empty watched folder whose results need no review unless they are empty."""
    folder = Hot(tmp_path / "hot", cutter)
    folder.path.mkdir()
    (folder.path / "matted.toml").write_text(TRUSTING)
    return folder
