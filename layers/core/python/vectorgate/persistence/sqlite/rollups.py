"""Rollups on SQLite: added by day, and beside that by month and without keys, for reports of long times.

A year of a hundred keys is a hundred thousand rollups, which take a second to add up. So the table has their sums, too,

* by month, under the scope `month:<scope>`: for sums that are not told apart by day;
* without key and user, under `all` and `month:all`: for sums of all calls that are not told apart by them;
* by kind instead of operation, under `kind/<scope>`, of end users, stores and tags without key, team, user and model.

SQLite's integers have 64 bits: byte-seconds end at the largest (107 TB for a day, 3.4 TB for a month), so that no
record is held up by what is stored. The records themselves are exact.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from vectorgate.ledger.rollups import Scope
from vectorgate.ledger.sums import (
    NO_CALLS,
    Dimension,
    Page,
    added,
    check_sum_query,
    line_of,
    matching,
    months_of,
    newest_first,
    rollup_of_line,
)
from vectorgate.persistence.validation import month_part, scope_part

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from vectorgate.ledger.rollups import Rollup
    from vectorgate.ledger.sums import Line, SumQuery
    from vectorgate.persistence.sqlite.database import Database

_ADD: Final = """
    INSERT INTO rollups (scope, scope_id, day, provider, operation, key_id, tenant, user_id, model, calls, failures,
        spend, tool_calls, tools_spend, input_tokens, output_tokens, cached_tokens, cache_write_tokens, searches,
        byte_seconds, refusals, upstream_errors)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (scope, day, scope_id, provider, operation, key_id, tenant, user_id, model) DO UPDATE SET
        calls = calls + excluded.calls, failures = failures + excluded.failures, spend = spend + excluded.spend,
        tool_calls = tool_calls + excluded.tool_calls, tools_spend = tools_spend + excluded.tools_spend,
        input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
        cached_tokens = cached_tokens + excluded.cached_tokens,
        cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
        searches = searches + excluded.searches,
        byte_seconds = min(byte_seconds + excluded.byte_seconds, 9223372036854775807),
        refusals = refusals + excluded.refusals, upstream_errors = upstream_errors + excluded.upstream_errors
"""
_ADD_LATENCY: Final = """
    INSERT INTO latencies (day, tenant, bucket, calls) VALUES (?, ?, ?, ?)
    ON CONFLICT (day, tenant, bucket) DO UPDATE SET calls = calls + excluded.calls
"""
_OF_ID: Final = """
    SELECT scope_id, day, provider, operation, key_id, tenant, user_id, model, calls, failures, spend, tool_calls,
        tools_spend, input_tokens, output_tokens, cached_tokens, cache_write_tokens, searches, byte_seconds, refusals,
        upstream_errors
    FROM rollups WHERE scope = ? AND scope_id = ? AND day BETWEEN ? AND ?
"""
# Those that earlier releases wrote of a key, an end user or a store have no facts, and are read by their id alone.
_OF_DAYS: Final = """
    SELECT scope_id, day, provider, operation, key_id, tenant, user_id, model, calls, failures, spend, tool_calls,
        tools_spend, input_tokens, output_tokens, cached_tokens, cache_write_tokens, searches, byte_seconds, refusals,
        upstream_errors
    FROM rollups WHERE scope = ? AND day BETWEEN ? AND ? AND (? IS NULL OR operation = ?)
        AND (key_id <> '' OR scope_id = ''
            OR scope IN ('provider', 'kind/key', 'kind/end_user', 'kind/store', 'kind/tag'))
"""
_DAYS: Final = "SELECT day, count(*) FROM rollups WHERE scope = ? AND day BETWEEN ? AND ? AND key_id <> '' GROUP BY day"
_LATENCIES: Final = "SELECT day, tenant, bucket, calls FROM latencies WHERE day BETWEEN ? AND ?"
_MOST: Final = (1 << 63) - 1  # as the expression above has it
_ALL: Final = "all"
_MONTH: Final = "month:"
_KIND: Final = "kind/"
_FIRST, _LAST = "-01", "-31"


def add_rollups(connection: sqlite3.Connection, rollups: Sequence[Rollup]) -> None:
    """Add sums inside a transaction."""
    lines = [(rollup.bucket.scope, line_of(_within_64_bits(rollup))) for rollup in rollups]
    connection.executemany(_ADD, [(scope, *line) for scope, line in lines])
    connection.executemany(_ADD, [row for scope, line in lines for row in _coarse(scope, line)])
    connection.executemany(_ADD_LATENCY, [row for rollup in rollups for row in _latency_rows(rollup)])


def _within_64_bits(rollup: Rollup) -> Rollup:
    return rollup._replace(byte_seconds=_MOST) if rollup.byte_seconds > _MOST else rollup


def _coarse(scope: str, line: Line) -> Iterator[Line]:
    """The sums that a rollup is added to beside its own."""
    scope_id, day, provider, operation, key_id, tenant, user_id, model, *measures = line
    month = str(day)[:7]
    yield (_MONTH + scope, scope_id, month, provider, operation, key_id, tenant, user_id, model, *measures)
    kind = operation if operation in NO_CALLS else ""
    if scope == Scope.KEY:
        yield (_KIND + scope, scope_id, day, "", kind, key_id, tenant, user_id, model, *measures)
    elif scope != Scope.TENANT:
        yield (_KIND + scope, scope_id, day, "", kind, "", "", "", "", *measures)
    if scope == Scope.KEY:
        for name, period in ((_ALL, day), (_MONTH + _ALL, month)):
            yield (name, "", period, provider, operation, "", tenant, "", model, *measures)


def _latency_rows(rollup: Rollup) -> Iterator[tuple[str | int, ...]]:
    bucket = rollup.bucket
    return ((bucket.day, bucket.facts.tenant, name, calls) for name, calls in rollup.latencies)


class SqliteReports:
    """ReportStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rollups(self, scope: Scope, scope_id: str, month: str) -> Sequence[Rollup]:
        """A walk along an index."""
        values = (scope, scope_part(scope, scope_id), month_part(month) + _FIRST, month + _LAST)
        found = [rollup_of_line(scope, line) for line in self._database.rows(_OF_ID, values)]
        return sorted(found, key=lambda rollup: rollup.bucket)

    def of_months(self, scope: Scope, scope_id: str, first: str, last: str) -> Sequence[Rollup]:
        """A walk along an index."""
        values = (_MONTH + scope, scope_part(scope, scope_id), month_part(first), month_part(last))
        return [rollup_of_line(scope, line) for line in self._database.rows(_OF_ID, values)]

    def sums(self, query: SumQuery) -> Sequence[Rollup]:
        """A walk along the primary key, by month where the query allows it."""
        check_sum_query(query)
        return added(matching(self._lines(query), query), query)

    def page(self, query: SumQuery, *, offset: int, limit: int) -> Page:
        """Without filters: one walk that counts the rollups of each day, and one along the page's days."""
        check_sum_query(query)
        if any(each is not None for each in _filters(query)):
            found = newest_first(rollup_of_line(query.scope, line) for line in matching(self._daily(query), query))
            return Page(found[offset : offset + limit], len(found))
        counts = dict(self._database.rows(_DAYS, (query.scope, query.first_day, query.last_day)))
        rows: list[Rollup] = []
        passed = 0
        for day in sorted(counts, reverse=True):
            if passed + counts[day] > offset and passed < offset + limit:
                lines = self._database.rows(_OF_DAYS, (query.scope, day, day, None, None))
                in_day = [rollup_of_line(query.scope, line) for line in sorted(lines)]
                rows += in_day[max(0, offset - passed) : offset + limit - passed]
            passed += counts[day]
        return Page(rows, passed)

    def latencies(self, query: SumQuery) -> Mapping[str, Mapping[str, int]]:
        """A walk along the primary key."""
        check_sum_query(query)
        found: dict[str, dict[str, int]] = {}
        for day, tenant, bucket, calls in self._database.rows(_LATENCIES, (query.first_day, query.last_day)):
            if query.tenants is None or tenant in query.tenants:
                counts = found.setdefault(day, {})
                counts[bucket] = counts.get(bucket, 0) + calls
        return found

    def _lines(self, query: SumQuery) -> Iterator[Line]:
        """What the query adds up: sums by month or by day."""
        if query.ids is not None:
            yield from self._of_ids(query)
            return
        if query.scope is Scope.KEY and query.tenants is not None and not query.needs_keys:
            yield from self._of_tenants(query)
            return
        operation = next(iter(query.operations)) if query.operations and len(query.operations) == 1 else None
        for scope, first, last in _periods(query, _summed(query)):
            yield from self._of_days(scope, first, last, operation)

    def _of_ids(self, query: SumQuery) -> Iterator[Line]:
        summed = _summed(query) if query.scope is Scope.KEY else query.scope
        for each in sorted(query.ids or ()):
            for scope, first, last in _periods(query, summed):
                yield from self._database.rows(_OF_ID, (scope, scope_part(query.scope, each), first, last))

    def _of_tenants(self, query: SumQuery) -> Iterator[Line]:
        for tenant in sorted(query.tenants or ()):
            for scope, first, last in _periods(query, Scope.TENANT):
                values = (scope, scope_part(Scope.TENANT, tenant), first, last)
                for scope_id, day, provider, operation, key_id, _, *rest in self._database.rows(_OF_ID, values):
                    yield ("", day, provider, operation, key_id, scope_id, *rest)

    def _daily(self, query: SumQuery) -> Iterator[Line]:
        if query.ids is not None:
            return self._of_ids(replace(query, by=frozenset({Dimension.DAY})))
        return self._of_days(query.scope, query.first_day, query.last_day)

    def _of_days(self, scope: str, first: str, last: str, operation: str | None = None) -> Iterator[Line]:
        yield from self._database.rows(_OF_DAYS, (scope, first, last, operation, operation))
        if scope == Scope.KEY:
            yield from self._database.rows(_OF_DAYS, (Scope.PROVIDER, first, last, operation, operation))


def _summed(query: SumQuery) -> str:
    """The scope whose sums tell enough."""
    if query.kinds and Dimension.DAY in query.by and query.operations is None:
        if query.scope is Scope.KEY:
            return _KIND + Scope.KEY
        facts = {Dimension.KEY, Dimension.TENANT, Dimension.USER, Dimension.MODEL}
        if not query.by & facts and not any(each is not None for each in _filters(query)):
            return _KIND + query.scope
    return _ALL if query.scope is Scope.KEY and not query.needs_keys else query.scope


def _filters(query: SumQuery) -> tuple[Any, ...]:
    return query.ids, query.keys, query.tenants, query.users, query.models, query.operations


def _periods(query: SumQuery, scope: str) -> Iterator[tuple[str, str, str]]:
    """What is read of a scope: its days or, of whole months that are not told apart by day, its months."""
    if Dimension.DAY in query.by:
        yield scope, query.first_day, query.last_day
        return
    first, last, rest = _whole_months(query)
    if first <= last:
        yield _MONTH + scope, first, last
    for first_day, last_day in rest:
        yield scope, first_day, last_day


def _whole_months(query: SumQuery) -> tuple[str, str, list[tuple[str, str]]]:
    """The first and the last month that the query has all days of, and the days before and behind them."""
    months = months_of(query)
    starts_late = query.first_day[7:] > _FIRST
    ends_early = query.last_day < _last_day(months[-1])
    if len(months) == 1 and (starts_late or ends_early):
        return "9", "0", [(query.first_day, query.last_day)]
    rest = []
    if starts_late:
        rest.append((query.first_day, months[0] + _LAST))
        months = months[1:]
    if ends_early:
        rest.append((months[-1] + _FIRST, query.last_day))
        months = months[:-1]
    return (months[0], months[-1], rest) if months else ("9", "0", rest)


def _last_day(month: str) -> str:
    """The last day of a month."""
    from calendar import monthrange  # noqa: PLC0415 - of reports alone

    return f"{month}-{monthrange(int(month[:4]), int(month[5:7]))[1]:02d}"
