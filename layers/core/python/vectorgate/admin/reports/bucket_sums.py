"""The sums of a page of buckets: of days from rollups, of hours and minutes from the records themselves.

Sums are kept by day. Finer ones would be further writes of every settlement, for reports of a few hours that are seldom
asked for: those read the records of the page, up to a bound.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import InvalidRequest
from vectorgate.clock import DAY_MS, MILLISECONDS
from vectorgate.ids import TenantId, team_of, tenant_of_team
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import MAX_VALUES, RecordQuery, RowFilter
from vectorgate.ledger.rollups import rollups_of
from vectorgate.ledger.sums import added, line_of, matching

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.reports.pages import BucketQuery
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.rollups import Rollup
    from vectorgate.ledger.sums import Line, SumQuery

MOST: Final = 20_000  # records of a page of hours or minutes
SECONDS: Final = 10.0  # for reading them
_STEP: Final = 1_000
_FEW, _MANY, _TIMES = 100, 10_000, 10  # index entries that are looked at: at first, at most, and by how many times more


def bucket_sums(query: BucketQuery, sums: SumQuery, deps: AdminDeps, operations: frozenset[str]) -> Sequence[Rollup]:
    """The sums of the page, whose `day` is the bucket's name. `operations`: the calls that add to them.

    InvalidRequest for hours and minutes with more records than MOST, or with records that are not kept any more.
    """
    if query.by_day:
        return deps.stores.reports.sums(sums)
    sums = _of_team(sums, deps.actor.team_id)
    lines = [line for entry in _entries(query, sums, deps, operations) for line in _lines(entry, query, sums)]
    return added(matching(lines, sums), sums)


def _of_team(sums: SumQuery, team_id: str | None) -> SumQuery:
    """The query as the administrator of that team may ask it."""
    if team_id is None:
        return sums
    own = frozenset({tenant_of_team(team_id)})
    return replace(sums, tenants=own if sums.tenants is None else own & sums.tenants)


def _lines(entry: LedgerEntry, query: BucketQuery, sums: SumQuery) -> Iterator[Line]:
    """What a record adds to the sums of its bucket."""
    name = query.name_of(entry.started_ms // MILLISECONDS // query.seconds)
    for rollup in rollups_of([entry]):
        if rollup.bucket.scope is sums.scope:
            yield line_of(rollup._replace(bucket=rollup.bucket._replace(day=name)))


def _entries(query: BucketQuery, sums: SumQuery, deps: AdminDeps, operations: frozenset[str]) -> Iterator[LedgerEntry]:
    """The settled records of the page."""
    start_ms, end_ms = (bucket * query.seconds * MILLISECONDS for bucket in (query.first, query.end))
    if start_ms < deps.whole_since_ms():
        raise _not_kept(deps.record_days)
    until, read = deps.clock.monotonic() + SECONDS, 0
    for midnight in range(start_ms // DAY_MS * DAY_MS, end_ms, DAY_MS):
        day = RecordQuery(start_ms=max(start_ms, midnight), end_ms=min(end_ms, midnight + DAY_MS), limit=_STEP)
        for rows in _steps(day, _indexed(sums, operations), deps):
            read += len(rows)
            if read > MOST or deps.clock.monotonic() > until:
                raise _too_many()
            yield from (row for row in rows if row.state is State.SETTLED and row.operation in operations)


def _steps(day: RecordQuery, only: RowFilter, deps: AdminDeps) -> Iterator[Sequence[LedgerEntry]]:
    entries, before = _FEW, None
    while True:
        query = RecordQuery(start_ms=day.start_ms, end_ms=day.end_ms, limit=day.limit, before=before)
        rows, before = deps.stores.ledger.find(query, only=only, entries=entries)
        yield rows
        if before is None:
            return
        entries = min(entries * _TIMES, _MANY)


def _indexed(sums: SumQuery, operations: frozenset[str]) -> RowFilter:
    """What the index of the log leaves out: calls of other keys, people or teams, or of other operations."""
    teams = {team_of(TenantId(each)) for each in sums.tenants or ()}
    named = (("key_id", sums.keys), ("user_id", sums.users), ("team_id", teams))
    for column, values in named:
        if values and len(values) <= MAX_VALUES and None not in values:
            return RowFilter(column, frozenset(map(str, values)))
    return RowFilter("operation", operations)


def _too_many() -> InvalidRequest:
    message = (
        f"These buckets have more than {MOST} calls, or cannot be read in {SECONDS:.0f} s: ask for a lower 'limit', "
        "for 'api_key_ids', or for the 'bucket_width' '1d'."
    )
    return InvalidRequest(message, code="too_many_calls", param="bucket_width")


def _not_kept(days: int) -> InvalidRequest:
    message = (
        f"Records are kept for {days} days: ask for a later 'start_time', or for the 'bucket_width' '1d', whose sums "
        "stay."
    )
    return InvalidRequest(message, code="records_not_kept", param="start_time")
