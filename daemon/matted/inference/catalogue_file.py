"""Reads a catalogue file: TOML tables become `Model`s, or a sentence says which key is wrong and why.

May import only the catalogue's classes. Every key is checked: an unknown one is an error, so that a typing
mistake cannot silently change what a model is fed.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from matted.errors import BadOption
from matted.inference.catalogue import AUTO, Decoder, Input, Model, Output, Rembg, WeightFile

_FORMAT = 1
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+() -]{0,127}")
_HEX = {"sha256": re.compile(r"[0-9a-f]{64}"), "md5": re.compile(r"[0-9a-f]{32}")}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_OWN_KEYS = ("like", "file", "input", "output", "decoder", "rembg")
_REMBG_KEYS = ("name", "kernel", "geometry", "scale", "mean", "std", "activation")


class _WrongKeyError(Exception):
    """A key and what is wrong with it; the caller adds the file and the entry."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")


def read_models(path: Path, known: Mapping[str, Model]) -> dict[str, Model]:
    """The entries of one file. `known`: those an entry may be `like`, from the files read before.

    Raises BadOption.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadOption(f"The model catalogue {path} cannot be read: {error}.") from error
    if content.get("format") != _FORMAT:
        raise BadOption(f"The model catalogue {path} must say `format = {_FORMAT}` at its top.")
    entries = content.get("model", [])
    if not isinstance(entries, list) or set(content) - {"format", "model"}:
        raise BadOption(f"The model catalogue {path} may hold only `format` and [[model]] tables.")
    models: dict[str, Model] = {}
    for number, table in enumerate(entries, start=1):
        name = table.get("id", f"number {number}")
        try:
            model = _model(table, path.parent, {**known, **models})
            if model.id in models:
                raise _WrongKeyError("id", "stands twice in this file")
        except _WrongKeyError as wrong:
            raise BadOption(f"The model catalogue {path}, entry {name!r}, {wrong}.") from None
        models[model.id] = model
    return models


def _model(table: dict[str, Any], folder: Path, known: Mapping[str, Model]) -> Model:
    like = table.get("like")
    if like is not None and like not in known:
        raise _WrongKeyError("like", f"there is no entry {like!r} before this one")
    base = known[like] if like is not None else None
    plain = {f.name for f in fields(Model)} - {"files", *_OWN_KEYS}
    _refuse_unknown(table, plain | set(_OWN_KEYS), "")
    values: dict[str, Any] = {
        key: _value(Model, key, table[key], key) for key in sorted(plain) if key in table and key != "rank"
    }
    if "rank" in table:
        values["rank"] = _rank(table["rank"])
    values["files"] = _files(table.get("file"), folder)
    values["like"] = like
    values["input"] = _section(table, "input", base.input if base else Input())
    values["output"] = _section(table, "output", base.output if base else Output())
    values["decoder"] = _section(table, "decoder", base.decoder if base else Decoder())
    start = base.rembg if base is not None and base.rembg is not None else None
    values["rembg"] = _rembg(table.get("rembg"), start or Rembg("", values["input"], values["output"]))
    if base is not None:
        values = {"rank": {}, "aliases": (), "precision": "fp32"} | values
        model = replace(base, **values)
    else:
        _fill_in_local(values)
        missing = [name for name in ("id", "title", "licence", "source") if name not in values]
        if missing:
            raise _WrongKeyError(missing[0], "is missing")
        model = Model(**values)
    _check(model, table)
    return model


def _fill_in_local(values: dict[str, Any]) -> None:
    # A graph of the person's own needs no more than an id, a path and what it is fed.
    values.setdefault("kind", "saliency")
    values.setdefault("good_for", ("general",))
    if all(file.path is not None for file in values["files"]):
        values.setdefault("title", values.get("id", ""))
        values.setdefault("licence", "not stated")
        values.setdefault("commercial", True)
        values.setdefault("source", "the person's own catalogue")
    elif "commercial" not in values:
        raise _WrongKeyError("commercial", "must say whether commercial use is allowed")


def _check(model: Model, table: Mapping[str, Any]) -> None:
    if "id" not in table or not _ID.fullmatch(model.id):
        raise _WrongKeyError("id", "must be small letters, digits, dots and dashes, at most 64")
    if model.id == AUTO:
        raise _WrongKeyError("id", f"{AUTO!r} has a meaning of its own")
    if any(number <= 0 for number in model.input.size):
        raise _WrongKeyError("input.size", "must be two positive numbers")
    if not all(0 <= value <= 255 for value in model.input.pad):
        raise _WrongKeyError("input.pad", "must be a colour: three numbers from 0 to 255")
    if any(number == 0 for number in model.input.std):
        raise _WrongKeyError("input.std", "must not hold a zero")
    if model.input.multiple < 1 or model.input.max_side < model.input.multiple:
        raise _WrongKeyError("input.multiple", "must be at least 1, and at most max_side")
    if len(model.decoder.features) != len(model.decoder.made_by):
        raise _WrongKeyError("decoder.made_by", "must name one output of the encoder for each of `features`")
    if model.input.dtype == "uint8" and (model.input.scale != "none" or any(model.input.mean)):
        raise _WrongKeyError("input.dtype", "uint8 pixels cannot be scaled or normalised: use scale = 'none'")


def _files(tables: Any, folder: Path) -> tuple[WeightFile, ...]:
    if not isinstance(tables, list) or not tables:
        raise _WrongKeyError("file", "at least one [[model.file]] table is needed")
    files = tuple(_file(table, folder) for table in tables)
    for part, values in (("role", [f.role for f in files]), ("name", [f.name for f in files])):
        if len(set(values)) != len(values):
            raise _WrongKeyError(f"file.{part}", "stands twice")
    return files


def _file(table: Any, folder: Path) -> WeightFile:
    _refuse_unknown(table, {f.name for f in fields(WeightFile)}, "file.")
    values = {key: _value(WeightFile, key, given, f"file.{key}") for key, given in table.items()}
    values.setdefault("role", "model")
    if "path" in values:
        values["path"] = folder / values["path"].expanduser()
        values.setdefault("name", values["path"].name)
    file = WeightFile(**{"name": "", **values})
    if not _FILE_NAME.fullmatch(file.name):
        raise _WrongKeyError("file.name", "must be a plain file name")
    for kind, pattern in _HEX.items():
        checksum = getattr(file, kind)
        if checksum is not None and not pattern.fullmatch(checksum):
            raise _WrongKeyError(f"file.{kind}", "is not such a checksum in small letters")
    if file.size is not None and file.size <= 0:
        raise _WrongKeyError("file.size", "must be the number of bytes")
    if file.path is not None and file.urls:
        raise _WrongKeyError("file.path", "a file on this computer has no `urls`: give one or the other")
    if file.path is None and not (file.sha256 or file.md5):
        raise _WrongKeyError(
            "file.sha256", "weights from elsewhere need a checksum: give sha256, md5, or a `path`"
        )
    for url in file.urls:
        _check_url(url, file)
    return file


def _check_url(url: str, file: WeightFile) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise _WrongKeyError("file.urls", f"{url!r} is not a web address")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and file.sha256 is None:
        raise _WrongKeyError("file.urls", f"{url!r} is not encrypted, which is only allowed with a sha256")


def _section(table: Mapping[str, Any], name: str, base: Any) -> Any:
    given = table.get(name, {})
    _refuse_unknown(given, {f.name for f in fields(base)}, f"{name}.")
    return replace(base, **{key: _value(type(base), key, v, f"{name}.{key}") for key, v in given.items()})


def _rembg(given: Any, start: Rembg) -> Rembg | None:
    if given is None:
        return None
    _refuse_unknown(given, set(_REMBG_KEYS), "rembg.")
    if "name" not in given:
        raise _WrongKeyError("rembg.name", "is missing")
    values = {
        key: _value(
            Output if key == "activation" else Rembg if key == "name" else Input, key, v, f"rembg.{key}"
        )
        for key, v in given.items()
    }
    name = values.pop("name")
    activation = values.pop("activation", start.output.activation)
    return Rembg(name, replace(start.input, **values), replace(start.output, activation=activation))


def _rank(given: Any) -> dict[str, int]:
    if not isinstance(given, dict) or not all(type(value) is int for value in given.values()):
        raise _WrongKeyError("rank", "must give a whole number for each purpose")
    return dict(given)


def _refuse_unknown(table: Any, known: set[str], prefix: str) -> None:
    if not isinstance(table, dict):
        raise _WrongKeyError(prefix.rstrip(".") or "entry", "must be a table")
    for key in table:
        if key not in known:
            raise _WrongKeyError(
                f"{prefix}{key}", f"there is no such key; there are {', '.join(sorted(known))}"
            )


_HINTS: dict[type, dict[str, Any]] = {
    c: get_type_hints(c) for c in (Model, WeightFile, Input, Output, Decoder, Rembg)
}


def _value(owner: type, name: str, given: Any, key: str) -> Any:
    hint = _HINTS[owner][name]
    found = _as(hint, given)
    if found is not None:
        return found
    if get_origin(hint) is Literal:
        raise _WrongKeyError(key, f"cannot be {given!r}; choose from {', '.join(map(str, get_args(hint)))}")
    raise _WrongKeyError(key, f"cannot be {given!r}")


def _as(kind: Any, given: Any) -> Any:
    """`given` as `kind`, or None where it is not one."""
    if isinstance(kind, UnionType):
        found = (_as(one, given) for one in get_args(kind) if one is not NoneType)
        return next((one for one in found if one is not None), None)
    if get_origin(kind) is Literal:
        return given if given in get_args(kind) else None
    if get_origin(kind) is tuple:
        wanted = get_args(kind)
        if not isinstance(given, list) or (wanted[-1] is not Ellipsis and len(given) != len(wanted)):
            return None
        parts = [_as(wanted[0], part) for part in given]
        return None if None in parts else tuple(parts)
    if kind is Path:
        return Path(given) if isinstance(given, str) and given else None
    if kind is float:
        return float(given) if type(given) in (int, float) else None
    if kind is str:
        return given if isinstance(given, str) and given else None
    return given if type(given) is kind else None
