"""How many work on a plane at once, and strips made while others are written."""

import os
import threading
from itertools import islice

import pytest

from matted.matting.tiles import MOST_THREADS, ahead, threads


@pytest.mark.parametrize(("processors", "expected"), [(None, 1), (2, 2), (200, MOST_THREADS)])
def test_memory_for_tiles_is_bounded_on_any_number_of_processors(monkeypatch, processors, expected) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert threads() == expected


@pytest.mark.parametrize("processors", [1, 4])
def test_places_made_ahead_come_in_order_and_what_goes_wrong_comes_at_its_turn(
    monkeypatch: pytest.MonkeyPatch, processors: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)

    def made(place: int) -> tuple[int, int]:
        if place == 7:
            raise ValueError("seven")
        return place, threads()

    found = ahead(made, range(20))
    assert list(islice(found, 7)) == [(place, 1) for place in range(7)]
    with pytest.raises(ValueError, match="seven"):
        next(found)


def test_who_stops_early_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    before = threading.active_count()
    places = ahead(lambda place: place, range(1000))
    assert next(places) == 0
    places.close()
    assert threading.active_count() == before
