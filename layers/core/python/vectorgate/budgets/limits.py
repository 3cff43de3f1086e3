"""Read limits through a cache. A key's own limit is part of its row; those of all others are cached for 5 s.

A limit that is set or changed therefore applies everywhere after at most 5 s, and at once in the process that was told.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from vectorgate.budgets.model import BudgetScope, Limit, Subject, key_limit, limits_calls
from vectorgate.ids import is_label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.clock import Clock, Moment

LIMIT_CACHE_SECONDS: Final = 5.0  # as long as a key, which has a limit in its own row
MAX_CACHED: Final = 10_000  # clients choose the names of end users: a flood of names costs reads, not memory


class CachedLimits:
    """A read-through cache of limits. Thread-safe."""

    def __init__(self, store: BudgetStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cache: OrderedDict[Subject, tuple[Limit | None, Moment]] = OrderedDict()
        self._changes = 0
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Read every limit again when it is needed next: some have changed. What is being read now is not cached."""
        with self._lock:
            self._changes += 1
            self._cache.clear()

    def limits_of(self, key: VirtualKey, end_user: str | None) -> list[tuple[Subject, Limit]]:
        """The limits on what a key may spend for an end user: the key's, its team's, the end user's, its user's."""
        found: list[tuple[Subject, Limit]] = []
        own = key_limit(key)
        if own is not None:
            found.append((Subject(BudgetScope.KEY, key.id), own))
        others = [Subject(BudgetScope.TEAM, key.team_id)] if key.team_id is not None else []
        if end_user is not None:
            others.append(Subject(BudgetScope.END_USER, end_user))
        if key.user_id is not None and is_label(key.user_id):
            others.append(Subject(BudgetScope.USER, key.user_id))
        read = ((subject, limit) for subject, limit in self._read(others) if limit is not None)
        return found + [(subject, limit) for subject, limit in read if limits_calls(subject, limit)]

    def of_team(self, team: str) -> list[tuple[Subject, Limit]]:
        """The team's limit, if it has one."""
        return [
            (subject, limit) for subject, limit in self._read([Subject(BudgetScope.TEAM, team)]) if limit is not None
        ]

    def _read(self, subjects: Sequence[Subject]) -> list[tuple[Subject, Limit | None]]:
        now = self._clock.now()
        with self._lock:
            changes = self._changes
            cached = {subject: self._cache[subject] for subject in subjects if subject in self._cache}
        missing = [subject for subject in subjects if not self._is_fresh(cached.get(subject))]
        if missing:
            read = self._store.limits(missing)
            cached |= {subject: (read.get(subject), now) for subject in missing}
            self._keep({subject: cached[subject] for subject in missing}, changes)
        return [(subject, cached[subject][0]) for subject in subjects]

    def _is_fresh(self, row: tuple[Limit | None, Moment] | None) -> bool:
        return row is not None and self._clock.is_within(LIMIT_CACHE_SECONDS, row[1])

    def _keep(self, rows: Mapping[Subject, tuple[Limit | None, Moment]], changes: int) -> None:
        """Cache what was read, unless a limit has changed since."""
        with self._lock:
            if changes != self._changes:
                return
            for subject, row in rows.items():
                self._cache[subject] = row
                self._cache.move_to_end(subject)
            while len(self._cache) > MAX_CACHED:
                self._cache.popitem(last=False)
