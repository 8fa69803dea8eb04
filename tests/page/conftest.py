"""A real daemon that watches a folder, and a real headless Chromium that opens its page by a ticket.

The browser is the system's, driven through the system's chromedriver: nothing is ever downloaded, and of the
network it reaches this computer alone.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from graphs import red_key_catalogue
from matted.client import RUNTIME_FILE, Client

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1400,1000",
)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A WebDriver for all tests; skips where there is no Chromium, but not in CI."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        reason = "Chromium and its driver are not installed (Debian: chromium, chromium-driver)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SE_OFFLINE", "true")
        opened = webdriver.Chrome(options=options, service=Service(executable_path=driver))
    yield opened
    opened.quit()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """The browser, showing nothing and knowing nobody."""
    chromium.get_log("browser")
    yield chromium
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})


@pytest.fixture
def link(shoot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Makes links to the page of a daemon that watches `shoot` with a tiny model: it finds what is red."""
    model = tmp_path / "model"
    model.mkdir()
    config = tmp_path / "config.toml"
    config.write_text(
        f"model = 'red-key'\ncatalogue = '{red_key_catalogue(model)}'\n\n[[watch]]\nfolder = '{shoot}'\n"
    )
    monkeypatch.setenv("MATTED_CONFIG", str(config))
    monkeypatch.setenv("MATTED_RUNTIME", str(tmp_path / "run"))
    with (tmp_path / "daemon.log").open("wb") as log:
        daemon = subprocess.Popen([sys.executable, "-m", "matted", "serve"], stdout=log, stderr=log)

    deadline = time.monotonic() + 30
    while not (tmp_path / "run" / RUNTIME_FILE).exists() and time.monotonic() < deadline:
        time.sleep(0.02)

    def made() -> str:
        with Client.connect(start=False) as client:
            return client.page_link()

    yield made
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(30)


def drawn(path: Path, *, empty: bool = False) -> Path:
    """A red square on blue; `empty`: no square, so that the result needs review."""
    pixels = np.zeros((240, 320, 3), np.uint8)
    pixels[..., 2] = 255
    if not empty:
        pixels[60:180, 80:240] = (255, 0, len(path.name))
    pixels[0, 0, 1] = sum(path.name.encode()) % 256  # each name is a content of its own
    Image.fromarray(pixels).save(path)
    return path
