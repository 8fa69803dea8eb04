"""What `matted service install` writes on each system."""

import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from matted.commands.service import launchd_plist, set_up, systemd_service, systemd_socket, windows_script

COMMAND = ["/opt/my apps/python", "-m", "matted", "serve"]


def test_systemd_listens_on_the_loopback_address_alone():
    lines = [line for line in systemd_socket(21863).splitlines() if line.startswith("Listen")]
    assert lines == ["ListenStream=127.0.0.1:21863"]


def test_systemd_quotes_the_command():
    text = systemd_service(["/opt/my apps/py", "-m", "matted", "100%", "$HOME", 'a"b'])
    assert r'ExecStart="/opt/my apps/py" -m matted "100%%" "$$HOME" "a\"b"' in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_accepts_the_units(tmp_path: Path):
    plan = set_up("linux", ["/bin/true"], port=21863, home=tmp_path, environment={})
    for path, text in plan.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = ["systemd-analyze", "verify", "--user", *map(str, plan.files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "matted" not in done.stderr


def test_programs_ask_systemd_first_and_start_the_engine_themselves_else(tmp_path: Path):
    plan = set_up("linux", COMMAND, port=21863, home=tmp_path, environment={})
    assert plan.launch == (("systemctl", "--user", "start", "matted.service"), tuple(COMMAND))


def test_launchd_starts_it_at_login_and_after_a_crash(tmp_path: Path):
    found = plistlib.loads(launchd_plist(COMMAND, tmp_path / "log").encode())
    assert found["ProgramArguments"] == [*COMMAND, "--idle-exit-s", "0"]
    assert found["RunAtLoad"] is True
    assert found["KeepAlive"] == {"SuccessfulExit": False}


def test_windows_starts_it_without_a_window():
    text = windows_script([r"C:\Program Files\Python\python.exe", "-m", "matted", "serve"])
    assert text == (
        'CreateObject("WScript.Shell").Run '
        '"""C:\\Program Files\\Python\\pythonw.exe"" ""-m"" ""matted"" ""serve"" ""--idle-exit-s"" ""0""", '
        "0, False\r\n"
    )


def test_windows_uses_the_startup_folder(tmp_path: Path):
    plan = set_up("win32", COMMAND, port=1, home=tmp_path, environment={"APPDATA": str(tmp_path / "Roaming")})
    (path,) = plan.files
    assert path.parts[-2:] == ("Startup", "Matted.vbs")
