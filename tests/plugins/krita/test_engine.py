"""Errands to a real engine: answers come back through `post`, failures as sentences, a slot's newest wins."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from editors.engine import Engine as Daemon


class Home:
    """Runs in this thread what errands post."""

    def __init__(self, engines: ModuleType) -> None:
        self.calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self.engine = engines.Engine(self.calls.put)
        self.found: list[object] = []

    def until(self, count: int) -> list[object]:
        while len(self.found) < count:
            self.calls.get(timeout=30)()
        return self.found

    def ask(self, lane: str, slot: str, work: Callable[[object], object], **more: object) -> None:
        self.engine.ask(lane, slot, work, self.found.append, self.found.append, **more)


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path / "engine")
    monkeypatch.setenv("MATTED_RUNTIME", str(daemon.folder))
    yield daemon
    daemon.stop()


@pytest.fixture
def home(engines: ModuleType) -> Iterator[Home]:
    home = Home(engines)
    yield home
    home.engine.close()


def test_an_answer_comes_back(daemon: Daemon, home: Home):
    daemon.start()
    home.ask("full", "a", lambda client: client.health()["status"])
    assert home.until(1) == ["ok"]


def test_looking_at_the_engine_does_not_start_it(daemon: Daemon, home: Home):
    home.ask("quick", "status", lambda client: client.status(), start=False)
    assert "not running" in str(home.until(1)[0])
    assert not (daemon.folder / "daemon.json").exists()


def test_the_newest_of_a_slot_wins(daemon: Daemon, home: Home):
    daemon.start()
    hold = threading.Event()
    home.ask("quick", "first", lambda _client: hold.wait(30))
    deadline = time.monotonic() + 10
    while home.engine._lanes["quick"]._waiting and time.monotonic() < deadline:
        time.sleep(0.001)
    for number in range(5):
        home.ask("quick", "preview", lambda _client, number=number: number)
    hold.set()
    assert home.until(2) == [True, 4]


def test_a_fault_is_a_sentence_and_the_thread_goes_on(daemon: Daemon, home: Home):
    daemon.start()
    home.ask("full", "a", lambda _client: 1 / 0)
    home.ask("full", "b", lambda client: client.health()["status"])
    error, answer = home.until(2)
    assert "division by zero" in str(error)
    assert answer == "ok"


def test_a_killed_engine_is_started_again(daemon: Daemon, home: Home):
    import signal
    import sys

    daemon.start()
    home.ask("full", "a", lambda client: client.health()["status"])
    home.until(1)
    daemon.stop(signal.SIGKILL)
    daemon.record([sys.executable, "-m", "matted", "serve", "--idle-exit-s", "0"])
    home.ask("full", "b", lambda client: client.status()["pid"])
    found = home.until(2)[1]
    if not isinstance(
        found, int
    ):  # noticed only while the request was on its way: said, and the next one works
        home.ask("full", "c", lambda client: client.status()["pid"])
        found = home.until(3)[2]
    assert isinstance(found, int)
    home.ask("full", "end", lambda client: client.shutdown())
    home.until(len(home.found) + 1)
