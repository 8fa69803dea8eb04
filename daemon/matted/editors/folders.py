"""Where GIMP 3 and Krita look for a person's own plugins, on every system and from every kind of package.

Only looks; creates nothing. The system, the home and the environment are given, so that each can be asked
about on any other. Sources: GIMP's and Krita's manuals, the finish-args of their Flatpaks.
"""

import os
import plistlib
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

FLATPAKS = {"gimp": "org.gimp.GIMP", "krita": "org.kde.krita"}
TITLES = {"gimp": "GIMP", "krita": "Krita"}
_VERSION = re.compile(r"3\.\d+")
_PROGRAM = re.compile(r"gimp(?:-console)?-(3\.\d+)(?:\.exe)?")


class Package(StrEnum):
    """How an editor came onto the computer, as far as it decides what the editor may reach."""

    PLAIN = ""
    FLATPAK = "Flatpak"
    SNAP = "Snap"
    STORE = "Microsoft Store"


@dataclass(frozen=True, slots=True)
class System:
    """A computer to look at. `root`: where its disk begins."""

    platform: str
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    root: Path = Path("/")

    @classmethod
    def here(cls) -> "System":
        """This computer."""
        return cls(sys.platform, Path.home(), os.environ)

    def place(self, variable: str, default: Path) -> Path:
        """The folder that an environment variable names, else the usual one."""
        return Path(self.environment.get(variable) or default)


@dataclass(frozen=True, slots=True)
class Place:
    """One folder that an editor reads plugins from.

    `plugins`: GIMP's `plug-ins` or Krita's `pykrita`; need not exist. `settings`: Krita's `kritarc`.
    `data`: the sandbox's own XDG_DATA_HOME, for a Flatpak. `version`: GIMP's, e.g. "3.0"; "" if unknown.
    `takes_over`: GIMP has not been started yet and would take over the settings of an older one.
    """

    editor: str
    plugins: Path
    package: Package = Package.PLAIN
    version: str = ""
    settings: Path | None = None
    data: Path | None = None
    takes_over: bool = False

    @property
    def title(self) -> str:
        """What a person calls it, e.g. "GIMP 3.0 (Flatpak)"."""
        name = f"{TITLES[self.editor]} {self.version}".strip()
        return f"{name} ({self.package})" if self.package else name


def places(editor: str, system: System) -> list[Place]:
    """Every place for plugins of `editor` ("gimp" or "krita") on `system`; empty when it is not there."""
    return list(_gimp(system) if editor == "gimp" else _krita(system))


def by_hand(editor: str, folder: Path) -> Place:
    """A place that the person named."""
    return Place(editor, folder)


# ------------------------------------------------------------------------------------------------ GIMP


def _gimp(system: System) -> Iterator[Place]:
    named = system.environment.get("GIMP3_DIRECTORY")
    if named:  # GIMP then looks nowhere else; a relative one counts from the home
        yield Place("gimp", system.home / named / "plug-ins")
        return
    for base, package, programs in _gimp_bases(system):
        there = _versions_in(base)
        older = base.is_dir() and any(path.is_dir() for path in base.iterdir())
        for version in sorted(there | programs, key=_number):
            yield Place(
                "gimp",
                base / version / "plug-ins",
                package,
                version,
                data=base.parent.parent / "data" if package is Package.FLATPAK else None,
                takes_over=older and version not in there,
            )


def _gimp_bases(system: System) -> Iterator[tuple[Path, Package, set[str]]]:
    """The folder that holds one folder per version, the package, and the versions that are installed."""
    home = system.home
    if system.platform == "win32":
        local = system.place("LOCALAPPDATA", home / "AppData/Local")
        folders = [system.place("PROGRAMFILES", system.root / "Program Files"), local / "Programs"]
        found = {version for folder in folders for version in _programs(folder.glob("GIMP*/bin/*"))}
        yield system.place("APPDATA", home / "AppData/Roaming") / "GIMP", Package.PLAIN, found
        for store in local.glob("Packages/*GIMP*/LocalCache"):
            yield store / "Roaming/GIMP", Package.STORE, set()
        return
    if system.platform == "darwin":
        bundles = [*system.root.glob("Applications/GIMP*.app"), *home.glob("Applications/GIMP*.app")]
        versions = {version for bundle in bundles if (version := _bundle_version(bundle))}
        yield home / "Library/Application Support/GIMP", Package.PLAIN, versions
        return
    path = [Path(folder) for folder in system.environment.get("PATH", "").split(os.pathsep) if folder]
    found = {version for folder in path for version in _programs(folder.glob("gimp-*"))}
    yield system.place("XDG_CONFIG_HOME", home / ".config") / "GIMP", Package.PLAIN, found
    flatpaks = [folder / "current/active/files/bin" for folder in _flatpak_apps(system, FLATPAKS["gimp"])]
    found = {version for folder in flatpaks for version in _programs(folder.glob("gimp-*"))}
    yield home / ".var/app" / FLATPAKS["gimp"] / "config/GIMP", Package.FLATPAK, found
    found = _programs((system.root / "snap/gimp/current/usr/bin").glob("gimp-*"))
    yield home / "snap/gimp/current/.config/GIMP", Package.SNAP, found


def _versions_in(base: Path) -> set[str]:
    if not base.is_dir():
        return set()
    return {path.name for path in base.iterdir() if _VERSION.fullmatch(path.name) and path.is_dir()}


def _programs(files: Iterator[Path]) -> set[str]:
    return {found[1] for path in files if (found := _PROGRAM.fullmatch(path.name.lower()))}


def _bundle_version(bundle: Path) -> str:
    with suppress(OSError, plistlib.InvalidFileException, ValueError):
        with (bundle / "Contents/Info.plist").open("rb") as file:
            said = plistlib.load(file).get("CFBundleShortVersionString")
        if found := _VERSION.match(str(said)):
            return found[0]
    return ""


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


# ----------------------------------------------------------------------------------------------- Krita


def _krita(system: System) -> Iterator[Place]:
    home = system.home
    if system.platform == "win32":
        local = system.place("LOCALAPPDATA", home / "AppData/Local")
        roaming = system.place("APPDATA", home / "AppData/Roaming")
        programs = system.place("PROGRAMFILES", system.root / "Program Files").glob("Krita*")
        if (roaming / "krita").is_dir() or any(programs):
            yield Place("krita", roaming / "krita/pykrita", settings=local / "kritarc")
        for store in local.glob("Packages/*Krita*/LocalCache"):
            plugins, settings = store / "Roaming/krita/pykrita", store / "Local/kritarc"
            yield Place("krita", plugins, Package.STORE, settings=settings)
        return
    if system.platform == "darwin":
        base = home / "Library/Application Support/krita"  # on most disks the same as "Krita"
        bundles = [*system.root.glob("Applications/[Kk]rita*.app"), *home.glob("Applications/[Kk]rita*.app")]
        if base.is_dir() or bundles:
            yield Place("krita", base / "pykrita", settings=home / "Library/Preferences/kritarc")
        return
    base = system.place("XDG_DATA_HOME", home / ".local/share") / "krita"
    settings = system.place("XDG_CONFIG_HOME", home / ".config") / "kritarc"
    path = [Path(folder) for folder in system.environment.get("PATH", "").split(os.pathsep) if folder]
    if base.is_dir() or settings.is_file() or any((folder / "krita").is_file() for folder in path):
        yield Place("krita", base / "pykrita", settings=settings)
    sandbox = home / ".var/app" / FLATPAKS["krita"]
    if sandbox.is_dir() or any(folder.exists() for folder in _flatpak_apps(system, FLATPAKS["krita"])):
        plugins, settings, data = sandbox / "data/krita/pykrita", sandbox / "config/kritarc", sandbox / "data"
        yield Place("krita", plugins, Package.FLATPAK, settings=settings, data=data)
    snap = home / "snap/krita/current"
    if snap.is_dir():
        plugins, settings = snap / ".local/share/krita/pykrita", snap / ".config/kritarc"
        yield Place("krita", plugins, Package.SNAP, settings=settings)


def _flatpak_apps(system: System, name: str) -> list[Path]:
    """Where a Flatpak is installed for everyone, and for this person alone."""
    own = system.place("XDG_DATA_HOME", system.home / ".local/share")
    return [system.root / "var/lib/flatpak/app" / name, own / "flatpak/app" / name]
