"""A message on the desktop, by what the system brings: notify-send, osascript or PowerShell.

Imports the standard library only. A desktop that cannot show it is no error.
"""

import logging
import shutil
import subprocess
import sys

_log = logging.getLogger(__name__)
_TOAST = """
param([string]$text)
Add-Type -AssemblyName System.Windows.Forms, System.Drawing
$icon = New-Object System.Windows.Forms.NotifyIcon
$icon.Icon = [System.Drawing.SystemIcons]::Information
$icon.Visible = $true
$icon.ShowBalloonTip(5000, 'Matted', $text, 'Info')
Start-Sleep -Seconds 6
$icon.Dispose()
"""
_APPLE = 'on run argv\ndisplay notification (item 1 of argv) with title "Matted"\nend run'


def notify(sentence: str) -> None:
    """Shows a sentence on the desktop without waiting for it."""
    command = command_for(sys.platform, sentence)
    if command is None or shutil.which(command[0]) is None:
        _log.debug("nothing here shows messages on the desktop")
        return
    try:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        _log.debug("no message on the desktop: %s", error)


def command_for(platform: str, sentence: str) -> list[str] | None:
    """What shows a sentence on a platform; it is an argument of its own, never part of a script."""
    if platform == "win32":
        script = f"& {{{_TOAST}}}"
        return ["powershell", "-NoProfile", "-NonInteractive", "-Command", script, "-text", f"'{sentence}'"]
    if platform == "darwin":
        return ["osascript", "-e", _APPLE, sentence]
    if platform.startswith("linux"):
        return ["notify-send", "--app-name=Matted", "Matted", sentence]
    return None
