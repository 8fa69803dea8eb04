"""One settings object. Defaults, then the configuration file, then the environment, then flags.

Every field of `Settings` is a key of `config.toml`, an environment variable `MATTED_<FIELD>` and, where it
makes sense, a flag; `watch` is a list of tables, and in the environment one of folders. Imports only the
errors, so that it is cheap to load.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from platformdirs import user_config_path, user_data_path

from matted.errors import BadOption


@dataclass(frozen=True, slots=True)
class WatchEntry:
    """A folder that the daemon watches: a `[[watch]]` table, with the options of `matted watch`."""

    folder: Path
    recipe: Path | None = None
    poll: bool | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set. Sizes, times and counts carry their unit in the name."""

    model: str = "builtin"  # used when none is asked for
    models_dir: Path = field(default_factory=lambda: user_data_path("matted", appauthor=False) / "models")
    catalogue: Path | None = None  # the user's own catalogue file, read after the shipped one
    providers: tuple[str, ...] = ()  # short names in order of preference; empty: the built-in order
    threads: int = 0  # inference threads; 0: one per physical core
    keep_alive_s: float = 300.0  # a model unused for so long is unloaded; 0: at once; negative: never
    model_memory_mb: int = 6144  # loaded models beyond this evict the least recently used
    cache_memory_mb: int = 1536  # pictures and their computed stages kept by the daemon
    max_pixels: int = 300_000_000  # larger pictures are refused from their header
    max_upload_mb: int = 4096  # largest request body
    queue_length: int = 64  # jobs waiting beyond this are answered "busy"
    job_timeout_s: float = 600.0
    idle_exit_s: float = 1800.0  # the daemon ends itself after so long without a request; 0: never
    port: int = 0  # 0: any free one
    watch: tuple[WatchEntry, ...] = ()  # folders the daemon watches; it then does not end itself when idle

    def __post_init__(self) -> None:
        for name in ("threads", "max_pixels", "max_upload_mb", "queue_length", "port", "cache_memory_mb"):
            if getattr(self, name) < 0:
                raise BadOption(f"The setting {name} must not be negative.")
        if self.max_pixels == 0 or self.max_upload_mb == 0 or self.queue_length == 0:
            raise BadOption("max_pixels, max_upload_mb and queue_length must be at least 1.")
        if self.port > 65535:
            raise BadOption("The setting port must be at most 65535.")


def config_path() -> Path:
    """Where `config.toml` is looked for; `MATTED_CONFIG` names another place."""
    override = os.environ.get("MATTED_CONFIG")
    return Path(override) if override else user_config_path("matted", appauthor=False) / "config.toml"


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    path: Path | None = None,
) -> Settings:
    """The settings in force. `flags` holds only what the person gave (None values are skipped).

    Raises BadOption with the key and the reason for anything unknown or of the wrong kind.
    """
    environment = os.environ if environment is None else environment
    path = config_path() if path is None else path
    given: dict[str, Any] = {}
    if path.is_file():
        given |= _from_file(path)
    for name in (f.name for f in fields(Settings)):
        text = environment.get(f"MATTED_{name.upper()}")
        if text is not None:
            given[name] = _from_text(name, text)
    for name, value in (flags or {}).items():
        if value is not None:
            given[name] = _checked(name, value, "the command line")
    return replace(Settings(), **given)


_HINTS = get_type_hints(Settings)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadOption(f"The configuration {path} cannot be read: {error}.") from error
    return {name: _checked(name, value, str(path)) for name, value in content.items()}


def _checked(name: str, value: Any, origin: str) -> Any:
    hint = _HINTS.get(name)
    if name == "watch":
        return _watched(value, origin)
    if hint is None:
        known = ", ".join(sorted(_HINTS))
        raise BadOption(f"{origin}: there is no setting {name!r}; there are {known}.")
    kinds = get_args(hint) if get_origin(hint) is not tuple else (tuple,)
    kinds = kinds or (hint,)
    if Path in kinds and isinstance(value, str | Path):
        return Path(value).expanduser()
    if tuple in kinds and isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if float in kinds and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if int in kinds and isinstance(value, int) and not isinstance(value, bool):
        return value
    if str in kinds and isinstance(value, str):
        return value
    raise BadOption(f"{origin}: the setting {name} cannot be {value!r}.")


def _watched(value: Any, origin: str) -> tuple[WatchEntry, ...]:
    """`[[watch]]` tables, or one `[watch]`."""
    tables = [value] if isinstance(value, dict) else value
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise BadOption(f'{origin}: watch takes tables: write [[watch]] and below it folder = "...".')
    entries = []
    for table in tables:
        unknown = table.keys() - {"folder", "recipe", "poll"}
        if unknown:
            raise BadOption(
                f"{origin}: [[watch]] has no {sorted(unknown)[0]!r}; it has folder, recipe, poll."
            )
        folder, recipe, poll = table.get("folder"), table.get("recipe"), table.get("poll")
        if not isinstance(folder, str) or not isinstance(recipe, str | None):
            raise BadOption(f"{origin}: [[watch]] needs the name of a folder, and may have that of a recipe.")
        if not isinstance(poll, bool | None):
            raise BadOption(f"{origin}: poll of [[watch]] is true or false, not {poll!r}.")
        file = None if recipe is None else Path(recipe).expanduser()
        entries.append(WatchEntry(Path(folder).expanduser(), file, poll))
    return tuple(entries)


def _from_text(name: str, text: str) -> Any:
    origin = f"The environment variable MATTED_{name.upper()}"
    hint = _HINTS[name]
    try:
        if hint is int:
            return int(text)
        if hint is float:
            return float(text)
    except ValueError as error:
        raise BadOption(f"{origin} is not a number: {text!r}.") from error
    if name == "watch":
        return tuple(WatchEntry(Path(part).expanduser()) for part in text.split(os.pathsep) if part)
    if get_origin(hint) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return _checked(name, text, origin)
