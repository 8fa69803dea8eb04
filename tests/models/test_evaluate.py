"""The evaluation command on a generated set: its report holds the figures that follow by hand. The models are
graphs whose alpha is the picture's red channel, and the built-in one. Needs no PyTorch.
"""

import csv
from pathlib import Path

import evaluate
import numpy as np
import pytest
from PIL import Image

from graphs import red_key_catalogue, save_red_bytes

SIDE = 64


def save_pair(folder: Path, name: str, *, red: np.ndarray, truth: np.ndarray) -> None:
    """A picture whose red channel is given, and its truth, both uint8 (h, w)."""
    for part, pixels in (("images", np.dstack([red, red * 0, red * 0])), ("masks", truth)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / part / f"{name}.png")


def half(value: int = 255) -> np.ndarray:
    """The left half at this value, the right at 0: uint8 (64, 64)."""
    plane = np.zeros((SIDE, SIDE), np.uint8)
    plane[:, : SIDE // 2] = value
    return plane


@pytest.fixture
def red_set(tmp_path: Path) -> Path:
    """Two pictures: one whose red channel is the truth, one whose red channel is 51 (a fifth) everywhere."""
    folder = tmp_path / "halves"
    save_pair(folder, "exact", red=half(), truth=half())
    save_pair(folder, "flat", red=np.full_like(half(), 51), truth=half())
    return folder


@pytest.fixture
def red_model(tmp_path: Path) -> str:
    """How the command is asked for the graph that answers with the red channel."""
    return f"{red_key_catalogue(tmp_path, side=SIDE)}:red-key"


def lines_of(report: Path, name: str = "pictures.csv") -> list[dict[str, str]]:
    with (report / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def run(*arguments: str | Path) -> int:
    return evaluate.main([str(argument) for argument in arguments])


def test_each_picture_gets_the_figures_that_follow_by_hand(red_set, red_model, tmp_path):
    assert run(red_set, "--model", red_model, "--report", tmp_path / "out") == 0
    exact, flat = lines_of(tmp_path / "out")
    assert (exact["set"], exact["picture"], exact["model"]) == ("halves", "exact", "red-key")
    assert float(exact["MAE"]) == float(exact["SAD"]) == 0
    assert float(exact["IoU"]) == float(exact["max-F"]) == float(exact["BIoU"]) == 1
    assert float(flat["MAE"]) == pytest.approx(0.5)  # 0.8 missing on one half, 0.2 too much on the other
    assert float(flat["MSE"]) == pytest.approx((0.8**2 + 0.2**2) / 2, rel=1e-5)
    assert float(flat["IoU"]) == 0
    assert float(flat["max-F"]) == pytest.approx(1.3 * 0.5 / (0.3 * 0.5 + 1), rel=1e-5)  # all or nothing


def test_the_tables_average_the_set(red_set, red_model, tmp_path, capsys):
    run(red_set, "--model", red_model, "--report", tmp_path / "out")
    printed = capsys.readouterr().out
    assert "| halves | 2 | 0.250 |" in printed
    assert printed.strip() == (tmp_path / "out" / "report.md").read_text("utf-8").strip()


def test_matting_errors_stand_in_the_tables_where_truth_is_soft(red_model, tmp_path, capsys):
    ramp = np.tile(np.arange(SIDE, dtype=np.uint8) * 4, (SIDE, 1))
    save_pair(tmp_path / "soft", "ramp", red=ramp, truth=ramp)
    save_pair(tmp_path / "hard", "half", red=half(), truth=half())
    run(tmp_path / "soft", tmp_path / "hard", "--model", red_model, "--report", tmp_path / "out")
    full = capsys.readouterr().out.partition("## All figures")[2].partition("## The worst")[0].splitlines()
    last_four = {line.split()[1]: line.split()[-8:-1:2] for line in full if line.startswith("|")}
    assert last_four["soft"] == ["0.000", "0.0000", "0.000", "0.000"]
    assert last_four["hard"] == ["-"] * 4


def test_sheets_show_photo_truth_and_every_model(red_set, red_model, tmp_path):
    twin = f"twin={red_model}"
    run(red_set, "--model", red_model, "--model", twin, "--report", tmp_path / "out")
    for name, expected in (("sheets/halves", half()), ("worst", np.full_like(half(), 51))):
        with Image.open(tmp_path / "out" / f"{name}.png") as sheet:
            pixels = np.asarray(sheet.convert("L"))
        gap, across = 6, (sheet.width - 6) // 4
        first_row = [pixels[gap : gap + SIDE, left : left + SIDE] for left in range(gap, sheet.width, across)]
        for shown, wanted in zip(first_row[1:], (half(), expected, expected), strict=True):
            np.testing.assert_array_equal(shown, wanted)


def test_an_exported_graph_is_run_by_the_built_in_models_contract(red_set, tmp_path):
    graph = save_red_bytes(tmp_path / "candidate.onnx", side=SIDE)
    assert run(red_set, "--model", graph, "--report", tmp_path / "out") == 0
    assert [float(line["MAE"]) for line in lines_of(tmp_path / "out")] == pytest.approx([0, 0.5])


def test_weights_are_found_by_name_in_a_folder(red_set, tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()
    graph = save_red_bytes(weights / "elsewhere.onnx", side=SIDE)
    catalogue = tmp_path / "named.toml"
    catalogue.write_text(
        f"""format = 1
[[model]]
id = "named"
like = "builtin"
title = "Named"
[[model.file]]
name = "{graph.name}"
sha256 = "{"0" * 64}"
[model.input]
size = [{SIDE}, {SIDE}]
""",
        encoding="utf-8",
    )
    wish = f"{catalogue}:named"
    assert run(red_set, "--model", wish, "--report", tmp_path / "out") != 0
    assert run(red_set, "--model", wish, "--weights", weights, "--report", tmp_path / "out") == 0


def test_the_mirrored_picture_is_averaged_in(tmp_path, red_set):
    graph = save_red_bytes(tmp_path / "candidate.onnx", side=SIDE)
    run(red_set, "--model", graph, "--flip", "--report", tmp_path / "out")
    assert float(lines_of(tmp_path / "out")[0]["MAE"]) == 0  # red moves with the picture, and back


def test_pictures_without_subject_are_counted(red_model, tmp_path, capsys):
    folder = tmp_path / "places"
    folder.mkdir()
    for name, red in (("dark", 0), ("dim", 5), ("bright", 102)):
        Image.new("RGB", (SIDE, SIDE), (red, 90, 90)).save(folder / f"{name}.png")
    assert run("--empty", folder, "--model", red_model, "--report", tmp_path / "out") == 0
    assert "| red-key | 3 | 2 | 0.1399 | 0.4000 |" in capsys.readouterr().out
    found = {line["picture"]: float(line["red-key"]) for line in lines_of(tmp_path / "out", "empty.csv")}
    assert found == pytest.approx({"dark": 0, "dim": 5 / 255, "bright": 0.4}, abs=1e-5)


def test_the_built_in_model_is_scored_with_its_edges_refined_and_timed(tmp_path, capsys):
    rows, columns = np.mgrid[0:200, 0:260]
    disc = np.where(np.hypot(rows - 90, columns - 140) < 50, 255, 0).astype(np.uint8)
    save_pair(tmp_path / "discs", "disc", red=np.maximum(disc, 30), truth=disc)
    assert run(tmp_path / "discs", "--refine", "fast", "--timing", "--report", tmp_path / "out") == 0
    assert float(lines_of(tmp_path / "out")[0]["IoU"]) > 0.8
    assert "| builtin |" in capsys.readouterr().out


@pytest.mark.parametrize("wish", ["no-such-model", "missing.onnx", "missing.toml:some"])
def test_a_wish_that_means_nothing_is_told(red_set, wish, tmp_path, capsys):
    assert run(red_set, "--model", wish, "--report", tmp_path / "out") != 0
    assert wish.partition(":")[0] in capsys.readouterr().err


def test_two_models_of_one_name_are_refused(red_set, red_model, tmp_path, capsys):
    run(red_set, "--model", red_model, "--model", red_model, "--report", tmp_path / "out")
    assert "NAME=SPEC" in capsys.readouterr().err


def test_two_sets_of_one_name_are_refused(red_set, red_model, tmp_path, capsys):
    save_pair(tmp_path / "again" / red_set.name, "one", red=half(), truth=half())
    again = tmp_path / "again" / red_set.name
    assert run(red_set, again, "--model", red_model, "--report", tmp_path / "out") == 2
    assert "one name" in capsys.readouterr().err


def test_a_mask_of_another_size_is_told(tmp_path, red_model, capsys):
    save_pair(tmp_path / "odd", "one", red=half(), truth=half()[:32])
    assert run(tmp_path / "odd", "--model", red_model, "--report", tmp_path / "out") == 2
    assert "another size" in capsys.readouterr().err
