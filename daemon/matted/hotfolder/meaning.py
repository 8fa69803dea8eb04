"""What options mean, as a short name: the same for the same results, however they were written down.

May import the picture; knows no recipe.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import numpy as np

from matted.imaging.picture import Picture


def digest_of(options: Iterable[Any], items: Iterable[Any]) -> str:
    """A name for option objects and for items, whose order does not count.

    Stable over spelt-out defaults, and over options that later versions add.
    """
    listed = sorted(json.dumps(_meaning(item), sort_keys=True) for item in items)
    whole = json.dumps([[_meaning(part) for part in options], listed], sort_keys=True)
    return hashlib.blake2b(whole.encode(), digest_size=16).hexdigest()


def _meaning(value: Any) -> Any:
    """What differs from the defaults, as plain values; pictures by their pixels."""
    if isinstance(value, Picture):
        named = hashlib.blake2b(np.ascontiguousarray(value.pixels).data, digest_size=16)
        return [named.hexdigest(), value.space, hashlib.blake2b(value.icc or b"").hexdigest()]
    if is_dataclass(value) and not isinstance(value, type):
        usual = {f.name: _usual(f) for f in fields(value)}
        parts = {name: _meaning(getattr(value, name)) for name in usual}
        return {name: part for name, part in parts.items() if part != usual[name]}
    return [_meaning(part) for part in value] if isinstance(value, tuple | list) else value


def _usual(option: Field[Any]) -> Any:
    """The meaning of a field's default; of one that has none, a value that nothing equals."""
    if option.default_factory is not MISSING:
        return _meaning(option.default_factory())
    return _meaning(option.default) if option.default is not MISSING else MISSING
