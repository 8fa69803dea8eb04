"""What scripts in both editors have: their arguments, a way to report, the screen. Runs inside the root.

Standard library only, syntax of Python 3.8; imports neither editor.
"""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

arguments = json.loads(os.environ.get("MATTED_ARGUMENTS", "[]"))


def report(**values):
    """Hand values that JSON can hold to the test."""
    print("\nMATTED-REPORT " + json.dumps(values), flush=True)


def shot(name):
    """Keep what the screen shows now; the test finds it as `outcome.shots[name]`."""
    shutil.copy(os.environ["MATTED_SCREEN"], Path(os.environ["MATTED_SHOTS"], name + ".xwd"))


def xdotool(*words):
    """Press keys, find windows; what it printed."""
    return subprocess.run(["xdotool", *words], capture_output=True, text=True, check=False).stdout.strip()


def window(title, timeout_s=30.0):
    """The first visible window whose title matches, raised and in focus; there is no window manager."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = xdotool("search", "--onlyvisible", "--name", title).split()
        if found:
            xdotool("windowraise", found[0], "windowfocus", "--sync", found[0])
            return found[0]
        time.sleep(0.1)
    raise TimeoutError("no window is called " + title)


def source():
    """The test's script, compiled."""
    path = Path(os.environ["MATTED_SCRIPT"])
    return compile(path.read_text(encoding="utf-8"), str(path), "exec")
