"""What reports read of rollups: both engines find the same, whatever is filtered and told apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.factories.ledger import T0, begun, settled
from vectorgate.ids import KeyId, ObjectId, TenantId
from vectorgate.ledger.entry import State
from vectorgate.ledger.latencies import OVERHEAD, UPSTREAM, percentile_ms
from vectorgate.ledger.rollups import MEASURES, Scope, rollups_of
from vectorgate.ledger.sums import Dimension, SumQuery, added, line_of, matching, months_of, within_days
from vectorgate.pricing.usage import MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.harnesses.store_backends import Backend
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.rollups import Rollup

DAY_MS = 86_400_000
ROWS = 8
WHOLE = SumQuery(first_day="2026-03-01", last_day="2026-03-31")
PART = replace(WHOLE, first_day="2026-03-10")
KEYS = [KeyId(f"{number:064x}") for number in range(3)]


def row(number: int) -> LedgerEntry:
    """A settled row, three days after the one before; every seventh has no key."""
    key = KEYS[number % 3] if number % 7 else None
    entry = begun(
        number,
        state=State.ANSWERED,
        started_ms=T0 + number * 3 * DAY_MS,
        key_id=key,
        tenant=TenantId(f"team:{number % 2}") if key else None,
        user_id="ann" if number % 3 else None,
        end_user=f"end user {number % 4}",
        tags=("a", "#b") if number % 5 == 0 else (),
        vector_store_id=ObjectId(f"vs_{number % 3}"),
        model="gpt-5" if number % 4 == 0 else None,
        input_tokens=number,
        status_code=200 if number % 6 else 502,
        overhead_us=number * 1_000,
        upstream_us=number * 40_000,
    )
    return settled(entry, spend=10**12 + number)


@cache
def all_rollups() -> list[Rollup]:
    """The rollups of each row by itself."""
    return [rollup for number in range(ROWS) for rollup in rollups_of([row(number)])]


def expected(query: SumQuery) -> list[Rollup]:
    """The sums, from the rows themselves."""
    lines = [line_of(rollup) for rollup in all_rollups() if rollup.bucket.scope is query.scope]
    return comparable(added(matching(within_days(lines, query), query), query), query)


def comparable(rows: Iterable[Rollup], query: SumQuery) -> list[Rollup]:
    """Sums without what is not read with them; those that need no key have no id either."""
    kept = (each._replace(latencies=()) for each in rows)
    if query.needs_keys:
        return sorted(kept, key=lambda each: each.bucket)
    return sorted(
        (each._replace(bucket=each.bucket._replace(scope_id="")) for each in kept), key=lambda each: each.bucket
    )


def queries() -> list[SumQuery]:
    """Queries of every kind."""
    by_key = frozenset({Dimension.DAY, Dimension.KEY})
    found = [replace(query, by=by) for query in (WHOLE, PART) for by in (by_key, frozenset[Dimension]())]
    found += [replace(PART, scope=scope, by=by_key) for scope in (Scope.END_USER, Scope.STORE, Scope.TAG)]
    kinds = [replace(query, kinds=True, by=query.by | {Dimension.OPERATION}) for query in (found[0], found[4])]
    by_id = frozenset({Dimension.DAY, Dimension.OPERATION, Dimension.ID})
    return [
        *found,
        *kinds,
        *(replace(PART, scope=scope, kinds=True, by=by_id) for scope in (Scope.END_USER, Scope.STORE)),
        *(replace(query, tenants=frozenset({"team:1"})) for query in found[1::2]),
        replace(WHOLE, by=by_key, keys=frozenset(KEYS[1:]), models=frozenset({"gpt-5"})),
        replace(WHOLE, scope=Scope.TAG, ids=frozenset({"#b"}), by=frozenset({Dimension.ID})),
        replace(WHOLE, scope=Scope.STORE, ids=frozenset({"vs_1", "vs_9"}), by=frozenset({Dimension.DAY})),
        replace(WHOLE, users=frozenset({"ann"}), operations=frozenset({"vector_stores.create"})),
        replace(WHOLE, tenants=frozenset()),
    ]


def test_sums_pages_and_latencies_are_those_of_the_rows(stores: Backend) -> None:
    for first in range(0, ROWS, 4):
        chunk = [row(number) for number in range(first, first + 4)]
        for entry in chunk:
            stores.ledger.begin(replace(entry, state=State.ANSWERED, spend=None))
        stores.ledger.settle(chunk, rollups_of(chunk))
    for query in queries():
        assert comparable(stores.reports.sums(query), query) == expected(query), query
    for query in (WHOLE, replace(WHOLE, tenants=frozenset({"team:0"}))):
        check_pages(stores, query)
    check_latencies(stores)


def check_pages(stores: Backend, query: SumQuery) -> None:
    """Every rollup is there once, the last day first."""
    whole = stores.reports.page(query, offset=0, limit=100)
    days = [each.bucket.day for each in whole.rows]
    assert days == sorted(days, reverse=True)
    assert whole.total == len(whole.rows) == len(set(whole.rows))
    parts = [stores.reports.page(query, offset=first, limit=5) for first in range(0, whole.total + 5, 5)]
    assert [each for part in parts for each in part.rows] == whole.rows
    assert {part.total for part in parts} == {whole.total}
    for name in MEASURES:
        assert sum(getattr(each, name) for each in whole.rows) == sum(getattr(each, name) for each in expected(query))


def check_latencies(stores: Backend) -> None:
    """Percentiles are off by less than a bucket; a team has its own."""
    found = stores.reports.latencies(WHOLE)
    counts = sum((Counter(by_bucket) for by_bucket in found.values()), Counter[str]())
    assert sum(count for name, count in counts.items() if name.startswith(OVERHEAD)) == len(found) == ROWS
    for kind, step in ((OVERHEAD, 1), (UPSTREAM, 40)):
        for percent in (50, 95):
            assert percentile_ms(counts, kind, percent) == pytest.approx(ROWS * percent / 100 * step, rel=0.4)
    mine = stores.reports.latencies(replace(WHOLE, tenants=frozenset({"team:1"})))
    assert 0 < sum(sum(by_bucket.values()) for by_bucket in mine.values()) < counts.total()


def test_no_amount_of_storage_keeps_a_record_from_being_settled(stores: Backend) -> None:
    of_a_day = MAX_SIZE * 86_400
    chunk = [row(number).changed(byte_seconds=of_a_day) for number in (1, 2)]
    for entry in chunk:
        stores.ledger.begin(replace(entry, state=State.ANSWERED, spend=None))
        stores.ledger.settle([entry], rollups_of([entry]))
    found = stores.ledger.entries([entry.id for entry in chunk]).values()
    assert {(entry.state, entry.byte_seconds) for entry in found} == {(State.SETTLED, of_a_day)}
    for by in (frozenset[Dimension](), frozenset({Dimension.DAY})):
        assert all(each.byte_seconds >= (1 << 63) - 1 for each in stores.reports.sums(replace(WHOLE, by=by)))


def test_only_days_are_read(stores: Backend) -> None:
    for days in (("2026-1-1", "2026-12-31"), ("2026-02-02", "2026-02-01"), ("2020-01-01", "2026-12-31")):
        with pytest.raises(ValueError, match="not a"):
            stores.reports.sums(SumQuery(first_day=days[0], last_day=days[1]))


def test_the_last_months_that_there_are_end() -> None:
    query = SumQuery(first_day="9999-11-30", last_day="9999-12-31")
    assert months_of(query) == ["9999-11", "9999-12"]
