"""PNG, WebP, BMP and GIF: every kind of pixel they have comes out as the picture promises."""

import io
import subprocess
import sys
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from matted.imaging.read import read_header, read_picture

LIMIT = 10**6
RNG = np.random.default_rng(4)


def random(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, np.uint8)


def by_pillow(image: Image.Image, kind: str, **options) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def read(encoded: bytes):
    return read_picture(encoded, max_pixels=LIMIT)


@pytest.mark.parametrize(
    ("mode", "space", "has_alpha"),
    [("L", "gray", False), ("LA", "gray", True), ("RGB", "rgb", False), ("RGBA", "rgb", True)],
)
def test_png_modes(mode, space, has_alpha):
    image = Image.fromarray(random(20, 30, 4)).convert(mode)
    picture = read(by_pillow(image, "PNG"))
    assert (picture.space, picture.has_alpha) == (space, has_alpha)
    assert np.array_equal(picture.pixels, np.asarray(image).reshape(20, 30, -1))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_keeps_16_bits(channels):
    pixels = RNG.integers(0, 65536, (20, 30, channels)).astype(np.uint16)
    picture = read(imagecodecs.png_encode(pixels if channels > 1 else pixels[..., 0]))
    assert picture.pixels.dtype == np.uint16
    assert np.array_equal(picture.pixels, pixels)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_png_with_few_bits_spans_the_whole_range(bits):
    image = Image.fromarray(random(20, 30, 3)).quantize(2**bits)
    picture = read(by_pillow(image, "PNG", bits=bits))
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    bilevel = Image.fromarray(random(20, 30)).convert("1")
    assert np.array_equal(read(by_pillow(bilevel, "PNG")).pixels[..., 0], np.asarray(bilevel.convert("L")))


def test_png_palette_with_transparency():
    image = Image.fromarray(random(20, 30, 3)).quantize(16)
    image.info["transparency"] = bytes(range(0, 256, 16))
    picture = read(by_pillow(image, "PNG", transparency=bytes(range(0, 256, 16))))
    assert picture.has_alpha
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGBA")))


def test_png_transparent_colour():
    pixels = random(8, 8, 3)
    pixels[0, 0] = (1, 2, 3)
    picture = read(by_pillow(Image.fromarray(pixels), "PNG", transparency=(1, 2, 3)))
    assert picture.has_alpha
    assert picture.pixels[0, 0, 3] == 0
    assert np.array_equal(picture.pixels[..., :3], pixels)


def test_png_of_linear_light_is_marked():
    file = by_pillow(Image.fromarray(random(8, 8, 3)), "PNG")
    gamma = b"\0\0\0\x04gAMA" + (100_000).to_bytes(4, "big")
    gamma += (0xFFFFFFFF & zlib.crc32(gamma[4:])).to_bytes(4, "big")
    assert read(file[:33] + gamma + file[33:]).linear
    assert not read(file).linear


def test_png_text_metadata_of_old_programs():
    from PIL.PngImagePlugin import PngInfo

    exif = Image.Exif()
    exif[0x010F] = "A camera"
    block = exif.tobytes()
    text = PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(block):8d}\n{block.hex()}\n", zip=True)
    picture = read(by_pillow(Image.fromarray(random(8, 8, 3)), "PNG", pnginfo=text))
    assert picture.metadata.exif == block[6:]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [False, True])
def test_webp(mode, lossless):
    image = Image.fromarray(np.kron(random(4, 5, 4), np.ones((8, 8, 1), np.uint8))).convert(mode)
    encoded = by_pillow(image, "WEBP", lossless=lossless, exact=True, quality=100)
    picture = read(encoded)
    assert (picture.space, picture.has_alpha) == ("rgb", mode == "RGBA")
    expected = np.asarray(Image.open(io.BytesIO(encoded)).convert(mode))
    assert np.array_equal(picture.pixels, expected)


def test_animations_give_their_first_frame():
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (250, 20, 90)]
    for kind, options in (("WEBP", {"lossless": True}), ("GIF", {}), ("PNG", {})):
        picture = read(by_pillow(frames[0], kind, save_all=True, append_images=frames[1:], **options))
        assert np.abs(picture.pixels[..., :3].astype(int) - 250).max() <= 2, kind


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_bmp(mode):
    image = Image.fromarray(random(21, 30, 4)).convert(mode)
    picture = read(by_pillow(image, "BMP"))
    shown = {"1": "L", "P": "RGB"}.get(mode, mode)
    assert np.array_equal(picture.pixels, np.asarray(image.convert(shown)).reshape(21, 30, -1))


def test_gif_with_transparency():
    image = Image.fromarray(random(20, 30, 3)).quantize(16)
    picture = read(by_pillow(image, "GIF", transparency=3))
    assert picture.has_alpha
    hidden = np.asarray(image) == 3
    assert np.array_equal(picture.pixels[..., 3] == 0, hidden)
    assert np.array_equal(picture.pixels[~hidden, :3], np.asarray(image.convert("RGB"))[~hidden])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "GIF", "AVIF", "JPEG", "TIFF"])
def test_header_and_picture_agree(kind):
    image = Image.fromarray(random(21, 34, 3))
    encoded = by_pillow(image.quantize(8) if kind == "GIF" else image, kind)
    header = read_header(encoded)
    assert (header.format, header.width, header.height) == (kind.lower(), 34, 21)
    assert read(encoded).format == header.format


def test_rare_formats_are_imported_only_when_needed():
    script = "import sys, matted.imaging.read; print({'tifffile', 'pi_heif', 'rawpy'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
