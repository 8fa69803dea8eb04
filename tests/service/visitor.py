"""A browser, as far as the daemon can tell: it follows a link, keeps the cookie, and has the page's key."""

import json
import re
import time
from dataclasses import dataclass
from typing import Any

from .conftest import Running

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Visitor:
    """A browser that followed a link: it has the cookie, the path and, from the page, the key."""

    daemon: Running
    cookie: str
    place: str
    key: str

    def get(self, path: str, **headers: str) -> Answer:
        return self.daemon.ask(
            "GET", self.place + path, headers={"Cookie": self.cookie} | headers, token=None
        )

    def post(self, path: str, body: bytes = b"", **headers: str) -> Answer:
        own = {
            "Cookie": self.cookie,
            "X-Matted-Page": self.key,
            "Origin": f"http://127.0.0.1:{self.daemon.runtime.port}",
        }
        given = {name: text for name, text in (own | headers).items() if text}
        return self.daemon.ask("POST", self.place + path, body=body, headers=given, token=None)

    def folder(self) -> dict[str, Any]:
        return json.loads(self.get("state")[2])["folders"][0]

    def wait_for_folder(self) -> None:
        """Until a folder is shown."""
        deadline = time.monotonic() + 60
        while not json.loads(self.get("state")[2])["folders"]:
            assert time.monotonic() < deadline, "no folder is shown"
            time.sleep(0.05)

    def wait(self, name: str, state: str) -> dict[str, Any]:
        """The picture of that name once it is in that state."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = [one for one in self.folder()["pictures"] if (one["name"], one["state"]) == (name, state)]
            if found:
                return found[0]
            time.sleep(0.05)
        raise AssertionError((name, state, self.folder()))


def link_path(daemon: Running) -> str:
    with daemon.client() as client:
        return client.page_link().removeprefix(f"http://127.0.0.1:{daemon.runtime.port}")


def visit(daemon: Running) -> Visitor:
    status, headers, _ = daemon.ask("GET", link_path(daemon), token=None)
    assert status == 303
    visitor = Visitor(daemon, headers["set-cookie"].split(";")[0], headers["location"], "")
    text = visitor.get("")[2].decode()
    found = re.search(r'name="matted-key" content="([^"]+)"', text)
    assert found is not None
    visitor.key = found[1]
    return visitor
