"""What a photographer sees and does on the page, in a real browser with a real daemon behind it."""

import base64
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import drawn

Link = Callable[[], str]


def until(browser: Any, condition: Callable[[], Any]) -> Any:
    """What `condition` gives, once that is something."""
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.support.ui import WebDriverWait

    wait = WebDriverWait(browser, 60, 0.05, ignored_exceptions=[StaleElementReferenceException])
    return wait.until(lambda _browser: condition())


def cards(browser: Any, section: str) -> dict[str, Any]:
    """The cards of a section, by their pictures' names."""
    found = browser.find_elements("css selector", f"section.{section} .card")
    return {card.find_element("css selector", ".name").text: card for card in found}


def card(browser: Any, section: str, name: str) -> Any:
    return until(browser, lambda: cards(browser, section).get(name))


def focused(browser: Any) -> str:
    """The name on the card that has the focus."""
    script = (
        "const c = document.activeElement.closest('.card'); return c && c.querySelector('.name').textContent"
    )
    return browser.execute_script(script)


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def no_script_complains(browser: Any) -> None:
    lines = [line["message"] for line in browser.get_log("browser")]
    assert not [line for line in lines if "favicon.ico" not in line]


def test_before_and_after_are_seen_and_a_name_is_only_text(browser: Any, link: Link, shoot: Path) -> None:
    drawn(shoot / "<img src=x onerror=alert(1)>.png")
    browser.get(link())
    found = card(browser, "done", "<img src=x onerror=alert(1)>.png")
    images = found.find_elements("tag name", "img")
    assert [image.get_attribute("alt").split(":")[0] for image in images] == ["Before", "After"]
    seen = "return [...arguments[0].querySelectorAll('img')].map((one) => one.complete && one.naturalWidth)"
    until(browser, lambda: browser.execute_script(seen, found) == [320, 320])
    no_script_complains(browser)


def test_the_ticket_is_not_in_the_address_and_a_reload_stays_in(
    browser: Any, link: Link, shoot: Path
) -> None:
    drawn(shoot / "a.png")
    browser.get(link())
    card(browser, "done", "a.png")
    assert "ticket" not in browser.current_url
    browser.refresh()
    card(browser, "done", "a.png")


def test_a_used_link_and_a_lost_cookie_show_a_sentence(browser: Any, link: Link) -> None:
    first = link()
    browser.get(first)
    browser.get(first)
    assert "Run `matted open` again" in browser.find_element("tag name", "body").text
    browser.get(link())
    browser.delete_all_cookies()
    browser.refresh()
    assert "Run `matted open` again" in browser.find_element("tag name", "body").text


def test_results_are_accepted_by_keyboard(browser: Any, link: Link, shoot: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    for name in ("one.png", "two.png", "three.png"):
        drawn(shoot / name, empty=True)
    browser.get(link())
    until(browser, lambda: len(cards(browser, "review")) == 3)
    first, second, third = cards(browser, "review")
    press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert focused(browser) == second
    outline = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    press(browser, "a")
    card(browser, "done", second)
    assert (shoot / "cutouts" / second).is_file()
    until(browser, lambda: focused(browser) == third)
    press(browser, Keys.ARROW_LEFT)
    assert focused(browser) == first
    press(browser, Keys.ENTER)
    card(browser, "done", first)
    assert (shoot / "cutouts" / first).is_file()
    assert "is accepted" in browser.find_element("id", "said").text
    assert list(cards(browser, "review")) == [third]
    no_script_complains(browser)


def test_pictures_are_looked_at_closely_and_judged_one_after_the_other(
    browser: Any, link: Link, shoot: Path
) -> None:
    from selenium.webdriver.common.keys import Keys

    for name in ("one.png", "two.png"):
        drawn(shoot / name, empty=True)
    browser.get(link())
    until(browser, lambda: len(cards(browser, "review")) == 2)
    first, second = cards(browser, "review")
    cards(browser, "review")[first].find_element("css selector", ".before img").click()
    closer = browser.find_element("id", "closer")
    name = closer.find_element("css selector", ".name")
    assert name.text == first
    seen = "return [...document.querySelectorAll('#closer img')].map((one) => one.naturalWidth)"
    until(browser, lambda: browser.execute_script(seen) == [320, 320])
    press(browser, Keys.ARROW_RIGHT)
    assert name.text == second
    press(browser, Keys.ARROW_LEFT, "a")
    assert name.text == second
    until(browser, lambda: (shoot / "cutouts" / first).is_file())
    press(browser, Keys.SPACE)
    assert not closer.is_displayed()
    until(browser, lambda: focused(browser) == second)
    press(browser, Keys.SPACE, Keys.ENTER)
    until(browser, lambda: (shoot / "cutouts" / second).is_file())
    assert not closer.is_displayed()
    no_script_complains(browser)


@pytest.mark.parametrize("by_key", [False, True])
def test_a_picture_is_cut_again(browser: Any, link: Link, shoot: Path, by_key: bool) -> None:
    drawn(shoot / "sky.png", empty=True)
    browser.get(link())
    found = card(browser, "review", "sky.png")
    (shoot / "review/cutouts/sky.png").unlink()
    if by_key:
        browser.execute_script("arguments[0].focus()", found)
        press(browser, "r")
    else:
        found.find_element("xpath", ".//button[text()='Cut again']").click()
    until(browser, lambda: "will be cut again" in browser.find_element("id", "said").text)
    until(browser, lambda: (shoot / "review/cutouts/sky.png").exists())
    card(browser, "review", "sky.png")


def test_the_page_is_live(browser: Any, link: Link, shoot: Path) -> None:
    browser.get(link())
    until(browser, lambda: browser.find_element("css selector", ".calm").is_displayed())
    drawn(shoot / "late.png")
    card(browser, "done", "late.png")


def test_a_folder_that_a_terminal_watches_is_seen_with_what_is_in_it(
    browser: Any, link: Link, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    drawn(other / "sky.png", empty=True)
    drawn(other / "b.png")
    browser.get(link())
    until(browser, lambda: browser.find_element("css selector", ".calm").is_displayed())
    subprocess.run([sys.executable, "-m", "matted", "watch", str(other), "--once"], check=True)
    until(browser, lambda: browser.find_elements("css selector", "nav button[title$=other]"))
    browser.find_element("css selector", "nav button[title$=other]").click()
    card(browser, "review", "sky.png")
    overview = browser.find_element("css selector", ".overview")
    until(browser, lambda: overview.text.split("\n") == ["1 to look at", "1 done"])
    assert "not watched now" in browser.find_element("css selector", ".where").text
    browser.refresh()
    card(browser, "review", "sky.png")


def test_pictures_are_dropped_on_the_page_or_chosen(
    browser: Any, link: Link, shoot: Path, tmp_path: Path
) -> None:
    dropped, chosen = drawn(tmp_path / "dropped.png"), drawn(tmp_path / "chosen.png")
    (tmp_path / "notes.txt").write_text("no picture")
    browser.get(link())
    until(browser, lambda: browser.find_element("css selector", ".calm").is_displayed())
    browser.execute_script(
        """
        const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
        const carried = new DataTransfer();
        carried.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
        const let_go = { dataTransfer: carried, bubbles: true, cancelable: true };
        document.body.dispatchEvent(new DragEvent("drop", let_go));
        """,
        base64.b64encode(dropped.read_bytes()).decode(),
    )
    card(browser, "done", "dropped.png")
    browser.find_element("id", "files").send_keys(f"{chosen}\n{tmp_path / 'notes.txt'}")
    card(browser, "done", "chosen.png")
    until(browser, lambda: "notes.txt is no picture" in browser.find_element("id", "said").text)
    assert (shoot / "dropped.png").read_bytes() == dropped.read_bytes()
    assert (shoot / "chosen.png").read_bytes() == chosen.read_bytes()
    assert not (shoot / "notes.txt").exists()


def test_it_is_dark_where_the_person_likes_it_dark(browser: Any, link: Link) -> None:
    browser.get(link())
    shades = {}
    for scheme in ("light", "dark"):
        wish = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wish)
        colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        shades[scheme] = int(colour.removeprefix("rgb(").split(",")[0])
    assert shades["light"] > 200
    assert shades["dark"] < 60


def test_everything_that_can_be_used_has_a_name(browser: Any, link: Link, shoot: Path) -> None:
    drawn(shoot / "sky.png", empty=True)
    browser.get(link())
    card(browser, "review", "sky.png")
    used = browser.find_elements("css selector", "button, input, .card, img[src], nav, section")
    assert all(element.accessible_name for element in used if element.is_displayed())


def test_the_page_says_when_the_engine_has_ended(browser: Any, link: Link) -> None:
    from matted.client import Client

    browser.get(link())
    with Client.connect(start=False) as client:
        client.shutdown()
    until(browser, lambda: "Run `matted open` again" in browser.find_element("id", "trouble").text)
