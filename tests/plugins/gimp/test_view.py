"""The arithmetic of zooming and moving about in GIMP's window, which needs neither GIMP nor a screen."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

_PATH = Path(__file__).resolve().parents[3] / "plugins/gimp/matted/view.py"
SIZES = st.tuples(st.integers(1, 30_000), st.integers(1, 30_000))
ROOMS = st.tuples(st.integers(1, 3000), st.integers(1, 2000))
WAYS = st.lists(
    st.one_of(
        st.tuples(
            st.just("stepped"), st.tuples(st.integers(-3, 3), st.integers(0, 900), st.integers(0, 900))
        ),
        st.tuples(
            st.just("zoomed"), st.tuples(st.floats(0.01, 64), st.integers(0, 900), st.integers(0, 900))
        ),
        st.tuples(st.just("moved"), st.tuples(st.integers(-9000, 9000), st.integers(-9000, 9000))),
        st.tuples(st.just("resized"), st.tuples(ROOMS)),
    ),
    max_size=6,
)
PHOTO, ROOM = (6000, 4000), (1000, 700)


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gimp_view", _PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


View = _module().View


@given(SIZES, ROOMS, WAYS)
def test_wherever_a_person_goes_the_layer_fills_the_room_or_is_in_its_middle(size, room, ways):
    view = View.fitted(size, room)
    for name, arguments in ways:
        view = getattr(view, name)(*arguments)
    for begin, side, space in zip((view.left, view.top), view.extent, view.room, strict=True):
        if side > space:
            assert space - side <= begin <= 0
        else:
            assert begin == (space - side) // 2
    left, top, right, bottom = view.seen
    assert 0 <= left < right <= view.extent[0]
    assert 0 <= top < bottom <= view.extent[1]


@given(st.integers(0, 999), st.integers(0, 666), st.integers(1, 12))
def test_what_is_under_the_pointer_stays_there(x, y, steps):
    before = View.fitted(PHOTO, ROOM)
    after = before.stepped(steps, x, y)
    across, down = after.place(*before.at(x, y))
    assert abs(across - x - 0.5) <= 0.5
    assert abs(down - y - 0.5) <= max(0.5, before.top * after.scale / before.scale)


def test_a_pixel_of_the_screen_is_one_of_the_layers_at_its_own_size():
    view = View.fitted(PHOTO, ROOM).zoomed(1, 500, 350)
    assert view.at(0, 0) == (0.5 - view.left, 0.5 - view.top)
    assert view.place(*view.at(123, 45)) == (123.5, 45.5)


def test_steps_pass_the_layers_own_size_and_end_where_all_of_it_is_seen():
    view, scales = View.fitted(PHOTO, ROOM), []
    for _ in range(30):
        view = view.stepped(1, 500, 350)
        scales.append(view.scale)
    assert {0.5, 1, 2, 4, 8, 16} < set(scales)
    assert scales[-1] == 32
    assert view.stepped(-30, 500, 350) == View.fitted(PHOTO, ROOM)


def test_a_small_layer_can_be_shown_as_small_as_it_is():
    view = View.fitted((40, 30), ROOM)
    assert view.scale == 8
    assert view.stepped(-30, 0, 0).scale == 1


def test_a_window_of_another_size_shows_all_of_the_layer_or_the_same_middle():
    fitted = View.fitted(PHOTO, ROOM)
    assert fitted.resized((1400, 900)) == View.fitted(PHOTO, (1400, 900))
    closer = fitted.zoomed(4, 500, 350)
    wider = closer.resized((1400, 900))
    assert wider.scale == 4
    assert wider.at(*wider.middle) == pytest.approx(closer.at(*closer.middle), abs=0.25)


@pytest.mark.parametrize("place", [(0.5, 0.5), (5999.5, 3999.5), (10.5, 3000.5)])
def test_the_view_follows_a_place_that_is_out_of_it(place):
    view = View.fitted(PHOTO, ROOM).zoomed(4, 500, 350).showing(*place)
    across, down = view.place(*place)
    assert 0 <= across <= ROOM[0]
    assert 0 <= down <= ROOM[1]
    assert view.showing(*place) == view
