"""`GET /spend/logs` of one key among a day's many records on DynamoDB: it finishes, whatever the others called."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.fakes.clock import FakeClock
from tests.harnesses.admin import DAY, KEY, AdminHarness
from vectorgate.auth.authenticate import key_id_of
from vectorgate.ids import OperationId
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.metering.model import DAY_S
from vectorgate.persistence.dynamodb.ledger import DynamoLedger
from vectorgate.persistence.dynamodb.schema import operation_item, shard_of
from vectorgate.persistence.dynamodb.table import DynamoTable, Page
from vectorgate.persistence.sqlite import open_stores

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vectorgate.persistence.dynamodb.schema import Attribute, Item

MIDNIGHT = DAY * DAY_S * 1_000
OTHER = key_id_of("sk-of-blue")
OF_A_PAGE = 3_600  # index entries of a megabyte, where DynamoDB ends a page
OF_HALF_A_UNIT = 4_096 // 290  # index entries of 290 bytes


class TableInMemory:
    """The index `request_log` of a day: as DynamoDB, it looks at `limit` entries and shows those that are allowed."""

    def __init__(self, shown: Sequence[LedgerEntry], others: int) -> None:
        self.asked: Counter[str] = Counter()
        self.clock = FakeClock().clock()
        self.items = {f"OP#{entry.id}": operation_item(entry) for entry in shown}
        self.shards: defaultdict[str, list[tuple[str, str, str]]] = defaultdict(list)
        for item in self.items.values():
            self.shards[item["by_day_pk"]["S"]].append((item["began"]["S"], item["PK"]["S"], item["key_id"]["S"]))
        for number in range(others):
            id_ = f"00000000-0000-7000-8000-{number:012x}"
            place = f"DAY#2026-03-04#{shard_of(OperationId(id_))}"
            self.shards[place].append((f"{MIDNIGHT + 1 + number:013d}#{id_}", f"OP#{id_}", OTHER))
        for entries in self.shards.values():
            entries.sort()

    def query_page(self, _: str, values: dict[str, Attribute], *, limit: int, **how: Any) -> Page:
        """Query of the index."""
        entries = self.shards[values[":shard"]["S"]]
        first = bisect_left(entries, (values[":first"]["S"],))
        end = bisect_right(entries, (values[":last"]["S"], "~"))
        start = max(first, end - min(limit, OF_A_PAGE))
        self.asked["queries"] += 1
        self.asked["half units"] += -(-(end - start) // OF_HALF_A_UNIT) or 1
        allowed = {each["S"] for name, each in values.items() if name in {":a", ":b", ":c", ":d"}}
        assert (how.get("FilterExpression") == "key_id IN (:a, :b, :c, :d)") is bool(allowed)
        shown = [each for each in reversed(entries[start:end]) if not allowed or each[2] in allowed]
        last = {"began": {"S": entries[start][0]}} if start > first else None
        return Page([{"began": {"S": began}, "PK": {"S": pk}, "SK": {"S": "STATE"}} for began, pk, _ in shown], last)

    def batch_get(self, keys: Sequence[Item], **_: object) -> Iterator[Item]:
        """The rows that are shown."""
        self.asked["rows"] += len(keys)
        return (self.items[key["PK"]["S"]] for key in keys)


def rows_of_key(moments: Iterable[int]) -> list[LedgerEntry]:
    """Calls of the key, so many milliseconds after midnight."""
    return [
        LedgerEntry(
            id=OperationId(f"00000000-0000-7000-8001-{moment:012x}"),
            operation="vector_stores.search",
            state=State.VOIDED,
            started_ms=MIDNIGHT + moment,
            key_id=KEY,
            status_code=200,
        )
        for moment in moments
    ]


def log(table: TableInMemory) -> Any:
    """The first page of the key's log."""
    stores = replace(open_stores(), ledger=DynamoLedger(cast("DynamoTable", table)))
    query = {"api_key": KEY, "start_date": "2026-03-04", "end_date": "2026-03-04", "cursor": ""}
    status, document = AdminHarness(stores).ask("GET", "/spend/logs", **query)
    assert status == 200
    return document


@pytest.mark.parametrize("others", [45_000, pytest.param(1_000_000, marks=pytest.mark.exhaustive)])
def test_a_keys_few_calls_among_very_many_are_one_page(others: int) -> None:
    calls = rows_of_key(range(others // 45, others, others // 45))
    table = TableInMemory(calls, others)
    page = log(table)
    assert [row["request_id"] for row in page["data"]] == [row.id for row in reversed(calls)]
    assert not page["has_more"]
    assert table.asked["rows"] <= 2 * len(calls)  # no other key's row is read
    assert table.asked["queries"] <= 16 * (5 + others / 16 / OF_A_PAGE * 1.3), table.asked


def test_the_first_page_of_a_busy_key_reads_no_more_than_it_shows() -> None:
    table = TableInMemory(rows_of_key(range(1, 9_001)), 1_000)
    page = log(table)
    assert (len(page["data"]), page["has_more"]) == (100, True)
    assert table.asked["queries"] <= 16 * 4, table.asked
    assert table.asked["rows"] <= 3 * 101
