"""What a plugin's zip holds: what Krita's importer and an unpacking for GIMP need."""

import io
import zipfile
from pathlib import Path

import pytest

from matted import client
from matted.editors.bundle import CLIENT, Bundle, load, write_zip
from matted.errors import MattedError


def packed(bundle: Bundle) -> bytes:
    file = io.BytesIO()
    write_zip(bundle, file)
    return file.getvalue()


def test_the_client_goes_with_every_plugin(bundle: Bundle):
    assert bundle.files[CLIENT] == Path(client.__file__).read_bytes()


def test_compiled_files_stay_behind(trees: Path):
    (trees / "gimp/matted/__pycache__").mkdir()
    (trees / "gimp/matted/__pycache__/matted.pyc").touch()
    assert not [name for name in load("gimp", trees / "gimp").files if "pyc" in name]


def test_kritas_zip_has_what_its_importer_looks_for(trees: Path):
    names = zipfile.ZipFile(io.BytesIO(packed(load("krita", trees / "krita")))).namelist()
    assert {"matted.desktop", "matted.action", "matted/", "matted/__init__.py", "matted/icons/"} <= set(names)


def test_gimps_zip_unpacks_to_a_program(trees: Path):
    archive = zipfile.ZipFile(io.BytesIO(packed(load("gimp", trees / "gimp"))))
    assert archive.getinfo("matted/matted.py").external_attr >> 16 == 0o100755
    assert archive.getinfo("matted/dialog.py").external_attr >> 16 == 0o100644


def test_a_zip_is_the_same_every_time(bundle: Bundle):
    assert packed(bundle) == packed(bundle)


def test_a_missing_tree_is_one_sentence(tmp_path: Path):
    with pytest.raises(MattedError, match=r"lacks .*matted.py: install it again\."):
        load("gimp", tmp_path)
