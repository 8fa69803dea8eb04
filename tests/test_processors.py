import os
import subprocess
import sys
import threading

import pytest

from matted.hotfolder.room import Room
from matted.matting.tiles import in_parallel
from matted.processors import processors, shared


@pytest.fixture(autouse=True)
def _eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)


def test_a_piece_of_work_by_itself_has_all() -> None:
    assert processors() == 8


def test_pictures_under_way_share_them() -> None:
    with shared(lambda: 3):
        assert processors() == 2
    assert processors() == 8


def test_nobody_is_left_without() -> None:
    with shared(lambda: 20):
        assert processors() == 1


def test_the_share_follows_how_many_are_under_way() -> None:
    room = Room(budget_bytes=2**30, most=2)
    second_is_in, first_has_looked = threading.Event(), threading.Event()

    def second() -> None:
        with room.held(1):
            second_is_in.set()
            first_has_looked.wait(10)

    with room.held(1):
        alone = processors()
        other = threading.Thread(target=second)
        other.start()
        assert second_is_in.wait(10)
        together = processors()
        first_has_looked.set()
        other.join()
    assert (alone, together) == (8, 4)


def test_work_with_one_processor_stays_in_its_thread() -> None:
    with shared(lambda: 8):
        threads = set(in_parallel(lambda _place: threading.get_ident(), range(4)))
    assert threads == {threading.get_ident()}


def test_a_program_for_many_pictures_leaves_opencv_one_thread() -> None:
    code = (
        "import cv2; from matted.processors import keep_threads_apart;"
        "keep_threads_apart(); print(cv2.getNumThreads())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "1"
