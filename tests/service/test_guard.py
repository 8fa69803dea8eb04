"""Only programs of this user may talk to the daemon: the guard's whole table, on a real socket."""

import json
import socket

import pytest


def problem(answer: tuple[int, dict[str, str], bytes]) -> str:
    status, headers, body = answer
    assert headers["content-type"].startswith("application/problem+json")
    found = json.loads(body)
    assert found["status"] == status
    assert found["detail"].endswith(".")
    assert "Traceback" not in found["detail"]
    return f"{status} {found['type'].rpartition(':')[2]}"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_own_names_are_served(daemon, name):
    status, _, _ = daemon.ask("GET", "/v1/status", headers={"Host": f"{name}:{daemon.runtime.port}"})
    assert status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "10.0.0.1:{port}",
        "localhost.evil.example:{port}",
        "",
    ],
)
def test_foreign_hosts_are_refused_even_with_the_token(daemon, host):
    answer = daemon.ask("GET", "/v1/status", headers={"Host": host.format(port=daemon.runtime.port)})
    assert problem(answer) == "403 foreign-host"


@pytest.mark.parametrize("path", ["/v1/health", "/v1/identity", "/v1/openapi.json", "/v1/nothing"])
def test_a_foreign_host_gets_nothing_from_public_routes_either(daemon, path):
    assert (
        problem(daemon.ask("GET", path, headers={"Host": "evil.example"}, token=None)) == "403 foreign-host"
    )


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1"]
)
def test_web_pages_are_refused(daemon, origin):
    answer = daemon.ask("GET", "/v1/health", headers={"Origin": origin.format(port=daemon.runtime.port)})
    assert problem(answer) == "403 foreign-origin"


def test_own_origin_is_served(daemon):
    origin = f"http://127.0.0.1:{daemon.runtime.port}"
    assert daemon.ask("GET", "/v1/status", headers={"Origin": origin})[0] == 200


def test_requests_a_browser_marks_as_cross_site_are_refused(daemon):
    answer = daemon.ask("GET", "/v1/health", headers={"Sec-Fetch-Site": "cross-site"})
    assert problem(answer) == "403 foreign-origin"


@pytest.mark.parametrize("token", [None, "wrong", "Bearer", "\u00fc"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/status"),
        ("POST", "/v1/mask"),
        ("POST", "/v1/shutdown"),
        ("GET", "/metrics"),
        ("GET", "/nothing"),
    ],
)
def test_everything_private_needs_the_token(daemon, token, method, path):
    answer = daemon.ask(method, path, token=token)
    assert problem(answer) == "401 token-missing"
    assert answer[1]["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/v1/health", "/v1/identity?nonce=" + "0" * 64, "/v1/openapi.json"])
def test_public_routes_need_no_token(daemon, path):
    assert daemon.ask("GET", path, token=None)[0] == 200


@pytest.mark.parametrize("nonce", ["", "0" * 31, "0" * 129, "x" * 64])
def test_a_nonce_must_be_one(daemon, nonce):
    assert problem(daemon.ask("GET", f"/v1/identity?nonce={nonce}", token=None)) == "400 bad-option"


def test_no_route_answers_a_preflight(daemon):
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = daemon.ask("OPTIONS", "/v1/mask", headers=headers, token=None)
    assert problem(answer) == "403 foreign-origin"
    assert not [name for name in answer[1] if name.startswith("access-control")]


def test_unknown_paths_and_methods_are_problems(daemon):
    assert problem(daemon.ask("GET", "/v1/nothing")) == "404 not-found"
    answer = daemon.ask("PUT", "/v1/mask")
    assert problem(answer) == "405 method-not-allowed"
    assert answer[1]["allow"] == "POST"


def test_it_listens_on_the_loopback_address_alone(daemon):
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        if address.startswith("127."):
            continue
        with socket.socket() as probe:
            assert probe.connect_ex((address, daemon.runtime.port)) != 0
