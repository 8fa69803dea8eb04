"""Who gets to the page of the watched folders, and what is refused to everybody else."""

import os
import re
import sys
from pathlib import Path

import pytest

from matted.service.page import doors
from matted.service.page.doors import Doors, PageClosed, TicketUsed
from matted.service.page.peer import is_another_user

from .conftest import Running
from .test_guard import problem
from .visitor import Answer, link_path, visit


def test_a_link_opens_the_page(daemon: Running) -> None:
    status, headers, body = visit(daemon).get("")
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert b'src="page.js"' in body


def test_the_cookie_is_for_the_pages_path_and_no_script_or_other_site(daemon: Running) -> None:
    _, headers, _ = daemon.ask("GET", link_path(daemon), token=None)
    parts = {part.strip() for part in headers["set-cookie"].split(";")[1:]}
    assert parts == {"HttpOnly", "SameSite=Strict", f"Path={headers['location'].rstrip('/')}"}


def test_the_address_keeps_no_ticket(daemon: Running) -> None:
    path = link_path(daemon)
    _, headers, _ = daemon.ask("GET", path, token=None)
    assert path.partition("=")[2] not in headers["location"]


def told(answer: Answer) -> str:
    """The one sentence of a closed page."""
    assert answer[1]["content-type"].startswith("text/html")
    found = re.search(r"<p>(.*)</p>", answer[2].decode())
    assert found is not None
    assert "set-cookie" not in answer[1]
    return f"{answer[0]} {found[1]}"


def test_a_used_ticket_opens_nothing(daemon: Running) -> None:
    path = link_path(daemon)
    daemon.ask("GET", path, token=None)
    assert "403 This link was used already" in told(daemon.ask("GET", path, token=None))


def test_an_old_ticket_opens_nothing(daemon: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "TICKET_S", -1.0)
    assert "403 This link was used already" in told(daemon.ask("GET", link_path(daemon), token=None))


@pytest.mark.parametrize(
    "path", ["/open", "/open?ticket=", "/open?ticket=%C3%BC", "/open?ticket=" + "A" * 43]
)
def test_a_wrong_ticket_opens_nothing(daemon: Running, path: str) -> None:
    assert "Run `matted open` again." in told(daemon.ask("GET", path, token=None))


def test_the_bare_address_says_how_to_get_in(daemon: Running) -> None:
    assert "Run `matted open`." in told(daemon.ask("GET", "/", token=None))


def test_a_ticket_costs_the_token(daemon: Running) -> None:
    answer = daemon.ask("POST", "/v1/tickets", headers={"Content-Length": "0"}, token=None)
    assert problem(answer) == "401 token-missing"


def test_a_page_cannot_make_tickets(daemon: Running) -> None:
    visitor = visit(daemon)
    answer = daemon.ask("POST", "/v1/tickets", headers={"Cookie": visitor.cookie}, token=None)
    assert problem(answer) == "401 token-missing"


def test_the_cookie_opens_no_route_of_the_programs(daemon: Running) -> None:
    answer = daemon.ask("GET", "/v1/status", headers={"Cookie": visit(daemon).cookie}, token=None)
    assert problem(answer) == "401 token-missing"


GETS = ["", "page.js", "page.css", "state", "folders/0/pictures/1/before", "folders/0/pictures/1/after"]
POSTS = ["folders/0/pictures/1/accept", "folders/0/pictures/1/retry", "folders/0/pictures?name=a.jpg"]


@pytest.mark.parametrize("path", GETS)
def test_nothing_is_shown_without_the_cookie(daemon: Running, path: str) -> None:
    visitor = visit(daemon)
    assert problem(daemon.ask("GET", visitor.place + path, token=None)) == "403 page-closed"


@pytest.mark.parametrize("path", GETS)
def test_the_token_is_no_cookie(daemon: Running, path: str) -> None:
    assert problem(daemon.ask("GET", visit(daemon).place + path)) == "403 page-closed"


@pytest.mark.parametrize("path", GETS)
def test_one_browsers_cookie_is_not_anothers(daemon: Running, path: str) -> None:
    one, other = visit(daemon), visit(daemon)
    other.cookie = one.cookie
    assert problem(other.get(path)) == "403 page-closed"


def test_a_person_without_the_cookie_reads_a_sentence(daemon: Running) -> None:
    answer = daemon.ask("GET", visit(daemon).place, headers={"Accept": "text/html,*/*"}, token=None)
    assert "403 This page is not open in this browser" in told(answer)


@pytest.mark.parametrize("path", GETS)
def test_a_foreign_host_is_refused_with_the_cookie(daemon: Running, path: str) -> None:
    answer = visit(daemon).get(path, Host=f"evil.example:{daemon.runtime.port}")
    assert problem(answer) == "403 foreign-host"


@pytest.mark.parametrize("header", [{"Sec-Fetch-Site": "same-site"}, {"Origin": "http://127.0.0.1:1"}])
@pytest.mark.parametrize("path", [*GETS, "/open"])
def test_another_local_page_is_refused_with_the_cookie(
    daemon: Running, path: str, header: dict[str, str]
) -> None:
    visitor = visit(daemon)
    if path == "/open":
        visitor.place, path = "", link_path(daemon)
    assert problem(visitor.get(path, **header)) == "403 foreign-origin"


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        ({"Cookie": ""}, "403 page-closed"),
        ({"Cookie": "matted-page=wrong"}, "403 page-closed"),
        ({"X-Matted-Page": ""}, "403 page-forged"),
        ({"X-Matted-Page": "wrong"}, "403 page-forged"),
        ({"Origin": ""}, "403 page-forged"),
        ({"Origin": "http://localhost:{port}"}, "403 page-forged"),
        ({"Origin": "http://evil.example"}, "403 foreign-origin"),
        ({"Origin": "null"}, "403 foreign-origin"),
        ({"Sec-Fetch-Site": "cross-site"}, "403 foreign-origin"),
        ({"Host": "evil.example"}, "403 foreign-host"),
    ],
)
def test_a_change_needs_cookie_key_and_origin(
    daemon: Running, path: str, header: dict[str, str], refusal: str
) -> None:
    given = {name: text.format(port=daemon.runtime.port) for name, text in header.items()}
    assert problem(visit(daemon).post(path, b"x", **given)) == refusal


def test_one_pages_key_is_not_anothers(daemon: Running) -> None:
    one, other = visit(daemon), visit(daemon)
    assert problem(one.post(POSTS[0], **{"X-Matted-Page": other.key})) == "403 page-forged"


@pytest.mark.parametrize("path", ["", "page.js", "state", "nothing", "folders/0/pictures/1/before"])
def test_browsers_are_told_to_keep_share_and_run_nothing_else(daemon: Running, path: str) -> None:
    _, headers, _ = visit(daemon).get(path)
    policy = headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not [rule for rule in policy if "unsafe" in rule or "*" in rule or "data:" in rule]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_a_session_ends_when_the_page_was_long_closed() -> None:
    now = [0.0]
    held = Doors(lambda: now[0])
    session = held.redeem(held.ticket())
    now[0] = doors.SESSION_S
    assert held.session(session.view, session.cookie) is session
    now[0] = 2 * doors.SESSION_S + 1
    with pytest.raises(PageClosed):
        held.session(session.view, session.cookie)


def test_a_ticket_ends_after_a_minute() -> None:
    now = [0.0]
    held = Doors(lambda: now[0])
    first, second = held.ticket(), held.ticket()
    now[0] = 60.0
    held.redeem(first)
    now[0] = 60.1
    with pytest.raises(TicketUsed):
        held.redeem(second)


def test_tickets_and_sessions_are_bounded() -> None:
    held = Doors()
    tickets = [held.ticket() for _ in range(100)]
    with pytest.raises(TicketUsed):
        held.redeem(tickets[0])
    sessions = [held.redeem(held.ticket()) for _ in range(100)]
    with pytest.raises(PageClosed):
        held.session(sessions[0].view, sessions[0].cookie)
    assert held.session(sessions[-1].view, sessions[-1].cookie) is sessions[-1]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_another_users_connection_is_known(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    row = "   0: 0100007F:{:04X} 0100007F:{:04X} 01 00000000:00000000 00:00000000 00000000  {}        0 1\n"
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
    table.write_text(head + row.format(5000, 80, os.geteuid()) + row.format(5001, 80, os.geteuid() + 1))
    assert not is_another_user(5000, 80, table)
    assert is_another_user(5001, 80, table)
    assert not is_another_user(5002, 80, table)
    assert not is_another_user(5001, 80, tmp_path / "none")
