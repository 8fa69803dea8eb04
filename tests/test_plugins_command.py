"""`matted plugins` as a person and a script use it, with small plugins in place of the real ones."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from matted import __version__, cli, client
from matted.editors import bundle, folders
from matted.editors.folders import System


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Linux computer with GIMP 3.0 and Krita, both started before; plugins of two files each."""
    home = tmp_path / "home"
    for name in ("gimp/matted/matted.py", "krita/matted/__init__.py", "krita/matted.desktop"):
        path = tmp_path / "shipped" / "plugins" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    (home / "config/GIMP/3.0").mkdir(parents=True)
    (home / "data/krita").mkdir()
    monkeypatch.setattr(bundle, "shipped", lambda relative: tmp_path / "shipped" / relative)
    monkeypatch.setattr(folders.System, "here", lambda: System("linux", home, dict(os.environ), tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return home


def matted(*arguments: str | Path) -> int:
    return cli.main(["plugins", *map(str, arguments)])


def test_installing_reaches_both_editors_and_says_to_restart(home: Path, capsys: pytest.CaptureFixture[str]):
    assert matted("install") == 0
    assert (home / "config/GIMP/3.0/plug-ins/matted/matted_client.py").is_file()
    assert (home / "data/krita/pykrita/matted/matted_client.py").is_file()
    assert (home / "config/kritarc").read_text() == "[python]\nenable_matted=true\n"
    said = capsys.readouterr().out
    assert "Restart GIMP" in said
    assert "Restart Krita" in said


def test_installing_records_how_to_start_the_engine(home: Path):
    from matted.service.runtime import serve_command

    assert matted("install", "gimp") == 0
    assert client.launch_commands() == [serve_command()]
    assert (home / "data/matted/launch.json").is_file()


@pytest.mark.usefixtures("home")
def test_systemd_stays_the_first_way_to_start_the_engine():
    from matted.service.runtime import record_launch, serve_command

    start = ["systemctl", "--user", "start", "matted.service"]
    record_launch([start, ["/gone/python", "-m", "matted", "serve"]])
    assert matted("install", "gimp") == 0
    assert client.launch_commands() == [start, serve_command()]


def test_what_the_person_switched_off_stays_off_until_asked(home: Path, capsys: pytest.CaptureFixture[str]):
    (home / "config/kritarc").write_text("[python]\nenable_matted=false\n")
    assert matted("install", "krita") == 0
    assert "switched off" in capsys.readouterr().out
    assert (home / "config/kritarc").read_text() == "[python]\nenable_matted=false\n"
    assert matted("install", "krita", "--enable") == 0
    assert (home / "config/kritarc").read_text() == "[python]\nenable_matted=true\n"


def test_status_tells_each_state(home: Path, capsys: pytest.CaptureFixture[str]):
    def states() -> list[str]:
        capsys.readouterr()
        assert matted("status", "--json") == 0
        return [editor["state"] for editor in json.loads(capsys.readouterr().out)["editors"]]

    assert states() == ["not installed", "not installed"]
    matted("install")
    assert states() == ["installed", "installed"]
    (home / "config/GIMP/3.0/plug-ins/matted/matted.py").write_text("mine")
    (home / "data/krita/pykrita/matted/matted_client.py").unlink()
    assert states() == ["changed by hand", "incomplete"]


@pytest.mark.parametrize(
    ("version", "said"),
    [("0.0.1", "older than"), ("99.0", "newer than"), (__version__, "other files than")],
)
def test_status_compares_the_version(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], version: str, said: str
):
    with monkeypatch.context() as older:
        older.setattr(bundle, "__version__", version)
        assert matted("install", "gimp") == 0
    (home.parent / "shipped/plugins/gimp/matted/matted.py").write_text("# of today\n")
    capsys.readouterr()
    assert matted("status", "gimp") == 0
    assert f"{said} this Matted" in capsys.readouterr().out


def test_removing_takes_everything_back(home: Path):
    (home / "config/kritarc").write_text("[theme]\nTheme=Dark\n")
    matted("install")
    assert matted("remove") == 0
    assert not list((home / "config/GIMP/3.0/plug-ins").iterdir())
    assert not list((home / "data/krita/pykrita").iterdir())
    assert "matted" not in (home / "config/kritarc").read_text()


def test_one_editor_in_the_way_does_not_keep_the_other(home: Path, capsys: pytest.CaptureFixture[str]):
    stranger = home / "config/GIMP/3.0/plug-ins/matted/own.py"
    stranger.parent.mkdir(parents=True)
    stranger.write_text("theirs")
    assert matted("install") == 6
    assert "left alone" in capsys.readouterr().err
    assert stranger.read_text() == "theirs"
    assert (home / "data/krita/pykrita/matted/__init__.py").is_file()


def test_a_folder_can_be_named(home: Path, tmp_path: Path):
    (tmp_path / "elsewhere" / "plug-ins").mkdir(parents=True)
    assert matted("install", "gimp", "--into", tmp_path / "elsewhere") == 0
    assert (tmp_path / "elsewhere/plug-ins/matted/matted.py").is_file()
    assert not (home / "config/GIMP/3.0/plug-ins").exists()


@pytest.mark.usefixtures("home")
def test_a_named_folder_needs_its_editor(tmp_path: Path):
    assert matted("install", "--into", tmp_path) == 2


def test_a_computer_without_krita_gets_gimps_alone(home: Path, capsys: pytest.CaptureFixture[str]):
    (home / "data/krita").rmdir()
    assert matted("install") == 0
    assert matted("install", "krita") == 1
    assert "--into FOLDER" in capsys.readouterr().err


def test_settings_of_an_older_gimp_are_not_lost(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gimp-3.2").touch()
    assert matted("install", "gimp") == 1
    assert "start it once" in capsys.readouterr().err
    assert not (home / "config/GIMP/3.2").exists()
    assert (home / "config/GIMP/3.0/plug-ins/matted/matted.py").is_file()


def test_a_flatpak_knocks_where_systemd_listens(home: Path, capsys: pytest.CaptureFixture[str]):
    (home / ".var/app/org.kde.krita").mkdir(parents=True)
    unit = home / "config/systemd/user/matted.socket"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Socket]\nListenStream=127.0.0.1:23456\n")
    assert matted("install", "krita") == 0
    assert (
        "flatpak override --user --filesystem=xdg-run/matted:create org.kde.krita" in capsys.readouterr().out
    )
    launch = json.loads((home / ".var/app/org.kde.krita/data/matted/launch.json").read_text())
    assert "23456" in launch["commands"][0][2]


def test_a_flatpak_without_systemds_socket_is_told_how_to_get_it(
    home: Path, capsys: pytest.CaptureFixture[str]
):
    (home / ".var/app/org.gimp.GIMP/config/GIMP/3.0").mkdir(parents=True)
    assert matted("install", "gimp") == 0
    assert "matted service install" in capsys.readouterr().out


@pytest.mark.usefixtures("home")
def test_a_zip_is_written_and_never_over_another_file(tmp_path: Path):
    assert matted("zip", "krita", tmp_path / "k.zip") == 0
    assert "matted/" in zipfile.ZipFile(tmp_path / "k.zip").namelist()
    assert matted("zip", "krita", tmp_path / "k.zip") == 6
    assert matted("zip", "krita", tmp_path / "k.zip", "--overwrite") == 0


def test_an_installation_without_plugins_is_one_sentence(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "shipped/plugins/gimp/matted/matted.py").unlink()
    assert matted("install", "gimp") == 1
    assert capsys.readouterr().err.endswith("install it again.\n")
    assert not (home / "config/GIMP/3.0/plug-ins").exists()
