"""How this process keeps and gives back memory, where the C library can be told (glibc; nothing elsewhere).

Imports the standard library only.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # mallopt(3), malloc.h
_KEEP_BYTES = 1 << 30


def keep_memory() -> None:
    """Lets freed memory be used again for the next picture instead of going back to the system.

    A 24-megapixel picture is 18,000 fresh pages; taking them anew for each of many pictures costs 50 ms on a
    quiet machine and 130 on a busy one (`tests/bench/against_rembg.py warm`). For programs that cut many
    pictures; `release_memory` gives everything back at rest.
    """
    tune = _c_function("mallopt")
    if tune is not None:
        tune(_M_ARENA_MAX, 1)  # other arenas cannot hold a picture
        tune(_M_MMAP_THRESHOLD, _KEEP_BYTES)
        tune(_M_TRIM_THRESHOLD, _KEEP_BYTES)


def release_memory() -> None:
    """Returns freed memory to the system: 1 to 20 ms.

    Right after loading U2-Net this alone takes 396 MiB to 159 (the parsed file is freed by then).
    """
    trim = _c_function("malloc_trim")
    if trim is not None:
        trim(0)


def _c_function(name: str) -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
