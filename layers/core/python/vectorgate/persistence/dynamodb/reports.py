"""What `DynamoReports` reads: the rollups of a month, of an id, or of all ids."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from vectorgate.ledger.rollups import Scope
from vectorgate.ledger.sums import (
    Page,
    SumQuery,
    added,
    check_sum_query,
    line_of,
    matching,
    months_of,
    newest_first,
    rollup_of_line,
    within_days,
)
from vectorgate.persistence.dynamodb.rollups import (
    SHARDS,
    has_sums,
    latencies_of_item,
    partition_of_id,
    partition_of_month,
    prefix_of_id,
    rollup_of_item,
    shard_of_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vectorgate.ledger.rollups import Rollup
    from vectorgate.ledger.sums import Line
    from vectorgate.persistence.dynamodb.schema import Attribute, Item
    from vectorgate.persistence.dynamodb.table import DynamoTable

_PAGE: Final = 5_000  # items of a page, which ends at a megabyte
_MONTH: Final = "PK = :month"
_OF_ID: Final = "PK = :month AND begins_with(SK, :id)"
_PROVIDERS: Final = ("openai", "azure", "azure_ai")  # of which earlier releases kept the sums of all calls


def of_month(table: DynamoTable, scope: Scope, scope_id: str, month: str) -> Sequence[Rollup]:
    """The rollups of an id in a month, ordered by bucket. One Query, or two."""
    items = chain(_without_facts(table, scope, scope_id, month), _of_id(table, scope, scope_id, month))
    return sorted(map(rollup_of_item, items), key=lambda rollup: rollup.bucket)


def of_months(table: DynamoTable, scope: Scope, scope_id: str, first: str, last: str) -> list[Rollup]:
    """The rollups of an id in some months."""
    months = months_of(SumQuery(first_day=f"{first}-01", last_day=f"{last}-31"))
    return [rollup for month in months for rollup in of_month(table, scope, scope_id, month)]


def sums(table: DynamoTable, query: SumQuery) -> Sequence[Rollup]:
    """For each month four Queries, or one for each id or tenant that the query names; each of a megabyte at a time."""
    check_sum_query(query)
    return added(matching(within_days(_lines(table, query), query), query), query)


def page(table: DynamoTable, query: SumQuery, offset: int, limit: int) -> Page:
    """Reads as `sums` does, by key."""
    check_sum_query(query)
    lines = (line_of(rollup_of_item(item)) for month in months_of(query) for item in _of_month(table, query, month))
    found = newest_first(rollup_of_line(query.scope, line) for line in matching(within_days(lines, query), query))
    return Page(found[offset : offset + limit], len(found))


def latencies(table: DynamoTable, query: SumQuery) -> Mapping[str, Mapping[str, int]]:
    """Reads as `sums` does, by key."""
    check_sum_query(query)
    found: dict[str, dict[str, int]] = {}
    for item in (item for month in months_of(query) for item in _of_month(table, query, month)):
        bucket = rollup_of_item(item).bucket
        in_days = query.first_day <= bucket.day <= query.last_day
        if in_days and (query.tenants is None or bucket.facts.tenant in query.tenants):
            for name, calls in latencies_of_item(item).items():
                counts = found.setdefault(bucket.day, {})
                counts[name] = counts.get(name, 0) + calls
    return found


def _lines(table: DynamoTable, query: SumQuery) -> Iterator[Line]:
    for month in months_of(query):
        if query.scope is Scope.KEY and query.tenants is not None and not query.needs_keys:
            for tenant in sorted(query.tenants):
                yield from map(_of_tenant, _without_facts(table, Scope.TENANT, tenant, month))
            continue
        yield from (line_of(rollup_of_item(item)) for item in _of_month(table, query, month))
        if query.scope is Scope.KEY and not _is_filtered(query):
            for provider in _PROVIDERS:
                items = _without_facts(table, Scope.PROVIDER, provider, month)
                yield from (line_of(rollup_of_item(item)) for item in items)


def _of_tenant(item: Item) -> Line:
    """A tenant's rollup as one of all calls."""
    scope_id, day, provider, operation, key_id, _, *rest = line_of(rollup_of_item(item))
    return ("", day, provider, operation, key_id, scope_id, *rest)


def _is_filtered(query: SumQuery) -> bool:
    return any(each is not None for each in (query.ids, query.keys, query.tenants, query.users, query.models))


def _of_month(table: DynamoTable, query: SumQuery, month: str) -> Iterator[Item]:
    if query.ids is not None:
        for each in sorted(query.ids):
            yield from _without_facts(table, query.scope, each, month)
            yield from _of_id(table, query.scope, each, month)
        return
    for shard in range(SHARDS):
        yield from _read(table, _MONTH, {":month": partition_of_month(query.scope, month, shard)})


def _of_id(table: DynamoTable, scope: Scope, scope_id: str, month: str) -> Iterator[Item]:
    if scope in {Scope.TENANT, Scope.PROVIDER}:
        return
    place = partition_of_month(scope, month, shard_of_id(scope_id))
    yield from _read(table, _OF_ID, {":month": place, ":id": prefix_of_id(scope_id)})


def _without_facts(table: DynamoTable, scope: Scope, scope_id: str, month: str) -> Iterator[Item]:
    if scope is not Scope.TAG:
        yield from _read(table, _MONTH, {":month": partition_of_id(scope, scope_id, month)})


def _read(table: DynamoTable, condition: str, values: Mapping[str, Attribute]) -> Iterator[Item]:
    return filter(has_sums, table.query(condition, values, limit=_PAGE, ConsistentRead=True))
