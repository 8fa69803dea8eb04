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
    assert [choice.id for choice in found] == [None, "here", "large", "free", "click"]
    assert found[1].label == "Here"
    assert found[2].label == "Large · 176 MB to download"
    assert "Not for commercial use (CC BY-NC 4.0)" in found[3].note
    assert found[4].label == "Click, for clicks · 176 MB to download"


def test_a_model_for_clicks_that_is_here_is_not_to_be_chosen(wishes: ModuleType):
    click = {"id": "click", "title": "Click", "kind": "prompt", "installed": True, "good_for": []}
    assert [choice.id for choice in wishes.choices([click])] == [None]


@pytest.mark.parametrize(
    ("size", "text"), [(4_500_000, "4.5 MB"), (1_024_000_000, "1.0 GB"), (None, "unknown size")]
)
def test_sizes(wishes: ModuleType, size: int | None, text: str):
    assert wishes.size_text(size) == text


def test_the_warning_that_decides_most_comes_first(wishes: ModuleType):
    told = [{"code": "touches-border", "sentence": "A"}, {"code": "nothing-found", "sentence": "B"}]
    assert wishes.advice(told) == "B"
    assert wishes.advice([]) == ""


def test_what_was_pointed_at_goes_with_every_question(wishes: ModuleType, prompts: ModuleType):
    wish = wishes.Wish(prompt=prompts.Prompt(((30, 40, 1), (50, 60, 0))))
    for asked in (wish.looked(), wish.options(side_px=512)):
        assert asked["prompt"] == {"points": [[30, 40, 1], [50, 60, 0]]}


def test_a_selection_that_points_is_a_box(wishes: ModuleType):
    assert wishes.Wish().options(box=[1, 2, 30, 40])["prompt"] == {"box": [1, 2, 30, 40]}


def test_lengths_shrink_with_the_picture_that_is_asked_about(wishes: ModuleType):
    adjust = wishes.Wish(grow_px=8, feather_px=4, contrast=0.5).options(scale=(0.25, 0.25))["adjust"]
    assert adjust == {"grow_px": 2, "feather_px": 1, "contrast": 0.5}


def test_nothing_found_where_one_pointed_comes_before_all_else(wishes: ModuleType):
    told = [{"code": "doubtful", "sentence": "A"}, {"code": "prompt-not-found", "sentence": "B"}]
    assert wishes.advice(told) == "B"


def test_what_would_help_is_named_as_the_docker_has_it(wishes: ModuleType):
    sentence = "Nothing was found (`matted models pull mobilesam` fetches a model made for clicks)."
    told = wishes.advice([{"code": "prompt-not-found", "sentence": sentence}])
    assert told == "Nothing was found (the list “Model” below offers a model made for clicks)."
