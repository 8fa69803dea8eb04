"""Layered files opened in the real editors: layers, masks and colours are what was written, exactly."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from editors.editor import Gimp, Krita
from editors.room import Room
from matted.compose.style import Shadow
from matted.delivery import Delivery, deliver
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
each_kind = pytest.mark.parametrize("kind", KINDS)
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
for path in sorted(Path(arguments[0]).glob("*.psd")):
    image = load(path)
    layers = image.get_layers()
    found = {"layers": [(l.get_name(), l.get_visible(), l.get_mask() is not None) for l in layers]}
    found["profile"] = bytes(image.get_color_profile().get_icc_profile()).hex()
    depth = "u16" if image.get_precision() == Gimp.Precision.U16_NON_LINEAR else "u8"
    found["mask"] = pixels(layers[0].get_mask(), f"Y {depth}").hex()
    layers[0].remove_mask(Gimp.MaskApplyMode.DISCARD)
    file = Gio.File.new_for_path(str(path.with_suffix(".png")))
    status, message = save(image, file)
    assert status == "success", message
    report(**{path.stem: found})
    image.delete()
"""
_IN_KRITA = """
from pathlib import Path
def main():
    for path in sorted(Path(arguments[0]).glob("*.psd")):
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
        report(**{path.stem: found})
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
    """A layered file of each kind, and one with a shadow and the original."""
    folder = room.desk / "psd"
    folder.mkdir()
    for name, (dtype, space, icc) in KINDS.items():
        _write(folder / f"{name}.psd", picture(dtype, space, icc), matte(dtype), keep_colours=True)
    _write(folder / "layers.psd", picture(*KINDS["8"]), matte(np.uint8), shadow=Shadow())
    return folder


def _write(path: Path, source: Picture, mask: np.ndarray, **wishes: Any) -> None:
    target = io.BytesIO()
    deliver(source, mask, Delivery(format="psd", **wishes), target)
    path.write_bytes(target.getvalue())


@pytest.fixture(scope="module")
def in_gimp(gimp: Gimp, folder: Path) -> dict[str, Any]:
    """What GIMP says of each file."""
    return gimp.run(_IN_GIMP, folder, timeout_s=240).good().report


@pytest.fixture(scope="module")
def in_krita(krita: Krita, folder: Path) -> dict[str, Any]:
    """What Krita says of each file."""
    return krita.run(_IN_KRITA, folder, timeout_s=240).good().report


@each_kind
def test_gimp_has_the_mask_on_the_layer(in_gimp: dict[str, Any], kind: str):
    assert in_gimp[kind]["layers"] == [["Cut-out", True, True]]
    assert bytes.fromhex(in_gimp[kind]["mask"]) == matte(KINDS[kind][0]).tobytes()


@each_kind
def test_gimp_has_the_colours_that_the_mask_hides(
    gimp: Gimp, in_gimp: dict[str, Any], folder: Path, kind: str
):
    assert in_gimp[kind]["layers"]
    dtype, space, icc = KINDS[kind]
    if icc is not None and gimp.version.startswith("3.0."):
        pytest.skip(f"GIMP {gimp.version} takes the values of a PSD for sRGB, whatever its profile says")
    exported = read_picture(folder / f"{kind}.png", max_pixels=10**6)
    assert np.array_equal(exported.pixels[..., : exported.colour_channels], picture(dtype, space, icc).pixels)
    assert (exported.pixels[..., -1] == np.iinfo(dtype).max).all()


@pytest.mark.parametrize("kind", ["8-profile", "16-profile"])
def test_gimp_has_the_profile(in_gimp: dict[str, Any], kind: str):
    assert bytes.fromhex(in_gimp[kind]["profile"]) == ADOBE


@each_kind
def test_krita_has_a_transparency_mask(in_krita: dict[str, Any], kind: str):
    found, dtype = in_krita[kind], KINDS[kind][0]
    assert (found["layers"], found["kind"]) == ([["Cut-out", True, 1]], "transparencymask")
    seen = np.frombuffer(bytes.fromhex(found["mask"]), np.uint8).reshape(HEIGHT, WIDTH)
    assert np.abs(seen - matte(dtype) / np.iinfo(dtype).max * 255).max() < 1  # 8 bits in any document


@each_kind
def test_krita_has_the_colours_that_the_mask_hides(in_krita: dict[str, Any], kind: str):
    dtype, space, icc = KINDS[kind]
    colours = np.frombuffer(bytes.fromhex(in_krita[kind]["colours"]), dtype).reshape(HEIGHT, WIDTH, -1)
    blue_first = picture(dtype, space, icc).pixels[..., ::-1]
    assert np.array_equal(colours[..., :-1], blue_first)


@each_kind
def test_krita_shows_what_the_mask_leaves(in_krita: dict[str, Any], kind: str):
    dtype, top = KINDS[kind][0], np.iinfo(KINDS[kind][0]).max
    shown = np.frombuffer(bytes.fromhex(in_krita[kind]["shown"]), dtype).reshape(HEIGHT, WIDTH, -1)
    assert np.abs(shown[..., -1] / top - matte(dtype) / top).max() < 1 / 255


@each_kind
def test_krita_takes_no_file_for_linear_light(in_krita: dict[str, Any], kind: str):
    assert "g10" not in in_krita[kind]["profile"]  # its guess for 16 bits without a profile


def test_gimp_has_shadow_original_and_cut_out_in_order(in_gimp: dict[str, Any]):
    assert in_gimp["layers"]["layers"] == [
        ["Cut-out", True, True],
        ["Original", False, False],
        ["Shadow", True, False],
    ]


def test_krita_has_shadow_original_and_cut_out_in_order(in_krita: dict[str, Any]):
    assert in_krita["layers"]["layers"] == [["Shadow", True, 0], ["Original", False, 0], ["Cut-out", True, 1]]
