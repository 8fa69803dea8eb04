"""The command as a person and a script use it, in real processes on real photographs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psd_reader import LayeredTiff, Psd


def matted(*arguments: str | Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Runs the command; no engine runs in the tests' own folders."""
    command = [sys.executable, "-m", "matted", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, env=dict(os.environ))


def test_a_photo_becomes_a_cut_out_of_its_own_size(photos: Path, tmp_path: Path) -> None:
    done = matted("cut", photos / "astronaut.jpg", "-o", tmp_path / "out.png")
    assert done.returncode == 0, done.stderr
    result = np.asarray(Image.open(tmp_path / "out.png"))
    original = np.asarray(Image.open(photos / "astronaut.jpg"))
    assert result.shape == (*original.shape[:2], 4)
    alpha = result[..., 3]
    assert alpha[300:480, 180:300].mean() > 200  # the suit
    assert alpha[20:100, 330:400].mean() < 80  # the wall between flag and shuttle
    sure = alpha == 255
    assert np.array_equal(result[..., :3][sure], original[sure])


def test_colours_of_soft_edges_are_kept_on_request(photos: Path, tmp_path: Path) -> None:
    done = matted("cut", photos / "astronaut.jpg", "-o", tmp_path / "out.png", "--keep-colours")
    assert done.returncode == 0, done.stderr
    result = np.asarray(Image.open(tmp_path / "out.png"))
    seen = result[..., 3] > 0
    assert np.array_equal(result[..., :3][seen], np.asarray(Image.open(photos / "astronaut.jpg"))[seen])


def test_a_preset_with_a_shadow_says_what_it_had_to_do(photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "shop.jpg"
    style = "--shadow-style=down=2,opacity=0.3"
    done = matted("cut", photos / "coffee.jpg", "-o", target, "--preset", "amazon", style, "--json")
    assert done.returncode == 0, done.stderr
    image = Image.open(target)
    assert image.width == image.height >= 1000
    assert image.getpixel((2, 2)) == (255, 255, 255)
    assert "enlarged" in [warning["code"] for warning in json.loads(done.stdout)["warnings"]]


def test_a_layered_file_by_the_outputs_name(photos: Path, tmp_path: Path) -> None:
    done = matted("cut", photos / "cat.jpg", "-o", tmp_path / "cat.psd", "--shadow", "--max-side", "200")
    assert done.returncode == 0, done.stderr
    found = Psd.read((tmp_path / "cat.psd").read_bytes())
    assert [layer.name for layer in found.layers] == ["Shadow", "Original", "Cut-out"]
    assert found.merged.shape == (133, 200, 4)
    assert np.asarray(Image.open(tmp_path / "cat.psd")).shape == (133, 200, 4)  # Pillow agrees


def test_a_layered_tiff_is_asked_for_by_its_format(photos: Path, tmp_path: Path) -> None:
    wish = ("--format", "layered-tiff", "--max-side", "200")
    done = matted("cut", photos / "cat.jpg", "-o", tmp_path / "cat.tif", *wish)
    assert done.returncode == 0, done.stderr
    found = LayeredTiff.read((tmp_path / "cat.tif").read_bytes())
    assert [layer.name for layer in found.layers] == ["Original", "Cut-out"]
    assert found.flat.shape == (133, 200, 4)


def test_a_name_of_another_format_is_refused(photos: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "cat.psd"
    done = matted("cut", photos / "cat.jpg", "-o", wrong, "--format", "layered-tiff")
    assert done.returncode == 2
    assert b"must end with .tif or .tiff" in done.stderr
    assert not wrong.exists()


def test_looks_that_do_not_exist_are_sentences(photos: Path) -> None:
    for wrong, said in (
        (["--preset", "bazaar"], b"amazon"),
        (["--shadow-style", "depth=3"], b"opacity"),
        (["--shadow-style", "down=far"], b"number"),
        (["--mask", "--shadow"], b"shadow"),
    ):
        done = matted("cut", photos / "cat.jpg", *wrong)
        assert done.returncode == 2
        assert said in done.stderr


def test_without_output_the_result_lies_beside_the_original(photos: Path, tmp_path: Path) -> None:
    picture = tmp_path / "cat.jpg"
    picture.write_bytes((photos / "cat.jpg").read_bytes())
    before = picture.read_bytes()
    done = matted("cut", picture)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["cat-cutout.png", "cat.jpg"]
    assert picture.read_bytes() == before


def test_nothing_is_overwritten_unless_asked(photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"mine")
    refused = matted("cut", photos / "cat.jpg", "-o", target)
    assert refused.returncode == 6
    assert target.read_bytes() == b"mine"
    assert b"out.png" in refused.stderr
    assert matted("cut", photos / "cat.jpg", "-o", target, "--overwrite").returncode == 0
    assert Image.open(target).mode == "RGBA"


def test_the_original_itself_is_never_the_output(photos: Path, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    Image.open(photos / "cat.jpg").save(picture)
    before = picture.read_bytes()
    done = matted("cut", picture, "-o", picture, "--overwrite")
    assert done.returncode == 6
    assert picture.read_bytes() == before


def test_a_folder_with_one_broken_file_loses_only_that_one(photos: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "cat.jpg").write_bytes((photos / "cat.jpg").read_bytes())
    Image.open(photos / "cat.jpg").save(folder / "cat.png")
    (folder / "broken.jpg").write_bytes((photos / "coffee.jpg").read_bytes()[:20000])
    (folder / "notes.txt").write_text("not a picture")
    done = matted("cut", folder, "-o", out, "--mask", "--json")
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(line["input"]).name for line in lines] == ["broken.jpg", "cat.jpg", "cat.png"]
    assert lines[0]["error"] == "unreadable-picture"
    assert sorted(p.name for p in out.iterdir()) == ["cat-mask.png", "cat-png-mask.png"]
    assert Image.open(out / "cat-mask.png").mode == "L"


def test_standard_input_to_standard_output(photos: Path) -> None:
    done = matted("cut", "-", "-o", "-", "--mask", stdin=(photos / "cat.jpg").read_bytes())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"\x89PNG")


def test_on_white_as_jpeg_by_the_outputs_name(photos: Path, tmp_path: Path) -> None:
    done = matted("cut", photos / "cat.jpg", "-o", tmp_path / "cat.jpg", "--background", "white")
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "cat.jpg").format == "JPEG"


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["cut", "no-such-file.jpg"], 3, "no-such-file.jpg"),
        (["cut", "PHOTO", "--model", "u2net", "-o", "OUT.png"], 4, "matted models pull u2net"),
        (["cut", "PHOTO", "--model", "u2nat", "-o", "OUT.png"], 4, "u2net"),
        (["cut", "PHOTO", "--background", "purplish", "-o", "OUT.png"], 2, "purplish"),
        (["cut", "PHOTO", "-o", "OUT.xyz"], 2, ".xyz"),
        (["cut", "PHOTO", "-o", "OUT.jpg"], 2, "transparent"),
        (["cut", "PHOTO", "--quality", "0", "-o", "OUT.png"], 2, "uality"),
        (["frobnicate"], 2, "frobnicate"),
        (["status"], 7, "not running"),
    ],
)
def test_mistakes_get_a_sentence_and_a_code(
    photos: Path, tmp_path: Path, arguments: list[str], code: int, word: str
) -> None:
    places = {"PHOTO": str(photos / "cat.jpg"), "OUT": str(tmp_path / "out")}
    filled = []
    for argument in arguments:
        for name, place in places.items():
            argument = argument.replace(name, place)
        filled.append(argument)
    done = matted(*filled)
    assert done.returncode == code, done.stderr
    assert word in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert not [p for p in tmp_path.iterdir() if p.is_file()]


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from matted.cli import build_parser; text = build_parser().format_help();"
        "heavy = {'numpy', 'cv2', 'onnxruntime', 'aiohttp', 'PIL'} & set(sys.modules);"
        "print(heavy or text)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in ("cut", "serve", "status", "models", "service", "doctor"):
        assert f"    {command} " in done.stdout
