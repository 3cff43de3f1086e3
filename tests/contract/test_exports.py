"""What the exporter finds in a database: the rows of a settlement in their order, and the alerts that were sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.factories.ledger import KEY, answered, begun, settled
from vectorgate.exports.ports import Alert
from vectorgate.ids import ObjectId
from vectorgate.ledger.rollups import rollups_of
from vectorgate.persistence.dynamodb.alerts import DynamoAlertLog
from vectorgate.persistence.dynamodb.schema import ids_of_rollup
from vectorgate.persistence.sqlite import SqliteOutbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.harnesses.store_backends import DynamoBackend, SqliteBackend
    from vectorgate.exports.ports import AlertLog
    from vectorgate.ledger.entry import LedgerEntry

SENT = Alert("team", "R&D 東京", "2026-03-01", "budget_crossed")
OTHER = SENT._replace(event="threshold_crossed")


def named(dynamo: DynamoBackend) -> Mapping[str, Sequence[str]]:
    """The rows that rollups name, by the rollup's store. Those of a store are in one partition."""
    items = dynamo.table.client.scan(TableName=dynamo.table.name)["Items"]
    of_stores = [item for item in items if item["PK"]["S"].startswith("USE#store#")]
    for store in {item["scope_id"]["S"] for item in of_stores}:
        assert len({item["PK"]["S"] for item in of_stores if item["scope_id"]["S"] == store}) == 1
    naming = [(item, ids) for item in items if (ids := ids_of_rollup(item))]
    assert all(item in of_stores for item, _ in naming)
    found = {item["scope_id"]["S"]: ids for item, ids in naming}
    assert len(found) == len(naming)
    return found


def settle(dynamo: DynamoBackend, *rows: LedgerEntry) -> list[str]:
    """Settle rows in one transaction; their ids."""
    for row in rows:
        dynamo.ledger.begin(row)
    final = [settled(row) for row in rows]
    dynamo.ledger.settle(final, rollups_of(final))
    return [row.id for row in rows]


def test_one_rollup_of_a_store_names_all_its_rows_of_a_settlement_in_the_order_of_their_calls(
    dynamo: DynamoBackend,
) -> None:
    def row(number: int, store: str | None, operation: str) -> LedgerEntry:
        name = ObjectId(store) if store is not None else None
        return answered(begun(number), vector_store_id=name, operation=operation)

    rows = [
        row(1, "vs_1", "vector_stores.create"),
        row(2, "vs_1", "vector_stores.search"),
        row(3, "vs_2", "vector_stores.create"),
        row(4, None, "files.create"),
        row(5, "vs_1", "vector_stores.delete"),
    ]
    first, second, third, _, last = settle(dynamo, *rows)
    assert named(dynamo) == {"vs_1": [first, second, last], "vs_2": [third]}
    (again,) = settle(dynamo, row(6, "vs_1", "vector_stores.create"))
    assert named(dynamo)["vs_1"] == [again]


def test_an_alert_is_sent_once_it_is_marked(dynamo: DynamoBackend, sqlite: SqliteBackend) -> None:
    logs: list[AlertLog] = [DynamoAlertLog(dynamo.table), SqliteOutbox(sqlite.database, lambda: 0)]
    for log in logs:
        assert log.sent([SENT, OTHER]) == frozenset()
        log.mark(SENT)
        log.mark(SENT)
        assert log.sent([SENT, OTHER]) == {SENT}
        of_key = Alert("key", KEY, "ever", "budget_crossed")
        assert log.sent([of_key]) == frozenset()
