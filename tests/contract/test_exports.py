"""What the exporter finds in a database: the rows of a settlement in their order, and the alerts that were sent."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.factories.ledger import KEY, answered, begun, settled
from tests.harnesses.store_backends import FakeBackend
from vectorgate.exports.ports import Alert
from vectorgate.ids import ObjectId
from vectorgate.ledger.entry import State
from vectorgate.ledger.rollups import Scope, rollups_of
from vectorgate.ledger.sums import Dimension, SumQuery
from vectorgate.persistence.dynamodb import DynamoLedger
from vectorgate.persistence.dynamodb.alerts import DynamoAlertLog
from vectorgate.persistence.dynamodb.schema import ids_of_rollup
from vectorgate.persistence.dynamodb.stream import settled_ids
from vectorgate.persistence.sqlite import SqliteOutbox

if TYPE_CHECKING:
    from tests.harnesses.store_backends import DynamoBackend, SqliteBackend
    from vectorgate.exports.ports import AlertLog
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.persistence.dynamodb.schema import Item

SENT = Alert("team", "R&D 東京", "2026-03-01", "budget_crossed")
OTHER = SENT._replace(event="threshold_crossed")


class Exporting:
    """A ledger whose rows are exported, and what the table's stream has of its settlements."""

    def __init__(self) -> None:
        self.backend = FakeBackend()
        self._chance = Random(1)  # noqa: S311 - no secret
        self.exported, self.plain = DynamoLedger(self.backend.table, exported_in_order=True), self.backend.ledger
        self._seen: dict[tuple[str, str], Item] = {}

    def settle(self, *rows: LedgerEntry, ledger: LedgerStore | None = None) -> list[list[str]]:
        """Settle rows in one transaction; those that each changed item of stores names, in an order by chance."""
        for row in rows:
            self.plain.begin(row.changed(state=State.ANSWERED, spend=None))
        (ledger or self.exported).settle(rows, rollups_of(rows))
        items = self._items()
        changed = [item for key, item in items.items() if item != self._seen.get(key)]
        self._seen = items
        self._chance.shuffle(changed)
        records = [{"dynamodb": {"SequenceNumber": str(at), "NewImage": item}} for at, item in enumerate(changed)]
        return [[*ids] for _, ids in settled_ids({"Records": records})]

    def _items(self) -> dict[tuple[str, str], Item]:
        items: dict[tuple[str, str], Item] = self.backend.table.__dict__["client"].items
        return {place: item for place, item in items.items() if place[0].startswith("USE#store#")}

    def partitions(self) -> dict[str, set[str]]:
        """The partitions of the items that name a row."""
        found = defaultdict[str, set[str]](set)
        for (partition, _), item in self._items().items():
            for id_ in ids_of_rollup(item):
                found[id_].add(partition)
        return found


@pytest.fixture
def exporting() -> Exporting:
    return Exporting()


def row(number: int, store: str | None, operation: str = "create", spend: int = 0) -> LedgerEntry:
    """A settled row of a store."""
    name = ObjectId(store) if store is not None else None
    return settled(answered(begun(number), vector_store_id=name, operation=f"vector_stores.{operation}"), spend)


def test_one_item_names_all_rows_of_a_store_of_a_settlement_in_the_order_of_their_calls(exporting: Exporting) -> None:
    rows = [
        row(1, "vs_1"),
        row(2, "vs_1", "search", spend=7),
        row(3, "vs_2"),
        row(4, None),
        row(5, "vs_1", "delete"),
    ]
    ids = [each.id for each in rows]
    assert sorted(exporting.settle(*rows)) == sorted([[ids[0], ids[1], ids[4]], [ids[2]]])
    again = row(6, "vs_1", "search", spend=7)
    assert exporting.settle(again) == [[again.id]]
    costly = row(7, "vs_3", spend=7)
    assert exporting.settle(costly) == [[costly.id]]


def test_each_row_of_a_store_is_named_once_and_behind_those_that_were_settled_before_it(exporting: Exporting) -> None:
    """Whatever the order of a transaction's items in the stream: all that name a store's rows are in one partition."""
    rng, numbers = Random(1), count()  # noqa: S311 - no secret
    expected, found = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    store_of, partitions = dict[str, str](), defaultdict[str, set[str]](set)
    for _ in range(12):
        kinds = rng.choices(["create", "search", "delete"], k=rng.randint(1, 8))
        rows = [row(next(numbers), f"vs_{rng.randint(1, 6)}", each, 7 * (each == "search")) for each in kinds]
        store_of |= {each.id: str(each.vector_store_id) for each in rows}
        for named in exporting.settle(*rows):
            for id_ in named:
                found[store_of[id_]].append(id_)
        for each in rows:
            expected[store_of[each.id]].append(each.id)
        for id_, places in exporting.partitions().items():
            partitions[store_of[id_]] |= places
    assert found == expected
    assert {len(places) for places in partitions.values()} == {1}


def test_new_stores_rows_are_named_by_four_items_and_where_nothing_is_exported_by_none(exporting: Exporting) -> None:
    assert exporting.settle(row(0, "vs_0"), ledger=exporting.plain) == []
    rows = [row(number, f"vs_{number}") for number in range(1, 25)]
    named = exporting.settle(*rows)
    assert len(named) == 4
    assert sorted(id_ for ids in named for id_ in ids) == [each.id for each in rows]
    assert exporting.settle(row(25, "vs_25"), ledger=exporting.plain) == []  # the exporter was removed


def test_what_names_rows_is_no_line_of_a_report(exporting: Exporting) -> None:
    exporting.settle(row(1, "vs_1"))
    reports, day = exporting.backend.reports, "2026-03-04"
    query = SumQuery(first_day=day, last_day=day, scope=Scope.STORE, by=frozenset(Dimension))
    assert list(reports.sums(query)) == list(reports.page(query, offset=0, limit=9).rows) == []
    assert list(reports.rollups(Scope.STORE, "vs_1", "2026-03")) == []
    exporting.settle(row(2, "vs_1", "search", spend=7))
    (line,) = reports.sums(query)
    assert (line.bucket.scope_id, line.calls, line.searches, line.spend) == ("vs_1", 1, 1, 7)


def test_an_alert_is_sent_once_it_is_marked(dynamo: DynamoBackend, sqlite: SqliteBackend) -> None:
    logs: list[AlertLog] = [DynamoAlertLog(dynamo.table), SqliteOutbox(sqlite.database, lambda: 0)]
    for log in logs:
        assert log.sent([SENT, OTHER]) == frozenset()
        log.mark(SENT)
        log.mark(SENT)
        assert log.sent([SENT, OTHER]) == {SENT}
        of_key = Alert("key", KEY, "ever", "budget_crossed")
        assert log.sent([of_key]) == frozenset()
