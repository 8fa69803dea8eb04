"""Metadata blocks: only Orientation is ever changed, and nothing broken in them gets any further."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from matted.imaging import metadata as meta
from matted.imaging.ifd import BrokenDirectoryError, DirectoryReader, entry, pack_directory, rational


def exif_block(**tags: int | str) -> bytes:
    exif = Image.Exif()
    for name, value in tags.items():
        exif[{"orientation": 0x0112, "make": 0x010F}[name]] = value
    return exif.tobytes()[6:]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_only_the_orientation_changes(orientation):
    block = exif_block(orientation=orientation, make="A camera")
    upright = meta.upright_exif(block)
    assert upright == exif_block(orientation=1, make="A camera")
    assert len(upright) == len(block)


def test_a_block_without_orientation_stays_as_it_is():
    block = exif_block(make="A camera")
    assert meta.upright_exif(block) == block


def test_big_endian_blocks_are_understood():
    block = b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHHI", 0x0112, 3, 1, 6, 0, 0)
    assert meta.exif_orientation(block) == 6
    assert meta.exif_orientation(meta.upright_exif(block)) == 1


@given(st.binary(max_size=200))
def test_any_bytes_for_a_block_do_no_harm(noise):
    for block in (noise, b"II*\0\x08\0\0\0" + noise, b"MM\0*\0\0\0\x08" + noise):
        assert 1 <= meta.exif_orientation(block) <= 8
        meta.upright_exif(block)
        meta.exif_dpi(block)
        meta.exif_directories(block)
    meta.iptc_from_photoshop(b"8BIM" + noise)


@pytest.mark.parametrize(("unit", "expected"), [(2, (300, 200)), (3, (762, 508)), (1, None)])
def test_resolution_knows_its_unit(unit, expected):
    directory = {282: rational(300), 283: rational(200), 296: entry(3, [unit])}
    found = meta.directory_dpi(directory)
    assert found == (pytest.approx(expected) if expected else None)


@given(st.binary(max_size=99))
def test_iptc_survives_its_photoshop_wrapping(iptc):
    assert meta.iptc_from_photoshop(meta.photoshop_from_iptc(iptc)) == iptc


def test_iptc_is_found_behind_other_resources():
    other = b"8BIM" + struct.pack(">H", 0x03ED) + b"\x03abc" + struct.pack(">I", 5) + b"12345\0"
    assert meta.iptc_from_photoshop(other + meta.photoshop_from_iptc(b"\x1c\x02")) == b"\x1c\x02"


@given(
    st.dictionaries(
        st.integers(0, 65535), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5), max_size=8
    ),
    st.booleans(),
)
def test_a_packed_directory_reads_back(tags, big):
    start = 16 if big else 8
    header = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if big else struct.pack("<2sHI", b"II", 42, 8)
    packed = pack_directory({tag: entry(4, numbers) for tag, numbers in tags.items()}, start, big=big)
    reader = DirectoryReader(io.BytesIO(header + packed))
    found, following = reader.read(reader.first)
    assert {tag: list(value.numbers()) for tag, value in found.items()} == tags
    assert following == 0


def test_a_directory_of_absurd_length_is_refused():
    block = b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 100
    reader = DirectoryReader(io.BytesIO(block))
    with pytest.raises(BrokenDirectoryError):
        reader.read(8)
