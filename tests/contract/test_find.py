"""`LedgerStore.find`: a day's rows in steps, of which an index leaves out those that a filter does not allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.factories.ledger import KEY, OTHER_KEY, T0, begun
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import RecordQuery, RowFilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.harnesses.store_backends import Backend
    from vectorgate.ledger.entry import LedgerEntry

ROWS = [
    begun(
        number,
        state=State.VOIDED,
        started_ms=T0 + number // 3,
        key_id=None if number % 7 == 0 else (KEY, OTHER_KEY)[number % 2],
        end_user=("ann", "bob", None)[number % 3],
        user_id=("eve", "émile")[number % 4 // 2],
        team_id="red" if number % 5 else "blue",
    )
    for number in range(24)
]
FILTERS = [
    RowFilter("key_id", frozenset({KEY})),
    RowFilter("end_user", frozenset({"ann", "bob"})),
    RowFilter("user_id", frozenset({"émile", "x"})),
    RowFilter("team_id", frozenset({"blue"})),
    RowFilter("operation", frozenset({ROWS[0].operation})),
]


def steps(stores: Backend, query: RecordQuery, only: RowFilter | None, entries: int) -> Iterator[Sequence[LedgerEntry]]:
    """The rows of each step, to the beginning of the range."""
    while True:
        found = stores.ledger.find(query, only=only, entries=entries)
        yield found.rows
        if found.reached is None:
            return
        assert query.before is None or found.reached < query.before
        query = RecordQuery(start_ms=query.start_ms, end_ms=query.end_ms, limit=query.limit, before=found.reached)


def test_steps_join_to_the_rows_that_a_filter_allows_newest_first(stores: Backend) -> None:
    for row in ROWS:
        stores.ledger.begin(row)
    newest = sorted(ROWS, key=lambda row: (row.started_ms, row.id), reverse=True)
    whole = RecordQuery(start_ms=T0, end_ms=T0 + 99, limit=9)
    for only, entries in ((None, 50), *((each, 50) for each in FILTERS), (FILTERS[0], 1)):
        found = list(steps(stores, whole, only, entries))
        wanted = [row for row in newest if only is None or getattr(row, only.column) in only.values]
        assert [row for step in found for row in step] == wanted
        assert max(map(len, found)) <= whole.limit
    part = RecordQuery(start_ms=T0 + 3, end_ms=T0 + 99, limit=100)
    assert [row for step in steps(stores, part, None, 100) for row in step] == newest[:-9]


def test_what_no_index_filters_is_refused(stores: Backend) -> None:
    day = RecordQuery(start_ms=T0, end_ms=T0 + 9, limit=7)
    for only in (
        RowFilter("state", frozenset({"x"})),
        RowFilter("key_id", frozenset()),
        RowFilter("key_id", frozenset("abcde")),
    ):
        with pytest.raises(ValueError, match="not a filter"):
            stores.ledger.find(day, only=only)
    with pytest.raises(ValueError, match="within a day"):
        stores.ledger.find(RecordQuery(start_ms=T0, end_ms=T0 + 86_400_001, limit=7))
