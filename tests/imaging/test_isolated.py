"""Decoders a damaged file can crash run elsewhere: a crash is a sentence, and no process is left over."""

from pathlib import Path

import psutil
import pytest

from matted.errors import PictureTooLarge, UnreadablePicture
from matted.imaging.read import read_header, read_picture

TURNED = Path(__file__).parent / "pictures" / "turned.heic"


def crashing() -> bytes:
    """A HEIC whose item name is not text, which pi-heif 1.4 answers with a segmentation fault."""
    file = bytearray(TURNED.read_bytes())
    file[file.index(b"Exif") + 1] = 0xD2
    return bytes(file)


def test_a_crash_of_the_decoder_is_a_sentence():
    with pytest.raises(UnreadablePicture, match=r"damaged or cut off.*\.$"):
        read_picture(crashing(), max_pixels=10**6)


@pytest.mark.parametrize("read", [read_header, lambda source: read_picture(source, max_pixels=10**6)])
def test_no_process_is_left_over(read):
    before = set(psutil.Process().children())
    read(TURNED)
    assert set(psutil.Process().children()) == before


def test_bounds_are_checked_before_decoding():
    with pytest.raises(PictureTooLarge):
        read_picture(TURNED, max_pixels=100)


def test_the_sentence_names_the_file(tmp_path):
    path = tmp_path / "holiday.heic"
    path.write_bytes(TURNED.read_bytes()[:300])
    with pytest.raises(UnreadablePicture, match=r"holiday\.heic"):
        read_picture(path, max_pixels=10**6)
