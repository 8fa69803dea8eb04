"""Set up the engine to start on demand (Linux) or when you log in (macOS, Windows).

  matted service install    systemd listens for it and starts it at the first request; launchd or the
                            start-up folder start it at log-in
  matted service status     what is set up
  matted service remove     undo it

The plugins and `matted cut` also work without this: they start the engine themselves.
"""

import argparse
import json
import os
import plistlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from matted.config import Settings
from matted.errors import MattedError, OutputFailed

DEFAULT_PORT = 21863  # below the range systems give to outgoing connections; --port chooses another
LABEL = "matted"


@dataclass(frozen=True, slots=True)
class SetUp:
    """What has to be on the computer: files with their text, and the commands before and after."""

    files: dict[Path, str]
    enable: tuple[tuple[str, ...], ...]
    disable: tuple[tuple[str, ...], ...]
    launch: tuple[tuple[str, ...], ...]  # how programs start the engine, best first


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `matted service`."""
    parser.add_argument("action", choices=("install", "remove", "status"))
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, metavar="N", help="for systemd (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, _settings: Settings) -> int:
    """Installs, removes or describes. Raises OutputFailed, MattedError."""
    from matted.service.runtime import serve_command

    if not 1024 <= args.port <= 65535:
        raise MattedError("The port must lie between 1024 and 65535.")
    plan = set_up(sys.platform, serve_command(), port=args.port, home=Path.home(), environment=os.environ)
    if args.action == "status":
        return _describe(plan, as_json=args.json)
    if args.action == "install":
        _install(plan)
        done = "Matted is set up: it starts by itself when it is needed."
    else:
        _remove(plan)
        done = "Matted no longer starts by itself; the plugins and `matted cut` still start it when used."
    print(json.dumps({"action": args.action, "files": [str(p) for p in plan.files]}) if args.json else done)
    return 0


def set_up(
    platform: str,
    command: Sequence[str],
    *,
    port: int,
    home: Path,
    environment: "os._Environ[str] | dict[str, str]",
) -> SetUp:
    """What starting on demand takes on `platform` (a value of sys.platform)."""
    if platform == "win32":
        roaming = environment.get("APPDATA") or str(home / "AppData" / "Roaming")
        folder = Path(roaming) / "Microsoft" / "Windows" / "Start Menu" / "Programs" / "Startup"
        return SetUp({folder / "Matted.vbs": windows_script(command)}, (), (), (tuple(command),))
    if platform == "darwin":
        path = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        return SetUp(
            {path: launchd_plist(command, home / "Library" / "Logs" / "matted.log")},
            (("launchctl", "load", "-w", str(path)),),
            (("launchctl", "unload", "-w", str(path)),),
            (tuple(command),),
        )
    folder = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "systemd" / "user"
    start = ("systemctl", "--user", "start", "matted.service")
    return SetUp(
        {folder / "matted.socket": systemd_socket(port), folder / "matted.service": systemd_service(command)},
        (
            ("systemctl", "--user", "daemon-reload"),
            ("systemctl", "--user", "enable", "--now", "matted.socket"),
        ),
        (
            ("systemctl", "--user", "disable", "--now", "matted.socket", "matted.service"),
            ("systemctl", "--user", "daemon-reload"),
        ),
        (start, tuple(command)),
    )


def systemd_socket(port: int) -> str:
    """`matted.socket`: systemd listens on the loopback address until somebody comes."""
    return f"""\
[Unit]
Description=Matted, local AI cut-outs (socket)

[Socket]
ListenStream=127.0.0.1:{port}
Backlog=128

[Install]
WantedBy=sockets.target
"""


def systemd_service(command: Sequence[str]) -> str:
    """`matted.service`: started through the socket, ends itself when idle, may not gain rights."""
    return f"""\
[Unit]
Description=Matted, local AI cut-outs
Requires=matted.socket
After=matted.socket

[Service]
ExecStart={" ".join(_systemd_quoted(part) for part in command)}
Restart=on-failure
RestartSec=2
TimeoutStopSec=15
Nice=5
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
UMask=0077
"""


def launchd_plist(command: Sequence[str], log: Path) -> str:
    """A launch agent that starts the engine at log-in and after a crash."""
    content = {
        "Label": LABEL,
        "ProgramArguments": [*command, "--idle-exit-s", "0"],
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ProcessType": "Background",
        "StandardErrorPath": str(log),
    }
    return plistlib.dumps(content).decode()


def windows_script(command: Sequence[str]) -> str:
    """A script for the start-up folder that starts the engine without a window."""
    python = PureWindowsPath(command[0])
    if python.name.lower() == "python.exe":
        python = python.with_name("pythonw.exe")
    line = " ".join(f'"{part}"' for part in (str(python), *command[1:], "--idle-exit-s", "0"))
    quoted = line.replace('"', '""')
    return f'CreateObject("WScript.Shell").Run "{quoted}", 0, False\r\n'


def _systemd_quoted(part: str) -> str:
    escaped = part.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if set(escaped) & set(" \t;'") or escaped != part else escaped


def _install(plan: SetUp) -> None:
    from matted.service.runtime import record_launch

    for path, text in plan.files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", newline="")
        except OSError as error:
            raise OutputFailed(f"{path} cannot be written: {error.strerror}.") from error
    record_launch(plan.launch)
    for command in plan.enable:
        _tell(command, fatal=True)


def _remove(plan: SetUp) -> None:
    from matted.service.runtime import record_launch

    for command in plan.disable:
        _tell(command, fatal=False)
    for path in plan.files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputFailed(f"{path} cannot be removed: {error.strerror}.") from error
    record_launch(plan.launch[-1:])


def _tell(command: Sequence[str], *, fatal: bool) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        reason = "" if done.returncode == 0 else done.stderr.strip() or f"status {done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    if reason and fatal:
        raise MattedError(
            f"The files are in place, but `{' '.join(command)}` failed: {reason}. "
            "The plugins and `matted cut` will start the engine themselves."
        )


def _describe(plan: SetUp, *, as_json: bool) -> int:
    present = {str(path): path.exists() for path in plan.files}
    if as_json:
        print(json.dumps({"installed": all(present.values()), "files": present}))
    else:
        for path, there in present.items():
            print(f"{path}: {'in place' if there else 'not there'}")
    return 0
