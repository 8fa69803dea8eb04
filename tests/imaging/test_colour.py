"""The sRGB proxy and strips: the right colours for every space, depth and profile, at the right size."""

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from matted.imaging.colour import srgb_proxy, to_srgb8, to_srgb16
from matted.imaging.picture import Picture
from matted.imaging.profile import profile_of

SRGB = imagecodecs.cms_profile("srgb")
D65, D50 = [0.3127, 0.3290, 1.0], [0.3457, 0.3585, 1.0]
SRGB_PRIMARIES = [0.64, 0.33, 1, 0.30, 0.60, 1, 0.15, 0.06, 1]
PROPHOTO_PRIMARIES = [0.7347, 0.2653, 1, 0.1596, 0.8404, 1, 0.0366, 0.0001, 1]
KERNELS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
}
PROFILES = {
    "adobe": imagecodecs.cms_profile("adobergb"),
    "prophoto": imagecodecs.cms_profile("rgb", whitepoint=D50, primaries=PROPHOTO_PRIMARIES, gamma=1.8),
    "linear": imagecodecs.cms_profile("rgb", whitepoint=D65, primaries=SRGB_PRIMARIES, gamma=1.0),
    "srgb": SRGB,
}


def scene(height: int = 64, width: int = 96) -> np.ndarray:
    """Smooth colours well inside every gamut: (H, W, 3) uint8 sRGB."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    return np.stack([60 + 130 * x, 60 + 130 * y, 190 - 120 * x * y], axis=-1).round().astype(np.uint8)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * np.log10(255**2 / max(1e-9, np.mean((one.astype(float) - other) ** 2)))


def in_profile(colours: np.ndarray, icc: bytes, dtype: type) -> np.ndarray:
    return imagecodecs.cms_transform(
        colours, SRGB, icc, colorspace="rgb", outcolorspace="rgb", outdtype=dtype, intent=1
    )


def light_of(colours: np.ndarray) -> np.ndarray:
    unit = colours / 255
    return np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, np.uint16) for name in PROFILES] + [(name, np.uint8) for name in PROFILES if name != "linear"],
)  # 8 linear bits have too few steps to come back
def test_a_profile_is_converted(name, dtype):
    pixels = in_profile(scene(), PROFILES[name], dtype)
    found = srgb_proxy(Picture(pixels, icc=PROFILES[name]), 96, 64)
    assert np.abs(found.astype(int) - scene()).max() <= 3


@pytest.mark.parametrize("name", PROFILES)
def test_a_strip_in_full_resolution_is_converted(name):
    picture = Picture(in_profile(scene(), PROFILES[name], np.uint16), icc=PROFILES[name])
    assert np.abs(to_srgb8(picture, slice(10, 20)).astype(int) - scene()[10:20]).max() <= 2
    assert np.abs(to_srgb16(picture, slice(10, 20)) / 257 - scene()[10:20]).max() <= 1.5


@pytest.mark.parametrize("icc", [b"", b"nonsense", b"\0" * 500, SRGB[:200], PROFILES["adobe"][:-40]])
def test_a_broken_profile_does_no_harm(icc):
    found = srgb_proxy(Picture(scene(), icc=icc), 96, 64)
    assert found.shape == (64, 96, 3)
    if len(icc) < 300:
        assert np.array_equal(found, scene())


def test_a_profile_for_another_space_is_ignored():
    gray = Picture(scene()[..., :1].copy(), space="gray", icc=PROFILES["adobe"])
    assert np.array_equal(srgb_proxy(gray, 96, 64)[..., 0], scene()[..., 0])


def test_gray_profile_is_converted():
    gamma = imagecodecs.cms_profile("gray", gamma=1.0)
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(1, 256, 1)
    found = to_srgb8(Picture(ramp, space="gray", icc=gamma), slice(0, 1))[0, :, 1]
    light = np.linspace(0, 1, 256)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(found - encoded).max() <= 2


@pytest.mark.parametrize("space", ["rgb", "gray"])
def test_the_made_profile_of_linear_light_says_the_same_as_the_mark(space):
    light = light_of(scene())[..., : 3 if space == "rgb" else 1]
    marked = Picture(np.ascontiguousarray(light), space=space, linear=True)
    profiled = Picture(marked.pixels, space=space, icc=profile_of(marked))
    one, other = (to_srgb8(picture, slice(0, 64)).astype(int) for picture in (marked, profiled))
    assert np.abs(one - other).max() <= 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_linear_floats_are_encoded(dtype):
    picture = Picture(light_of(scene()).astype(dtype), linear=True)
    assert np.abs(srgb_proxy(picture, 96, 64).astype(int) - scene()).max() <= 1


def test_floats_beyond_white_and_broken_values_are_bounded():
    pixels = np.full((8, 8, 3), 7.0, np.float32)
    pixels[0] = -3
    pixels[1] = np.nan
    pixels[2] = np.inf
    found = srgb_proxy(Picture(pixels, linear=True), 8, 8)
    assert found[7].min() == 255
    assert found[0, 4].max() < 10


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_pictures_look_like_8_bit_ones(dtype):
    top = 65535 if dtype is np.uint16 else 1
    deep = (scene().astype(float) / 255 * top).round(6).astype(dtype)
    if dtype is np.uint16:
        deep = scene().astype(np.uint16) * 257
    assert (
        np.abs(srgb_proxy(Picture(deep), 31, 17).astype(int) - srgb_proxy(Picture(scene()), 31, 17)).max()
        <= 1
    )


def test_ink_without_a_profile():
    ink = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255], [0, 255, 255, 0]]], np.uint8)
    found = to_srgb8(Picture(ink, space="cmyk"), slice(0, 1))[0]
    assert found.tolist() == [[255, 255, 255], [0, 255, 255], [0, 0, 0], [255, 0, 0]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_lab_has_the_published_colours(dtype):
    """L*a*b* (D50) of sRGB red, green, blue, white and middle gray, from Lindbloom's calculator."""
    lab = np.array(
        [[54.29, 80.80, 69.89], [87.82, -79.27, 80.99], [29.57, 68.30, -112.03], [100, 0, 0], [53.59, 0, 0]]
    )
    if dtype is np.float32:
        stored = lab.astype(np.float32)
    else:
        step = 1 if dtype is np.uint8 else 256
        top = np.iinfo(dtype).max
        stored = np.stack(
            [lab[:, 0] / 100 * top, (lab[:, 1] + 128) * step, (lab[:, 2] + 128) * step], axis=-1
        )
        stored = stored.round().astype(dtype)
    found = to_srgb8(Picture(stored[None], space="lab"), slice(0, 1))[0].astype(int)
    expected = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [128, 128, 128]]
    assert np.abs(found - expected).max() <= (12 if dtype is np.uint8 else 2)


@pytest.mark.parametrize(("space", "channels"), [("gray", 2), ("rgb", 4), ("cmyk", 5), ("lab", 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
def test_what_is_transparent_becomes_white(space, channels, dtype):
    picture = Picture(np.zeros((40, 50, channels), dtype), space=space, has_alpha=True)
    assert srgb_proxy(picture, 10, 8).min() >= 254


def test_colour_hidden_behind_transparency_does_not_bleed():
    """Bright red under alpha 0 beside opaque black: the reduced edge is a mix of black and white only."""
    pixels = np.zeros((90, 90, 4), np.uint8)
    pixels[:, :41] = (255, 0, 0, 0)
    pixels[:, 41:, 3] = 255
    found = srgb_proxy(Picture(pixels, has_alpha=True), 10, 10).astype(int)
    assert np.ptp(found, axis=2).max() == 0


def test_half_transparent_colour_is_composited_over_white():
    pixels = np.full((64, 64, 4), (200, 100, 0, 128), np.uint8)
    expected = np.array([200, 100, 0]) * 128 / 255 + 255 * 127 / 255
    found = srgb_proxy(Picture(pixels, has_alpha=True), 8, 8)
    assert np.abs(found - expected).max() <= 1


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    target=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    kernel=st.sampled_from(["lanczos", "bilinear", "area"]),
)
def test_any_size_keeps_the_geometry(size, target, kernel):
    """A ramp is where Pillow, weighing every pixel, has it: partial blocks shift nothing."""
    width, height = size
    ramp = (np.arange(width) + 0.5) / width * 200 + 20
    pixels = np.broadcast_to(ramp[None, :, None], (height, width, 3)).round().astype(np.uint8)
    found = srgb_proxy(Picture(np.ascontiguousarray(pixels)), *target, kernel=kernel)
    assert found.shape == (target[1], target[0], 3)
    direct = np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(target, KERNELS[kernel]))
    # `area` takes whole blocks where Pillow takes whole pixels: a quarter of a target pixel apart at most
    slack = 50 / target[0] + 100 / width if kernel == "area" else 20 / target[0]
    assert np.abs(found.astype(int) - direct).max() <= 3 + slack


@pytest.mark.parametrize(("side", "least"), [(320, 50), (1024, 50)])
def test_close_to_lanczos_on_every_pixel(side, least, photos):
    photo = Image.open(photos / "cat.jpg").convert("RGB").resize((2600, 1800), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(0).normal(0, 4, (1800, 2600, 3))
    pixels = np.clip(np.asarray(photo) + noise, 0, 255).astype(np.uint8)
    reference = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS))
    assert psnr(srgb_proxy(Picture(pixels), side, side), reference) > least


@pytest.mark.parametrize("kernel", ["lanczos", "bilinear"])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_exact_is_pillow_bit_for_bit(kernel, has_alpha):
    pixels = np.random.default_rng(3).integers(0, 256, (333, 517, 4 if has_alpha else 3), np.uint8)
    expected = np.asarray(Image.fromarray(pixels).convert("RGB").resize((64, 48), KERNELS[kernel]))
    picture = Picture(pixels, has_alpha=has_alpha, icc=PROFILES["adobe"])
    assert np.array_equal(srgb_proxy(picture, 64, 48, kernel=kernel, exact=True), expected)


def test_exact_of_gray_and_ink_is_pillow_too():
    gray = np.random.default_rng(3).integers(0, 256, (99, 88), np.uint8)
    expected = np.asarray(Image.fromarray(gray).convert("RGB").resize((32, 32), Image.Resampling.LANCZOS))
    picture = Picture(gray[..., None], space="gray")
    assert np.array_equal(srgb_proxy(picture, 32, 32, exact=True), expected)


def test_a_wide_half_float_picture_is_reduced_in_strips():
    pixels = np.random.default_rng(0).random((3000, 700, 3)).astype(np.float16)
    one = srgb_proxy(Picture(pixels), 64, 64)
    other = srgb_proxy(Picture(pixels.astype(np.float32)), 64, 64)
    assert np.abs(one.astype(int) - other).max() <= 1
