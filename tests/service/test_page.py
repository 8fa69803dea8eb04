"""What the page of the watched folders is told, and what it may ask for."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from graphs import red_key_catalogue
from matted.config import Settings, WatchEntry
from matted.errors import BadOption, MattedError, UnsupportedPicture
from matted.hotfolder.cutter import PipelineCutter
from matted.hotfolder.folder import HotFolder
from matted.hotfolder.ledger import Ledger
from matted.hotfolder.options import WatchOptions
from matted.hotfolder.place import place_of
from matted.pipeline import Pipeline
from matted.service.page.dropping import checked_name, put
from matted.service.page.thumbnails import Thumbnails

from .conftest import Running
from .test_guard import problem
from .visitor import visit


def square(path: Path, *, empty: bool = False) -> Path:
    """A red square on blue, which the red-key model finds; without it the result needs review."""
    pixels = np.zeros((120, 160, 3), np.uint8)
    pixels[..., 2] = 255
    if not empty:
        pixels[30:90, 40:120] = (255, 0, 0)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def watched(shoot: Path, tmp_path: Path) -> Iterator[Running]:
    """A daemon that watches `shoot`, with a tiny true pipeline."""
    model = tmp_path / "model"
    model.mkdir()
    settings = replace(Settings(), idle_exit_s=0.0, watch=(WatchEntry(shoot),), max_upload_mb=1)
    pipeline = Pipeline(Settings(model="red-key", catalogue=red_key_catalogue(model), threads=1))
    daemon = Running(settings, pipeline).start()  # type: ignore[arg-type]
    yield daemon
    daemon.ask("POST", "/v1/shutdown", headers={"Content-Length": "0"})
    daemon.join()


# --------------------------------------------------------------------------------------- what is there


def test_a_daemon_without_folders_shows_none_and_says_how(daemon: Running) -> None:
    visitor = visit(daemon)
    assert json.loads(visitor.get("state")[2]) == {"ready": True, "folders": []}
    assert "config.toml" in visitor.get("")[2].decode()


def test_the_folder_is_shown_with_what_became_of_each_picture(watched: Running, shoot: Path) -> None:
    square(shoot / "a.png")
    square(shoot / "sky.png", empty=True)
    visitor = visit(watched)
    done, review = visitor.wait("a.png", "done"), visitor.wait("sky.png", "review")
    assert done["results"] == ["cutouts/a.png"]
    assert "No clear subject" in review["reason"]
    folder = visitor.folder()
    assert (folder["name"], folder["path"], folder["trouble"]) == ("shoot", str(shoot), "")
    assert folder["counts"] == {"waiting": 0, "working": 0, "done": 1, "review": 1, "failed": 0}


def test_an_unchanged_state_is_not_sent_again(daemon: Running) -> None:
    visitor = visit(daemon)
    mark = visitor.get("state")[1]["etag"]
    status, _, body = visitor.get("state", **{"If-None-Match": mark})
    assert (status, body) == (304, b"")


@pytest.mark.parametrize("limit", ["0x", "-1", "99999999", "1e3", ""])
def test_a_limit_must_be_a_number(daemon: Running, limit: str) -> None:
    assert problem(visit(daemon).get(f"state?limit={limit}")) == "400 bad-option"


def test_a_folder_that_cannot_be_watched_says_why(start: Callable[..., Running], tmp_path: Path) -> None:
    visitor = visit(start(watch=(WatchEntry(tmp_path / "gone"),)))
    assert "There is no folder" in visitor.folder()["trouble"]


def test_a_folder_that_another_program_watches_is_shown_and_can_be_worked_with(
    daemon: Running, shoot: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    pipeline = Pipeline(Settings(model="red-key", catalogue=red_key_catalogue(model), threads=1))
    square(shoot / "sky.png", empty=True)
    visitor = visit(daemon)
    assert json.loads(visitor.get("state")[2])["folders"] == []
    watch = HotFolder(WatchOptions(shoot, settle_s=0.1, retry_s=()), PipelineCutter(pipeline))
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        visitor.wait_for_folder()
        number = visitor.wait("sky.png", "review")["number"]
        assert visitor.folder()["watched"]
        content = square(tmp_path / "new.png").read_bytes()
        assert visitor.post("folders/0/pictures?name=new.png", content)[0] == 201
        visitor.wait("new.png", "done")
    finally:
        watch.stop()
        thread.join(60)
        pipeline.close()
    assert not visitor.folder()["watched"]
    assert visitor.post(f"folders/0/pictures/{number}/accept")[0] == 200
    assert (shoot / "cutouts/sky.png").is_file()
    retried = json.loads(visitor.post(f"folders/0/pictures/{number}/retry")[2])
    assert retried["sentence"] == "sky.png will be cut again once the folder is watched."


def test_a_folder_of_long_ago_is_not_shown(daemon: Running, shoot: Path) -> None:
    place = place_of(shoot)
    assert place is not None
    Ledger(place.ledger).close()
    for file in place.folder.iterdir():
        os.utime(file, (1e9, 1e9))
    assert json.loads(visit(daemon).get("state")[2])["folders"] == []


def test_a_recipe_that_is_not_right_is_told(watched: Running, shoot: Path) -> None:
    square(shoot / "a.png")
    visitor = visit(watched)
    visitor.wait("a.png", "done")
    (shoot / "matted.toml").write_text("\nnonsense = 1\n")
    deadline = time.monotonic() + 60
    while "line 2" not in visitor.folder()["trouble"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "Its pictures wait until it is right." in visitor.folder()["trouble"]


def test_names_that_are_no_text_or_html_are_only_text(watched: Running, shoot: Path) -> None:
    square(shoot / "<img src=x onerror=alert(1)>.png")
    visitor = visit(watched)
    visitor.wait("<img src=x onerror=alert(1)>.png", "done")
    assert visitor.get("state")[1]["content-type"].startswith("application/json")
    assert b"onerror" not in visitor.get("")[2]


def test_before_and_after_are_small_pictures_and_the_after_is_transparent(
    watched: Running, shoot: Path
) -> None:
    square(shoot / "a.png")
    visitor = visit(watched)
    number = visitor.wait("a.png", "done")["number"]
    before = visitor.get(f"folders/0/pictures/{number}/before")
    assert before[1]["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(before[2])).mode == "RGB"
    after = np.asarray(Image.open(io.BytesIO(visitor.get(f"folders/0/pictures/{number}/after")[2])))
    assert after.shape == (120, 160, 4)
    assert after[60, 80, 3] > 250
    assert after[5, 5, 3] < 5
    assert abs(after[60, 80, :3].astype(int) - (255, 0, 0)).max() < 12


def test_a_picture_or_folder_that_is_not_there(watched: Running, shoot: Path) -> None:
    square(shoot / "a.png")
    visitor = visit(watched)
    visitor.wait("a.png", "done")
    assert problem(visitor.get("folders/0/pictures/999/before")) == "404 unknown-entry"
    assert problem(visitor.get("folders/0/pictures/999/after")) == "404 unknown-entry"
    assert problem(visitor.get("folders/1/pictures/1/before")) == "404 unknown-folder"


@pytest.mark.parametrize(
    "path",
    [
        "folders/0/pictures/1/original",
        "folders/0/pictures/..%2F..%2Fsecret/before",
        "folders/..%2F0/pictures/1/before",
        "folders/-1/pictures/1/before",
        "..%2F..%2Fdoors.py",
        "doors.py",
    ],
)
def test_only_numbers_name_pictures(daemon: Running, path: str) -> None:
    assert problem(visit(daemon).get(path)) == "401 token-missing"


def test_thumbnails_are_no_larger_than_told_and_follow_no_link(tmp_path: Path) -> None:
    Image.new("RGB", (3000, 1000), "green").save(tmp_path / "wide.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "wide.jpg")
    made = Thumbnails(10**8)
    assert Image.open(io.BytesIO(made.of(tmp_path / "wide.jpg"))).size == (512, 171)
    with pytest.raises(MattedError, match="is not a file"):
        made.of(tmp_path / "link.jpg")
    with pytest.raises(MattedError, match="not there any more"):
        made.of(tmp_path / "none.jpg")


def test_a_picture_that_changed_gets_a_new_thumbnail(tmp_path: Path) -> None:
    made = Thumbnails(10**8)
    Image.new("RGB", (60, 40), "green").save(tmp_path / "a.png")
    first = made.of(tmp_path / "a.png")
    Image.new("RGB", (61, 40), "red").save(tmp_path / "a.png")
    assert made.of(tmp_path / "a.png") != first


def test_the_first_result_that_can_be_shown_is(tmp_path: Path) -> None:
    (tmp_path / "a.psd").write_bytes(b"8BPS layers")
    Image.new("RGB", (60, 40), "green").save(tmp_path / "a.png")
    made = Thumbnails(10**8)
    assert made.first([tmp_path / "a.psd", tmp_path / "a.png"]) == made.of(tmp_path / "a.png")


# ------------------------------------------------------------------------------------------- changes


def test_accepting_moves_the_result_to_its_place(watched: Running, shoot: Path) -> None:
    square(shoot / "sky.png", empty=True)
    visitor = visit(watched)
    number = visitor.wait("sky.png", "review")["number"]
    status, _, body = visitor.post(f"folders/0/pictures/{number}/accept")
    assert status == 200
    assert json.loads(body)["sentence"] == "sky.png is accepted: cutouts/sky.png."
    assert (shoot / "cutouts/sky.png").is_file()
    assert visitor.wait("sky.png", "done")["results"] == ["cutouts/sky.png"]


def test_what_is_not_in_review_is_not_accepted(watched: Running, shoot: Path) -> None:
    square(shoot / "a.png")
    visitor = visit(watched)
    number = visitor.wait("a.png", "done")["number"]
    assert problem(visitor.post(f"folders/0/pictures/{number}/accept")) == "404 unknown-entry"


def test_retrying_cuts_the_picture_again(watched: Running, shoot: Path) -> None:
    square(shoot / "a.png")
    visitor = visit(watched)
    found = visitor.wait("a.png", "done")
    (shoot / "cutouts/a.png").unlink()
    assert visitor.post(f"folders/0/pictures/{found['number']}/retry")[0] == 200
    deadline = time.monotonic() + 60
    while not (shoot / "cutouts/a.png").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (shoot / "cutouts/a.png").exists()


def test_a_dropped_picture_is_in_the_folder_and_cut(watched: Running, shoot: Path, tmp_path: Path) -> None:
    content = square(tmp_path / "a.png").read_bytes()
    visitor = visit(watched)
    status, _, body = visitor.post(f"folders/0/pictures?name={quote('Überblick 1.png')}", content)
    assert (status, json.loads(body)["name"]) == (201, "Überblick 1.png")
    assert (shoot / "Überblick 1.png").read_bytes() == content
    visitor.wait("Überblick 1.png", "done")


@pytest.mark.parametrize(
    ("name", "body", "refusal"),
    [
        ("../a.png", b"x", "400 bad-option"),
        ("a.exe", b"x", "415 unsupported-picture"),
        ("a.png", b"", "422 unreadable-picture"),
        ("a.png", b"x" * (2 << 20), "413 picture-too-large"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_a_sentence(
    watched: Running, shoot: Path, name: str, body: bytes, refusal: str
) -> None:
    answer = visit(watched).post(f"folders/0/pictures?name={quote(name, safe='')}", body)
    assert problem(answer) == refusal
    assert [path.name for path in shoot.iterdir()] == ["matted.toml"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../a.png", BadOption),
        ("..", BadOption),
        ("", BadOption),
        ("/etc/a.png", BadOption),
        ("..\\a.png", BadOption),
        ("c:a.png", BadOption),
        (".a.png", BadOption),
        ("a\n.png", BadOption),
        ("a\0.png", BadOption),
        ("a\udcff.png", BadOption),
        ("matted.toml", UnsupportedPicture),
    ],
)
def test_names_that_are_no_pictures_are_not_written(
    tmp_path: Path, name: str, kind: type[MattedError]
) -> None:
    content = square(tmp_path / "1.png").read_bytes()
    (tmp_path / "shoot").mkdir()
    with pytest.raises(kind):
        put(tmp_path / "shoot", name, memoryview(content))
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["1.png"]


def test_what_is_no_picture_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(MattedError, match=r"^a\.png "):
        put(tmp_path, "a.png", memoryview(b"no picture at all, only text"))
    assert not (tmp_path / "a.png").exists()


def test_a_dropped_picture_overwrites_nothing(tmp_path: Path) -> None:
    one, other = square(tmp_path / "1.png").read_bytes(), square(tmp_path / "2.png", empty=True).read_bytes()
    folder = tmp_path / "shoot"
    folder.mkdir()
    assert put(folder, "a.png", memoryview(one)) == folder / "a.png"
    assert put(folder, "a.png", memoryview(one)) == folder / "a.png"
    assert put(folder, "a.png", memoryview(other)) == folder / "a-2.png"
    assert (folder / "a.png").read_bytes() == one
    assert sorted(path.name for path in folder.iterdir()) == ["a-2.png", "a.png"]


def test_a_dropped_picture_follows_no_link(tmp_path: Path) -> None:
    content = square(tmp_path / "1.png").read_bytes()
    folder = tmp_path / "shoot"
    folder.mkdir()
    (folder / "a.png").symlink_to(tmp_path / "elsewhere.png")
    assert put(folder, "a.png", memoryview(content)) == folder / "a-2.png"
    assert not (tmp_path / "elsewhere.png").exists()


def test_ordinary_names_are_kept() -> None:
    for name in ("IMG 1.JPG", "<b>.png", "写真.heic", "a;b&c='d'.webp", "a..b.tif"):
        if os.name != "nt" or "<" not in name:
            assert checked_name(name) == name


# ----------------------------------------------------------------------------------------- the command


def test_the_command_prints_a_link_that_works(daemon: Running) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "matted", "open", "--print"], capture_output=True, text=True, check=True
    )
    link = done.stdout.strip()
    start = f"http://127.0.0.1:{daemon.runtime.port}"
    assert link.startswith(f"{start}/open?ticket=")
    assert daemon.ask("GET", link.removeprefix(start), token=None)[0] == 303
