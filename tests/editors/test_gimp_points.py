"""Point at the Subject in real GIMP without windows: what was pointed at is kept, and nothing else.

The scenes of `inside/gimp_points.py` are played in one start of GIMP. The model's alpha is the red channel;
the layer has a large subject on the left and a small one on the right.
"""

import base64
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from editors.editor import Gimp
from editors.engine import Engine
from editors.room import Room
from graphs import red_key_catalogue, save_slow_red_key
from prompt_graphs import add_prompt_models

SIDE = 64
GOOD = ["success", None]
INSIDE = {"large": np.s_[11:53, 7:27], "small": np.s_[19:37, 43:57]}  # well within each subject
AROUND = {"large": np.s_[4:60, 0:34], "small": np.s_[12:44, 36:64]}  # with all of its edge
SCENES = ("pointed", "with_a_selection", "made_of_points", "missed", "superseded", "held", "painted")
SCRIPT = "import gimp_points, gimp_scenes\ngimp_scenes.play(arguments[0], *arguments[1:], of=gimp_points)"
TROUBLE = """
image = Gimp.Image.new(64, 64, Gimp.ImageBaseType.RGB)
layer = layer_of(image, bytes(range(256)) * 64, 64, 64)
before = pixels(layer, None)
said = call("matted-point", image, [layer], points="20,20")
report(said=said, untouched=pixels(layer, None) == before and layer.get_mask() is None)
"""
CLICK = """
import queue, sys
sys.path.insert(0, arguments[0])
from engine import Engine, Previews
from matted_client import Planes

inside = range(20, 40)
grays = [255 if x in inside and y in inside else 40 for y in range(64) for x in range(64)]
planes, told = Planes(bytes(grays), 64, 64, "gray8"), queue.SimpleQueue()
asked = Previews(Engine(start=False), planes, None, {"side_px": 32}, lambda *one: told.put(one))
first = told.get(timeout=60)
asked.ask([({"side_px": 32, "prompt": {"points": [[30, 30, 1]]}}, False)])
_, answer, _ = told.get(timeout=60)
asked.close()
report(first=first, model=answer.model, stages=list(answer.times_s))
"""


@pytest.fixture(scope="module")
def keyed(room: Room) -> Iterator[Engine]:
    """An engine that also has a model whose alpha is the red channel, and one that never ends."""
    engine = Engine(room.desk / "points-engine")
    models = engine.models
    catalogues = [red_key_catalogue(models, side=SIDE, model_id=name) for name in ("red-key", "slow-key")]
    save_slow_red_key(models / "slow-key.onnx")
    first, second = (path.read_text("utf-8") for path in catalogues)
    (models / "catalogue.toml").write_text(first + second.replace("format = 1\n", ""), "utf-8")
    engine.start()
    yield engine
    engine.stop()
    shutil.rmtree(engine.folder)


@pytest.fixture(scope="module")
def told(gimp: Gimp, keyed: Engine) -> dict[str, Any]:
    """What the scenes told."""
    outcome = gimp.run(SCRIPT, keyed.folder, *SCENES, environment=keyed.environment, timeout_s=280).good()
    for scene in SCENES:
        assert "raised" not in outcome.report[scene], outcome.report[scene]["raised"]
    return outcome.report


def plane(packed: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed), np.uint8).reshape(SIDE, SIDE)


def kept(packed: str) -> set[str]:
    """The subjects that a mask keeps; fails for one that it keeps in part, and for anything else."""
    mask = plane(packed)
    found = {name for name, inside in INSIDE.items() if mask[inside].any()}
    rest = mask.copy()
    for name in found:
        assert (mask[INSIDE[name]] == 255).all()
        rest[AROUND[name]] = 0
    assert not rest.any()
    return found


@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("small", {"small"}),
        ("both", {"small", "large"}),
        ("not the large one", {"small"}),
        ("small, not the large one", {"small"}),
        ("in a box", {"small"}),
        ("partly outside", {"small"}),
        ("sample point", {"small"}),
        ("large, not the sample point", {"large"}),
    ],
)
def test_what_was_pointed_at_is_kept_and_nothing_else(told: dict[str, Any], case: str, names: set[str]):
    assert told["pointed"][case]["status"] == GOOD
    assert kept(told["pointed"][case]["mask"]) == names


def test_the_selection_limits_what_was_pointed_at(told: dict[str, Any]):
    status, mask = told["with_a_selection"]["limited"]
    assert status == GOOD
    expected = plane(told["with_a_selection"]["whole"]).copy()
    expected[:, 50:] = 0
    assert np.array_equal(plane(mask), expected)


def test_a_selection_elsewhere_leaves_nothing_and_says_so(told: dict[str, Any]):
    status, mask = told["with_a_selection"]["elsewhere"]
    assert status == ["execution-error", "Nothing of what was pointed at is left within the selection."]
    assert mask is None


def test_the_selection_can_be_the_box_around_what_is_meant(told: dict[str, Any]):
    status, mask = told["with_a_selection"]["as a box"]
    assert status == GOOD
    assert kept(mask) == {"small"}


def test_an_old_mask_is_kept_as_a_channel(told: dict[str, Any]):
    status, mask, channels = told["made_of_points"]["kept"]
    assert (status, channels) == (GOOD, 1)
    assert kept(mask) == {"small"}


@pytest.mark.parametrize("output", ["layer", "selection"])
def test_other_results_leave_the_layer_without_a_mask(told: dict[str, Any], output: str):
    status, mask, untouched = told["made_of_points"][output]
    assert (status, untouched) == (GOOD, True)
    assert kept(mask) == {"small"}


def test_the_mask_remembers_what_was_pointed_at(told: dict[str, Any]):
    status, before, after = told["made_of_points"]["refined"]
    assert status == GOOD
    assert before == after  # nobody painted: all that could change it is another subject


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("nothing there", "Nothing that stands out was found there"),
        ("beside the layer", "The point 2,2 does not lie on the layer “two”."),
        ("no numbers", "not “left,top”"),
        ("neither wanted nor not", "not “20,20,7”"),
        ("infinite", "not “inf,20”"),
        ("no box", "not “20,20”"),
        ("an empty box", "is empty"),
        ("nothing", "Nothing was pointed at."),
        ("two layers", "one layer at a time"),
    ],
)
def test_what_points_at_nothing_is_one_sentence_and_changes_nothing(
    told: dict[str, Any], case: str, words: str
):
    status, sentence, *untouched = told["missed"][case]
    assert status == "execution-error"
    assert words in sentence
    assert "\n" not in sentence
    assert untouched[0]


def test_what_would_help_is_named_as_gimp_has_it(told: dict[str, Any]):
    _, sentence, *_ = told["missed"]["nothing there"]
    assert "(Matted Status downloads a model made for boxes and clicks)" in sentence


def test_a_point_that_missed_does_not_spoil_the_others(told: dict[str, Any]):
    assert told["missed"]["one of two"] == [*GOOD, True]


def test_an_engine_that_is_not_installed_is_told_and_nothing_is_changed(gimp: Gimp, room: Room):
    engine = Engine(room.desk / "points-absent-engine")
    outcome = gimp.run(TROUBLE, environment=engine.environment).good()
    status, sentence = outcome.report["said"]
    assert status == "execution-error"
    assert "matted plugins install gimp" in sentence
    assert outcome.report["untouched"]


def test_a_later_click_stops_the_mask_of_an_earlier_one(told: dict[str, Any]):
    assert told["superseded"] == {
        "first": [0, None, None],
        "last": True,
        "error": None,
        "size": [SIDE // 2, SIDE // 2],
        "left": 0,
    }


def test_cut_out_takes_what_the_engine_has_of_the_layer(told: dict[str, Any]):
    assert told["held"]["same"]
    assert kept(told["held"]["taken"]) == {"small"}


def test_cut_out_sends_a_layer_again_that_was_changed_or_forgotten(told: dict[str, Any]):
    assert told["held"]["changed"]
    assert told["held"]["forgotten"] != told["held"]["taken"]  # that of the black one


def test_a_prompt_model_has_seen_the_layer_before_the_first_click(gimp: Gimp, room: Room):
    engine = Engine(room.desk / "prompt-engine")
    models = engine.models
    add_prompt_models(red_key_catalogue(models, side=SIDE)).rename(models / "catalogue.toml")
    engine.start()
    try:
        plugin = gimp.home / "plug-ins" / "matted"
        told = gimp.run(CLICK, plugin, environment=engine.environment).good().report
    finally:
        engine.stop()
    assert told["first"] == [0, None, None]
    assert told["model"].startswith("tiny-")
    assert "decoder" in told["stages"]
    assert "encoder" not in told["stages"]


# ----------------------------------------------------------------------------------------- paint, refine


def test_refining_keeps_what_gimps_own_brush_painted_and_goes_on_from_there(told: dict[str, Any]):
    made, painted = (plane(told["painted"][name]) for name in ("made", "painted"))
    status, mask = told["painted"]["refined"]
    assert status == GOOD
    black, white = ((painted == value) & (made == 255 - value) for value in (0, 255))
    assert min(black.sum(), white.sum()) > 40
    refined = plane(mask)
    assert not refined[black].any()
    assert (refined[white] == 255).all()
    assert not np.array_equal(refined, painted)
    assert np.array_equal(refined[INSIDE["large"]], made[INSIDE["large"]])
