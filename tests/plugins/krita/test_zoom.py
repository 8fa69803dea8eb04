"""How a picture lies in a view that is zoomed and moved: what is pointed at stays, no room is left empty."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

sides = st.integers(1, 2000)
sizes = st.tuples(sides, sides)
factors = st.floats(0.2, 6.0)
MOST = 64.0


def test_the_whole_picture_lies_in_the_middle(zooms: ModuleType):
    assert zooms.WHOLE.place((300, 200), (1024, 341)) == (0, 50, 300, 99)


@given(view=sizes, picture=sizes, steps=st.lists(st.tuples(factors, sides, sides), max_size=6))
def test_the_picture_fills_the_view_or_lies_in_its_middle(
    zooms: ModuleType, view: tuple[int, int], picture: tuple[int, int], steps: list[tuple[float, int, int]]
):
    zoom = zooms.WHOLE
    for factor, x, y in steps:
        zoom = zoom.closer(factor, (x, y), MOST, view, picture).moved(x - 1000, 1000 - y, view, picture)
    left, top, wide, high = zoom.place(view, picture)
    for begin, side, room in ((left, wide, view[0]), (top, high, view[1])):
        if side <= room:
            assert begin == (room - side) // 2
        else:
            assert begin <= 0
            assert begin + side >= room
    assert 1 <= zoom.times <= MOST


@given(side=st.integers(50, 2000), x=st.floats(0, 1), y=st.floats(0, 1), factor=st.floats(1, 6))
def test_what_is_under_the_pointer_stays_there(
    zooms: ModuleType, side: int, x: float, y: float, factor: float
):
    view, picture = (side, side), (4000, 4000)
    at = (x * side, y * side)
    near = zooms.WHOLE.closer(3.0, at, MOST, view, picture)
    nearer = near.closer(factor, at, MOST, view, picture)
    for number, place in enumerate(at):
        shares = []
        for zoom in (near, nearer):
            lies = zoom.place(view, picture)
            shares.append((place - lies[number]) / lies[number + 2])
        assert shares[0] == pytest.approx(shares[1], abs=2 / side)


def test_drawing_it_along_moves_what_is_seen(zooms: ModuleType):
    view, picture = (300, 200), (3000, 2000)
    zoom = zooms.WHOLE.closer(4.0, (150, 100), MOST, view, picture)
    assert zoom.place(view, picture) == (-450, -300, 1200, 800)
    assert zoom.moved(60, -40, view, picture).place(view, picture) == (-390, -340, 1200, 800)


def test_going_back_ends_with_the_whole_picture(zooms: ModuleType):
    view, picture = (301, 200), (300, 300)
    zoom = zooms.WHOLE.closer(4.0, (10, 10), MOST, view, picture)
    assert zoom != zooms.WHOLE
    assert zoom.closer(0.01, (290, 3), MOST, view, picture) == zooms.WHOLE
