"""Which provider opens a file: the order, who was passed over and why, and saying so loudly once.

Knows the runtime and the providers; knows nothing of how long a model stays loaded.
"""

import logging
import threading
from collections.abc import Sequence

from matted.errors import MattedError, ModelError, OutOfMemory, ProviderFailed, WeightsDamaged
from matted.inference.graph import Graph
from matted.inference.providers import CPU, FallBack, Provider, candidates, explain, plain, took_nothing
from matted.inference.runtime import Engine, OpenError, RunError, Runtime

_LOG = logging.getLogger(__name__)


class Choice:
    """The providers left for one graph, the present one first, and those that were passed over."""

    def __init__(self, order: list[Provider], missing: list[FallBack]) -> None:
        self._order = order
        self._fell_back = missing

    @property
    def provider(self) -> Provider:
        """The one that is tried or runs now."""
        return self._order[0]

    def sentence(self) -> str | None:
        """Why the wanted provider is not the one that runs; None when it is."""
        return self._fell_back[0].sentence(self.provider) if self._fell_back else None

    def pass_over(self, fall_back: FallBack, *, quietly: bool) -> None:
        """Goes on to the next provider."""
        self._order.pop(0)
        if not quietly:
            self._fell_back.append(fall_back)


class Opener:
    """Opens graphs on the best provider that works. Safe to use from several threads."""

    def __init__(self, runtime: Runtime, asked: Sequence[str]) -> None:
        self._runtime = runtime
        self._asked = tuple(asked)
        self._lock = threading.Lock()
        self._broken: dict[str, FallBack] = {}  # cannot start on this computer: not tried for every model
        self._said: list[str] = []

    def choice(self) -> Choice:
        """All providers that may be tried. Raises BadOption when the settings name an unknown one."""
        return Choice(*candidates(self._asked, self._runtime.available()))

    def said(self) -> list[str]:
        """Every fall-back so far, as sentences."""
        with self._lock:
            return list(self._said)

    def open(self, graph: Graph, choice: Choice) -> Engine:
        """Opens the graph on the first of the choice's providers that takes it.

        Raises WeightsDamaged, OutOfMemory, or ModelError when the file needs a newer ONNX Runtime.
        """
        while True:
            provider = choice.provider
            broken = self._broken.get(provider.name)
            if broken is not None:
                self._pass_over(choice, broken)
                continue
            try:
                engine = self._runtime.open(graph.file_for(provider), provider, half_ok=graph.half_ok)
            except OpenError as error:
                if provider is CPU:
                    raise _unopened(graph, error) from error
                fall_back = explain(provider, str(error))
                if error.kind == "provider":
                    self._broken[provider.name] = fall_back
                self._pass_over(choice, fall_back)
                continue
            self._say(choice)
            return engine

    def idle(self, choice: Choice) -> None:
        """Goes on to the next provider after one left all the work to the CPU."""
        self._pass_over(choice, took_nothing(choice.provider))
        self._say(choice)

    def failed(self, graph: Graph, choice: Choice, error: RunError) -> None:
        """Goes on to the next provider after one failed while running.

        Raises OutOfMemory or ProviderFailed when it was the last one.
        """
        if choice.provider is CPU:
            if error.kind == "memory":
                raise OutOfMemory(
                    f"There was not enough memory to run the model {graph.id}: close other programs or take "
                    "a smaller model."
                )
            raise ProviderFailed(
                f"The model {graph.id} could not be run, not even on the CPU ({plain(str(error))}): "
                "`matted doctor` checks the installation."
            )
        self._pass_over(choice, explain(choice.provider, str(error)))
        self._say(choice)

    def _pass_over(self, choice: Choice, fall_back: FallBack) -> None:
        wanted = fall_back.wanted
        quietly = wanted.optional and wanted.name not in self._asked
        if quietly:
            _LOG.info("%s is not used because %s", wanted.title, fall_back.reason)
        choice.pass_over(fall_back, quietly=quietly)

    def _say(self, choice: Choice) -> None:
        sentence = choice.sentence()
        if sentence is None:
            return
        with self._lock:
            if sentence in self._said:
                return
            self._said.append(sentence)
        _LOG.warning("%s", sentence)


def _unopened(graph: Graph, error: OpenError) -> MattedError:
    if error.kind == "memory":
        return OutOfMemory(
            f"There was not enough memory to load the model {graph.id}: close other programs or take "
            "a smaller model."
        )
    if error.kind == "too new":
        return ModelError(
            f"The model {graph.id} needs a newer ONNX Runtime than the installed one ({plain(str(error))}): "
            "update the package onnxruntime."
        )
    return WeightsDamaged(
        f"The model file {graph.file_for(CPU)} is damaged ({plain(str(error))}): remove it and pull "
        f"the model {graph.id} again."
    )
