"""The client that the editors' plugins carry: it starts the daemon, and trusts only who can prove itself."""

import ast
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from matted import client
from matted.client import Client, ClientError, Planes, Runtime, Unavailable

SOURCE = Path(client.__file__).read_text("utf-8")
PIXELS = Planes(bytes(range(48)), 4, 4, "rgb8")

# A daemon whose pipeline takes as long as the test says; its mask is the picture's first channel.
SLOW_DAEMON = textwrap.dedent(
    """
    import asyncio, os, sys, time
    from types import SimpleNamespace
    from matted.cache import StageCache
    from matted.config import Settings
    from matted.pipeline import Matte
    from matted.service.daemon import listening_socket, serve
    from matted.service.guard import Identity
    from matted.service.runtime import Instance

    class StandIn:
        cache = StageCache(1 << 20)
        sessions = SimpleNamespace(loaded=list, fallbacks=list, sweep=lambda: None)
        def matte(self, picture, coarse, refine, *, prompt, adjust, limit, side_px, key, progress, cancelled):
            print("working", flush=True)
            time.sleep(float(sys.argv[1]))
            return Matte(picture.pixels[..., 0].copy(), "stand-in", "cpu")
        def warm(self): pass
        def close(self): pass

    with Instance() as instance:
        sock = listening_socket(0)
        who = Identity(instance.token(keep=False), sock.getsockname()[1])
        announce, withdraw = lambda: instance.announce(who.runtime), instance.withdraw
        make = lambda settings: StandIn()
        told = {"announce": announce, "withdraw": withdraw, "findable": instance.is_announced}
        asyncio.run(serve(Settings(), sock, who, make=make, **told))
    """
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("MATTED_RUNTIME", str(folder))
    return folder


@pytest.fixture
def ended() -> Iterator[None]:
    """Every daemon the test started is ended, also one that lost a race and comes up late."""
    before = set(psutil.Process().children())
    yield
    started = [process for process in psutil.Process().children() if process not in before]
    for process in started:
        process.terminate()
    _, alive = psutil.wait_procs(started, 20)
    assert not alive


def announce(folder: Path, runtime: Runtime) -> None:
    path = folder / client.RUNTIME_FILE
    path.write_text(json.dumps(runtime._asdict()))
    path.chmod(0o600)


def launch_with(folder: Path, *commands: list[str]) -> None:
    path = folder / client.LAUNCH_FILE
    path.write_text(json.dumps({"commands": commands}))
    path.chmod(0o600)


def slow_daemon(seconds: float = 0.0) -> list[str]:
    return [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{SLOW_DAEMON}", str(seconds)]


def test_it_needs_the_standard_library_alone():
    tree = ast.parse(SOURCE)
    names = {
        alias.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names
    }
    names |= {(n.module or ".").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names)


def test_its_syntax_is_that_of_python_3_8():
    tree = ast.parse(SOURCE, feature_version=(3, 8))
    first = tree.body[1]
    assert isinstance(first, ast.ImportFrom), "annotations of later Pythons must stay unevaluated"
    assert first.module == "__future__"


def test_it_runs_on_its_own_as_in_a_plugins_folder(tmp_path: Path):
    (tmp_path / "carried.py").write_text(SOURCE)
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import carried"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_without_a_daemon_it_says_so():
    with pytest.raises(Unavailable, match="Matted is not running"):
        Client.connect(start=False)


@pytest.mark.usefixtures("ended")
def test_it_starts_the_daemon_and_works_with_it(folder: Path):
    launch_with(folder, slow_daemon())
    with Client.connect() as matted:
        assert bytes(matted.mask(PIXELS).data) == PIXELS.data[::3]
        with Client.connect(start=False) as second:
            assert second.runtime == matted.runtime


@pytest.mark.usefixtures("ended")
def test_a_command_that_fails_is_followed_by_the_next(folder: Path):
    launch_with(folder, [sys.executable, "-c", "raise SystemExit(1)"], slow_daemon())
    with Client.connect() as matted:
        assert matted.health()["status"] == "ok"


@pytest.mark.usefixtures("ended")
def test_clients_that_start_it_together_end_up_with_one_daemon(folder: Path):
    launch_with(folder, slow_daemon())
    pids: list[int] = []

    def connect() -> None:
        with Client.connect() as matted:
            pids.append(int(matted.status()["pid"]))

    threads = [threading.Thread(target=connect) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 3
    assert len(set(pids)) == 1


def test_a_daemon_that_cannot_start_gives_its_last_words(folder: Path):
    launch_with(folder, [sys.executable, "-c", "raise SystemExit('the disk is full')"])
    with pytest.raises(Unavailable, match="could not be started: the disk is full"):
        Client.connect()


def test_a_command_that_is_gone_is_a_sentence(folder: Path):
    launch_with(folder, [str(folder / "gone")])
    with pytest.raises(Unavailable, match="could not be started with"):
        Client.connect()


def test_a_daemon_that_never_answers_is_given_up(folder: Path):
    launch_with(folder, [sys.executable, "-c", "import time; time.sleep(3)"])
    with pytest.raises(Unavailable, match="did not answer within"):
        Client.connect(wait_s=0.3)


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_launch_file_open_to_others_is_not_run(folder: Path):
    launch_with(folder, slow_daemon())
    (folder / client.LAUNCH_FILE).chmod(0o622)
    with pytest.raises(Unavailable, match="open to other users"):
        Client.connect()


def test_the_daemon_does_not_inherit_the_hosts_libraries(folder: Path, monkeypatch: pytest.MonkeyPatch):
    for name in (
        "PYTHONHOME",
        "PYTHONPATH",
        "LD_LIBRARY_PATH",
        "GI_TYPELIB_PATH",
        "GEGL_PATH",
        "QT_PLUGIN_PATH",
    ):
        monkeypatch.setenv(name, "/host")
    monkeypatch.setenv("MATTED_MODEL", "auto")
    seen = folder / "seen"
    script = f"import json, os; open({str(seen)!r}, 'w').write(json.dumps(dict(os.environ)))"
    process = client.launch([sys.executable, "-c", script])
    process.wait(20)
    environment = json.loads(seen.read_text())
    assert "/host" not in environment.values()
    assert environment["MATTED_MODEL"] == "auto"
    assert os.getsid(0) != process.pid


def test_the_log_does_not_grow_for_ever(folder: Path):
    log = folder / client.LOG_FILE
    log.write_bytes(b"x" * (2 << 20))
    client.launch([sys.executable, "-c", "print('new')"]).wait(20)
    assert log.read_text() == "new\n"


class Impostor:
    """Another program on the port of a stale runtime file; it answers as it is told and remembers all."""

    def __init__(self, proof: str) -> None:
        received: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def handle(self) -> None:
                received.append(self.rfile.read1(65536).decode("latin-1"))
                body = json.dumps({"proof": proof, "pid": 1, "version": "1"}).encode()
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

        self.received = received
        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.parametrize("proof", ["", "0" * 64, "ü"])
def test_an_impostor_gets_neither_token_nor_pixels(folder: Path, proof: str):
    impostor = Impostor(proof)
    announce(folder, Runtime(impostor.port, "the-secret", 1, "1"))
    with pytest.raises(Unavailable, match="Another program answers"):
        Client.connect(start=False)
    impostor.close()
    assert len(impostor.received) == 1
    assert "the-secret" not in impostor.received[0]
    assert "Authorization" not in impostor.received[0]


def test_an_impostor_cannot_pass_on_the_real_daemons_proof():
    nonce = "ab" * 32
    assert client.identity_proof("token", nonce, 1111) != client.identity_proof("token", nonce, 2222)


@pytest.mark.usefixtures("ended")
def test_a_client_finds_the_real_daemon_past_an_impostor(folder: Path):
    impostor = Impostor("wrong")
    announce(folder, Runtime(impostor.port, "the-secret", 1, "1"))
    launch_with(folder, slow_daemon())
    with Client.connect() as matted:
        assert matted.health()["status"] == "ok"
    impostor.close()


def test_a_program_that_speaks_no_http_is_no_daemon(folder: Path):
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        announce(folder, Runtime(silent.getsockname()[1], "the-secret", 1, "1"))
        threading.Thread(target=lambda: silent.accept()[0].sendall(b"220 smtp\r\n"), daemon=True).start()
        with pytest.raises(Unavailable, match="not running"):
            Client.connect(start=False)


@pytest.mark.usefixtures("ended")
def test_a_daemon_that_went_away_between_is_started_again(folder: Path):
    launch_with(folder, slow_daemon())
    with Client.connect() as matted:
        uploaded = matted.upload(PIXELS)
        os.kill(matted.runtime.pid, signal.SIGTERM)
        while (folder / client.RUNTIME_FILE).exists():
            time.sleep(0.02)
        assert bytes(matted.mask(uploaded).data) == PIXELS.data[::3]


def test_a_client_that_may_not_start_a_daemon_does_not_start_one_later_either(folder: Path):
    launch_with(folder, slow_daemon())
    Client.connect().close()
    with Client.connect(start=False) as matted:
        matted.health()
        matted.shutdown()
        while (folder / client.RUNTIME_FILE).exists():
            time.sleep(0.02)
        with pytest.raises(Unavailable, match="not running"):
            matted.health()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_daemon_killed_in_the_middle_is_a_sentence(folder: Path):
    command = slow_daemon(60)
    launch_with(folder, command)
    matted = Client.connect()
    log = folder / client.LOG_FILE

    def kill() -> None:
        while "working" not in log.read_text():
            time.sleep(0.02)
        os.kill(matted.runtime.pid, signal.SIGKILL)

    killing = threading.Thread(target=kill)
    killing.start()
    with pytest.raises(Unavailable, match="Matted stopped while it was working"):
        matted.mask(PIXELS)
    killing.join()
    matted.close()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_daemon_killed_while_it_is_watched_is_a_sentence(folder: Path):
    launch_with(folder, slow_daemon(60))
    with Client.connect() as matted:
        asking = threading.Thread(target=lambda: suppressed(matted, "watched-1"))
        asking.start()
        events = matted.events("watched-1")
        next(events)
        os.kill(matted.runtime.pid, signal.SIGKILL)
        with pytest.raises(Unavailable, match="stopped while it was working"):
            list(events)
        asking.join()


def suppressed(matted: Client, job: str) -> None:
    with suppress(Unavailable):
        matted.mask(PIXELS, job=job)


@pytest.mark.usefixtures("ended")
def test_an_answer_that_takes_too_long_is_a_sentence(folder: Path):
    launch_with(folder, slow_daemon(2))
    Client.connect().close()
    with Client.connect(timeout_s=0.3) as matted, pytest.raises(Unavailable, match="did not answer in time"):
        matted.mask(PIXELS)


@pytest.mark.usefixtures("ended")
def test_a_file_that_is_not_there_is_a_sentence(folder: Path):
    launch_with(folder, slow_daemon())
    with Client.connect() as matted, pytest.raises(ClientError, match="cannot be read"):
        matted.upload(client.Encoded(folder / "gone.png"))


def test_places_are_the_same_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MATTED_RUNTIME")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert client.runtime_dir() == tmp_path / "matted"
    assert client.state_dir() == tmp_path / "data" / "matted"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert client.runtime_dir() == client.state_dir() == Path.home() / "Library/Application Support/matted"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    assert client.runtime_dir() == tmp_path / "Local" / "matted"
