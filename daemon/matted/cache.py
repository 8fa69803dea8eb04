"""What was computed once and may be asked for again, under one memory budget.

The daemon keeps uploaded pictures and the stages computed from them here; the least recently used go
first. Knows nothing of what it holds.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

Key = tuple[Hashable, ...]


class StageCache:
    """A thread-safe least-recently-used store bounded by bytes.

    Keys are tuples whose first element names the picture, so that `drop` can forget all of one picture.
    The newest entry stays even when it alone is over the budget: a client may always ask something of the
    picture it has just sent.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._entries: OrderedDict[Key, tuple[Any, int]] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Bytes of all entries."""
        return self._held

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Any | None:
        """The entry, now the most recently used, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: Key, value: Any, size_bytes: int) -> None:
        """Keeps `value`; whatever no longer fits is forgotten, oldest first."""
        with self._lock:
            self._forget(key)
            self._entries[key] = (value, size_bytes)
            self._held += size_bytes
            while self._held > self._budget and len(self._entries) > 1:
                self._forget(next(iter(self._entries)))

    def drop(self, picture: Hashable) -> bool:
        """Forgets everything of one picture; True if there was anything."""
        with self._lock:
            keys = [key for key in self._entries if key[0] == picture]
            for key in keys:
                self._forget(key)
            return bool(keys)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._entries.clear()
            self._held = 0

    def _forget(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._held -= entry[1]
