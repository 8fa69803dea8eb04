"""TOML read strictly: every key known, of the right kind, and every complaint with the line it is about.

`tomllib` forgets lines; they are found again by reading ever longer beginnings of the file. May import the
errors; knows nothing of recipes.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from matted.errors import BadOption, BadRecipe

Place = tuple[str | int, ...]  # where a value stands: ("output", 1, "quality")
Options = TypeVar("Options")
_MOST_BYTES = 256 << 10
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: 'text in "quotes"'}


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a file, and what it takes to say which line of it is wrong."""

    values: dict[str, Any]
    path: Path
    text: str
    place: Place = ()

    @classmethod
    def read(cls, path: Path) -> "Table":
        """The whole file. Raises BadRecipe for what cannot be read or is no TOML."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BadRecipe(f"{path} cannot be read: {error.strerror or error}.") from error
        if len(content) > _MOST_BYTES:
            raise BadRecipe(f"{path} has {len(content)} bytes, which no recipe needs: is it another file?")
        try:
            text = content.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise BadRecipe(f"{path}, line {line}: this is not UTF-8: save it with that encoding.") from error
        try:
            return cls(tomllib.loads(text), path, text)
        except tomllib.TOMLDecodeError as error:
            line, reason = _syntax(str(error), text)
            raise BadRecipe(f"{path}, line {line}: this is not TOML: {reason}.") from error

    def wrong(self, key: str | None, reason: str) -> BadRecipe:
        """The error about a key of this table, or about the table itself."""
        place = self.place if key is None else (*self.place, key)
        return BadRecipe(f"{self.path}, line {line_of(self.text, place)}: {reason}")

    def only(self, known: Iterable[str]) -> None:
        """Raises BadRecipe for the first key that is not `known`, with the likeliest one that was meant."""
        names = list(known)
        for key in self.values:
            if key not in names:
                near = difflib.get_close_matches(key, names, 1, 0.6)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}."
                raise self.wrong(key, f"there is no key {key!r}; {hint}")

    def value(self, key: str, kind: type[Options], default: Options) -> Options:
        """The value of a key, which must be of this kind (a whole number is a number, too)."""
        given = self.values.get(key, default)
        if not _is_of(given, kind):
            raise self.wrong(key, f"{key} must be {_KINDS[kind]}, not {_shown(given)}.")
        return given

    def one_of(self, key: str, known: tuple[Any, ...], default: Any) -> Any:
        """The value of a key that has a few known ones."""
        given = self.values.get(key, default)
        if given not in known or isinstance(given, bool):
            shown = " or ".join(_shown(value) for value in known)
            raise self.wrong(key, f"{key} must be {shown}, not {_shown(given)}.")
        return given

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty where the key is missing; a single text counts as one."""
        given = self.values.get(key, [])
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise self.wrong(key, f'{key} must be a list such as ["*.jpg", "*.tif"], not {_shown(given)}.')
        return tuple(texts)

    def table(self, key: str) -> "Table | None":
        """A table within this one, None where it is missing."""
        given = self.values.get(key)
        if given is None:
            return None
        if not isinstance(given, dict):
            raise self.wrong(key, f"{key} is a table of its own: write [{key}] above its keys.")
        return Table(given, self.path, self.text, (*self.place, key))

    def tables(self, key: str) -> "tuple[Table, ...]":
        """The tables of that name, each begun by [[name]]."""
        given = self.values.get(key, [])
        if not isinstance(given, list) or not all(isinstance(part, dict) for part in given):
            raise self.wrong(key, f"write [[{key}]], in two brackets, above the keys of each {key}.")
        return tuple(
            Table(part, self.path, self.text, (*self.place, key, number)) for number, part in enumerate(given)
        )

    def options(self, kind: Callable[..., Options], given: dict[str, Any] | None = None) -> Options:
        """An options object made of this table's values, or of `given`, whose keys are this table's.

        Raises BadRecipe, about the key that the object refuses or, where only several together are refused,
        about the table.
        """
        values = self._typed(kind) if given is None else given
        try:
            return kind(**values)
        except BadOption as error:
            for key, value in values.items():
                try:
                    kind(**{key: value})
                except BadOption as alone:
                    raise self.wrong(key, str(alone)) from error
            raise self.wrong(None, str(error)) from error

    def _typed(self, kind: Any) -> dict[str, Any]:
        self.only(field.name for field in fields(kind))
        hints = get_type_hints(kind)
        typed = {}
        for key, value in self.values.items():
            kinds = [k for k in get_args(hints[key]) or (hints[key],) if k is not NoneType]
            if all(k in _KINDS for k in kinds) and not any(_is_of(value, k) for k in kinds):
                raise self.wrong(key, f"{key} must be {_KINDS[kinds[0]]}, not {_shown(value)}.")
            typed[key] = _frozen(value)
        return typed


def line_of(text: str, place: Place) -> int:
    """The line, from 1, where what stands at `place` begins; that of its table where it has none.

    A beginning of a TOML file that ends with a whole statement is a TOML file, too: the statement after whose
    last line the value is there for the first time is the one that is sought.
    """
    lines = text.split("\n")
    for wanted in (place, place[:-1]):
        begun = 0
        for end in range(len(lines) + 1):
            try:
                content: Any = tomllib.loads("\n".join(lines[:end]) + "\n")
            except tomllib.TOMLDecodeError:
                continue
            if _holds(content, wanted):
                return min(begun + 1, len(lines))
            begun = end
    return 1


def _holds(content: Any, place: Place) -> bool:
    for step in place:
        if isinstance(step, int):
            if not isinstance(content, list) or step >= len(content):
                return False
        elif not isinstance(content, dict) or step not in content:
            return False
        content = content[step]
    return bool(place)


def _syntax(message: str, text: str) -> tuple[int, str]:
    found = re.search(r"\s*\(at line (\d+), column \d+\)$", message)
    reason = message[: found.start()] if found else re.sub(r"\s*\(at end of document\)$", "", message)
    line = int(found[1]) if found else len(text.rstrip("\n").split("\n"))
    return line, reason[:1].lower() + reason[1:]


def _is_of(value: Any, kind: Any) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
