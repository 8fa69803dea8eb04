"""Where each system's GIMP and Krita look for plugins, on computers made of empty files."""

import plistlib
from pathlib import Path

import pytest

from matted.editors.folders import Package, System, places


def made(*paths: Path) -> None:
    for path in paths:
        path.mkdir(parents=True)


def files(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def linux(tmp_path: Path, **environment: str) -> System:
    return System("linux", tmp_path / "home", environment, tmp_path)


def plugins(editor: str, system: System) -> list[str]:
    return [place.plugins.relative_to(system.root).as_posix() for place in places(editor, system)]


def test_every_gimp_3_that_was_started_counts_and_no_older_one(tmp_path: Path):
    made(*(tmp_path / "home/.config/GIMP" / version for version in ("2.10", "3.0", "3.2", "3.10", "notes")))
    assert plugins("gimp", linux(tmp_path)) == [
        f"home/.config/GIMP/{version}/plug-ins" for version in ("3.0", "3.2", "3.10")
    ]


def test_a_gimp_in_flatpak_and_snap_is_found(tmp_path: Path):
    home = tmp_path / "home"
    made(home / ".var/app/org.gimp.GIMP/config/GIMP/3.0", home / "snap/gimp/current/.config/GIMP/3.0")
    flatpak, snap = places("gimp", linux(tmp_path))
    assert (flatpak.package, snap.package) == (Package.FLATPAK, Package.SNAP)
    assert flatpak.data == home / ".var/app/org.gimp.GIMP/data"
    assert flatpak.title == "GIMP 3.0 (Flatpak)"


def test_a_gimp_never_started_is_known_by_its_program(tmp_path: Path):
    files(
        tmp_path / "usr/bin/gimp-3.0", tmp_path / "usr/bin/gimp-console-3.0", tmp_path / "usr/bin/gimp-2.99"
    )
    (place,) = places("gimp", linux(tmp_path, PATH=str(tmp_path / "usr/bin")))
    assert place.plugins == tmp_path / "home/.config/GIMP/3.0/plug-ins"
    assert not place.takes_over


def test_a_gimp_that_would_take_over_older_settings_is_told_apart(tmp_path: Path):
    files(tmp_path / "usr/bin/gimp-3.2")
    made(tmp_path / "home/.config/GIMP/3.0")
    found = places("gimp", linux(tmp_path, PATH=str(tmp_path / "usr/bin")))
    assert [(place.version, place.takes_over) for place in found] == [("3.0", False), ("3.2", True)]


def test_gimps_own_variable_is_the_only_place(tmp_path: Path):
    made(tmp_path / "home/.config/GIMP/3.0")
    assert plugins("gimp", linux(tmp_path, GIMP3_DIRECTORY=str(tmp_path / "mine"))) == ["mine/plug-ins"]
    assert plugins("gimp", linux(tmp_path, GIMP3_DIRECTORY="mine")) == ["home/mine/plug-ins"]


def test_gimp_on_windows_and_from_its_store(tmp_path: Path):
    roaming, local = tmp_path / "Roaming", tmp_path / "Local"
    store = local / "Packages/GIMP.1234_abc/LocalCache/Roaming/GIMP/3.2"
    made(roaming / "GIMP/3.0", store)
    files(tmp_path / "Program Files/GIMP 3/bin/gimp-3.0.exe", local / "Programs/GIMP 3/bin/gimp-3.2.exe")
    environment = {
        "APPDATA": str(roaming),
        "LOCALAPPDATA": str(local),
        "PROGRAMFILES": str(tmp_path / "Program Files"),
    }
    found = places("gimp", System("win32", tmp_path / "home", environment, tmp_path))
    assert [(place.plugins, place.package, place.takes_over) for place in found] == [
        (roaming / "GIMP/3.0/plug-ins", Package.PLAIN, False),
        (roaming / "GIMP/3.2/plug-ins", Package.PLAIN, True),
        (store / "plug-ins", Package.STORE, False),
    ]


def test_gimp_on_a_mac_says_its_version_itself(tmp_path: Path):
    info = tmp_path / "Applications/GIMP.app/Contents/Info.plist"
    info.parent.mkdir(parents=True)
    info.write_bytes(plistlib.dumps({"CFBundleShortVersionString": "3.0.4"}))
    system = System("darwin", tmp_path / "home", {}, tmp_path)
    assert plugins("gimp", system) == ["home/Library/Application Support/GIMP/3.0/plug-ins"]


def test_krita_on_linux_keeps_plugins_and_settings_apart(tmp_path: Path):
    made(tmp_path / "data/krita")
    environment = {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "conf")}
    (place,) = places("krita", linux(tmp_path, **environment))
    assert (place.plugins, place.settings) == (tmp_path / "data/krita/pykrita", tmp_path / "conf/kritarc")


def test_krita_in_flatpak_and_snap(tmp_path: Path):
    home = tmp_path / "home"
    made(home / ".var/app/org.kde.krita", home / "snap/krita/current")
    flatpak, snap = places("krita", linux(tmp_path))
    assert flatpak.plugins == home / ".var/app/org.kde.krita/data/krita/pykrita"
    assert flatpak.settings == home / ".var/app/org.kde.krita/config/kritarc"
    assert snap.plugins == home / "snap/krita/current/.local/share/krita/pykrita"


def test_krita_on_windows_and_from_its_store(tmp_path: Path):
    roaming, local = tmp_path / "Roaming", tmp_path / "Local"
    made(roaming / "krita", local / "Packages/49800Krita_abc/LocalCache")
    environment = {"APPDATA": str(roaming), "LOCALAPPDATA": str(local), "PROGRAMFILES": str(tmp_path / "P")}
    plain, store = places("krita", System("win32", tmp_path / "home", environment, tmp_path))
    assert (plain.plugins, plain.settings) == (roaming / "krita/pykrita", local / "kritarc")
    cache = local / "Packages/49800Krita_abc/LocalCache"
    assert (store.plugins, store.settings) == (cache / "Roaming/krita/pykrita", cache / "Local/kritarc")


def test_krita_on_a_mac(tmp_path: Path):
    made(tmp_path / "Applications/krita.app")
    (place,) = places("krita", System("darwin", tmp_path / "home", {}, tmp_path))
    assert place.plugins == tmp_path / "home/Library/Application Support/krita/pykrita"
    assert place.settings == tmp_path / "home/Library/Preferences/kritarc"


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
@pytest.mark.parametrize("editor", ["gimp", "krita"])
def test_a_computer_without_editors_has_no_places(tmp_path: Path, editor: str, platform: str):
    assert places(editor, System(platform, tmp_path / "home", {}, tmp_path)) == []
