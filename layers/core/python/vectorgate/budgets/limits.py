"""Read limits through a cache. A key's own limit is part of its row; those of teams and end users are cached for 30 s.

A limit that is set or changed therefore applies everywhere after at most 30 s.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from vectorgate.budgets.model import BudgetScope, Limit, Subject, key_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.clock import Clock

LIMIT_CACHE_SECONDS: Final = 30.0
MAX_CACHED: Final = 10_000  # clients choose the names of end users: a flood of names costs reads, not memory


class CachedLimits:
    """A read-through cache of limits. Thread-safe."""

    def __init__(self, store: BudgetStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cache: OrderedDict[Subject, tuple[Limit | None, float]] = OrderedDict()
        self._lock = threading.Lock()

    def limits_of(self, key: VirtualKey, end_user: str | None) -> list[tuple[Subject, Limit]]:
        """The limits on what a key may spend for an end user: the key's, its team's, the end user's."""
        found: list[tuple[Subject, Limit]] = []
        own = key_limit(key)
        if own is not None:
            found.append((Subject(BudgetScope.KEY, key.id), own))
        others = [Subject(BudgetScope.TEAM, key.team_id)] if key.team_id is not None else []
        if end_user is not None:
            others.append(Subject(BudgetScope.END_USER, end_user))
        return found + [(subject, limit) for subject, limit in self._read(others) if limit is not None]

    def _read(self, subjects: Sequence[Subject]) -> list[tuple[Subject, Limit | None]]:
        now = self._clock.monotonic()
        with self._lock:
            cached = {subject: self._cache[subject] for subject in subjects if subject in self._cache}
        missing = [subject for subject in subjects if subject not in cached or cached[subject][1] <= now]
        if missing:
            read = self._store.limits(missing)
            with self._lock:
                for subject in missing:
                    cached[subject] = self._cache[subject] = (read.get(subject), now + LIMIT_CACHE_SECONDS)
                    self._cache.move_to_end(subject)
                while len(self._cache) > MAX_CACHED:
                    self._cache.popitem(last=False)
        return [(subject, cached[subject][0]) for subject in subjects]
