"""One daemon per user: real processes racing, killed, replaced; and a runtime file nobody else can read."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from matted import client
from matted.errors import OutputFailed
from matted.service.runtime import AlreadyRunning, Instance, record_launch, write_private

SERVE = [sys.executable, "-m", "matted", "serve"]
posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
RUNTIME = client.Runtime(port=1234, token="secret", pid=os.getpid(), version="1")


def spawn(*arguments: str, **more) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*SERVE, *arguments], stderr=subprocess.PIPE, **more)


def wait_until_it_answers() -> client.Client:
    for _ in range(1000):
        try:
            return client.Client.connect(start=False)
        except client.Unavailable:
            time.sleep(0.02)
    raise AssertionError("no daemon answered")


def end(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    process.communicate(timeout=20)
    return process.returncode


@posix_only
def test_the_file_is_for_this_user_alone_whatever_the_umask(runtime_folder: Path):
    before = os.umask(0)
    try:
        with Instance() as instance:
            instance.announce(RUNTIME)
            assert (runtime_folder / client.RUNTIME_FILE).stat().st_mode & 0o777 == 0o600
            assert runtime_folder.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_it_says_where_the_daemon_is_and_goes_with_it(runtime_folder: Path):
    with Instance() as instance:
        instance.announce(RUNTIME)
        assert client.read_runtime() == RUNTIME
    assert not (runtime_folder / client.RUNTIME_FILE).exists()


@posix_only
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o666])
def test_a_file_open_to_others_is_not_trusted(runtime_folder: Path, mode: int):
    with Instance() as instance:
        instance.announce(RUNTIME)
        (runtime_folder / client.RUNTIME_FILE).chmod(mode)
        with pytest.raises(client.Unavailable, match="open to other users"):
            client.read_runtime()


@posix_only
def test_a_link_to_somewhere_is_not_trusted(runtime_folder: Path, tmp_path: Path):
    runtime_folder.mkdir()
    elsewhere = tmp_path / "elsewhere"
    write_private(elsewhere, json.dumps(RUNTIME._asdict()))
    (runtime_folder / client.RUNTIME_FILE).symlink_to(elsewhere)
    with pytest.raises(client.Unavailable):
        client.read_runtime()


@posix_only
def test_a_folder_others_may_write_in_is_refused(runtime_folder: Path):
    runtime_folder.mkdir()
    runtime_folder.chmod(0o777)
    with pytest.raises(OutputFailed, match="Other users may write"), Instance():
        pass


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"port": "x", "token": "t", "pid": 1}', '{"port": 0, "token": "t", "pid": 1}'],
)
def test_a_damaged_file_is_said_to_be_damaged(runtime_folder: Path, text: str):
    runtime_folder.mkdir()
    write_private(runtime_folder / client.RUNTIME_FILE, text)
    with pytest.raises(client.Unavailable, match="damaged"):
        client.read_runtime()


def test_a_second_instance_is_told_where_the_first_is():
    with Instance() as first:
        first.announce(RUNTIME)
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}, port 1234"), Instance():
            pass


def test_a_second_instance_waits_for_one_that_is_just_ending():
    order: list[str] = []
    with Instance() as first:
        first.announce(RUNTIME)
        first.withdraw()  # as a daemon does that takes no more requests, while its work ends

        def second() -> None:
            with Instance():
                order.append("second")

        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.1)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]


def test_another_daemons_file_is_left_alone(runtime_folder: Path):
    with Instance() as instance:
        instance.announce(RUNTIME)
        write_private(
            runtime_folder / client.RUNTIME_FILE, json.dumps(RUNTIME._replace(token="other")._asdict())
        )
    assert client.read_runtime().token == "other"


def test_every_daemon_has_a_secret_of_its_own():
    with Instance() as instance:
        assert instance.token(keep=False) != instance.token(keep=False)


def test_a_kept_socket_keeps_its_token():
    with Instance() as instance:
        instance.announce(RUNTIME)
        instance.keep_announced()
    with Instance() as instance:
        assert instance.token(keep=True) == "secret"


def test_of_racing_daemons_one_lives_and_the_others_say_where_it_is():
    racers = [spawn() for _ in range(4)]
    connected = wait_until_it_answers()
    winner = connected.runtime.pid
    connected.close()
    losers = [process for process in racers if process.pid != winner]
    assert len(losers) == 3
    for process in losers:
        _, said = process.communicate(timeout=20)
        assert process.returncode == 7
        assert f"process {winner}".encode() in said
    (alive,) = [process for process in racers if process.pid == winner]
    assert end(alive) == 0


def test_a_killed_daemons_file_does_not_stop_the_next(runtime_folder: Path):
    first = spawn()
    wait_until_it_answers().close()
    stale = client.read_runtime()
    first.kill()
    first.communicate()
    assert (runtime_folder / client.RUNTIME_FILE).exists()
    second = spawn()
    with wait_until_it_answers() as connected:  # nobody answers on the stale port
        assert connected.runtime.pid == second.pid
        assert connected.runtime.token != stale.token
    assert end(second) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(runtime_folder: Path, number: signal.Signals):
    process = spawn()
    wait_until_it_answers().close()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    assert b"Traceback" not in said
    assert not (runtime_folder / client.RUNTIME_FILE).exists()


def test_it_ends_when_nobody_uses_it(runtime_folder: Path):
    process = spawn("--idle-exit-s", "0.3")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert b"nobody used Matted" in said
    assert not (runtime_folder / client.RUNTIME_FILE).exists()


def test_a_taken_port_is_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = spawn("--port", str(port))
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"Port {port} cannot be used".encode() in said
    assert b"Traceback" not in said


@posix_only
def test_a_full_disk_is_a_sentence(runtime_folder: Path):
    import resource

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    process = spawn(preexec_fn=no_room)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 6
    assert b"Free some space" in said
    assert b"Traceback" not in said
    assert [path.name for path in runtime_folder.iterdir()] == ["daemon.lock"]


def activated(listening: socket.socket) -> subprocess.Popen[bytes]:
    """The daemon as systemd starts it: the socket is descriptor 3, and the environment says so."""

    def hand_over() -> None:
        os.dup2(listening.fileno(), 3)
        os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}

    return spawn(preexec_fn=hand_over, pass_fds=[3])


@posix_only
def test_systemd_may_hand_it_the_socket():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        first = activated(listening)
        with wait_until_it_answers() as connected:
            assert connected.runtime.port == listening.getsockname()[1]
            token = connected.runtime.token
        assert end(first) == 0
        assert client.read_runtime().token == token, "the socket outlives the daemon, so its secret must too"
        seen: list[int] = []

        def next_client() -> None:  # comes while no daemon runs: the socket holds the connection
            with client.Client.connect(start=False) as connected:
                seen.append(int(connected.status()["pid"]))

        waiting = threading.Thread(target=next_client)
        waiting.start()
        second = activated(listening)
        waiting.join(20)
        assert seen == [second.pid]
        assert end(second) == 0


@posix_only
def test_a_socket_open_to_the_network_is_refused():
    with socket.socket() as listening:
        listening.bind(("0.0.0.0", 0))
        listening.listen()
        process = activated(listening)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert b"not on the loopback address" in said


def test_the_recorded_command_is_what_clients_start():
    record_launch([["systemctl", "--user", "start", "matted.service"], SERVE])
    assert client.launch_commands() == [["systemctl", "--user", "start", "matted.service"], SERVE]
