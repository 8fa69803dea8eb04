"""Layered files opened in the real editors: layers, masks and colours are what was written, to the last value."""

import io
from pathlib import Path

import numpy as np
import pytest

from editors.editor import Gimp, Krita
from matted.compose.style import Shadow
from matted.delivery import Delivery, deliver
from matted.imaging.picture import Picture
from matted.imaging.profile import profile_of_primaries

HEIGHT, WIDTH = 48, 64
ADOBE = profile_of_primaries((0.64, 0.33, 0.21, 0.71, 0.15, 0.06), (0.3127, 0.3290))
KINDS = pytest.mark.parametrize(
    ("dtype", "space", "icc"),
    [
        (np.uint8, "rgb", None),
        (np.uint8, "rgb", ADOBE),
        (np.uint16, "rgb", None),
        (np.uint16, "rgb", ADOBE),
        (np.uint8, "gray", None),
        (np.uint16, "gray", None),
    ],
    ids=["8 bits", "8 bits, profile", "16 bits", "16 bits, profile", "gray", "gray, 16 bits"],
)


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


def layered(path: Path, source: Picture, mask: np.ndarray, **wishes: object) -> None:
    target = io.BytesIO()
    deliver(source, mask, Delivery(format="psd", **wishes), target)
    path.write_bytes(target.getvalue())


@KINDS
def test_gimp_opens_it_with_the_mask_on_the_layer(
    gimp: Gimp, desk: Path, dtype: type, space: str, icc: bytes | None
):
    source, mask = picture(dtype, space, icc), matte(dtype)
    layered(desk / "in.psd", source, mask, keep_colours=True)
    script = """
image = load(arguments[0])
report(profile=bytes(image.get_color_profile().get_icc_profile()).hex())
image.set_color_profile(None)  # else pixels would be given in sRGB
(layer,) = image.get_layers()
report(name=layer.get_name(), alpha=layer.has_alpha(), applied=layer.get_apply_mask())
report(colours=pixels(layer, arguments[1]).hex(), mask=pixels(layer.get_mask(), arguments[2]).hex())
image.delete()
"""
    depth = "u8" if dtype == np.uint8 else "u16"
    form = f"R'G'B' {depth}" if space == "rgb" else f"Y' {depth}"
    found = gimp.run(script, desk / "in.psd", form, f"Y {depth}").good().report
    assert (found["name"], found["alpha"], found["applied"]) == ("Cut-out", True, True)
    assert bytes.fromhex(found["mask"]) == mask.tobytes()
    assert bytes.fromhex(found["colours"]) == source.pixels.tobytes()
    if icc is not None:
        assert bytes.fromhex(found["profile"]) == icc


@KINDS
def test_krita_opens_it_with_a_transparency_mask(
    krita: Krita, desk: Path, dtype: type, space: str, icc: bytes | None
):
    source, mask = picture(dtype, space, icc), matte(dtype)
    layered(desk / "in.psd", source, mask, keep_colours=True)
    script = """
def main():
    document = krita.activeDocument()
    yield 0.5
    (layer,) = document.rootNode().childNodes()
    (mask,) = layer.childNodes()
    size = (0, 0, document.width(), document.height())
    report(name=layer.name(), kind=mask.type(), profile=document.colorProfile())
    report(colours=bytes(layer.pixelData(*size)).hex(), mask=bytes(mask.pixelData(*size)).hex())
    report(shown=bytes(document.pixelData(*size)).hex())
    yield 0
"""
    found = krita.run(script, document=desk / "in.psd").good().report
    assert (found["name"], found["kind"]) == ("Cut-out", "transparencymask")
    assert "g10" not in found["profile"]  # linear light, Krita's guess for 16 bits without a profile
    colours = np.frombuffer(bytes.fromhex(found["colours"]), dtype).reshape(HEIGHT, WIDTH, -1)
    assert np.array_equal(colours[..., :-1][..., ::-1], source.pixels)  # blue comes first
    seen = np.frombuffer(bytes.fromhex(found["mask"]), np.uint8).reshape(HEIGHT, WIDTH)
    assert np.abs(seen - mask / np.iinfo(dtype).max * 255).max() < 1  # of 8 bits in any document
    shown = np.frombuffer(bytes.fromhex(found["shown"]), dtype).reshape(HEIGHT, WIDTH, -1)
    assert np.abs(shown[..., -1] / np.iinfo(dtype).max - mask / np.iinfo(dtype).max).max() < 1 / 255


def test_gimp_shows_shadow_original_and_cut_out_in_order(gimp: Gimp, desk: Path):
    layered(desk / "in.psd", picture(np.uint8, "rgb", None), matte(np.uint8), shadow=Shadow())
    script = """
image = load(arguments[0])
report(layers=[(found.get_name(), found.get_visible(), found.get_mask() is not None)
               for found in image.get_layers()])
image.delete()
"""
    found = gimp.run(script, desk / "in.psd").good().report["layers"]
    assert found == [["Cut-out", True, True], ["Original", False, False], ["Shadow", True, False]]


def test_krita_shows_shadow_original_and_cut_out_in_order(krita: Krita, desk: Path):
    layered(desk / "in.psd", picture(np.uint8, "rgb", None), matte(np.uint8), shadow=Shadow())
    script = """
def main():
    layers = krita.activeDocument().rootNode().childNodes()
    report(layers=[(found.name(), found.visible(), len(found.childNodes())) for found in layers])
    yield 0
"""
    found = krita.run(script, document=desk / "in.psd").good().report["layers"]
    assert found == [["Shadow", True, 0], ["Original", False, 0], ["Cut-out", True, 1]]
