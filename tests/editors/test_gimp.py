"""Matted's procedures in real GIMP: the masks they make, of every kind of layer, and what they leave alone.

The scenes of `inside/gimp_scenes.py` are played in few starts of GIMP; the pictures it wrote are read here,
outside of it. The model's alpha is the red channel at the layer's own 64 x 64 pixels, so that every value is
known.
"""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from editors.editor import Gimp
from editors.engine import Engine
from editors.room import Room
from graphs import red_key_catalogue
from matted.client import Client, Planes

SIDE = 64
GOOD = ["success", None]
RED = np.broadcast_to(4 * np.arange(SIDE, dtype=np.uint8), (SIDE, SIDE))
SOFT = np.broadcast_to(np.clip(255 - 8 * (np.arange(SIDE) - 16), 0, 255).astype(np.uint8), (SIDE, SIDE))
OLD = ((3 * np.arange(SIDE)[None, :] + np.arange(SIDE)[:, None]) % 256).astype(np.uint8)
GROUPS = (  # one start of GIMP for each
    ("precisions", "kinds", "documented", "status"),
    ("places", "several", "limits", "boxes", "existing", "outputs"),
    ("new_layers", "decontaminated", "refined"),
    ("refused", "subjects", "stored", "built_in", "script_fu"),
)


class Facts:
    """What the scenes told, by name; a group is played when the first of it is asked for."""

    def __init__(self, play: Callable[[Sequence[str]], dict[str, Any]]) -> None:
        self._play = play
        self._told: dict[str, Any] = {}

    def __getitem__(self, scene: str) -> Any:
        if scene not in self._told:
            self._told.update(self._play(next(group for group in GROUPS if scene in group)))
        told = self._told[scene]
        assert "raised" not in told, told["raised"]
        return told


@pytest.fixture(scope="module")
def keyed(room: Room) -> Any:
    """An engine that also has a model whose alpha is the red channel."""
    engine = Engine(room.desk / "keyed-engine")
    models = engine.models
    red_key_catalogue(models, side=SIDE).rename(models / "catalogue.toml")
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def folder(room: Room) -> Path:
    """What the scenes read and write."""
    folder = room.desk / "gimp-scenes"
    folder.mkdir()
    photo = Path(__file__).resolve().parent.parent / "photos" / "cat.jpg"
    Image.open(photo).save(folder / "photo.png")
    return folder


@pytest.fixture(scope="module")
def facts(gimp: Gimp, keyed: Engine, folder: Path) -> Facts:
    """What the scenes told."""

    def play(names: Sequence[str]) -> dict[str, Any]:
        script = "import gimp_scenes\ngimp_scenes.play(*arguments)"
        return gimp.run(script, folder, *names, environment=keyed.environment, timeout_s=280).good().report

    return Facts(play)


def plane(packed: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed), np.uint8).reshape(SIDE, SIDE)


def written(path: Path) -> np.ndarray:
    """The last channel of a PNG that GIMP wrote, in its own depth."""
    pixels = imagecodecs.png_decode(path.read_bytes())
    return pixels[..., -1]


# ------------------------------------------------------------------------------------------ half-tones


@pytest.mark.parametrize("precision", ["u8-linear", "u8-non-linear", "u8-perceptual"])
def test_half_tones_are_exact_in_8_bits(facts: Facts, folder: Path, precision: str):
    assert facts["precisions"][precision]["status"] == GOOD
    alpha = written(folder / f"{precision}.png")
    if alpha.dtype == np.uint16:  # GIMP exports linear bits as 16 others
        assert not (alpha % 257).any()
        alpha = (alpha // 257).astype(np.uint8)
    # 8 linear bits cannot hold every dark red, but those they hold come back as they are
    exact = RED >= 128 if precision == "u8-linear" else np.full_like(RED, fill_value=True, dtype=bool)
    assert np.array_equal(alpha[exact], RED[exact])


@pytest.mark.parametrize("kind", ["u16", "u32", "half", "float", "double"])
@pytest.mark.parametrize("curve", ["linear", "non-linear"])
def test_half_tones_are_exact_in_deep_images(facts: Facts, folder: Path, kind: str, curve: str):
    assert facts["precisions"][f"{kind}-{curve}"]["status"] == GOOD
    alpha = written(folder / f"{kind}-{curve}.png")
    assert alpha.dtype == np.uint16
    rounding = 16 if kind == "half" else 1  # half floats have 11 bits
    assert np.abs(alpha.astype(int) - 257 * RED.astype(int)).max() <= rounding


def test_the_layers_own_pixels_are_never_written(facts: Facts):
    told = {**facts["precisions"], **facts["kinds"]}
    assert {name for name, one in told.items() if not one["untouched"]} == set()


@pytest.mark.parametrize(
    "kind", ["gray", "gray-alpha", "no-alpha", "indexed", "profiled", "profiled-deep", "gray-deep"]
)
def test_every_kind_of_layer_gets_its_mask(facts: Facts, kind: str):
    told = facts["kinds"][kind]
    assert told["status"] == GOOD
    seen = np.frombuffer(base64.b64decode(told["red"]), np.uint8).reshape(SIDE, SIDE).astype(int)
    # GIMP and the engine bring a profile's colours to sRGB each in its own way, and round in the darks
    assert np.abs(plane(told["mask"]) - seen).mean() <= (0.5 if "profiled" in kind else 0)


# ---------------------------------------------------------------------------------------------- places


@pytest.mark.parametrize(
    "place",
    ["partly outside", "larger than the canvas", "far outside", "smaller", "in a group", "a group"],
)
def test_the_mask_lies_where_the_layer_lies(facts: Facts, place: str):
    told = facts["places"][place]
    assert told["status"] == GOOD
    assert np.array_equal(plane(told["mask"]), RED)


def test_a_groups_mask_is_the_groups_alone(facts: Facts):
    assert facts["places"]["a group"]["inner"]


def test_every_selected_layer_gets_its_own_mask_and_no_other(facts: Facts):
    told = facts["several"]
    assert told["status"] == GOOD
    first, second = map(plane, told["masks"])
    assert np.array_equal(first, RED)
    assert np.array_equal(second, 255 - RED)
    assert told["third"]


def test_a_selected_mask_stands_for_its_layer(facts: Facts):
    assert facts["several"]["mask"] == GOOD


# ------------------------------------------------------------------------------------------- selection


def test_the_selection_is_the_limit_with_its_soft_edge(facts: Facts):
    told = facts["limits"]
    assert told["status"] == GOOD
    selection = plane(told["selection"])
    assert len(np.unique(selection)) > 20
    assert np.array_equal(plane(told["mask"]), np.minimum(RED, selection))
    assert told["still"]


def test_the_selection_as_a_box_shows_which_subject_is_meant(facts: Facts):
    told = facts["boxes"]
    assert told["status"] == GOOD
    mask = plane(told["mask"]).copy()
    assert (mask[18:38, 42:58] == 255).all()
    mask[14:42, 38:62] = 0  # looked at by itself, its edge is not that of the layer's grid
    assert not mask.any()


def test_a_box_without_a_subject_changes_nothing(facts: Facts):
    assert facts["boxes"]["nothing there"] == [
        "execution-error",
        "No subject was found where the selection is.",
    ]


# ---------------------------------------------------------------------------------------- existing mask


def test_an_old_mask_is_kept_as_a_channel_unless_told_otherwise(facts: Facts):
    told = facts["existing"]["keep"]
    assert told["status"] == GOOD
    [channel] = map(plane, told["channels"])
    assert np.array_equal(channel, OLD)
    assert np.array_equal(plane(told["mask"]), RED)


def test_an_old_mask_that_reaches_beyond_the_canvas_is_kept_on_a_hidden_copy(facts: Facts):
    told = facts["existing"]["outside"]
    assert told["status"] == GOOD
    assert np.array_equal(plane(told["copy"]["mask"]), OLD)
    assert not told["copy"]["visible"]
    assert np.array_equal(plane(told["mask"]), RED)


def test_an_old_mask_is_kept_exactly_in_deep_images(facts: Facts):
    [channel] = facts["existing"]["deep"]["channels"]
    kept = np.frombuffer(base64.b64decode(channel), np.uint8).reshape(80, 100)
    assert np.array_equal(kept[:SIDE, :SIDE], OLD)
    assert not kept[SIDE:].any()
    assert not kept[:, SIDE:].any()


def test_an_old_mask_can_be_intersected(facts: Facts):
    told = facts["existing"]["intersect"]
    assert told["status"] == GOOD
    assert np.array_equal(plane(told["mask"]), np.minimum(RED, OLD))
    assert told["channels"] == []


def test_an_old_mask_can_be_replaced(facts: Facts):
    told = facts["existing"]["replace"]
    assert told["status"] == GOOD
    assert np.array_equal(plane(told["mask"]), RED)
    assert told["channels"] == []


# --------------------------------------------------------------------------------------------- outputs


@pytest.mark.parametrize("precision", ["u8-non-linear", "u16-non-linear", "float-linear", "u8-linear"])
@pytest.mark.parametrize("output", ["selection", "channel"])
def test_selections_and_channels_hold_the_exact_half_tones(facts: Facts, precision: str, output: str):
    status, packed, _ = facts["outputs"][precision][output]
    assert status == GOOD
    exact = RED >= 128 if precision == "u8-linear" else RED >= 0
    assert np.array_equal(plane(packed)[exact], RED[exact])


def test_a_selection_leaves_no_channel_behind(facts: Facts):
    assert [told["selection"][2] for told in facts["outputs"].values()] == [0, 0, 0, 0]


def test_after_a_channel_was_made_the_layer_is_still_the_selected_one(facts: Facts):
    assert [told["selected"] for told in facts["outputs"].values()] == [["first"]] * 4


NEW_LAYERS = ["u8", "u8-no-alpha", "gray", "u16", "half", "float", "double", "profiled", "as it is"]


@pytest.mark.parametrize("name", NEW_LAYERS)
def test_a_new_layer_takes_the_place_of_the_old_one(facts: Facts, name: str):
    told = facts["new_layers"][name]
    assert told["status"] == GOOD
    assert told["names"] == ["first cut-out", "first"]
    assert told["visible"] == [True, False]
    assert told["offsets"] == [12, 5]
    assert told["opacity"] == 80
    assert told["same kind"]
    assert told["untouched"]


def in_words(told: dict[str, Any], name: str, key: str) -> np.ndarray:
    """Pixels (SIDE, SIDE, channels) of a layer as GIMP holds them."""
    kinds = {"u16": np.uint16, "half": np.float16, "float": np.float32, "double": np.float64}
    flat = np.frombuffer(base64.b64decode(told[key]), kinds.get(name, np.uint8))
    return flat.reshape(SIDE, SIDE, -1)


@pytest.mark.parametrize("name", ["u8", "u8-no-alpha", "gray", "u16", "half", "float"])
def test_where_the_mask_is_full_a_new_layers_colours_are_the_old_ones(facts: Facts, name: str):
    told = facts["new_layers"][name]
    before, after = (in_words(told, name, key) for key in ("before", "pixels"))
    full = plane(told["mask"]) == 255
    assert full.any()
    assert np.array_equal(after[full], before[full])


@pytest.mark.parametrize("name", ["u8", "u8-no-alpha", "u16", "float", "profiled"])
def test_in_the_soft_edge_a_new_layer_is_free_of_the_old_background(facts: Facts, name: str):
    told = facts["new_layers"][name]
    before, after = (in_words(told, name, key).astype(float) for key in ("before", "pixels"))
    mask = plane(told["mask"])
    soft = (mask > 60) & (mask < 200)
    blue_before, blue_after = before[soft][:, 2].mean(), after[soft][:, 2].mean()
    assert blue_after < 0.2 * blue_before


@pytest.mark.parametrize("name", ["u8", "gray", "u16", "float"])
def test_a_new_layer_keeps_the_old_ones_transparency(facts: Facts, name: str):
    told = facts["new_layers"][name]
    before, after = (in_words(told, name, key) for key in ("before", "pixels"))
    assert np.array_equal(after[..., -1], before[..., -1])


def test_a_new_layer_can_have_the_colours_as_they_are(facts: Facts):
    told = facts["new_layers"]["as it is"]
    assert told["pixels"] == told["before"]


@pytest.mark.parametrize("name", ["u8", "u16", "gray"])
def test_decontaminate_edges_makes_a_clean_layer_under_the_same_mask(facts: Facts, name: str):
    told = facts["decontaminated"][name]
    assert told["status"] == GOOD
    assert told["visible"] == [True, False]
    assert told["untouched"]
    assert np.array_equal(plane(told["mask"]), SOFT)
    kind = name if name == "u16" else "u8"
    before, after = (in_words(told, kind, key) for key in ("before", "pixels"))
    assert np.array_equal(after[SOFT == 255], before[SOFT == 255])
    assert not np.array_equal(after[(SOFT > 60) & (SOFT < 200)], before[(SOFT > 60) & (SOFT < 200)])


# -------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("locked", ["“first” are locked", "Unlock them"]),
        ("locked group", ["“first” are locked by the group “the group”"]),
        ("two, one locked", ["“locked one”"]),
    ],
)
def test_locked_pixels_are_named_and_nothing_is_changed(facts: Facts, case: str, words: list[str]):
    status, sentence, unchanged = facts["refused"][case]
    assert status == "execution-error"
    assert all(word in sentence for word in words), sentence
    assert unchanged


def test_a_locked_layer_may_still_be_selected_or_cut_out_to_a_new_layer(facts: Facts):
    assert facts["refused"]["locked selection"] == GOOD
    assert facts["refused"]["locked layer"] == [*GOOD, 2]


def test_other_locks_do_not_matter(facts: Facts):
    assert facts["refused"]["other locks"] == [*GOOD, False]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("channel", "is a channel. Select a layer"),
        ("nothing", "No layer is selected"),
        ("no mask", "has no mask to refine"),
        ("two subjects' layers", "one layer at a time"),
        ("unknown model", "There is no model 'nonesuch'"),
        ("bad numbers", "not “first”"),
        ("no such subject", "There is no subject 7"),
        ("palette", "has a palette"),
        ("floating", "floating selection"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(facts: Facts, case: str, words: str):
    status, sentence = facts["refused"][case]
    assert status == "execution-error"
    assert words in sentence
    assert "\n" not in sentence


def test_hard_edges_have_nothing_to_decontaminate(facts: Facts):
    status, sentence = facts["decontaminated"]["hard"]
    assert (status, "neither a mask nor transparency" in sentence) == ("execution-error", True)


# ---------------------------------------------------------------------------------------------- refining


def test_what_was_painted_stays_and_what_lies_far_away_too(facts: Facts):
    told = facts["refined"]
    assert told["status"] == GOOD
    painted, mask = plane(told["painted"]), plane(told["mask"])
    strokes = painted != plane(told["before"])
    assert strokes.sum() > 60
    assert np.array_equal(mask[strokes], painted[strokes])
    assert (mask[10:50, 6:28] == 255).all()
    assert not np.array_equal(mask, painted)  # the correction spread in the subject that was painted on


def test_refining_again_without_paint_changes_nothing(facts: Facts):
    assert facts["refined"]["again"] == [GOOD, facts["refined"]["mask"]]


def test_refining_changes_the_selection_only(facts: Facts):
    painted, status, mask = facts["refined"]["outside"]
    assert status == GOOD
    painted, mask = plane(painted), plane(mask)
    assert np.array_equal(mask[:, :32], painted[:, :32])
    assert not np.array_equal(mask[:, 32:], painted[:, 32:])


def test_a_limit_is_not_taken_for_paint(facts: Facts):
    limited, status, mask = facts["refined"]["limited"]
    assert status == GOOD
    assert mask == limited


def test_a_deep_mask_stays_as_it_is_without_paint(facts: Facts):
    assert facts["refined"]["deep"] == [GOOD, True]


# --------------------------------------------------------------------------------------------- the rest


def test_subjects_keeps_those_of_the_numbers(facts: Facts):
    assert facts["subjects"]["status"] == GOOD
    mask = plane(facts["subjects"]["mask"])
    assert (mask[16:40, 40:60].min(), mask[8:56, 4:30].max()) == (255, 0)


def test_a_file_remembers_the_mask_and_what_made_it(facts: Facts):
    assert facts["stored"]["same"]
    assert facts["stored"]["made"] == {
        "coarse": {"model": "red-key"},
        "refine": {"level": "none"},
        "adjust": {"grow_px": 1.0, "feather_px": 0.0, "keep": "all"},
    }


def test_one_click_cuts_a_photograph_as_the_engine_does(
    facts: Facts, folder: Path, keyed: Engine, monkeypatch: pytest.MonkeyPatch
):
    assert facts["built_in"]["status"] == GOOD
    photo = np.asarray(Image.open(folder / "photo.png"))
    monkeypatch.setenv("MATTED_RUNTIME", str(keyed.folder))
    with Client.connect(start=False) as client:
        options = {"coarse": {"model": "auto"}, "refine": {"level": "fine"}}
        mask = client.mask(Planes(photo.tobytes(), photo.shape[1], photo.shape[0], "rgb8"), options)
    expected = np.frombuffer(mask.data, np.uint8).reshape(photo.shape[:2])
    assert np.array_equal(written(folder / "photo-cut.png"), expected)


def test_every_entry_is_a_documented_procedure(facts: Facts):
    told = facts["documented"]
    assert {one["label"] for one in told.values()} == {
        *("Remove Background", "Remove Background…", "Refine Mask", "Subjects…", "Decontaminate Edges"),
        *("Point at the Subject…", "Matted Status…"),
    }
    for one in told.values():
        assert one["paths"] == ["<Image>/Filters/Matted"]
        assert one["blurb"]
        assert one["help"]
        assert all(one["arguments"].values())


def test_script_fu_can_call_it(facts: Facts):
    assert facts["script_fu"]["status"] == GOOD
    assert np.array_equal(plane(facts["script_fu"]["mask"]), RED)


def test_status_says_what_the_engine_holds(facts: Facts):
    said = facts["status"]["said"]
    assert (facts["status"]["status"], said["ready"]) == ("success", True)
    assert {"builtin", "red-key"} <= set(said["installed"])
