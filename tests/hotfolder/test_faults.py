"""The fault run: 300 files on every way into a folder, and a watch that is killed twenty times meanwhile."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from graphs import red_key_catalogue
from matted.hotfolder.cutter import PipelineCutter
from matted.hotfolder.desk import Desk
from matted.hotfolder.entries import Entry
from matted.hotfolder.folder import HotFolder
from matted.hotfolder.recipe import Recipe, load_recipe

from .conftest import made_of, picture

sys.path.insert(0, str(Path(__file__).parent))
from hot_child import options, pipeline

KILLS, FILES, BAD, EMPTY = 20, 300, 12, 8
RECIPE = """
review_below = 0.0
[[output]]
name = "cutouts"
[[output]]
name = "masks"
what = "mask"
"""


@dataclass
class Faults:
    """What went in and what came of it. Names are of files in the watched folder."""

    folder: Path
    given: dict[str, bytes] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    empty: set[str] = field(default_factory=set)
    ends: list[int] = field(default_factory=list)  # of each watch that was killed
    left: int = 0  # how many of them left a hidden file behind
    before: int = 0  # pictures done when the last one was killed
    states: dict[str, list[Entry]] = field(default_factory=dict)
    again: int = 0  # pictures cut by one more run at the end
    expected: dict[str, bytes] = field(default_factory=dict)


def steps(faults: Faults, elsewhere: Path, chance: random.Random) -> list[tuple[float, Callable[[], object]]]:
    """What happens when, in lives of the watch: every file by one of the ways files come."""
    planned: list[tuple[float, Callable[[], object]]] = []
    for number in range(FILES):
        sub = ("", "", "", "sub/", "sub/deeper é/")[number % 5]
        name = f"{sub}{number:03}.png"
        path = faults.folder / name
        whole = picture(number, empty=number < EMPTY)
        at = (
            chance.choice((1.0, 6.0, 11.0)) if number % 2 else chance.uniform(0, 17)
        )  # bursts, and one by one
        faults.given[name] = whole
        if number < EMPTY:
            faults.empty.add(name)
        elif number < EMPTY + BAD:
            whole = (
                whole[: len(whole) // 2]
                if number % 2
                else b"\xff\xd8\xff\xe0 this is no picture " + name.encode()
            )
            faults.given[name] = whole
            faults.bad.add(name)
        way = number % 6
        if way == 0:  # slowly
            third = len(whole) // 3
            for part in range(3):
                end = None if part == 2 else (part + 1) * third
                planned.append((at + 0.1 * part, lambda p=path, d=whole[part * third : end]: append(p, d)))
        elif way == 1:  # under a name of work in progress, then renamed
            hidden = path.with_name(path.name + ".part")
            planned.append((at, lambda p=hidden, d=whole: p.write_bytes(d)))
            planned.append((at + 0.3, lambda a=hidden, b=path: a.rename(b)))
        elif way == 2:  # moved in
            outside = elsewhere / f"{number}.png"
            outside.write_bytes(whole)
            planned.append((at, lambda a=outside, b=path: a.rename(b)))
        elif way == 3:  # cut off, and made whole later
            planned.append((at, lambda p=path, d=whole: p.write_bytes(d[: len(d) * 2 // 3])))
            planned.append((at + 1.2, lambda p=path, d=whole: p.write_bytes(d)))
        elif way == 4:  # restored from a backup with its old time
            planned.append((at, lambda p=path, d=whole: restore(p, d)))
        else:
            planned.append((at, lambda p=path, d=whole: p.write_bytes(d)))
    return sorted(planned, key=lambda step: step[0])


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def restore(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    os.utime(path, (1_000_000_000, 1_000_000_000))


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    """The run itself."""
    base = tmp_path_factory.mktemp("faults")
    found = Faults(base / "hot")
    for folder in ("hot/sub/deeper é", "elsewhere", "model", "state"):
        (base / folder).mkdir(parents=True)
    (found.folder / "matted.toml").write_text(RECIPE)
    catalogue = red_key_catalogue(base / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATTED_RUNTIME", str(base / "state"))
        chance = random.Random(7)
        planned = steps(found, base / "elsewhere", chance)
        lives = Lives()
        writer = threading.Thread(target=play, args=(planned, lives))
        writer.start()
        command = [sys.executable, str(Path(__file__).with_name("hot_child.py"))]
        for _ in range(KILLS):
            with subprocess.Popen(
                [*command, str(found.folder), str(catalogue)], stdout=subprocess.PIPE
            ) as child:
                assert child.stdout is not None
                lives.begin()
                for _ in range(chance.choice((0, 1, 3, 10, 20, 40))):
                    if child.stdout.readline() == b"rest\n":
                        break
                time.sleep(chance.uniform(0, 0.05))
                child.kill()
            found.ends.append(child.returncode)
            found.left += any(found.folder.rglob(".matted-*"))
        writer.join()
        with Desk.open(found.folder) as desk:
            found.before = desk.counts()["done"]
        cutter = PipelineCutter(pipeline(catalogue))
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            HotFolder(options(found.folder, once=True), cutter).run()
            with Desk.open(found.folder) as desk:
                if not desk.counts()["waiting"]:
                    break
        found.again = HotFolder(options(found.folder, once=True), cutter).run().ended
        with Desk.open(found.folder) as desk:
            found.states = {state: desk.list(state, limit=1000) for state in desk.counts()}
        found.expected = expected(found, cutter)
    return found


class Lives:
    """How many lives the watch has begun, for the writer to keep step with."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def begin(self) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_for(self, count: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._count > min(count, KILLS - 1))


def play(planned: list[tuple[float, Callable[[], object]]], lives: Lives) -> None:
    for at, act in planned:
        lives.wait_for(at)
        act()
        time.sleep(0.01)  # the pace of a camera, not a condition anything waits for


def expected(faults: Faults, cutter: PipelineCutter) -> dict[str, bytes]:
    """Every result as it must be, made in one go without any folder."""
    recipe: Recipe = load_recipe(faults.folder / "matted.toml")
    results = {}
    for name in sorted(faults.given.keys() - faults.bad):
        for item, result in zip(recipe.items, made_of(faults.given[name], recipe, cutter), strict=True):
            place = "review/" if name in faults.empty else ""
            results[f"{place}{item.target(Path(name))}"] = result
    return results


def test_it_was_killed_twenty_times_at_work(faults: Faults) -> None:
    assert set(faults.ends) == {-signal.SIGKILL}
    assert len(faults.ends) == KILLS
    assert faults.before > 30
    assert faults.left > 0


def test_every_good_file_has_exactly_one_right_result_of_each_kind(faults: Faults) -> None:
    results = {
        path.relative_to(faults.folder).as_posix(): path.read_bytes()
        for top in ("cutouts", "masks", "review")
        for path in (faults.folder / top).rglob("*")
        if path.is_file() and path.suffix != ".txt"
    }
    assert sorted(results) == sorted(faults.expected)
    assert [name for name, data in results.items() if data != faults.expected[name]] == []


def test_every_original_is_as_it_was(faults: Faults) -> None:
    now = {
        path.relative_to(faults.folder).as_posix(): path.read_bytes()
        for top in (faults.folder, faults.folder / "sub", faults.folder / "sub" / "deeper é")
        for path in top.glob("*.png")
    }
    assert now == faults.given


def test_every_bad_file_is_listed_with_its_reason(faults: Faults) -> None:
    listed = {entry.path.as_posix(): entry.reason for entry in faults.states["failed"]}
    assert listed.keys() == faults.bad
    assert all(reason.endswith(".") for reason in listed.values())


def test_what_has_no_subject_is_in_review_with_its_reason(faults: Faults) -> None:
    listed = {entry.path.as_posix(): entry.reason for entry in faults.states["review"]}
    assert listed.keys() == faults.empty
    assert all("No clear subject" in reason for reason in listed.values())
    notes = {
        path.relative_to(faults.folder / "review").as_posix()
        for path in (faults.folder / "review").rglob("*.txt")
    }
    assert notes == {f"{name}.txt" for name in faults.empty}


def test_the_ledger_has_each_good_file_once(faults: Faults) -> None:
    done = [entry.path.as_posix() for entry in faults.states["done"]]
    assert sorted(done) == sorted(faults.given.keys() - faults.bad - faults.empty)


def test_nothing_half_written_is_left(faults: Faults) -> None:
    assert [path for path in faults.folder.rglob("*") if path.name.startswith(".")] == []


def test_one_more_run_does_nothing(faults: Faults) -> None:
    assert faults.again == 0
