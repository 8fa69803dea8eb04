"""What was pointed at on a layer: in order, taken back, moved with the layer, and as the engine takes it."""

from types import ModuleType

from hypothesis import given
from hypothesis import strategies as st

from matted.inference.prompt import Prompt as Asked


def test_the_latest_box_counts_and_the_one_before_comes_back(prompts: ModuleType):
    prompt = prompts.NOTHING.with_box(0, 0, 9, 9).with_point(4, 5, wanted=False).with_box(10, 10, 30, 30)
    assert prompt.box == (10, 10, 30, 30)
    assert prompt.undone().box == (0, 0, 9, 9)
    assert prompt.points == ((4, 5, 0),)


def test_what_is_taken_back_is_the_last_mark(prompts: ModuleType):
    prompt = prompts.NOTHING.with_point(1, 2, wanted=True).with_point(3, 4, wanted=False)
    assert prompt.undone().points == ((1, 2, 1),)
    assert not prompt.undone().undone()
    assert not prompts.NOTHING.undone()


def test_nothing_pointed_at_is_no_prompt(prompts: ModuleType):
    assert prompts.NOTHING.asked() is None


def test_a_box_of_ours_counts_before_that_of_the_selection(prompts: ModuleType):
    assert prompts.NOTHING.asked(box=[1, 2, 30, 40]) == {"box": [1, 2, 30, 40]}
    assert prompts.NOTHING.with_box(5, 6, 70, 80).asked(box=[1, 2, 30, 40]) == {"box": [5, 6, 70, 80]}
    pointed = prompts.NOTHING.with_point(3, 3, wanted=False).asked(box=[1, 2, 30, 40])
    assert pointed == {"box": [1, 2, 30, 40], "points": [[3, 3, 0]]}


def test_on_a_layer_that_grew_the_marks_stay_where_they_were_in_the_picture(prompts: ModuleType):
    prompt = prompts.NOTHING.with_point(5, 5, wanted=True).with_box(0, 0, 40, 40)
    assert prompt.moved(10, 20, 100, 100).marks == ((15, 25, 1), (10, 20, 50, 60))


def test_marks_beyond_a_layer_that_shrank_are_gone(prompts: ModuleType):
    prompt = prompts.NOTHING.with_point(5, 5, wanted=True).with_point(50, 50, wanted=True)
    prompt = prompt.with_box(0, 0, 40, 40).with_box(0, 0, 12, 60)
    assert prompt.moved(-10, -10, 60, 60).marks == ((40, 40, 1), (0, 0, 30, 30))


def test_every_mark_is_one_the_engine_takes_however_small_the_copy(prompts: ModuleType):
    size = st.tuples(st.integers(8, 8000), st.integers(8, 8000))
    shares = st.floats(0, 1)

    @given(size, st.tuples(shares, shares), st.tuples(shares, shares), st.integers(8, 1024))
    def check(size: tuple[int, int], one: tuple[float, float], other: tuple[float, float], side: int) -> None:
        width, height = size
        scale = min(1.0, side / max(size))
        small = max(4, round(width * scale)), max(4, round(height * scale))
        prompt = prompts.NOTHING.with_point(one[0] * width, one[1] * height, wanted=True)
        box = [min(a, b) * length for a, b, length in zip(one, other, size, strict=True)]
        box += [max(a, b) * length for a, b, length in zip(one, other, size, strict=True)]
        if min(box[2] - box[0], box[3] - box[1]) >= prompts.LEAST_SIDE_PX:
            prompt = prompt.with_box(*box)
        asked = prompt.asked(scale=(small[0] / width, small[1] / height))
        given = Asked(tuple(asked["box"]) if "box" in asked else None, tuple(map(tuple, asked["points"])))
        given.within(*small)

    check()
