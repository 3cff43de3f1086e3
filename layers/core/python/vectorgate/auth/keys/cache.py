"""The keys as the api reads them: cached by their full SHA-256, a found one for 30 s, a missing one for 5 s.

A deleted or blocked key is therefore refused at most 30 s later, everywhere.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.auth.keys.ports import Keys
    from vectorgate.clock import Clock
    from vectorgate.ids import KeyId

FOUND_SECONDS: Final = 30.0
MISSING_SECONDS: Final = 5.0
MAX_CACHED: Final = 10_000  # a flood of guesses evicts entries, and costs a read each; it does not fill the memory


class CachedKeys:
    """Reads through to a store. Safe to use from many threads."""

    def __init__(self, store: Keys, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cache: OrderedDict[KeyId, tuple[VirtualKey | None, float]] = OrderedDict()
        self._lock = threading.Lock()

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """The key's row as it was at most 30 s ago."""
        now = self._clock.monotonic()
        with self._lock:
            cached = self._cache.get(key_id)
        if cached is not None and now < cached[1]:
            return cached[0]
        key = self._store.key(key_id)
        with self._lock:
            self._cache[key_id] = (key, now + (FOUND_SECONDS if key is not None else MISSING_SECONDS))
            self._cache.move_to_end(key_id)
            if len(self._cache) > MAX_CACHED:
                self._cache.popitem(last=False)
        return key
