"""Settings: defaults < file < environment < flags, and a clear sentence for every mistake."""

from pathlib import Path

import pytest

from matted.config import Settings, WatchEntry, load_settings
from matted.errors import BadOption


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('model = "file"\nthreads = 3\nkeep_alive_s = 60\n')
    settings = load_settings(
        {"model": "flag", "port": None},
        environment={"MATTED_MODEL": "environment", "MATTED_THREADS": "5"},
        path=path,
    )
    assert (settings.model, settings.threads, settings.keep_alive_s) == ("flag", 5, 60.0)
    assert settings.port == Settings().port


def test_lists_and_paths_are_read_from_text(tmp_path: Path) -> None:
    settings = load_settings(
        environment={"MATTED_PROVIDERS": "cuda, cpu", "MATTED_MODELS_DIR": str(tmp_path)},
        path=tmp_path / "none.toml",
    )
    assert settings.providers == ("cuda", "cpu")
    assert settings.models_dir == tmp_path


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("max_pixel = 3", "max_pixel"),
        ("threads = 'many'", "threads"),
        ("threads = true", "threads"),
        ("threads = -1", "threads"),
        ("port = 70000", "port"),
        ("model = ", "cannot be read"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(BadOption, match=word):
        load_settings(environment={}, path=path)


def test_a_mistake_in_the_environment_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="MATTED_THREADS"):
        load_settings(environment={"MATTED_THREADS": "two"}, path=tmp_path / "none.toml")


def test_folders_to_watch_are_tables(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[[watch]]\nfolder = "/a"\n[[watch]]\nfolder = "/b"\nrecipe = "/r.toml"\npoll = true\n')
    entries = load_settings(environment={}, path=path).watch
    assert entries == (WatchEntry(Path("/a")), WatchEntry(Path("/b"), Path("/r.toml"), True))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('watch = ["/a"]', r"\[\[watch\]\]"),
        ("[[watch]]\nrecipe = 'x'", "folder"),
        ("[[watch]]\nfolder = '/a'\nfoldr = 'x'", "foldr"),
        ("[[watch]]\nfolder = '/a'\npoll = 1", "poll"),
    ],
)
def test_a_mistake_in_them_is_named(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(BadOption, match=word):
        load_settings(environment={}, path=path)
