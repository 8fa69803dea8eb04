"""Layered TIFF: a picture like any other, and Photoshop's tag with layers, read by the tests' own reader."""

import io

import numpy as np
import pytest
from PIL import Image

from matted.errors import BadOption
from matted.imaging import layered_tiff
from matted.imaging.layered_tiff import write_layered_tiff
from matted.imaging.picture import Metadata
from matted.imaging.profile import srgb_profile
from matted.imaging.psd_layers import PsdCanvas, PsdLayer
from matted.imaging.read import read_picture
from psd_reader import LayeredTiff

from .layers import HEIGHT, WIDTH, pixels, rows_of


def written(
    canvas: PsdCanvas, layers: list[PsdLayer], merged: np.ndarray, *, has_alpha: bool = True
) -> bytes:
    target = io.BytesIO()
    write_layered_tiff(target, canvas, layers, rows_of(merged), has_alpha=has_alpha)
    return target.getvalue()


def simple(dtype: type = np.uint8, **more: object) -> bytes:
    whole, mask = pixels(4, dtype), pixels(1, dtype, seed=3)[..., 0]
    return written(
        PsdCanvas(WIDTH, HEIGHT, dtype, **more), [PsdLayer("x", rows_of(whole), rows_of(mask))], whole
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_who_reads_no_layers_sees_the_flat_picture_with_its_alpha(dtype: type):
    content = simple(dtype)
    assert np.array_equal(LayeredTiff.read(content).flat, pixels(4, dtype))
    own = read_picture(content, max_pixels=10**6)
    assert own.has_alpha
    assert np.array_equal(own.pixels, pixels(4, dtype))
    if dtype == np.uint8:
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), pixels(4))


def test_an_opaque_picture_has_no_alpha():
    whole = pixels(3)
    layer = PsdLayer("x", rows_of(np.dstack([whole, np.full_like(whole[..., 0], 255)])))
    found = LayeredTiff.read(written(PsdCanvas(WIDTH, HEIGHT, np.uint8), [layer], whole, has_alpha=False))
    assert np.array_equal(found.flat, whole)
    assert not found.first_alpha_is_transparency


def test_profile_metadata_and_resolution_are_those_of_a_tiff():
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera", 1
    exif.get_ifd(0x8769)[0x829A] = 0.01
    kept = Metadata(exif=exif.tobytes()[6:], xmp=b"<x/>", iptc=b"\x1c\x02\x05\0\x01a", dpi=(300, 240))
    content = simple(icc=srgb_profile("rgb"), metadata=kept)
    found = read_picture(content, max_pixels=10**6)
    assert found.icc == srgb_profile("rgb")
    assert (found.metadata.xmp, found.metadata.iptc, found.metadata.dpi) == (kept.xmp, kept.iptc, kept.dpi)
    read = Image.open(io.BytesIO(content)).getexif()
    assert (read[0x010F], read[0x0112]) == ("Camera", 1)
    assert float(read.get_ifd(0x8769)[0x829A]) == 0.01


def test_it_says_who_wrote_it_which_krita_takes_for_a_sign_of_layers():
    assert "Matted".encode("utf-16-be") in LayeredTiff.read(simple()).resources[1057]


@pytest.mark.parametrize("limit", ["_MOST_LAYER_BYTES", "_MOST_BYTES"])
def test_more_than_programs_can_read_is_refused_before_anything_is_written(
    limit: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(layered_tiff, limit, 5_000)
    target = io.BytesIO()
    layer = PsdLayer("x", rows_of(pixels(4)))
    with pytest.raises(BadOption, match="choose PSD"):
        write_layered_tiff(
            target, PsdCanvas(WIDTH, HEIGHT, np.uint8), [layer], rows_of(pixels(4)), has_alpha=True
        )
    assert target.getvalue() == b""


def test_an_error_in_a_row_comes_through():
    def rows(_wanted: slice) -> np.ndarray:
        raise MemoryError

    layer = PsdLayer("x", rows_of(pixels(4)))
    with pytest.raises(MemoryError):
        write_layered_tiff(io.BytesIO(), PsdCanvas(WIDTH, HEIGHT, np.uint8), [layer], rows, has_alpha=True)
