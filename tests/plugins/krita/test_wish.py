"""What the docker asks the engine for, and what it says of models and warnings."""

from types import ModuleType

import pytest


def test_a_wish_without_changes_asks_for_no_adjustment(wishes: ModuleType):
    asked = wishes.Wish().options()
    assert asked == {"coarse": {"model": None}, "refine": {"level": "fine"}}


def test_a_wish_asks_for_what_differs(wishes: ModuleType):
    asked = wishes.Wish(grow_px=-2.5, keep=(1, 3)).options(side_px=512)
    assert asked["adjust"] == {"grow_px": -2.5, "keep": [1, 3]}
    assert asked["side_px"] == 512


def test_models_say_whether_they_are_here_and_what_they_cost(wishes: ModuleType):
    def model(name: str, **other: object) -> dict[str, object]:
        facts = {"id": name, "title": name.title(), "kind": "saliency", "good_for": ["people"]}
        return {
            **facts,
            "licence": "MIT",
            "commercial": True,
            "size": 176_000_000,
            "installed": False,
            **other,
        }

    found = wishes.choices(
        [
            model("large"),
            model("click", kind="prompt"),
            model("free", commercial=False, licence="CC BY-NC 4.0"),
            model("here", installed=True),
        ]
    )
    assert [choice.id for choice in found] == [None, "here", "large", "free"]
    assert found[1].label == "Here"
    assert found[2].label == "Large · 176 MB to download"
    assert "Not for commercial use (CC BY-NC 4.0)" in found[3].note


@pytest.mark.parametrize(
    ("size", "text"), [(4_500_000, "4.5 MB"), (1_024_000_000, "1.0 GB"), (None, "unknown size")]
)
def test_sizes(wishes: ModuleType, size: int | None, text: str):
    assert wishes.size_text(size) == text


def test_the_warning_that_decides_most_comes_first(wishes: ModuleType):
    told = [{"code": "touches-border", "sentence": "A"}, {"code": "nothing-found", "sentence": "B"}]
    assert wishes.advice(told) == "B"
    assert wishes.advice([]) == ""


def test_a_selection_points_at_the_subjects_it_covers(wishes: ModuleType):
    boxes = {1: [0, 0, 100, 100], 2: [200, 0, 300, 100], 3: [90, 90, 210, 110]}
    assert wishes.pointed_at([210, 10, 250, 50], boxes) == (2,)
    assert wishes.pointed_at([0, 0, 320, 105], boxes) == (1, 2, 3)
    assert wishes.pointed_at([400, 400, 410, 410], boxes) == ()
