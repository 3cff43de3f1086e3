"""The ledger of a deployed stack, as this release reads it: its rows, and whether its sums are theirs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tests.harnesses.aws_stack import REGION, eventually
from vectorgate.bootstrap import system_clock, system_random
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.rollups import CREATE, Scope, day_of, rollups_of
from vectorgate.persistence.dynamodb import DynamoTable, stores_of

if TYPE_CHECKING:
    from tests.harnesses.aws_stack import Emulator, Stack
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.stores import Stores

MINUTE_MS: Final = 60_000


def ledger(aws: Emulator, stack: Stack) -> Stores:
    """The stack's table, as this release reads it."""
    name, clock, randomness = stack.outputs["TableName"], system_clock(), system_random()
    table = DynamoTable(name, clock=clock, randomness=randomness, region=REGION, endpoint_url=aws.url)
    table.__dict__["client"] = aws.client("dynamodb")
    return stores_of(table)


def rows_of(stores: Stores) -> list[LedgerEntry]:
    """Every row. ValueError for one that cannot be read."""
    now_ms = system_clock().unix_ms()
    query = RecordQuery(start_ms=now_ms - 30 * MINUTE_MS, end_ms=now_ms + MINUTE_MS, limit=100_000)
    return list(stores.ledger.search(query))


def settled(stores: Stores) -> list[LedgerEntry]:
    """Wait until no row is open, and return all."""

    def final() -> list[LedgerEntry] | None:
        rows = rows_of(stores)
        return rows if rows and all(row.state in {State.SETTLED, State.VOIDED} for row in rows) else None

    return eventually(final, 300, "every row is final")


def differences(stores: Stores, rows: list[LedgerEntry]) -> list[str]:
    """Where a sum is not that of its rows."""
    final = [row for row in rows if row.state is State.SETTLED]
    expected: Counter[tuple[Any, ...]] = Counter()
    for rollup in rollups_of(final):
        expected[rollup.bucket.scope, rollup.bucket.scope_id, "calls"] += rollup.calls
        expected[rollup.bucket.scope, rollup.bucket.scope_id, "spend"] += rollup.spend
    months = {day_of(row.started_ms)[:7] for row in final}
    actual: Counter[tuple[Any, ...]] = Counter()
    for scope, scope_id in {place[:2] for place in expected}:
        for rollup in (each for month in months for each in stores.reports.rollups(scope, scope_id, month)):
            actual[scope, scope_id, "calls"] += rollup.calls
            actual[scope, scope_id, "spend"] += rollup.spend
    # The earlier release counts a creation in its store's calls, too.
    created = Counter((Scope.STORE, row.vector_store_id, "calls") for row in final if row.operation == CREATE)
    return [
        f"{place}: {actual[place]}, not {expected[place]}"
        for place in expected
        if not expected[place] <= actual[place] <= expected[place] + created[place]
    ]
