"""Real GIMP and real Krita, each with a profile of its own and Matted's plugin, running scripts of the tests.

A script is text. Before it runs, `arguments` holds the strings it was given and everything of
`inside/gimp_desk.py` or `inside/krita_desk.py` is there; `report(name=value)` hands a value out, as
`outcome.report["name"]`. Paths below `editor.desk` are the same inside and outside.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from editors.engine import PACKAGES
from editors.room import Finished, Room
from editors.screen import Screen, picture_of

INSIDE = Path(__file__).resolve().parent / "inside"
_REPORT = "MATTED-REPORT "
_GIMPRC = """(show-welcome-dialog no)
(check-updates no)
(save-session-info no)
(save-device-status no)
(save-tool-options no)
(config-version "{version}")
"""


class Outcome(NamedTuple):
    """How a script ended. `report`: what it handed out; `shots`: pictures it took of the screen, by name."""

    rc: int
    stdout: str
    stderr: str
    report: dict[str, Any]
    shots: dict[str, Path]

    def good(self) -> "Outcome":
        """Itself; fails the test with everything the editor wrote unless the script ended well."""
        assert self.rc == 0, f"the script ended with {self.rc}\n{self.stdout}\n{self.stderr}"
        return self


class Editor:
    """What both editors share: a room, a profile on its desk, a screen when there are windows."""

    def __init__(self, room: Room, name: str) -> None:
        self.room = room
        self.desk = room.desk
        self.home = room.desk / f"{name}-home"
        self.home.mkdir(parents=True)
        self._inside = room.desk / "inside"
        if not self._inside.exists():
            shutil.copytree(INSIDE, self._inside)
        self._screen: Screen | None = None
        self._runs = 0

    @property
    def screen(self) -> Screen:
        """The screen with the editor's windows; a test may press its keys and look at it."""
        if self._screen is None:
            self._screen = Screen(self.room)
        return self._screen

    def close(self) -> None:
        """Close the screen."""
        if self._screen is not None:
            self._screen.close()

    def _own(self) -> dict[str, str]:
        """The variables that point the editor at its own profile."""
        raise NotImplementedError

    def install_plugin(self, *arguments: str) -> Finished:
        """`matted plugins install` for this editor, as its owner would call it, outside the root."""
        variables = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(PACKAGES),
            "MATTED_RUNTIME": str(self.home / "matted"),
            "HOME": str(self.home),
            **self._own(),
        }
        command = [sys.executable, "-m", "matted", "plugins", "install", *arguments]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        return Finished(done.returncode, done.stdout, done.stderr)

    def _run(
        self,
        command: Sequence[str],
        script: str,
        arguments: Sequence[object],
        environment: dict[str, str],
        timeout_s: float,
    ) -> Outcome:
        self._runs += 1
        folder = self.home / "runs" / str(self._runs)
        folder.mkdir(parents=True)
        (folder / "script.py").write_text(script, "utf-8")
        variables = {
            "MATTED_SCRIPT": str(folder / "script.py"),
            "MATTED_ARGUMENTS": json.dumps([str(argument) for argument in arguments]),
            "MATTED_SHOTS": str(folder),
            "MATTED_INSIDE": str(self._inside),
            **self._own(),
            **environment,
        }
        done = self.room.run(command, variables, timeout_s=timeout_s)
        shots = {path.stem: picture_of(path, path.with_suffix(".png")) for path in folder.glob("*.xwd")}
        report: dict[str, Any] = {}
        for line in done.stdout.splitlines():
            if line.startswith(_REPORT):
                report.update(json.loads(line.removeprefix(_REPORT)))
        return Outcome(done.rc, done.stdout, done.stderr, report, shots)


class Gimp(Editor):
    """GIMP 3. `version`: e.g. "3.0.4"; `home`: its own folder, with `plug-ins` in it."""

    def __init__(self, room: Room) -> None:
        super().__init__(room, "gimp")
        said = room.run(["gimp-console", "--version"], {}, timeout_s=60)
        self.version = said.stdout.split()[-1]
        (self.home / "gimprc").write_text(_GIMPRC.format(version=self.version), "utf-8")
        (self.home / "plug-ins").mkdir()

    def _own(self) -> dict[str, str]:
        return {"GIMP3_DIRECTORY": str(self.home)}

    def run(
        self,
        script: str,
        *arguments: object,
        environment: dict[str, str] | None = None,
        timeout_s: float = 120,
    ) -> Outcome:
        """Run a script without windows. rc is 0 when it came to its end, 64 when it raised."""
        return self._run(_gimp("gimp-console", "-i"), script, arguments, environment or {}, timeout_s)

    def show(
        self,
        script: str,
        *arguments: object,
        environment: dict[str, str] | None = None,
        timeout_s: float = 120,
        brushes: bool = False,
    ) -> Outcome:
        """Run a script beside GIMP's windows on `screen`; it may press keys (`xdotool`) and take shots.

        `brushes`: with GIMP's own, which take a moment to load.
        """
        variables = {**self.screen.environment, **(environment or {})}
        command = [word for word in _gimp("gimp") if word != "-d" or not brushes]
        return self._run(command, script, arguments, variables, timeout_s)


class Krita(Editor):
    """Krita 5, its home kept from run to run. `version`: e.g. "5.2.9"; `plugins`: its plugin folder."""

    def __init__(self, room: Room) -> None:
        super().__init__(room, "krita")
        self.plugins = self.home / ".local/share/krita/pykrita"
        shutil.copytree(self._inside / "krita", self.plugins)
        (self.home / ".config").mkdir()
        stock = room.root.glob("usr/share/krita/pykrita/*.desktop")
        lines = [f"enable_{path.stem.removeprefix('kritapykrita_')}=false" for path in sorted(stock)]
        settings = "\n".join(["[python]", "enable_matted_selftest=true", *lines])
        (self.home / ".config/kritarc").write_text(settings + "\n", "utf-8")
        self.version = str(
            self.run("def main():\n    report(v=krita.version())\n    yield 0").good().report["v"]
        )

    def _own(self) -> dict[str, str]:
        return {"HOME": str(self.home)}

    def run(
        self,
        script: str,
        *arguments: object,
        document: Path | None = None,
        environment: dict[str, str] | None = None,
        timeout_s: float = 120,
    ) -> Outcome:
        """Run a script in Krita's own event loop, with its windows on `screen`.

        The script defines `main`, a generator: `yield 0.5` waits for half a second, `yield test` until
        `test()` is true. `document`: a picture to open; the script runs when it is there. rc: 0 it came to
        its end, 70 it raised, 71 a dialog stands in the way, 1 it took longer than `timeout_s`.
        """
        variables = {
            **self.screen.environment,
            "MATTED_LIMIT_S": str(timeout_s),
            "XDG_RUNTIME_DIR": "/tmp",
            **({"MATTED_DOCUMENT": "1"} if document else {}),
            **(environment or {}),
        }
        command = ["krita", "--nosplash", *([str(document)] if document else [])]
        return self._run(command, script, arguments, variables, timeout_s + 20)


def _gimp(program: str, *options: str) -> list[str]:
    batch = (
        "import os, sys; sys.path.insert(0, os.environ['MATTED_INSIDE']); import gimp_desk; gimp_desk.go()"
    )
    common = ("-n", "-d", "-f", "--batch-interpreter=python-fu-eval", "-b", batch, "--quit")
    return [program, *options, *common]
