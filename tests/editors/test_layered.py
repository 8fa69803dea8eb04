"""PSD and layered TIFF in the real editors: layers, masks and colours are what was written, exactly."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from editors.editor import Gimp, Krita
from editors.room import Room
from matted.compose.style import Shadow
from matted.delivery import Delivery, deliver
from matted.imaging.encoding import FormatName
from matted.imaging.picture import Picture
from matted.imaging.profile import profile_of_primaries
from matted.imaging.read import read_picture

HEIGHT, WIDTH = 48, 64
ADOBE = profile_of_primaries((0.64, 0.33, 0.21, 0.71, 0.15, 0.06), (0.3127, 0.3290))
KINDS: dict[str, tuple[type, str, bytes | None]] = {
    "8": (np.uint8, "rgb", None),
    "8-profile": (np.uint8, "rgb", ADOBE),
    "16": (np.uint16, "rgb", None),
    "16-profile": (np.uint16, "rgb", ADOBE),
    "gray-8": (np.uint8, "gray", None),
    "gray-16": (np.uint16, "gray", None),
}
IN_TIFF = ("8-profile", "16", "gray-16")  # the layers are those of the PSD, byte for byte
FILES = [*(f"{kind}.psd" for kind in KINDS), *(f"{kind}.tif" for kind in IN_TIFF)]
SHADOWED = ["layers.psd", "layers.tif"]
each_file = pytest.mark.parametrize("file", FILES)
_IN_GIMP = """
from pathlib import Path
def save(image, file):
    procedure = pdb.lookup_procedure("file-png-export")
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_property("file", file)
    config.set_property("include-color-profile", True)  # else colours are converted to sRGB
    values = procedure.run(config)
    return values.index(0).value_nick, values.index(1) if values.length() > 1 else None
for path in sorted(Path(arguments[0]).iterdir()):
    image = load(path)
    layers = image.get_layers()
    found = {"layers": [(l.get_name(), l.get_visible(), l.get_mask() is not None) for l in layers]}
    found["profile"] = bytes(image.get_color_profile().get_icc_profile()).hex()
    depth = "u16" if image.get_precision() == Gimp.Precision.U16_NON_LINEAR else "u8"
    found["mask"] = pixels(layers[0].get_mask(), f"Y {depth}").hex()
    layers[0].remove_mask(Gimp.MaskApplyMode.DISCARD)
    for other in layers[1:]:
        other.set_visible(False)
    file = Gio.File.new_for_path(str(Path(arguments[1], path.name + ".png")))
    status, message = save(image, file)
    assert status == "success", message
    report(**{path.name: found})
    image.delete()
"""
_IN_KRITA = """
from pathlib import Path
asked = []
def answer():
    box = QtWidgets.QApplication.activeModalWidget()
    if isinstance(box, QtWidgets.QMessageBox) and "PSD" in box.text():
        asked.append(box.text())
        box.button(QtWidgets.QMessageBox.Yes).click()
def main():
    timer = QtCore.QTimer()
    timer.timeout.connect(answer)
    timer.start(20)
    for path in sorted(Path(arguments[0]).iterdir()):
        asked.clear()
        document = krita.openDocument(str(path))
        krita.activeWindow().addView(document)
        yield 0.5
        document.waitForDone()
        size = (0, 0, document.width(), document.height())
        layers = document.rootNode().childNodes()
        found = {"layers": [(l.name(), l.visible(), len(l.childNodes())) for l in layers]}
        (mask,) = layers[-1].childNodes()
        found |= {"kind": mask.type(), "profile": document.colorProfile()}
        found["colours"] = bytes(layers[-1].pixelData(*size)).hex()
        found["mask"] = bytes(mask.pixelData(*size)).hex()
        found["shown"] = bytes(document.pixelData(*size)).hex()
        found["asked"] = list(asked)
        report(**{path.name: found})
        document.setModified(False)
"""


def picture(dtype: type, space: str, icc: bytes | None) -> Picture:
    """Every pixel another colour, and no channel like another."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    planes = [x * 3 + 5, y * 4 + 11, (x + y) * 2 + 1]
    pixels = np.stack(planes[: 3 if space == "rgb" else 1], axis=-1)
    if dtype == np.uint16:
        pixels = pixels * 256 + x[..., None] + 7
    return Picture(pixels.astype(dtype), space=space, icc=icc)


def matte(dtype: type) -> np.ndarray:
    """All values from 0 to full, changing along both sides."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    share = np.clip((x * 5 + y * 2 - 60) / 220, 0, 1)
    return np.rint(share * np.iinfo(dtype).max).astype(dtype)


@pytest.fixture(scope="module")
def folder(room: Room) -> Path:
    """Layered files of each kind, and one of each format with a shadow and the original."""
    folder = room.desk / "layered"
    folder.mkdir()
    for file in FILES:
        dtype, space, icc = KINDS[Path(file).stem]
        _write(folder / file, picture(dtype, space, icc), matte(dtype), keep_colours=True)
    for file in SHADOWED:
        _write(folder / file, picture(*KINDS["8"]), matte(np.uint8), shadow=Shadow())
    return folder


def _write(path: Path, source: Picture, mask: np.ndarray, **wishes: Any) -> None:
    target = io.BytesIO()
    name: FormatName = "psd" if path.suffix == ".psd" else "layered-tiff"
    deliver(source, mask, Delivery(format=name, **wishes), target)
    path.write_bytes(target.getvalue())


@pytest.fixture(scope="module")
def exported(room: Room) -> Path:
    """Where GIMP puts what it shows of the cut-out without its mask."""
    folder = room.desk / "exported"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def in_gimp(gimp: Gimp, folder: Path, exported: Path) -> dict[str, Any]:
    """What GIMP says of each file."""
    return gimp.run(_IN_GIMP, folder, exported, timeout_s=240).good().report


@pytest.fixture(scope="module")
def in_krita(krita: Krita, folder: Path) -> dict[str, Any]:
    """What Krita says of each file."""
    return krita.run(_IN_KRITA, folder, timeout_s=240).good().report


@each_file
def test_gimp_has_the_mask_on_the_layer(in_gimp: dict[str, Any], file: str):
    assert in_gimp[file]["layers"] == [["Cut-out", True, True], *_flat(file)]
    assert bytes.fromhex(in_gimp[file]["mask"]) == matte(KINDS[Path(file).stem][0]).tobytes()


@each_file
def test_gimp_has_the_colours_that_the_mask_hides(
    gimp: Gimp, in_gimp: dict[str, Any], exported: Path, file: str
):
    assert in_gimp[file]["layers"]
    dtype, space, icc = KINDS[Path(file).stem]
    if icc is not None and gimp.version.startswith("3.0."):
        pytest.skip(f"GIMP {gimp.version} takes values of layers for sRGB, whatever the profile says")
    shown = read_picture(exported / f"{file}.png", max_pixels=10**6)
    assert np.array_equal(shown.pixels[..., : shown.colour_channels], picture(dtype, space, icc).pixels)
    assert (shown.pixels[..., -1] == np.iinfo(dtype).max).all()


@pytest.mark.parametrize("file", [file for file in FILES if "profile" in file])
def test_gimp_has_the_profile(in_gimp: dict[str, Any], file: str):
    assert bytes.fromhex(in_gimp[file]["profile"]) == ADOBE


@each_file
def test_krita_has_a_transparency_mask(in_krita: dict[str, Any], file: str):
    found, dtype = in_krita[file], KINDS[Path(file).stem][0]
    assert (found["layers"], found["kind"]) == ([["Cut-out", True, 1]], "transparencymask")
    seen = np.frombuffer(bytes.fromhex(found["mask"]), np.uint8).reshape(HEIGHT, WIDTH)
    assert np.abs(seen - matte(dtype) / np.iinfo(dtype).max * 255).max() < 1  # 8 bits in any document


@each_file
def test_krita_has_the_colours_that_the_mask_hides(in_krita: dict[str, Any], file: str):
    dtype, space, icc = KINDS[Path(file).stem]
    colours = np.frombuffer(bytes.fromhex(in_krita[file]["colours"]), dtype).reshape(HEIGHT, WIDTH, -1)
    blue_first = picture(dtype, space, icc).pixels[..., ::-1]
    assert np.array_equal(colours[..., :-1], blue_first)


@each_file
def test_krita_shows_what_the_mask_leaves(in_krita: dict[str, Any], file: str):
    dtype, top = KINDS[Path(file).stem][0], np.iinfo(KINDS[Path(file).stem][0]).max
    shown = np.frombuffer(bytes.fromhex(in_krita[file]["shown"]), dtype).reshape(HEIGHT, WIDTH, -1)
    assert np.abs(shown[..., -1] / top - matte(dtype) / top).max() < 1 / 255


@each_file
def test_krita_takes_no_file_for_linear_light(in_krita: dict[str, Any], file: str):
    assert "g10" not in in_krita[file]["profile"]  # its guess for 16 bits without a profile


@pytest.mark.parametrize("file", SHADOWED)
def test_gimp_has_shadow_original_and_cut_out_in_order(in_gimp: dict[str, Any], file: str):
    assert in_gimp[file]["layers"] == [
        ["Cut-out", True, True],
        ["Original", False, False],
        ["Shadow", True, False],
        *_flat(file),
    ]


@pytest.mark.parametrize("file", SHADOWED)
def test_krita_has_shadow_original_and_cut_out_in_order(in_krita: dict[str, Any], file: str):
    assert in_krita[file]["layers"] == [["Shadow", True, 0], ["Original", False, 0], ["Cut-out", True, 1]]


def test_krita_asks_before_it_takes_the_layers_of_a_tiff(in_krita: dict[str, Any]):
    asked = {file: len(found["asked"]) for file, found in in_krita.items()}
    assert asked == {file: int(file.endswith(".tif")) for file in asked}


def _flat(file: str) -> list[list[object]]:
    """The layer that GIMP makes of a TIFF's flat picture, below the others."""
    return [["Background", True, False]] if file.endswith(".tif") else []
