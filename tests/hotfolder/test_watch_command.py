"""The command as a person or cron runs it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from matted.client import Client

from .conftest import Hot


def matted(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "matted", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, text=True, env=dict(os.environ))


def test_once_for_cron(hot: Hot) -> None:
    hot.drop("a.png")
    done = matted("watch", hot.path, "--once")
    assert done.returncode == 0, done.stderr
    assert "a.png -> " in done.stdout
    assert "1 done, 0 to look at, 0 failed" in done.stdout
    assert hot.results() == ["cutouts/a.png"]


def test_a_failure_shows_in_the_exit_code_and_in_the_status(hot: Hot) -> None:
    (hot.path / "bad.png").write_bytes(b"no picture")
    assert matted("watch", hot.path, "--once").returncode == 1
    status = matted("watch", hot.path, "--status")
    assert "bad.png: " in status.stdout
    found = json.loads(matted("watch", hot.path, "--status", "--json").stdout)
    assert found["counts"]["waiting"] + found["counts"]["failed"] == 1


def test_reviewed_results_are_accepted_by_number_or_all(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text("review_below = 1.0\n")
    hot.drop("a.png", 1)
    hot.once()
    done = matted("watch", hot.path, "--accept", "all")
    assert done.returncode == 0, done.stderr
    assert hot.results() == ["cutouts/a.png"]
    assert "nothing to look at" in matted("watch", hot.path, "--accept", "all").stdout


def test_one_result_that_is_gone_keeps_no_other_from_being_accepted(hot: Hot) -> None:
    for number in range(3):
        hot.drop(f"{number}.png", number, empty=True)
    hot.once()
    (hot.path / "review/cutouts/1.png").unlink()
    done = matted("watch", hot.path, "--accept", "all")
    assert done.returncode == 1
    assert "1.png: " in done.stderr
    assert hot.results() == ["cutouts/0.png", "cutouts/2.png", "review/1.png.txt"]


def test_the_status_says_whether_it_is_watched_and_what_is_wrong(hot: Hot) -> None:
    hot.drop("a.png")
    hot.once()
    assert "Nobody watches it now" in matted("watch", hot.path, "--status").stdout
    with hot.live() as live:
        (hot.path / "matted.toml").write_text("\nnonsense = 1\n")
        live.wait("notice", saying="wait until it is right")
        found = json.loads(matted("watch", hot.path, "--status", "--json").stdout)
        assert (found["watched"], len(found["troubles"])) == (True, 1)
        assert "matted.toml, line 2: " in matted("watch", hot.path, "--status").stdout


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = matted("watch", tmp_path / "none")
    assert done.returncode == 2
    assert "There is no folder" in done.stderr
    (tmp_path / "a.png").touch()
    assert "is a file" in matted("watch", tmp_path / "a.png").stderr


def test_a_bad_recipe_is_refused_with_its_line(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text("\nnonsense = 1\n")
    done = matted("watch", hot.path, "--once")
    assert done.returncode == 2
    assert "matted.toml, line 2" in done.stderr


def test_the_example_is_a_recipe(hot: Hot) -> None:
    (hot.path / "matted.toml").write_text(matted("watch", hot.path, "--example").stdout)
    assert matted("watch", hot.path, "--once").returncode == 0


@pytest.fixture
def serving(hot: Hot) -> Iterator[subprocess.Popen[bytes]]:
    """An engine whose configuration names the folder."""
    config = Path(os.environ["XDG_CONFIG_HOME"]) / "matted" / "config.toml"
    config.parent.mkdir()
    config.write_text(f'[[watch]]\nfolder = "{hot.path.as_posix()}"\n')
    process = subprocess.Popen([sys.executable, "-m", "matted", "serve"], stderr=subprocess.PIPE)
    for _ in range(600):
        try:
            Client.connect(start=False).close()
            break
        except Exception:
            time.sleep(0.05)
    else:
        pytest.fail("the engine did not come up")
    yield process
    process.terminate()
    process.communicate(timeout=60)


def test_the_engine_watches_the_folders_of_its_configuration(
    hot: Hot, serving: subprocess.Popen[bytes]
) -> None:
    hot.drop("a.png")
    assert serving.stderr is not None
    for line in serving.stderr:
        if b"a.png done" in line or b"a.png review" in line:
            break
    assert [name for name in hot.results() if name.endswith("cutouts/a.png")] != []
    refused = matted("watch", hot.path, "--once")
    assert refused.returncode == 1
    assert "watched already" in refused.stderr
