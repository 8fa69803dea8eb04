"""Whose program is at the other end of a connection on this computer, where the system tells (Linux).

A link is on the command line of the browser it opens, and on Linux other users can read command lines: so
who follows it must be the same user. Source: proc_pid_net(5), `tcp`. Imports the standard library only.
"""

import os
import sys
from pathlib import Path


def is_another_user(port: int, own_port: int, table: Path = Path("/proc/net/tcp")) -> bool:
    """Whether the connection from `port` to our `own_port` is another user's; False where nobody can tell."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        lines = table.read_text("ascii").splitlines()[1:]
    except (OSError, UnicodeDecodeError):
        return False
    for line in lines:
        parts = line.split()
        if len(parts) > 7 and _port(parts[1]) == port and _port(parts[2]) == own_port:
            return parts[7] != str(os.geteuid())
    return False


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
