"""A small plugin of each kind, so that these tests need neither the real ones nor an editor."""

from pathlib import Path

import pytest

from matted.editors.bundle import Bundle, load

FILES = {
    "gimp": {"matted/matted.py": "#!/usr/bin/env python3\n", "matted/dialog.py": "x = 1\n"},
    "krita": {
        "matted.desktop": "[Desktop Entry]\nX-KDE-Library=matted\nName=Matted\n",
        "matted.action": "<ActionCollection/>\n",
        "matted/__init__.py": "y = 1\n",
        "matted/icons/dot.svg": "<svg/>\n",
    },
}


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    """A folder like the repository's `plugins`."""
    for editor, files in FILES.items():
        for name, text in files.items():
            path = tmp_path / "plugins" / editor / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return tmp_path / "plugins"


@pytest.fixture(params=["gimp", "krita"])
def bundle(trees: Path, request: pytest.FixtureRequest) -> Bundle:
    """The plugin of either editor."""
    return load(request.param, trees / request.param)
