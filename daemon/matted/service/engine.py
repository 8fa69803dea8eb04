"""The pipeline behind the service: built in a thread once the daemon listens, warmed, swept, closed.

Importing and building it takes longer than answering the first client, so nothing here waits for it
except who asks for it. Knows no HTTP.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from matted.errors import MattedError

if TYPE_CHECKING:
    from matted.pipeline import Pipeline

_log = logging.getLogger(__name__)


class Engine:
    """A pipeline that is there, or on its way. `make` is called in a thread of its own by `start`."""

    def __init__(self, make: "Callable[[], Pipeline]", *, warm: bool = True) -> None:
        self._make = make
        self._warm = warm
        self._pipeline: Pipeline | None = None
        self._error: MattedError | None = None
        self._finished = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Begin to build the pipeline."""
        threading.Thread(target=self._build, name="matted-engine", daemon=True).start()

    @property
    def pipeline(self) -> "Pipeline | None":
        """The pipeline, if it is there already."""
        return self._pipeline

    async def get(self) -> "Pipeline":
        """The pipeline, waiting for it if need be. Raises the MattedError that prevented it."""
        await self._finished.wait()
        if self._pipeline is None:
            raise self._error or MattedError("Matted's engine could not be started.")
        return self._pipeline

    def close(self) -> None:
        """Drop models and everything kept."""
        if self._pipeline is not None:
            self._pipeline.close()

    def _build(self) -> None:
        try:
            self._pipeline = self._make()
        except MattedError as error:
            _log.error("the engine could not be started: %s", error)
            self._error = error
        except Exception:
            _log.exception("the engine could not be started")
            self._error = MattedError("Matted's engine could not be started; its log says more.")
        self._loop.call_soon_threadsafe(self._finished.set)
        if self._pipeline is None or not self._warm:
            return
        try:
            self._pipeline.warm()
        except MattedError as error:
            _log.warning("the model could not be warmed: %s", error)
