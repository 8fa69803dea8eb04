"""The docker's plain parts, loaded as Krita would load them: as the package `matted_docker`, client included.

The package is put together in a folder of its own, for the real one gets its client when it is installed.
"""

import importlib
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from matted import client


@pytest.fixture(scope="session")
def package(root: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The package's name; its modules are imported as `package.planes` and so on."""
    folder = tmp_path_factory.mktemp("pykrita")
    shutil.copytree(root / "plugins/krita/matted", folder / "matted_docker")
    shutil.copy(str(client.__file__), folder / "matted_docker" / "matted_client.py")
    sys.path.insert(0, str(folder))
    return "matted_docker"


@pytest.fixture(scope="session")
def planes(package: str) -> ModuleType:
    """Arithmetic on masks."""
    return importlib.import_module(f"{package}.planes")


@pytest.fixture(scope="session")
def zooms(package: str) -> ModuleType:
    """How a picture lies in a view."""
    return importlib.import_module(f"{package}.zoom")


@pytest.fixture(scope="session")
def wishes(package: str) -> ModuleType:
    """What a person can want."""
    return importlib.import_module(f"{package}.wish")


@pytest.fixture(scope="session")
def prompts(package: str) -> ModuleType:
    """What a person has pointed at."""
    return importlib.import_module(f"{package}.prompt")


@pytest.fixture(scope="session")
def engines(package: str) -> ModuleType:
    """The way to the engine."""
    return importlib.import_module(f"{package}.engine")
