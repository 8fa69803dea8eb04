"""Slow work: health goes on answering, watchers are told, clients that leave or cancel free their worker."""

import json
import os
import socket
import struct
import threading
import time
from contextlib import suppress

import pytest

from matted.client import ClientError, Planes

LONG_S = 60.0


def planes(side: int = 4) -> Planes:
    return Planes(bytes(side * side * 3), side, side, "rgb8")


def half_a_request(daemon, *, sent: int, size: int = 300, job: str = "half-sent-job") -> socket.socket:
    """A socket on which the head of an upload and some of its body went out."""
    head = (
        f"POST /v1/mask HTTP/1.1\r\nHost: 127.0.0.1:{daemon.runtime.port}\r\n"
        f"Authorization: Bearer {daemon.runtime.token}\r\nX-Matted-Job: {job}\r\n"
        "Content-Type: application/octet-stream\r\nX-Matted-Format: rgb8\r\n"
        f"X-Matted-Width: 10\r\nX-Matted-Height: 10\r\nContent-Length: {size}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", daemon.runtime.port))
    connection.sendall(head.encode() + bytes(sent))
    return connection


def half_an_upload(daemon, size: int) -> socket.socket:
    head = (
        f"POST /v1/pictures HTTP/1.1\r\nHost: 127.0.0.1:{daemon.runtime.port}\r\n"
        f"Authorization: Bearer {daemon.runtime.token}\r\n"
        f"Content-Type: image/png\r\nContent-Length: {size}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", daemon.runtime.port))
    connection.sendall(head.encode() + bytes(1000))
    return connection


def status(daemon) -> dict:
    return json.loads(daemon.ask("GET", "/v1/status")[2])


def until(condition) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to be")


class Asking(threading.Thread):
    """A client that waits for a mask in a thread of its own."""

    def __init__(self, daemon, job: str | None = None, source: Planes | None = None) -> None:
        super().__init__(daemon=True)
        self._source = source or planes()
        self._daemon = daemon
        self._job = job
        self.error: ClientError | None = None
        self.answer = None
        self.start()

    def run(self) -> None:
        try:
            with self._daemon.client() as matted:
                self.answer = matted.mask(self._source, job=self._job)
        except ClientError as error:
            self.error = error


def test_health_answers_while_a_picture_is_being_cut(daemon, pipeline):
    pipeline.slow_s = LONG_S
    asking = Asking(daemon, "slow-one-1")
    assert pipeline.working.acquire(timeout=10)
    assert daemon.ask("GET", "/v1/health", token=None)[0] == 200
    assert status(daemon)["jobs"] == {"active": 1, "running": 1}
    assert asking.is_alive()


def test_cancelling_answers_the_client_and_frees_the_worker(daemon, pipeline):
    pipeline.slow_s = LONG_S
    asking = Asking(daemon, "slow-one-1")
    assert pipeline.working.acquire(timeout=10)
    with daemon.client() as matted:
        matted.cancel("slow-one-1")
    asking.join(10)
    assert (asking.error.slug, asking.error.status) == ("cancelled", 499)
    assert pipeline.stopped.acquire(timeout=10)
    until(lambda: status(daemon)["jobs"] == {"active": 0, "running": 0})


def test_a_client_that_leaves_frees_the_worker(daemon, pipeline):
    pipeline.slow_s = LONG_S
    connection = half_a_request(daemon, sent=300)
    assert pipeline.working.acquire(timeout=10)
    connection.close()
    assert pipeline.stopped.acquire(timeout=10)
    until(lambda: status(daemon)["jobs"] == {"active": 0, "running": 0})


def test_a_client_that_resets_its_connection_frees_the_worker(daemon, pipeline):
    pipeline.slow_s = LONG_S
    connection = half_a_request(daemon, sent=300)
    assert pipeline.working.acquire(timeout=10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    assert pipeline.stopped.acquire(timeout=10)


def test_a_half_sent_body_leaves_nothing_behind(daemon, pipeline):
    connection = half_a_request(daemon, sent=100)
    until(lambda: status(daemon)["jobs"]["active"] == 1)
    connection.close()
    until(lambda: status(daemon)["jobs"] == {"active": 0, "running": 0})
    assert not pipeline.working.acquire(blocking=False)
    assert "matted_receiving_bytes 0\n" in daemon.ask("GET", "/metrics")[2].decode()


def test_an_upload_can_be_cancelled_before_it_is_complete(daemon):
    connection = half_a_request(daemon, sent=100)
    until(lambda: status(daemon)["jobs"]["active"] == 1)
    with daemon.client() as matted:
        matted.cancel("half-sent-job")
    assert connection.recv(1000).startswith(b"HTTP/1.1 499")
    connection.close()


def test_work_that_waits_can_be_cancelled_before_it_begins(daemon, pipeline):
    pipeline.slow_s = LONG_S
    workers = [Asking(daemon, f"slow-one-{n}") for n in range(min(2, os.cpu_count() or 1))]
    for _ in workers:
        assert pipeline.working.acquire(timeout=10)
    waiting = Asking(daemon, "waiting-1")
    until(lambda: status(daemon)["jobs"]["active"] == len(workers) + 1)
    with daemon.client() as matted:
        matted.cancel("waiting-1")
    waiting.join(10)
    assert waiting.error.slug == "cancelled"
    assert not pipeline.working.acquire(blocking=False)


def test_a_full_queue_is_busy_and_says_when_to_come_again(start, pipeline):
    daemon = start(queue_length=1)
    pipeline.slow_s = LONG_S
    workers = min(2, os.cpu_count() or 1)
    for number in range(workers + 1):
        Asking(daemon, f"slow-one-{number}")
    until(lambda: status(daemon)["jobs"]["active"] == workers + 1)
    code, headers, body = daemon.ask("POST", "/v1/mask", body=b"x", headers={"Content-Type": "image/png"})
    assert (code, headers["retry-after"]) == (503, "1")
    assert json.loads(body)["type"] == "urn:matted:problem:busy"


def test_receiving_is_bounded_in_bytes(start):
    daemon = start(max_upload_mb=1)
    first = half_an_upload(daemon, 700_000)
    until(lambda: status(daemon)["jobs"]["active"] == 1)
    code, _, _ = daemon.ask(
        "POST", "/v1/pictures", body=bytes(700_000), headers={"Content-Type": "image/png"}
    )
    assert code == 503
    first.close()


def test_a_picture_counts_until_its_request_is_answered(start, pipeline):
    daemon = start(max_upload_mb=1)
    pipeline.slow_s = LONG_S
    big = Planes(bytes(600 * 500 * 3), 600, 500, "rgb8")
    asking = Asking(daemon, "slow-one-1", big)
    assert pipeline.working.acquire(timeout=10)
    second = Asking(daemon, None, big)
    second.join(10)
    assert (second.error.slug, second.error.status) == ("busy", 503)
    assert asking.is_alive()


def test_an_answer_nobody_takes_is_broken_off_and_not_mixed_with_a_problem(start):
    daemon = start(job_timeout_s=1.0)
    side = 5000  # more than the socket's buffers hold
    head = (
        f"POST /v1/mask HTTP/1.1\r\nHost: 127.0.0.1:{daemon.runtime.port}\r\n"
        f"Authorization: Bearer {daemon.runtime.token}\r\nContent-Type: application/octet-stream\r\n"
        f"X-Matted-Format: gray8\r\nX-Matted-Width: {side}\r\nX-Matted-Height: {side}\r\n"
        f"Content-Length: {side * side}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", daemon.runtime.port)) as connection:
        connection.sendall(head.encode() + bytes(side * side))
        until(lambda: status(daemon)["jobs"]["active"] == 0)
        got = bytearray()
        with suppress(ConnectionResetError):
            while piece := connection.recv(1 << 20):
                got += piece
    assert got.startswith(b"HTTP/1.1 200")
    assert len(got) < side * side
    assert b"problem" not in got


def test_work_over_its_time_is_given_up(start, pipeline):
    daemon = start(job_timeout_s=0.3)
    pipeline.slow_s = LONG_S
    asking = Asking(daemon)
    asking.join(20)
    assert asking.error.status == 504
    assert str(asking.error) == "The picture took longer than 0.3 s and was given up."
    assert pipeline.stopped.acquire(timeout=10)


def test_a_body_that_never_ends_is_given_up(start):
    daemon = start(job_timeout_s=0.3)
    connection = half_a_request(daemon, sent=100)
    assert connection.recv(1000).startswith(b"HTTP/1.1 504")
    connection.close()


def test_watchers_are_told_where_a_job_stands(daemon, pipeline):
    pipeline.slow_s = 0.3
    with daemon.client() as matted:
        events = matted.events("watched-1")
        seen: list[dict] = []
        watching = threading.Thread(target=lambda: seen.extend(events))
        watching.start()  # before the job is there: it is waited for
        matted.mask(planes(), job="watched-1")
        watching.join(10)
        assert list(matted.events("watched-1")) == [seen[-1]]
    assert {"state": "running", "stage": "model", "fraction": 0.5} in seen
    assert seen[-1]["state"] == "done"
    assert [event["fraction"] for event in seen] == sorted(event["fraction"] for event in seen)


def test_watchers_of_a_failing_job_get_the_sentence(daemon, pipeline):
    pipeline.error = ValueError("secret")
    asking = Asking(daemon, "failing-1")
    asking.join(10)
    with daemon.client() as matted:
        (last,) = matted.events("failing-1")
    assert (last["state"], last["detail"]) == ("failed", "Matted failed unexpectedly.")


def test_a_watcher_that_leaves_does_not_stop_the_job(daemon, pipeline):
    pipeline.slow_s = 0.3
    asking = Asking(daemon, "watched-1")
    with daemon.client() as matted:
        events = matted.events("watched-1")
        next(events)
        events.close()
    asking.join(10)
    assert asking.answer is not None


@pytest.mark.parametrize("name", ["short", "x" * 65, "with space", "semi;colon", "\u00fcmlaut-job"])
def test_a_jobs_name_must_be_a_plain_one(daemon, name):
    code, _, _ = daemon.ask("POST", "/v1/mask", body=b"", headers={"X-Matted-Job": name.encode("latin-1")})
    assert code == 400


def test_a_name_in_use_is_refused(daemon, pipeline):
    pipeline.slow_s = LONG_S
    Asking(daemon, "slow-one-1")
    assert pipeline.working.acquire(timeout=10)
    second = Asking(daemon, "slow-one-1")
    second.join(10)
    assert "choose another name" in str(second.error)


def test_cancelling_what_is_not_there_is_a_problem(daemon):
    with daemon.client() as matted, pytest.raises(ClientError) as caught:
        matted.cancel("nothing-here")
    assert caught.value.slug == "unknown-job"


def test_shutting_down_stops_the_work_and_says_so(daemon, pipeline):
    pipeline.slow_s = LONG_S
    asking = Asking(daemon)
    assert pipeline.working.acquire(timeout=10)
    with daemon.client() as matted:
        matted.shutdown()
    daemon.join()
    asking.join(10)
    assert daemon.clean is True
    assert asking.error is not None
    assert pipeline.stopped.acquire(blocking=False)


def test_metrics_count_what_was_done(daemon):
    with daemon.client() as matted:
        matted.mask(planes())
    text = daemon.ask("GET", "/metrics")[2].decode()
    assert 'matted_requests_total{method="POST",route="/v1/mask",status="200"} 1\n' in text
    assert 'matted_stage_seconds_sum{stage="model"} 0.25\n' in text
    for line in text.splitlines():
        assert line.startswith("# ") or len(line.rsplit(" ", 1)) == 2


def test_models_are_listed_and_pulled_with_progress(daemon, pipeline):
    with daemon.client() as matted:
        (model,) = matted.models()
        assert (model["id"], model["installed"], model["loaded"]) == ("builtin", True, False)
        pipeline.downloading = 0.02
        events = list(matted.pull("builtin", accept_licence=True))
    assert events[-1]["state"] == "done"
    assert events[0]["total"] == 1000


def test_a_download_that_breaks_off_is_a_sentence(daemon, pipeline):
    pipeline.downloading = 0.02
    pipeline.error = OSError("in the middle of it")
    with daemon.client() as matted, pytest.raises(ClientError, match="failed unexpectedly"):
        list(matted.pull("builtin", accept_licence=True))


def test_a_licence_not_accepted_is_a_plain_problem(daemon):
    with daemon.client() as matted, pytest.raises(ClientError, match="Accept the licence"):
        list(matted.pull("builtin"))


def test_leaving_stops_a_download(daemon, pipeline):
    pipeline.downloading = 0.2
    with daemon.client() as matted:
        events = matted.pull("builtin", accept_licence=True)
        next(events)
        events.close()
    assert pipeline.stopped.acquire(timeout=10)


def test_models_are_removed(daemon, pipeline):
    with daemon.client() as matted:
        matted.unload("builtin")
        matted.remove("builtin")
        with pytest.raises(ClientError, match="no model 'nothing'"):
            matted.remove("nothing")
    assert pipeline.removed == ["builtin"]
