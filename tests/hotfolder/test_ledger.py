"""The ledger by itself: once for each content and recipe, whatever files are called."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matted.errors import MattedError
from matted.hotfolder.entries import Found, Output, Work
from matted.hotfolder.ledger import Ledger
from matted.hotfolder.signature import Signature

LATER = 4e9


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.sqlite")
    yield opened
    opened.close()


def found(ledger: Ledger, name: str, time: int, recipe: str = "recipe") -> list[Work]:
    """A whole file is found; the works that are due then."""
    ledger.found([Found(Path(name), Signature(1, time, time, 1), recipe)])
    return ledger.next(LATER, (), 99)


def done(ledger: Ledger, work: Work, content: str, place: str) -> bool:
    """The work is done, if there is anything to do."""
    taken = ledger.take(work, content)
    if taken is None:
        return False
    result = f"result of {content} by {work.recipe}"
    ledger.intend(taken, [Output(0, Path(place), Path(".part"), result, Path(place))], "done", "")
    ledger.finish(taken)
    return True


def test_a_content_is_cut_once_for_each_recipe(ledger: Ledger) -> None:
    assert done(ledger, found(ledger, "a", 1)[0], "content", "out/a")
    assert not done(ledger, found(ledger, "b", 2)[0], "content", "out/b")
    assert done(ledger, found(ledger, "b", 3, "another recipe")[0], "content", "out/b")


def test_a_work_follows_its_content_to_another_file(ledger: Ledger) -> None:
    done(ledger, found(ledger, "a", 1)[0], "content", "out/a")
    done(ledger, found(ledger, "b", 2)[0], "content", "out/b")
    ledger.vanished([Path("a")])
    assert [entry.path for entry in ledger.entries("done", 9, 0)] == [Path("b")]


def test_a_work_asked_for_again_whose_files_are_all_gone_is_over(ledger: Ledger) -> None:
    done(ledger, found(ledger, "a", 1)[0], "content", "out/a")
    done(ledger, found(ledger, "b", 2)[0], "content", "out/b")
    assert ledger.again(1)
    for _ in range(2):
        (work,) = ledger.next(LATER, (), 99)
        ledger.forget(work)
    assert ledger.next(LATER, (), 99) == []


def test_a_file_seen_as_it_was_is_not_queued(ledger: Ledger) -> None:
    done(ledger, found(ledger, "a", 1)[0], "content", "out/a")
    assert found(ledger, "a", 1) == []
    assert len(found(ledger, "a", 2)) == 1


def test_a_result_is_not_queued(ledger: Ledger) -> None:
    done(ledger, found(ledger, "a", 1)[0], "content", "out/a")
    assert found(ledger, "out/a", 1) == []


def test_a_result_under_another_name_is_known_by_its_content(ledger: Ledger) -> None:
    done(ledger, found(ledger, "a", 1)[0], "content", "out/a")
    assert ledger.take(found(ledger, "b", 1)[0], "result of content by recipe") is None


def test_of_one_file_one_work_at_a_time(ledger: Ledger) -> None:
    work = found(ledger, "a", 1)[0]
    ledger.take(work, "content")
    found(ledger, "a", 2)
    assert ledger.next(LATER, {Path("a")}, 99) == []
    assert len(ledger.next(LATER, (), 99)) == 1


def test_what_failed_waits_for_its_time(ledger: Ledger) -> None:
    work = found(ledger, "a", 1)[0]
    ledger.fail(work, "why", 100.0)
    assert ledger.next(99.0, (), 99) == []
    assert [next_one.attempts for next_one in ledger.next(101.0, (), 99)] == [1]


def test_what_ended_the_process_comes_last(ledger: Ledger) -> None:
    first = found(ledger, "a", 1)[0]
    ledger.take(first, "content")
    (interrupted,) = ledger.interrupted()
    ledger.put_back([interrupted], 0.0)
    works = found(ledger, "b", 1)
    assert [work.path.name for work in works] == ["b", "a"]


def test_a_failed_file_that_was_replaced_is_not_listed(ledger: Ledger) -> None:
    ledger.fail(found(ledger, "a", 1)[0], "why", None)
    found(ledger, "a", 2)
    assert ledger.entries("failed", 9, 0) == []


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
@settings(max_examples=20, deadline=None)
@given(
    st.binary(min_size=1, max_size=40).filter(
        lambda name: not set(name) & {0, 47} and name not in (b".", b"..")
    )
)
def test_names_need_not_be_text(tmp_path_factory: pytest.TempPathFactory, name: bytes) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite")
    path = Path(os.fsdecode(name))
    ledger.found([Found(path, Signature(1, 1, 1, 1), "recipe")])
    assert list(ledger.known()) == [path]
    ledger.close()


def test_it_is_there_for_the_next_process(ledger: Ledger) -> None:
    done(ledger, found(ledger, "a", 1)[0], "content", "out/a")
    other = Ledger(ledger.path)
    assert other.counts() == {"done": 1}
    other.close()


def test_a_ledger_of_an_older_matted_is_brought_up_to_date(ledger: Ledger) -> None:
    done(ledger, found(ledger, "a", 1)[0], "content", "out/a")
    ledger.close()
    with contextlib.closing(sqlite3.connect(ledger.path)) as file:
        file.execute("DROP TABLE troubles")
        file.execute("PRAGMA user_version = 1")
        file.commit()
    for _ in range(2):
        other = Ledger(ledger.path)
        assert (other.counts(), other.troubles()) == ({"done": 1}, [])
        other.close()


def test_a_ledger_of_a_newer_matted_is_refused(ledger: Ledger) -> None:
    ledger.close()
    with contextlib.closing(sqlite3.connect(ledger.path)) as file:
        file.execute("PRAGMA user_version = 99")
    with pytest.raises(MattedError, match="newer Matted"):
        Ledger(ledger.path)
