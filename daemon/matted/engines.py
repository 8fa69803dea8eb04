"""Who makes the mattes for a command: a running daemon, or this process itself.

Both give the decoded picture and its matte, so that whoever delivers need not know which one it was.
"""

import contextlib
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from matted.client import Answer, Client, ClientError, Encoded, Unavailable
from matted.config import Settings
from matted.errors import MattedError, by_slug
from matted.imaging.picture import Picture
from matted.imaging.read import read_picture
from matted.notice import Notice
from matted.pipeline import CoarseOptions, Matte, Pipeline, RefineOptions

logger = logging.getLogger(__name__)


class Engine(Protocol):
    """Cuts pictures; may be used by several threads at once."""

    def matte(self, source: Path | bytes) -> tuple[Picture, Matte]:
        """The decoded picture and its matte. Raises MattedError."""
        ...

    def close(self) -> None:
        """Lets go of models and connections."""
        ...


class LocalEngine:
    """Everything in this process. The model is opened while the first picture is being decoded."""

    def __init__(self, settings: Settings, coarse: CoarseOptions, refine: RefineOptions) -> None:
        self._settings = settings
        self._coarse, self._refine = coarse, refine
        self._pipeline = Pipeline(settings)
        threading.Thread(target=self._open, daemon=True).start()

    def matte(self, source: Path | bytes) -> tuple[Picture, Matte]:
        """The decoded picture and its matte."""
        started = time.perf_counter()
        picture = read_picture(source, max_pixels=self._settings.max_pixels)
        decoded = time.perf_counter() - started
        matte = self._pipeline.matte(picture, self._coarse, self._refine)
        return picture, replace(matte, times={"decode": decoded} | matte.times)

    def close(self) -> None:
        """Drops the models."""
        self._pipeline.close()

    def _open(self) -> None:
        with contextlib.suppress(MattedError):  # the first picture meets the same error and tells it
            self._pipeline.load(self._coarse.model)


class DaemonEngine:
    """A running daemon makes the mask while this process decodes the picture for the delivery."""

    def __init__(
        self, settings: Settings, coarse: CoarseOptions, refine: RefineOptions, *, first: Client
    ) -> None:
        self._settings = settings
        self._options = {"coarse": _given(asdict(coarse)), "refine": asdict(refine)}
        self._clients = [first]
        self._idle = [first]
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(2)
        self._instead: LocalEngine | None = None
        self._coarse, self._refine = coarse, refine

    def matte(self, source: Path | bytes) -> tuple[Picture, Matte]:
        """The decoded picture and its matte; made here if the daemon has gone away."""
        asked = self._pool.submit(self._ask, source)
        started = time.perf_counter()
        picture = read_picture(source, max_pixels=self._settings.max_pixels)
        decoded = time.perf_counter() - started
        try:
            answer = asked.result()
        except Unavailable as error:
            logger.warning("The engine went away (%s): this command goes on by itself.", error)
            return self._alone().matte(source)
        except ClientError as error:
            raise by_slug(error.slug, str(error)) from error
        return picture, _matte(answer, decoded)

    def close(self) -> None:
        """Closes the connections; the daemon stays."""
        self._pool.shutdown()
        for client in self._clients:
            client.close()
        if self._instead is not None:
            self._instead.close()

    def _ask(self, source: Path | bytes) -> Answer:
        with self._lock:
            client = self._idle.pop() if self._idle else None
        if client is None:
            client = Client.connect(start=False)
            with self._lock:
                self._clients.append(client)
        try:
            return client.mask(Encoded(source), self._options)
        finally:
            with self._lock:
                self._idle.append(client)

    def _alone(self) -> LocalEngine:
        with self._lock:
            if self._instead is None:
                self._instead = LocalEngine(self._settings, self._coarse, self._refine)
            return self._instead


def open_engine(
    settings: Settings, coarse: CoarseOptions, refine: RefineOptions, *, use_daemon: bool
) -> Engine:
    """The running daemon if there is one and it is wanted, else this process."""
    if use_daemon:
        try:
            first = Client.connect(start=False)
        except Unavailable as error:
            logger.debug("no daemon: %s", error)
        else:
            return DaemonEngine(settings, coarse, refine, first=first)
    return LocalEngine(settings, coarse, refine)


def _given(options: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}


def _matte(answer: Answer, decoded: float) -> Matte:
    depth = np.uint16 if answer.format == "gray16" else np.uint8
    mask = np.frombuffer(answer.data, np.dtype(depth).newbyteorder("<")).astype(depth, copy=False)
    notices = tuple(Notice(w["code"], w["sentence"]) for w in answer.warnings)
    times = {"decode": decoded} | answer.times_s
    return Matte(mask.reshape(answer.height, answer.width), answer.model, answer.provider, notices, times)
