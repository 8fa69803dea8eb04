"""Whether another program still has a file open for writing, where the system can tell.

Linux: a read lease is refused while anybody writes (fcntl(2), F_SETLEASE). Windows: an open that shares no
writing is refused. Elsewhere, and on network disks, nobody knows. Imports the standard library only.
"""

import errno
import os
import signal
import sys
from pathlib import Path

_F_SETSIG = 10  # fcntl.h; the module has no name for it
_SHARING_VIOLATION, _LOCK_VIOLATION = 32, 33


def is_being_written(path: Path) -> bool | None:
    """True while another program may write the file, False when none does, None where that is not known.

    Raises OSError when the file cannot be opened.
    """
    if sys.platform == "linux":
        return _linux(path)
    if sys.platform == "win32":
        return _windows(path)
    return None


def _linux(path: Path) -> bool | None:
    import fcntl

    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        # A writer that comes in between is announced by a signal; this one is ignored unless asked for.
        fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return True if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK) else None
    finally:
        os.close(descriptor)
    return False


def _windows(path: Path) -> bool | None:
    import ctypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel.CreateFileW.restype = ctypes.c_void_p
    generic_read, share_read, open_existing = 0x80000000, 1, 3
    opened = kernel.CreateFileW(
        ctypes.c_wchar_p(str(path)), generic_read, share_read, None, open_existing, 0, None
    )
    if opened is None or opened == ctypes.c_void_p(-1).value:
        code = ctypes.get_last_error()  # type: ignore[attr-defined,unused-ignore]
        return True if code in (_SHARING_VIOLATION, _LOCK_VIOLATION) else None
    kernel.CloseHandle(ctypes.c_void_p(opened))
    return False
