"""Locks between this user's programs that the system lifts when a process dies, however it dies.

Imports the standard library only.
"""

import sys
from typing import IO


def lock(file: IO[bytes]) -> bool:
    """Locks an open file for this process alone until it is closed; False while another one has it."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
