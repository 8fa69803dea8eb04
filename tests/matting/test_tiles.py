"""How many work on a plane at once."""

import os

import pytest

from matted.matting.tiles import MOST_THREADS, threads


@pytest.mark.parametrize(("processors", "expected"), [(None, 1), (2, 2), (200, MOST_THREADS)])
def test_memory_for_tiles_is_bounded_on_any_number_of_processors(monkeypatch, processors, expected) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert threads() == expected
