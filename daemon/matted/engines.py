"""Who makes the mattes for a command: a running daemon, or this process itself.

Both give the decoded picture and its matte, so that whoever delivers need not know which one it was.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from matted.brushing import Brush
from matted.client import Answer, Client, ClientError, Encoded, Planes, Unavailable, Uploaded
from matted.config import Settings
from matted.errors import MattedError, by_slug
from matted.imaging.picture import Picture
from matted.imaging.read import read_picture
from matted.inference.prompt import Prompt
from matted.matting.adjust import AdjustOptions
from matted.notice import Notice
from matted.options import CoarseOptions, Limit, RefineOptions
from matted.pipeline import Matte, Pipeline

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of every picture of a command."""

    coarse: CoarseOptions
    refine: RefineOptions
    adjust: AdjustOptions
    limit: Limit | None = None
    brush: Brush | None = None
    prompt: Prompt | None = None


class Engine(Protocol):
    """Cuts pictures; may be used by several threads at once."""

    def matte(self, source: Path | bytes) -> tuple[Picture, Matte]:
        """The decoded picture and its matte. Raises MattedError."""
        ...

    def disagreement(self, source: Path | bytes, models: tuple[str, str]) -> tuple[Picture, Matte]:
        """The decoded picture and where two models differ, as the mask of a matte. Raises MattedError."""
        ...

    def close(self) -> None:
        """Lets go of models and connections."""
        ...


class LocalEngine:
    """Everything in this process. The model is opened while the first picture is being decoded."""

    def __init__(self, settings: Settings, wish: Wish) -> None:
        self._settings = settings
        self._wish = wish
        self._pipeline = Pipeline(settings)
        self._opening = threading.Thread(target=self._open, daemon=True)
        self._opening.start()

    def matte(self, source: Path | bytes) -> tuple[Picture, Matte]:
        """The decoded picture and its matte."""
        started = time.perf_counter()
        picture = read_picture(source, max_pixels=self._settings.max_pixels)
        decoded = time.perf_counter() - started
        wish = self._wish
        ask = partial(self._pipeline.matte, picture)
        if wish.brush is not None:
            ask = partial(self._pipeline.refined, picture, wish.brush)
        matte = ask(wish.coarse, wish.refine, prompt=wish.prompt, adjust=wish.adjust, limit=wish.limit)
        return picture, replace(matte, times={"decode": decoded} | matte.times)

    def disagreement(self, source: Path | bytes, models: tuple[str, str]) -> tuple[Picture, Matte]:
        """The decoded picture and where two models differ."""
        picture = read_picture(source, max_pixels=self._settings.max_pixels)
        wish = self._wish
        return picture, self._pipeline.disagreement(
            picture, models, wish.coarse, wish.refine, prompt=wish.prompt
        )

    def close(self) -> None:
        """Drops the models."""
        self._pipeline.close()
        self._opening.join()  # a process that ends while a model is being opened is aborted

    def _open(self) -> None:
        if self._wish.brush is not None and self._wish.brush.made is not None:
            return  # no model is needed
        with contextlib.suppress(MattedError):  # the first picture meets the same error and tells it
            self._pipeline.load(self._wish.coarse.model)


class DaemonEngine:
    """A running daemon makes the mask while this process decodes the picture for the delivery."""

    def __init__(self, settings: Settings, wish: Wish, *, first: Client) -> None:
        self._settings = settings
        self._options: dict[str, Any] = {
            "coarse": _given(asdict(wish.coarse)),
            "refine": asdict(wish.refine),
            "adjust": asdict(wish.adjust),
        }
        if wish.prompt is not None:
            self._options["prompt"] = asdict(wish.prompt)
        self._limit: Planes | Uploaded | None = _planes(wish.limit.mask) if wish.limit is not None else None
        self._clients = [first]
        self._idle = [first]
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(2)
        self._instead: LocalEngine | None = None
        self._wish = wish

    def matte(self, source: Path | bytes) -> tuple[Picture, Matte]:
        """The decoded picture and its matte; made here if the daemon has gone away."""
        return self._made(
            source,
            self._asking(source),
            lambda engine: engine.matte(source),
        )

    def disagreement(self, source: Path | bytes, models: tuple[str, str]) -> tuple[Picture, Matte]:
        """The decoded picture and where two models differ; made here if the daemon has gone away."""
        options = {name: self._options[name] for name in self._options if name in ("refine", "prompt")}
        return self._made(
            source,
            lambda client: client.disagreement(Encoded(source), models, options),
            lambda engine: engine.disagreement(source, models),
        )

    def _asking(self, source: Path | bytes) -> Callable[[Client], Answer]:
        brush = self._wish.brush
        if brush is None:
            return lambda client: client.mask(Encoded(source), self._options, limit=self._limit)
        painted, made, guide = (
            _planes(plane) if plane is not None else None
            for plane in (brush.painted, brush.made, brush.guide)
        )
        assert painted is not None
        return lambda client: client.refine(
            Encoded(source), painted, self._options, made=made, guide=guide, limit=self._limit
        )

    def _made(
        self,
        source: Path | bytes,
        ask: Callable[[Client], Answer],
        alone: Callable[["LocalEngine"], tuple[Picture, Matte]],
    ) -> tuple[Picture, Matte]:
        asked = self._pool.submit(self._ask, ask)
        started = time.perf_counter()
        picture = read_picture(source, max_pixels=self._settings.max_pixels)
        decoded = time.perf_counter() - started
        try:
            answer = asked.result()
        except Unavailable as error:
            logger.warning("The engine went away (%s): this command goes on by itself.", error)
            return alone(self._alone())
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

    def _ask(self, ask: Callable[[Client], Answer]) -> Answer:
        with self._lock:
            client = self._idle.pop() if self._idle else None
        if client is None:
            client = Client.connect(start=False)
            with self._lock:
                self._clients.append(client)
        try:
            if isinstance(self._limit, Planes):
                self._limit = client.upload(self._limit)
            return ask(client)
        finally:
            with self._lock:
                self._idle.append(client)

    def _alone(self) -> LocalEngine:
        with self._lock:
            if self._instead is None:
                self._instead = LocalEngine(self._settings, self._wish)
            return self._instead


def open_engine(settings: Settings, wish: Wish, *, use_daemon: bool) -> Engine:
    """The running daemon if there is one and it is wanted, else this process."""
    if use_daemon:
        try:
            first = Client.connect(start=False)
        except Unavailable as error:
            logger.debug("no daemon: %s", error)
        else:
            return DaemonEngine(settings, wish, first=first)
    return LocalEngine(settings, wish)


def _given(options: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}


def _matte(answer: Answer, decoded: float) -> Matte:
    depth = np.uint16 if answer.format == "gray16" else np.uint8
    mask = np.frombuffer(answer.data, np.dtype(depth).newbyteorder("<")).astype(depth, copy=False)
    notices = tuple(Notice(w["code"], w["sentence"]) for w in answer.warnings)
    times = {"decode": decoded} | answer.times_s
    return Matte(
        mask.reshape(answer.height, answer.width),
        answer.model,
        answer.provider,
        notices,
        times,
        answer.confidence,
    )


def _planes(mask: npt.NDArray[Any]) -> Planes:
    mask = np.ascontiguousarray(mask.astype(mask.dtype.newbyteorder("<"), copy=False))
    height, width = mask.shape
    kind = "f" if mask.dtype.kind == "f" else ""
    return Planes(mask.data.cast("B"), width, height, f"gray{kind}{8 * mask.itemsize}")
