"""The layers of a file that stays editable: which there are, and that they make the result."""

import io

import numpy as np
import pytest

from matted.compose.background import Background
from matted.compose.style import Shadow
from matted.delivery import Delivery, deliver
from matted.errors import BadOption
from matted.imaging.picture import Picture
from matted.imaging.profile import profile_of_primaries
from psd_reader import Psd, PsdLayerFound

HEIGHT, WIDTH = 60, 80


def picture(dtype: type = np.uint8, channels: int = 3, **more: object) -> Picture:
    """Reddish inside, bluish outside, with noise."""
    top = int(np.iinfo(dtype).max)
    colours = np.random.default_rng(1).integers(0, top // 4, (HEIGHT, WIDTH, channels))
    colours[:, : WIDTH // 2, 0] += top // 2
    colours[:, WIDTH // 2 :, -1] += top // 2
    return Picture(colours.astype(dtype), space="rgb" if channels == 3 else "gray", **more)


def matte(dtype: type = np.uint8) -> np.ndarray:
    """Full at the left, 0 at the right, soft for 20 px between."""
    ramp = np.clip((WIDTH / 2 + 10 - np.arange(WIDTH)) / 20, 0, 1)
    return np.tile((ramp * np.iinfo(dtype).max).astype(dtype), (HEIGHT, 1))


def layered(source: Picture, mask: np.ndarray, **wishes: object) -> Psd:
    target = io.BytesIO()
    deliver(source, mask, Delivery(format="psd", **wishes), target)
    return Psd.read(target.getvalue())


def flattened(found: Psd) -> np.ndarray:
    """What an editor shows of the visible layers: colours weighted by alpha, and alpha, as floats."""
    top = np.iinfo(found.merged.dtype).max
    colour, alpha = np.zeros((*found.merged.shape[:2], 3 if found.mode == 3 else 1)), 0.0
    for layer in found.layers:
        if layer.visible:
            own = layer.pixels[..., -1] / top * (1.0 if layer.mask is None else layer.mask / top)
            colour = layer.pixels[..., :-1] / top * own[..., None] + colour * (1 - own[..., None])
            alpha = own + alpha * (1 - own)
    return np.dstack([colour, np.broadcast_to(alpha, colour.shape[:2])])


def named(found: Psd, name: str) -> PsdLayerFound:
    return next(layer for layer in found.layers if layer.name == name)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_mask_is_the_matte_and_white_in_it_brings_everything_back(dtype: type):
    source, mask = picture(dtype), matte(dtype)
    found = layered(source, mask)
    cut = named(found, "Cut-out")
    assert np.array_equal(cut.mask, mask)
    hard = (mask == 0) | (mask == np.iinfo(dtype).max)
    assert np.array_equal(cut.pixels[..., :3][hard], source.pixels[hard])
    assert (cut.pixels[..., 3] == np.iinfo(dtype).max).all()


def test_the_soft_edge_is_freed_and_the_original_lies_hidden_below():
    source = picture()
    found = layered(source, matte())
    assert [(layer.name, layer.visible) for layer in found.layers] == [("Original", False), ("Cut-out", True)]
    assert np.array_equal(named(found, "Original").pixels[..., :3], source.pixels)
    edge = named(found, "Cut-out").pixels[:, 40:50, 2].mean()
    assert edge < source.pixels[:, 40:50, 2].mean() - 40  # less of the blue that shone through


def test_with_its_own_colours_one_layer_is_enough():
    source = picture()
    found = layered(source, matte(), keep_colours=True)
    assert [layer.name for layer in found.layers] == ["Cut-out"]
    assert np.array_equal(found.layers[0].pixels[..., :3], source.pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"shadow": Shadow()},
        {"shadow": Shadow(), "background": Background("colour", (240, 240, 240))},
        {"background": Background("blur"), "keep_colours": True},
        {"preset": "square"},
        {"max_side_px": 33},
    ],
    ids=["plain", "shadow", "on gray", "on blur", "framed", "reduced"],
)
def test_the_layers_make_the_merged_picture(wishes: dict, channels: int, dtype: type):
    found = layered(picture(dtype, channels), matte(dtype), **wishes)
    top = np.iinfo(found.merged.dtype).max
    made, colours = flattened(found), 3 if found.mode == 3 else 1
    on_white = made[..., :-1] + 1 - made[..., -1:]
    assert np.abs(on_white - found.merged[..., :colours] / top).max() < 2.1 / 255
    if found.first_alpha_is_transparency:
        assert np.abs(made[..., -1] - found.merged[..., -1] / top).max() < 1.1 / 255
    else:
        assert (made[..., -1] > 0.999).all()


def test_shadow_and_background_are_layers_of_their_own():
    found = layered(
        picture(), matte(), shadow=Shadow(colour="#102030"), background=Background("colour", (1, 2, 3))
    )
    assert [layer.name for layer in found.layers] == ["Background", "Shadow", "Original", "Cut-out"]
    assert (named(found, "Background").pixels == (1, 2, 3, 255)).all()
    assert (named(found, "Shadow").pixels[..., :3] == (16, 32, 48)).all()
    assert not found.first_alpha_is_transparency


def test_its_own_transparency_stays_apart_from_the_mask():
    pixels = np.dstack([picture().pixels, np.full((HEIGHT, WIDTH), 100, np.uint8)])
    found = layered(Picture(pixels, has_alpha=True), matte())
    assert (named(found, "Cut-out").pixels[..., 3] == 100).all()
    assert np.array_equal(named(found, "Cut-out").mask, matte())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_its_own_transparency_goes_into_the_frame_with_it(dtype: type):
    half = np.full((HEIGHT, WIDTH), np.iinfo(dtype).max // 2, dtype)
    found = layered(
        Picture(np.dstack([picture(dtype).pixels, half]), has_alpha=True), matte(dtype), preset="square"
    )
    alphas = np.unique(named(found, "Cut-out").pixels[..., 3])
    assert (len(alphas), alphas[0], alphas[-1]) == (2, 0, half[0, 0])


def test_pictures_without_a_profile_say_that_they_are_srgb():
    assert layered(picture(), matte()).resources[1039][16:20] == b"RGB "
    assert layered(picture(channels=1), matte()).resources[1039][16:20] == b"GRAY"


def test_a_profile_is_kept():
    icc = profile_of_primaries((0.64, 0.33, 0.21, 0.71, 0.15, 0.06), (0.3127, 0.3290))
    assert layered(picture(icc=icc), matte()).resources[1039] == icc


@pytest.mark.parametrize(("space", "channels", "dtype"), [("cmyk", 4, np.uint8), ("lab", 3, np.uint16)])
def test_other_spaces_become_srgb(space: str, channels: int, dtype: type):
    pixels = np.full((HEIGHT, WIDTH, channels), np.iinfo(dtype).max // 2, dtype)
    found = layered(Picture(pixels, space=space), matte(dtype))
    assert (found.mode, found.bits) == (3, 8 * np.dtype(dtype).itemsize)


def test_floats_become_16_bits():
    found = layered(Picture(np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)), matte(np.uint16))
    assert found.bits == 16
    assert (named(found, "Original").pixels[..., 0] == 32768).all()


def test_a_mask_alone_is_no_layered_file():
    with pytest.raises(BadOption, match="cut-out with its mask"):
        Delivery(what="mask", format="psd")
