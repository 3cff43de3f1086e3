"""Reading operations by index, and rollups. Sixteen shards are read as one, merged, a page of each at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from vectorgate.clock import MILLISECONDS
from vectorgate.persistence.dynamodb.schema import REQUEST_LOG, SHARDS, day_partition, kept_entry
from vectorgate.persistence.dynamodb.table import BATCH, PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import RecordQuery
    from vectorgate.ledger.rollups import Rollup, Scope
    from vectorgate.ledger.sums import Page, SumQuery
    from vectorgate.persistence.dynamodb.schema import Item
    from vectorgate.persistence.dynamodb.table import DynamoTable

IN_DAY: Final = "by_day_pk = :shard AND began BETWEEN :first AND :last"


def newest_rows(table: DynamoTable, query: RecordQuery) -> list[LedgerEntry]:
    """The newest `limit` rows of the query."""
    if query.before is not None and query.before[0] < query.start_ms:
        return []
    newest_first = chain.from_iterable(_day(table, query, date) for date in _dates_newest_first(query))
    rows = rows_of(table, newest_first, query.limit, consistent=False)
    return first_rows(
        rows, query.limit, lambda entry: query.before is None or (entry.started_ms, entry.id) < query.before
    )


def _day(table: DynamoTable, query: RecordQuery, date: str) -> Iterator[Item]:
    # "<ms>" sorts before every "<ms>#<id>", so the end is excluded and the start included.
    last = f"{query.end_ms:013d}"
    if query.before is not None:
        last = min(last, f"{query.before[0]:013d}#{query.before[1]}")  # includes the row itself, which is dropped later
    edges = {":first": {"S": f"{query.start_ms:013d}"}, ":last": {"S": last}}
    shards = [
        table.query(
            IN_DAY,
            {":shard": day_partition(date, shard), **edges},
            IndexName=REQUEST_LOG,
            ScanIndexForward=False,
            limit=page_of(query.limit),
        )
        for shard in range(SHARDS)
    ]
    return merge(*shards, key=began_of, reverse=True)


def _dates_newest_first(query: RecordQuery) -> Iterator[str]:
    if query.start_ms >= query.end_ms:
        return
    first, last = (
        datetime.fromtimestamp(moment // MILLISECONDS, UTC).date() for moment in (query.start_ms, query.end_ms - 1)
    )
    for back in range((last - first).days + 1):
        yield (last - timedelta(days=back)).isoformat()


def rows_of(table: DynamoTable, index_items: Iterator[Item], limit: int, *, consistent: bool) -> Iterator[LedgerEntry]:
    """The rows of an index's items, in its order, read in batches of at most `limit`."""
    while batch := list(islice(index_items, min(max(limit, 1), BATCH))):
        keys = [{"PK": item["PK"], "SK": item["SK"]} for item in batch]
        found = {item["PK"]["S"]: item for item in table.batch_get(keys, consistent=consistent)}
        now_s = table.clock.unix_s()
        for item in batch:
            row = found.get(item["PK"]["S"])
            entry = kept_entry(row, now_s) if row is not None else None
            if entry is not None:
                yield entry


def first_rows(entries: Iterator[LedgerEntry], limit: int, matches: Callable[[LedgerEntry], bool]) -> list[LedgerEntry]:
    """The first `limit` of the entries that match."""
    return list(islice(filter(matches, entries), max(limit, 0)))


def page_of(limit: int) -> int:
    """The items of a query's page, where so many are wanted."""
    return min(max(limit, 1), PAGE)


def began_of(item: Item) -> str:
    """What an index's items are sorted by."""
    return str(item["began"]["S"])


class DynamoReports:
    """ReportStore. What reads is imported at the first read: most functions read none."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def rollups(self, scope: Scope, scope_id: str, month: str) -> Sequence[Rollup]:
        """One consistent Query, or two, for each megabyte."""
        from vectorgate.persistence.dynamodb.reports import of_month  # noqa: PLC0415

        return of_month(self._table, scope, scope_id, month)

    def of_months(self, scope: Scope, scope_id: str, first: str, last: str) -> Sequence[Rollup]:
        """As `rollups`, of each month."""
        from vectorgate.persistence.dynamodb.reports import of_months  # noqa: PLC0415

        return of_months(self._table, scope, scope_id, first, last)

    def sums(self, query: SumQuery) -> Sequence[Rollup]:
        """For each month four consistent Queries, or one for each id or tenant that is named; or more."""
        from vectorgate.persistence.dynamodb.reports import sums  # noqa: PLC0415

        return sums(self._table, query)

    def page(self, query: SumQuery, *, offset: int, limit: int) -> Page:
        """As `sums`, which reads all pages."""
        from vectorgate.persistence.dynamodb.reports import page  # noqa: PLC0415

        return page(self._table, query, offset, limit)

    def latencies(self, query: SumQuery) -> Mapping[str, Mapping[str, int]]:
        """For each month four consistent Queries, or more."""
        from vectorgate.persistence.dynamodb.reports import latencies  # noqa: PLC0415

        return latencies(self._table, query)
