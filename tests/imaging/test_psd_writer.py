"""Layered files: what Photoshop's format says of every part, read by a reader of the tests' own."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matted.imaging import psd_writer
from matted.imaging.picture import Metadata
from matted.imaging.profile import srgb_profile
from matted.imaging.psd_layers import PsdCanvas, PsdLayer
from matted.imaging.psd_planes import pack_bits
from matted.imaging.psd_writer import write_psd
from psd_reader import Psd, unpacked

from .layers import HEIGHT, WIDTH, pixels, rows_of


def written(canvas: PsdCanvas, layers: list[PsdLayer], merged: np.ndarray, *, has_alpha: bool = True) -> Psd:
    target = io.BytesIO()
    write_psd(target, canvas, layers, rows_of(merged), has_alpha=has_alpha)
    return Psd.read(target.getvalue())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_merged_picture_is_on_white_with_its_transparency(dtype: type):
    top = np.iinfo(dtype).max
    whole = pixels(4, dtype)
    whole[..., 3] = np.linspace(0, top, WIDTH).astype(dtype)
    found = written(PsdCanvas(WIDTH, HEIGHT, dtype), [PsdLayer("x", rows_of(whole))], whole)
    share = whole[..., 3:] / top
    assert np.abs(found.merged[..., :3] - (whole[..., :3] * share + top * (1 - share))).max() <= 0.51
    assert np.array_equal(found.merged[..., 3], whole[..., 3])
    assert found.first_alpha_is_transparency


def test_an_opaque_merged_picture_has_no_transparency():
    whole = pixels(3)
    layer = PsdLayer("x", rows_of(np.dstack([whole, np.full_like(whole[..., 0], 255)])))
    found = written(PsdCanvas(WIDTH, HEIGHT, np.uint8), [layer], whole, has_alpha=False)
    assert np.array_equal(found.merged, whole)
    assert not found.first_alpha_is_transparency


def test_profile_metadata_and_resolution_are_where_photoshop_keeps_them():
    icc = srgb_profile("rgb")
    kept = Metadata(
        exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0", xmp=b"<x/>", iptc=b"\x1c\x02\x05\0\x01a", dpi=(300, 240)
    )
    layer = PsdLayer("x", rows_of(pixels(4)))
    found = written(PsdCanvas(WIDTH, HEIGHT, np.uint8, icc=icc, metadata=kept), [layer], pixels(4))
    assert (found.resources[1039], found.resources[1058]) == (icc, kept.exif)
    assert (found.resources[1060], found.resources[1028]) == (kept.xmp, kept.iptc)
    across, unit, _, down, *_ = struct.unpack(">IHHIHH", found.resources[1005])
    assert (across / 65536, down / 65536, unit) == (300, 240, 1)
    assert found.resources[1057][:5] == struct.pack(">IB", 1, 1)  # the merged picture is a real one


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("limit", ["_PSD_SIDE", "_PSD_BYTES"])
def test_beyond_the_limits_of_psd_it_is_a_psb(limit: str, dtype: type, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(psd_writer, limit, 60)
    whole, mask = pixels(4, dtype), pixels(1, dtype)[..., 0]
    layer = PsdLayer("x", rows_of(whole), rows_of(mask))
    found = written(PsdCanvas(WIDTH, HEIGHT, dtype), [layer], whole)
    assert found.version == 2
    assert np.array_equal(found.layers[0].pixels, whole)
    assert np.array_equal(found.layers[0].mask, mask)


def test_a_target_that_cannot_seek_will_do():
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.got = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:
            self.got += bytes(data)
            return len(data)

    pipe = Pipe()
    layer = PsdLayer("x", rows_of(pixels(4)))
    write_psd(pipe, PsdCanvas(WIDTH, HEIGHT, np.uint8), [layer], rows_of(pixels(4)), has_alpha=True)
    assert np.array_equal(Psd.read(pipe.got).layers[0].pixels, pixels(4))


def test_an_error_in_a_row_comes_through():
    def rows(_wanted: slice) -> np.ndarray:
        raise MemoryError

    with pytest.raises(MemoryError):
        write_psd(io.BytesIO(), PsdCanvas(9, 9, np.uint8), [PsdLayer("x", rows)], rows, has_alpha=True)


def test_rows_of_another_depth_are_refused():
    layer = PsdLayer("x", rows_of(pixels(4, np.uint16)))
    with pytest.raises(ValueError, match="do not fit"):
        written(PsdCanvas(WIDTH, HEIGHT, np.uint8), [layer], pixels(4))


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(1, 400)), min_size=1, max_size=12))
def test_packed_runs_unpack_to_the_same(runs: list[tuple[int, int]]):
    row = np.concatenate([np.full(length, value, np.uint8) for value, length in runs])
    assert unpacked(pack_bits(row)) == row.tobytes()


def test_deflated_planes_are_whole_zlib_streams():
    target = io.BytesIO()
    layer = PsdLayer("x", rows_of(pixels(4, np.uint16)))
    canvas = PsdCanvas(WIDTH, HEIGHT, np.uint16)
    write_psd(target, canvas, [layer], rows_of(pixels(4, np.uint16)), has_alpha=True)
    for plane in Psd.read(target.getvalue()).layers[0].raw.values():
        stream = zlib.decompressobj()
        assert len(stream.decompress(plane)) == HEIGHT * WIDTH * 2
        assert (stream.eof, stream.unused_data) == (True, b"")
