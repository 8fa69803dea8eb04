"""Matted in real Krita: what the person presses, and the pixels that Krita saves then.

All cases run in one Krita, for it takes seconds to start; each test looks at what one of them left. The
masks that are expected come from the same engine, asked outside with the same pixels.
"""

import zipfile

import numpy as np
import pytest
from PIL import Image

from editors.played import Played

pytestmark = [
    pytest.mark.timeout(600),  # the first of them starts Krita and plays every case
    pytest.mark.usefixtures("its_engine"),
]

CASES = (
    *("cut_out", "sliders", "strokes", "again", "placed", "kinds", "depths", "selections", "to_selection"),
    *("to_subjects", "subjects", "meanwhile", "refusals", "refine", "guide", "several", "animation"),
    *("compare", "actions"),
)


def test_cut_out_adds_a_mask_that_is_the_engines_to_the_bit(played: Played):
    facts = played.of("cut_out")
    assert (facts["masks"], facts["active"]) == (["Matted"], "transparencymask")
    assert np.array_equal(played.alpha("cut"), played.expected(played.cat))


def test_the_saved_document_holds_the_mask(played: Played):
    played.of("cut_out")
    with zipfile.ZipFile(played.folder / "cut.kra") as document:
        assert 'name="Matted"' in document.read("maindoc.xml").decode()
        with document.open("mergedimage.png") as merged:
            alpha = np.asarray(Image.open(merged).convert("RGBA"))[..., 3]
    assert np.array_equal(alpha, played.expected(played.cat))


def test_cut_out_is_one_step_to_undo_and_redo(played: Played):
    facts = played.of("cut_out")
    assert (facts["undone"], facts["redone"]) == ([], ["Matted"])
    assert (played.alpha("undone") == 255).all()
    assert np.array_equal(played.alpha("redone"), played.alpha("cut"))


def test_the_dot_names_the_device(played: Played):
    assert played.of("cut_out")["state"].startswith("Ready on ")


def test_sliders_change_the_mask_on_the_canvas(played: Played):
    played.of("sliders")
    grown = played.expected(played.cat, adjust={"grow_px": 6})
    feathered = played.expected(played.cat, adjust={"feather_px": 8})
    assert np.array_equal(played.alpha("grown"), grown)
    assert np.array_equal(played.alpha("feathered"), feathered)


def test_sliders_belong_to_the_step_that_made_the_mask(played: Played):
    facts = played.of("sliders")
    assert facts["same_step"]
    assert (facts["undone"], facts["after redo"]) == ([], ["Matted"])
    assert np.array_equal(played.alpha("feathered-redone"), played.alpha("feathered"))


def test_strokes_on_the_mask_survive_the_sliders(played: Played):
    assert played.of("strokes")["masks"] == ["Matted"]
    for name, grow_px in (("strokes-grown", 4), ("strokes-grown-more", 8)):
        expected = played.expected(played.cat, adjust={"grow_px": grow_px}).copy()
        expected[100:160, 150:220] = 0
        assert np.array_equal(played.plane(name), expected), name


def test_a_slider_after_a_stroke_is_a_step_of_its_own(played: Played):
    played.of("strokes")
    assert np.array_equal(played.plane("strokes-undone"), played.plane("strokes-painted"))
    assert np.array_equal(played.plane("strokes-undone-more"), played.plane("strokes-cut"))
    assert np.array_equal(played.plane("strokes-redone"), played.plane("strokes-grown-more"))


def test_a_mask_of_the_persons_own_stays(played: Played):
    facts = played.of("again")
    assert facts["first"] == facts["second"] == ["My own", "Matted"]
    expected = played.expected(played.cat, adjust={"grow_px": 10}).copy()
    expected[150:] = 0
    assert np.array_equal(played.alpha("again"), expected)


def test_replacing_a_mask_is_one_step(played: Played):
    facts = played.of("again")
    assert facts["undone"] == ["My own", "Matted"]
    assert facts["first is back"]


def test_a_layer_beyond_the_canvas_gets_its_mask_in_place(played: Played):
    played.of("placed")
    expected = np.zeros((500, 600), np.uint8)
    expected[250:, :391] = played.expected(played.cat)[:250, 60:]
    assert np.array_equal(played.alpha("placed"), expected)


@pytest.mark.parametrize("kind", ["group", "clone", "file"])
def test_layers_are_cut_out_by_what_they_show(played: Played, kind: str):
    assert played.of("kinds")[kind] == ["Matted"]
    assert np.array_equal(played.alpha(f"kind-{kind}"), played.expected(played.cat))


def test_a_vector_layer_is_cut_out_by_what_it_shows(played: Played):
    assert played.of("kinds")["vector"] == ["Matted"]
    assert played.alpha("kind-vector")[150, 220] > 200


@pytest.mark.parametrize(
    ("depth", "most"),
    [("u16", 1.0), ("f16", 1.0), ("f32", 1.0), ("gray", 25.0), ("cmyk", 12.0), ("lab", 1.0), ("wide", 1.0)],
)
def test_every_depth_and_colour_model_gets_the_same_mask(played: Played, depth: str, most: float):
    facts = played.of("depths")[depth]
    assert facts[3:] == ["Matted"]
    difference = np.abs(played.plane(f"depth-{depth}").astype(int) - played.expected(played.cat))
    assert difference.mean() < most


@pytest.mark.parametrize("depth", ["u16", "f16", "f32", "gray", "wide"])
def test_a_new_layer_keeps_depth_and_profile(played: Played, depth: str):
    facts = played.of("depths")
    assert facts[f"{depth} layer"] == facts[depth][:3]


@pytest.mark.parametrize("depth", ["u16", "f16", "f32", "lab", "wide", "cmyk"])
def test_a_new_layer_shows_the_subject_in_its_own_colours(played: Played, depth: str):
    played.of("depths")
    shown = np.asarray(Image.open(played.folder / f"layer-{depth}.png").convert("RGBA")).astype(int)
    inside = (played.expected(played.cat) >= 250) & (shown[..., 3] >= 240)
    assert inside.sum() > 10000
    difference = np.abs(shown[..., :3] - np.asarray(played.cat)[..., :3])[inside]
    assert difference.mean() < (12 if depth == "cmyk" else 3)


def test_the_selection_limits_the_result(played: Played):
    played.of("selections")
    expected = played.expected(played.two).copy()
    expected[:, 300:] = 0
    assert np.array_equal(played.plane("limited", played.two), expected)


def test_the_selection_points_at_the_subject(played: Played):
    played.of("selections")
    expected = played.expected(played.two, prompt={"box": [40, 100, 250, 330]})
    found = played.plane("points", played.two)
    assert np.array_equal(found, expected)
    assert (found[210, 145], found[200, 460]) == (255, 0)


def test_the_selection_can_be_ignored(played: Played):
    played.of("selections")
    assert np.array_equal(played.plane("ignored", played.two), played.expected(played.two))


def test_cut_out_to_a_selection(played: Played):
    facts = played.of("to_selection")
    assert facts["masks"] == []
    assert np.array_equal(played.plane("selection"), played.expected(played.cat))


def test_undo_brings_the_old_selection_back(played: Played):
    assert played.of("to_selection")["undone"] == [0, 0, 40, 30]


def test_every_subject_gets_a_masked_layer_in_one_step(played: Played):
    facts = played.of("to_subjects")
    assert len(facts["inside"]) == 2
    assert all(masks == ["Matted"] for _, *masks in facts["inside"])
    for number in (1, 2):
        expected = played.expected(played.two, adjust={"keep": [number]})
        assert np.array_equal(played.plane(f"subject-{number}", played.two), expected)
    assert (facts["undone"], facts["redone"]) == (facts["nodes"][:-1], facts["nodes"])


def test_a_click_on_a_thumbnail_drops_a_subject(played: Played):
    facts = played.of("subjects")
    assert facts["visible"]
    assert facts["the last one stays"]
    second = played.expected(played.two, adjust={"keep": [2]})
    assert np.array_equal(played.plane("second-only", played.two), second)
    assert np.array_equal(played.plane("both", played.two), played.expected(played.two))


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("closed", "closed meanwhile"),
        ("deleted", "deleted meanwhile"),
        ("changed", "changed meanwhile"),
        ("locked", "locked meanwhile"),
        ("stopped", "Stopped"),
    ],
)
def test_nothing_is_written_when_things_change_meanwhile(played: Played, event: str, told: str):
    text, masks = played.of("meanwhile")[event]
    assert told in text
    assert masks == []


def test_another_document_in_front_is_left_alone(played: Played):
    _, masks, others = played.of("meanwhile")["other in front"]
    assert masks == ["Matted"]
    assert others == [[], []]


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("no document", "Open a picture"),
        ("empty", "is empty"),
        ("locked", "is locked"),
        ("filter layer", "has no pixels"),
        ("nothing to refine", "press Cut Out first"),
    ],
)
def test_what_cannot_be_cut_out_is_said_in_a_sentence(played: Played, case: str, told: str):
    assert told in played.of("refusals")[case]


def test_refine_follows_what_was_painted(played: Played):
    assert played.of("refine")["masks"] == ["Matted"]
    painted, refined = played.plane("refine-painted"), played.plane("refine-refined")
    assert (refined[120:170, 180:240] == 0).all()
    assert (refined <= painted).mean() > 0.99  # a black stroke takes away, and what lies far from it stays
    assert np.array_equal(refined[:20, -20:], played.plane("refine-made")[:20, -20:])


def test_sliders_after_refine_keep_what_it_found(played: Played):
    played.of("refine")
    grown, refined = played.plane("refine-grown"), played.plane("refine-refined")
    corrected = refined != played.plane("refine-made")
    assert np.array_equal(grown[corrected], refined[corrected])
    expected = played.expected(played.cat, adjust={"grow_px": 5})
    assert np.array_equal(grown[~corrected], expected[~corrected])


def test_refine_is_one_step(played: Played):
    played.of("refine")
    assert np.array_equal(played.plane("refine-undone"), played.plane("refine-painted"))


def test_strokes_on_a_guide_layer_correct_the_mask(played: Played):
    facts = played.of("guide")
    assert facts["nodes"][-1] == "Matted guide"
    assert (played.plane("guided")[120:170, 180:240] == 0).all()
    assert (played.plane("guided")[5:25, 5:25] == 255).all()


def test_all_chosen_layers_are_cut_out(played: Played):
    facts = played.of("several")
    assert [facts[name] for name in facts if name != "Selection Mask"] == [["Matted"], ["Matted"]]


def test_an_animated_layer_is_cut_out_by_its_current_frame(played: Played):
    facts = played.of("animation")
    assert facts["masks"] == ["Matted"]


def test_before_and_after_on_the_canvas_take_no_step(played: Played):
    assert played.of("compare")["same step"]
    assert (played.alpha("before") == 255).all()
    assert np.array_equal(played.alpha("after"), played.expected(played.cat))


def test_every_command_is_an_action(played: Played):
    facts = played.of("actions")
    assert facts["masks"] == ["Matted"]
    assert {"matted_cut_out", "matted_refine", "matted_guide", "matted_before", "matted_cancel"} <= set(
        facts["names"]
    )
