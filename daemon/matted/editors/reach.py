"""How an editor reaches the engine from where it runs: the command that starts it, and what a sandbox needs.

A plain editor runs the command that is recorded for it. An editor in a Flatpak cannot run programs outside;
there a knock at the socket on which systemd listens has the engine started. May import the service's places.
"""

from collections.abc import Sequence

from matted import client
from matted.editors.folders import FLATPAKS, TITLES, Package, Place
from matted.service.runtime import record_launch, serve_command

_KNOCK = "import socket; socket.create_connection(('127.0.0.1', {port}), 5).close()"


def record(place: Place, *, socket_port: int | None, default_port: int) -> list[str]:
    """Record how programs at `place` start the engine; returns what the person still has to do.

    `socket_port`: where systemd listens for the engine, None if it does not; `default_port`: where it would.
    Raises OutputFailed.
    """
    title = TITLES[place.editor]
    record_launch([*_by_systemd(), serve_command()])
    if place.package is Package.FLATPAK and place.data is not None:
        knock = ["python3", "-c", _KNOCK.format(port=socket_port or default_port)]
        record_launch([knock], place.data / "matted")
        app = FLATPAKS[place.editor]
        todo = [
            f"Once, let the Flatpak reach the engine: `flatpak override --user "
            f"--filesystem=xdg-run/matted:create {app}`."
        ]
        if socket_port is None:
            todo.append(f"Once, as a Flatpak cannot start programs of the computer: `{_SERVICE}`.")
        return todo
    if place.package is Package.SNAP:
        return [
            f"A Snap may not reach the engine: take {title} as your system's own package or as a Flatpak."
        ]
    if place.package is Package.STORE:
        return [f"Once, so that the Store's {title} and other programs share one engine: `{_SERVICE}`."]
    return []


_SERVICE = "matted service install"


def _by_systemd() -> list[list[str]]:
    """The way through systemd that `matted service install` recorded, which stays the best."""
    try:
        recorded: Sequence[list[str]] = client.launch_commands()
    except client.Unavailable:
        return []
    return [command for command in recorded if command[0] == "systemctl"]
