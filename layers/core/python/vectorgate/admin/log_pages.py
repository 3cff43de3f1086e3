"""Pages of the ledger's rows: the newest day first, and of a day its storage before its calls.

::

    day 2   [00:00:00.000]  storage records and their corrections; the pending ones of the meters
            (00:00, 24:00)  calls, newest first
    day 1   [00:00:00.000]  ...

A day's storage is stamped with the day's first millisecond. Sorted by time it would come last, after all its calls.

Rows are read in steps, each of a bounded number. The index of the log leaves out those of other keys (or end users,
people, teams, operations), the other filters are compared here: a page ends when it is full, or when its time is up,
wherever it is then. So every page is answered, and the next one goes on behind the last row that was looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.clock import DAY_MS
from vectorgate.ids import OperationId
from vectorgate.ledger.ports import INDEXED, MAX_VALUES, RecordQuery, RowFilter
from vectorgate.pricing.book import STORAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.log_query import LogQuery
    from vectorgate.admin.pending_storage import PendingStorage
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import Found, Position

SECONDS: Final = 10.0  # for one page; the function has 30
STEP: Final = 1_000  # rows that are read at a time
FEW, MANY = 100, 10_000  # entries of a partition of the index that a day's first step looks at, and later ones
_TIMES: Final = 10  # as many as in the step before
_ID_SHOWN: Final = len("00000000-0000-7000-8000-")  # digits of an id in a position that is no row's
_FIRST_ID: Final = OperationId("00000000-0000-0000-0000-000000000000")  # sorts before every id


@dataclass(frozen=True, slots=True)
class LogPage:
    """Rows, and the position behind which the next page begins; None when there is no other row."""

    rows: Sequence[LedgerEntry]
    next: Position | None


@dataclass(frozen=True, slots=True)
class _Step:
    """Rows in the log's order, and the position up to which all rows were read."""

    rows: Sequence[LedgerEntry]
    reached: Position


@dataclass(frozen=True, slots=True)
class LogReader:
    """Reads one page of a query."""

    query: LogQuery
    deps: AdminDeps
    pending: PendingStorage

    def page(self) -> LogPage:
        """The page. StoreError."""
        if not all(self.query.filters.values()):
            return LogPage([], None)  # a team's administrator who asked for another team
        found: list[LedgerEntry] = []
        clock, limit = self.deps.clock, self.query.limit
        end = clock.monotonic() + SECONDS
        for step in self._steps():
            found += filter(self.query.matches, step.rows)
            if len(found) > limit:
                return LogPage(found[:limit], _position(found[limit - 1]))
            if clock.monotonic() >= end:
                return LogPage(found, _shown(step.reached, found))
        return LogPage(found, None)

    def _steps(self) -> Iterator[_Step]:
        """The range, day by day, from the query's position on."""
        after = self.query.after
        last_ms = self.query.end_ms - 1 if after is None else min(self.query.end_ms - 1, after[0])
        for day in range(last_ms // DAY_MS, self.query.start_ms // DAY_MS - 1, -1):
            before = after if after is not None and after[0] // DAY_MS == day else None
            yield from self._day(day * DAY_MS, before)

    def _day(self, midnight: int, before: Position | None) -> Iterator[_Step]:
        """A day's rows behind a position: all in one step if they are few, else its storage and then its calls."""
        first_call, end_ms = max(midnight + 1, self.query.start_ms), min(midnight + DAY_MS, self.query.end_ms)
        has_storage = self.query.start_ms <= midnight < end_ms
        newest: Found | None = None
        if before is None and not self._only_storage():
            newest = self._read(max(midnight, self.query.start_ms), end_ms, None, FEW)
            if newest.reached is None:
                stored = [row for row in newest.rows if row.started_ms == midnight]
                storage = self._with_pending(midnight, stored, None, (midnight, _FIRST_ID)) if has_storage else stored
                yield _Step([*storage, *_calls(newest, midnight)], (first_call, _FIRST_ID))
                return
        if has_storage and (before is None or before[0] == midnight):
            yield from self._storage(midnight, before)
            before = None
        if newest is not None and newest.reached is not None:
            before = max(newest.reached, (first_call, _FIRST_ID))
            yield _Step(_calls(newest, midnight), before)
        if first_call < end_ms and not self._only_storage():
            yield from self._stored(first_call, end_ms, before)

    def _storage(self, midnight: int, before: Position | None) -> Iterator[_Step]:
        """The rows of a day's first millisecond behind a position, with the pending ones that are not posted yet."""
        for step in self._stored(midnight, midnight + 1, before):
            yield _Step(self._with_pending(midnight, step.rows, before, step.reached), step.reached)
            before = step.reached

    def _with_pending(
        self, midnight: int, stored: Sequence[LedgerEntry], before: Position | None, reached: Position
    ) -> list[LedgerEntry]:
        """Stored rows of a day's first millisecond, and the pending ones between the two positions, in their order."""
        filters = self.query.filters
        wanted = STORAGE in filters.get("operation", {STORAGE}) and "pending" in filters.get("outcome", {"pending"})
        rows = {
            row.id: row
            for row in (self.pending.records if wanted else ())
            if row.started_ms == midnight and reached < _position(row) and (before is None or _position(row) < before)
        }
        rows |= {row.id: row for row in stored}
        return sorted(rows.values(), key=_position, reverse=True)

    def _stored(self, start_ms: int, end_ms: int, before: Position | None) -> Iterator[_Step]:
        """The ledger's rows of a range, a step at a time, to its beginning, behind which there is no step."""
        beginning, entries = (start_ms, _FIRST_ID), FEW
        while before is None or before > beginning:
            rows, reached = self._read(start_ms, end_ms, before, entries)
            before, entries = reached or beginning, min(entries * _TIMES, MANY)
            yield _Step(rows, before)

    def _read(self, start_ms: int, end_ms: int, before: Position | None, entries: int) -> Found:
        if before is not None:
            end_ms = min(end_ms, before[0] + 1)  # so that no engine reads the rows before it again
        query = RecordQuery(start_ms=start_ms, end_ms=end_ms, limit=self._step(), before=before)
        return self.deps.stores.ledger.find(query, only=self._indexed(), entries=entries)

    def _indexed(self) -> RowFilter | None:
        """The first filter that the index has: of a key before that of its team."""
        filters = self.query.filters
        names = (name for name in INDEXED if name in filters and len(filters[name]) <= MAX_VALUES)
        return next((RowFilter(name, filters[name]) for name in names), None)

    def _step(self) -> int:
        """How many rows are read at a time: where the index has every filter, no more than the page shows."""
        whole = len(self.query.filters) == int(self._indexed() is not None)
        return min(STEP, self.query.limit + 1) if whole else STEP

    def _only_storage(self) -> bool:
        return self.query.filters.get("operation") == frozenset({STORAGE})


def _position(row: LedgerEntry) -> Position:
    return row.started_ms, row.id


def _calls(found: Found, midnight: int) -> list[LedgerEntry]:
    """The rows that are not stamped with the day's first millisecond."""
    return [row for row in found.rows if row.started_ms != midnight]


def _shown(reached: Position, found: Sequence[LedgerEntry]) -> Position:
    """The position that the caller is told: without the id of a row that may be another team's.

    The last digits of the id are rounded up, to no row that was shown: what lies between is looked at again.
    """
    moment, id_ = reached
    if id_ == _FIRST_ID:
        return reached
    rounded = moment, OperationId(id_[:_ID_SHOWN] + "f" * (len(id_) - _ID_SHOWN))
    return min(rounded, _position(found[-1])) if found and found[-1].started_ms == moment else rounded
