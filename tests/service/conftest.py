"""A real daemon on a real socket for each test, with a stand-in pipeline whose result can be foretold.

The stand-in's mask is the picture's first channel, so that a mix-up of pictures, sizes or bytes shows.
It can be told to be slow or to fail. Tests of the true pipeline behind the same socket are in
`test_service_whole.py`.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from matted.cache import StageCache
from matted.client import Client, Runtime, read_runtime
from matted.config import Settings
from matted.errors import Cancelled, MattedError, UnknownModel
from matted.service.daemon import listening_socket, serve
from matted.service.guard import Identity
from matted.service.runtime import Instance


class StandIn:
    """Looks like `matted.pipeline.Pipeline` to the service."""

    def __init__(self) -> None:
        self.cache = StageCache(64 << 20)
        self.slow_s = 0.0
        self.error: Exception | None = None
        self.working = threading.Semaphore(0)  # released whenever a picture is being worked on
        self.stopped = threading.Semaphore(0)  # released whenever work was given up
        self.keys: list[str | None] = []
        self.asked: list[tuple[Any, Any, Any]] = []  # adjust, limit, side_px of each request
        self.prompts: list[Any] = []
        self.catalogue = SimpleNamespace(get=self._model, models=lambda: (self._model("builtin"),))
        self.weights = SimpleNamespace(installed=lambda _model: True, pull=self._pull, remove=self._removed)
        self.sessions = SimpleNamespace(
            loaded=list,
            fallbacks=list,
            unload=lambda _id: None,
            sweep=lambda: None,
            close=lambda: None,
        )
        self.downloading = 0.0
        self.removed: list[str] = []

    def matte(self, picture, coarse, _refine, *, prompt, adjust, limit, side_px, key, progress, cancelled):
        from matted.notice import Notice
        from matted.pipeline import Matte

        self.keys.append(key)
        self.asked.append((adjust, limit, side_px))
        self.prompts.append(prompt)
        self.working.release()
        ends = time.monotonic() + self.slow_s
        while time.monotonic() < ends:
            progress("model", 0.5)
            if cancelled.wait(0.01):
                self.stopped.release()
                raise Cancelled("The cut-out was cancelled.")
        if self.error is not None:
            raise self.error
        mask = picture.pixels[..., 0].copy()
        if mask.dtype.kind == "f":
            mask = (mask.astype(np.float32) * 65535 + 0.5).astype(np.uint16)
        return Matte(
            *(mask, coarse.model or "builtin", "cpu", (Notice("small-picture", "Smäll."),), {"model": 0.25}),
            confidence=0.625,
        )

    def subjects(self, picture, coarse, refine, *, prompt, key, progress, cancelled):
        from matted.matting.subjects import Subjects

        told = {"prompt": prompt, "key": key, "progress": progress, "cancelled": cancelled}
        matte = self.matte(picture, coarse, refine, adjust=None, limit=None, side_px=None, **told)
        return Subjects.of(matte.mask), matte

    def disagreement(self, picture, models, coarse, refine, *, prompt, key, progress, cancelled):
        told = {"prompt": prompt, "key": key, "progress": progress, "cancelled": cancelled}
        matte = self.matte(picture, coarse, refine, adjust=None, limit=None, side_px=None, **told)
        return replace(matte, model=", ".join(models), confidence=None)

    def warm(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _model(self, name: str) -> Any:
        if name != "builtin":
            raise UnknownModel(f"There is no model {name!r}.")
        return SimpleNamespace(
            id=name,
            title="Built in",
            kind="saliency",
            good_for=("general",),
            licence="Apache-2.0",
            commercial=True,
            size=1000,
        )

    def _removed(self, model: Any) -> None:
        self.removed.append(model.id)

    def _pull(self, _model, *, accept_licence, progress, cancelled):
        if not accept_licence:
            raise MattedError("Accept the licence first.")
        for done in range(0, 1001, 100):
            if cancelled.wait(self.downloading):
                self.stopped.release()
                raise Cancelled("The download was cancelled.")
            progress(done, 1000)
        if self.error is not None:
            raise self.error


class Running:
    """A daemon in a thread of this process."""

    def __init__(self, settings: Settings, pipeline: StandIn) -> None:
        self.pipeline = pipeline
        self.settings = settings
        self._announced = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.clean: bool | None = None

    def _run(self) -> None:
        with Instance() as instance:
            sock = listening_socket(0)
            identity = Identity(instance.token(keep=False), sock.getsockname()[1])

            def announce() -> None:
                instance.announce(identity.runtime)
                self._announced.set()

            self.clean = asyncio.run(
                serve(
                    self.settings,
                    sock,
                    identity,
                    announce=announce,
                    withdraw=instance.withdraw,
                    findable=instance.is_announced,
                    make=lambda _settings: self.pipeline,
                )
            )

    def start(self) -> "Running":
        self._thread.start()
        assert self._announced.wait(10)
        return self

    def join(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()

    @property
    def runtime(self) -> Runtime:
        return read_runtime()

    def client(self) -> Client:
        return Client.connect(start=False, timeout_s=20)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        token: str | None = "",
    ) -> tuple[int, dict[str, str], bytes]:
        """A bare request; `token` "" means the right one, None none at all."""
        connection = HTTPConnection("127.0.0.1", self.runtime.port, timeout=20)
        given = dict(headers or {})
        if token is not None:
            given["Authorization"] = f"Bearer {token or self.runtime.token}"
        connection.request(method, path, body=body, headers=given)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, content


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing a test starts meets the person's own daemon."""
    folder = tmp_path / "run"
    monkeypatch.setenv("MATTED_RUNTIME", str(folder))
    return folder


@pytest.fixture
def pipeline() -> StandIn:
    return StandIn()


@pytest.fixture
def start(pipeline: StandIn) -> Iterator[Callable[..., Running]]:
    """Starts the daemon, with settings differing from the defaults as given."""
    running: list[Running] = []

    def begin(**settings: Any) -> Running:
        running.append(Running(replace(Settings(), idle_exit_s=0.0, **settings), pipeline).start())
        return running[-1]

    yield begin
    for daemon in running:
        if daemon._thread.is_alive():
            daemon.ask("POST", "/v1/shutdown", headers={"Content-Length": "0"})
            daemon.join()


@pytest.fixture
def daemon(start: Callable[..., Running]) -> Running:
    return start()
