"""Puts a real GIMP and a real Krita into a folder, from nothing, with this computer's own apt and dpkg-deb.

    python tests/editors/install.py DIR [--release trixie] [--only gimp|krita]

makes `DIR/trixie`, a root file system that `room.py` enters; the tests find it when MATTED_EDITORS names DIR.
Packages are downloaded with their signatures checked, and unpacked while others still arrive; no maintainer
script runs, only the few triggers that the editors need. Standard library only; knows nothing of Matted.
"""

import argparse
import json
import os
import platform
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if not __package__:  # run as a program
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from editors import room

RELEASE = "trixie"
EDITORS = {"gimp": ("gimp",), "krita": ("krita", "python3-pyqt5", "python3-pyqt6")}
SCREEN = ("xvfb", "xdotool", "fonts-dejavu-core", "hicolor-icon-theme")
BASE = ("base-files", "base-passwd", "bash", "coreutils", "dash", "sed", "grep", "libc-bin")
MARK = "matted-editors.json"  # written last: what the root holds

# Krita's bundles must stay: without them its first start opens a dialog.
_LEFT_OUT = [f"--exclude=./usr/share/{name}" for name in ("doc", "man", "locale", "info", "help")]
_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))
_KEYRINGS = [Path("/usr/share/keyrings", f"debian-archive-keyring.{kind}") for kind in ("gpg", "pgp")]

# What the packages' triggers would have done, as far as the editors and the X server care.
_TRIGGERS = """
ldconfig
for schemas in /usr/lib/*/glib-2.0/glib-compile-schemas; do $schemas /usr/share/glib-2.0/schemas; done
for query in /usr/lib/*/gdk-pixbuf-2.0/gdk-pixbuf-query-loaders; do $query --update-cache; done
if command -v update-mime-database; then update-mime-database /usr/share/mime; fi
fc-cache
"""


class Failed(Exception):
    """The editors cannot be had here; the text says why."""


def installed(root: Path) -> tuple[str, ...]:
    """The editors that a finished root holds; none when the folder is not one."""
    try:
        return tuple(json.loads((root / MARK).read_text("utf-8"))["editors"])
    except (OSError, ValueError, KeyError):
        return ()


def install(folder: Path, release: str = RELEASE, editors: Sequence[str] = tuple(EDITORS)) -> Path:
    """Make `folder/release` hold `editors`; returns it. A root that already does is left as it is.

    The root appears under its name only when it is whole. Raises Failed.
    """
    root = folder.resolve() / release
    if set(editors) <= set(installed(root)):
        return root
    lacking = [tool for tool in ("apt-get", "dpkg-deb", "tar") if shutil.which(tool) is None]
    if lacking:
        raise Failed(f"this computer has no {lacking[0]}, which unpacking the editors takes")
    if (reason := room.cannot_enter()) is not None:
        raise Failed(reason)
    folder.mkdir(parents=True, exist_ok=True)
    part = root.with_name(f".{release}.{secrets.token_hex(4)}.part")
    try:
        with tempfile.TemporaryDirectory(prefix=".apt-", dir=folder) as state:
            _unpack_all(part, Path(state), release, sorted({*editors, *installed(root)}))
        if root.exists():
            shutil.rmtree(root)
        part.rename(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return root


def mirror() -> str:
    """The Debian mirror this computer's own apt uses; MATTED_EDITORS_MIRROR names another."""
    if named := os.environ.get("MATTED_EDITORS_MIRROR"):
        return named
    files = [path for place in _SOURCES for path in (sorted(place.iterdir()) if place.is_dir() else [place])]
    for path in files:
        if path.suffix in (".sources", ".list") and path.is_file():
            for address in _addresses(path.read_text("utf-8")):
                if not re.search(r"[-/]security/?$", address):
                    return address
    raise Failed("apt has no source here: name a Debian mirror in MATTED_EDITORS_MIRROR")


def _addresses(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if found := re.match(r"URIs:\s*(\S+)|deb\s+(?:\[[^]]*\]\s+)?(\S+)", line):
            yield found[1] or found[2]


def _unpack_all(root: Path, state: Path, release: str, editors: Sequence[str]) -> None:
    began = time.monotonic()
    environment = _apt_state(state, release)
    _checked(["apt-get", "update", "-qq"], environment, "apt cannot read the list of packages")
    _say(began, "the list of packages is here")
    _skeleton(root)
    names = [*BASE, *SCREEN, *(package for editor in editors for package in EDITORS[editor])]
    log = (state / "log").open("w+b")
    download = subprocess.Popen(
        ["apt-get", "install", "-qq", "-y", "--download-only", *names],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    with log, ThreadPoolExecutor(os.cpu_count() or 2) as workers:
        unpacked = []
        for package in _arriving(download, state / "archives"):
            unpacked.append(workers.submit(_unpack, package, root))
        if download.returncode:
            log.seek(0)
            raise Failed(f"apt cannot download the editors: {log.read().decode('utf-8', 'replace')[-2000:]}")
        _say(began, f"{len(unpacked)} packages downloaded")
        for future in unpacked:
            future.result()
    _say(began, "unpacked")
    _configure(root, state)
    (root / MARK).write_text(json.dumps({"release": release, "editors": list(editors)}), "utf-8")
    _say(began, f"ready: {', '.join(editors)}")


def _apt_state(state: Path, release: str) -> dict[str, str]:
    """An apt of its own: how this computer reaches packages, but none of its lists, hooks and preferences."""
    for name in ("lists/partial", "archives/partial"):
        (state / name).mkdir(parents=True)
    keyring = next((path for path in _KEYRINGS if path.is_file()), None)
    if keyring is None:
        raise Failed("the package debian-archive-keyring is not installed, so nothing could be verified")
    machine = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    (state / "sources.list").write_text(f"deb [signed-by={keyring}] {mirror()} {release} main\n")
    (state / "status").touch()
    nothing = "/dev/null"
    places = {
        "Dir::Etc::main": nothing,
        "Dir::Etc::parts": nothing,
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": nothing,
        "Dir::Etc::preferences": nothing,
        "Dir::Etc::preferencesparts": nothing,
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
        "APT::Architecture": machine,
        "APT::Architectures": machine,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Acquire::AllowInsecureRepositories": "false",
        "Acquire::AllowDowngradeToInsecureRepositories": "false",
        "Acquire::AllowWeakRepositories": "false",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        "Acquire::Queue-Mode": "access",
        "Acquire::Retries": "5",
    }
    own = subprocess.check_output(["apt-config", "dump", "Acquire"], text=True)
    lines = [f'{name} "{value}";' for name, value in places.items()]
    (state / "apt.conf").write_text(own + '#clear Acquire::Languages;\nAcquire::Languages "none";\n')
    with (state / "apt.conf").open("a") as file:
        file.write("\n".join(lines) + "\n")
    return {**os.environ, "APT_CONFIG": str(state / "apt.conf"), "DEBIAN_FRONTEND": "noninteractive"}


def _arriving(download: "subprocess.Popen[bytes]", archives: Path) -> Iterator[Path]:
    """Every package once, as soon as apt has checked it and moved it out of `partial`."""
    seen: set[Path] = set()
    ended = False
    while not ended:
        ended = download.poll() is not None
        new = set(archives.glob("*.deb")) - seen
        yield from sorted(new, key=lambda path: -path.stat().st_size)
        seen |= new
        if not ended:
            time.sleep(0.1)


def _skeleton(root: Path) -> None:
    """The merged /usr before anything is unpacked, and places that only maintainer scripts would make."""
    for name in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "usr/share/locale"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in ("proc", "sys", "dev", "run", "tmp", "root", "etc", "var", room.HOST.strip("/")):
        (root / name).mkdir()
    (root / "tmp").chmod(0o1777)


def _unpack(package: Path, root: Path) -> None:
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as contents:
        done = subprocess.run(
            ["tar", "-x", "-C", root, "--keep-directory-symlink", "--no-same-owner", *_LEFT_OUT],
            stdin=contents.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode or contents.returncode:
        raise Failed(f"{package.name} cannot be unpacked: {done.stderr.strip()}")
    package.unlink()


def _configure(root: Path, state: Path) -> None:
    for name in ("blas", "lapack"):  # alternatives, which a maintainer script would choose
        for library in root.glob(f"usr/lib/*/{name}/lib{name}.so.3"):
            (library.parent.parent / library.name).symlink_to(f"{name}/{library.name}")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (root / "etc/machine-id").write_text(secrets.token_hex(16) + "\n")
    room.make_devices(root)
    command = room.enter(root, ["/bin/sh", "-ec", _TRIGGERS])
    with (state / "triggers").open("w+b") as log:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False
        )
        log.seek(0)
        if done.returncode:
            raise Failed(f"the editors cannot be set up: {log.read().decode('utf-8', 'replace')[-2000:]}")


def _checked(command: Sequence[str], environment: dict[str, str], problem: str) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{problem}: {done.stderr.strip()[-2000:]}")


def _say(began: float, what: str) -> None:
    print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)


def main() -> int:
    """The command line; 0 when the editors are there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--release", default=RELEASE, help="a Debian release (default: %(default)s)")
    parser.add_argument("--only", choices=sorted(EDITORS), help="one editor instead of both")
    args = parser.parse_args()
    if platform.system() != "Linux":
        parser.error("the editors' packages need Linux")
    try:
        root = install(args.folder, args.release, (args.only,) if args.only else tuple(EDITORS))
    except Failed as error:
        print(f"The editors were not installed: {error}", file=sys.stderr)
        return 1
    print(f"{root}: {', '.join(installed(root))}. Run the tests with MATTED_EDITORS={args.folder.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
