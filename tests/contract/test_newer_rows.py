"""Rows of a later release, which are in the table while it is shifted and after it was taken back.

What is added to a row is left out; a row in another form is neither read nor replaced.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from moto import mock_aws

from tests.factories.old_rows import (
    ANSWERED,
    BALANCES,
    BY_KEY,
    ENTRIES,
    FULL_KEY,
    ITEMS,
    LIMITS,
    LOCATION,
    OPENAI,
    OWNED_STORE,
    RED,
    T0,
)
from tests.harnesses.store_backends import MotoBackend
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.settlement import settle
from vectorgate.persistence.dynamodb import stores_of
from vectorgate.persistence.dynamodb.codec import FORM
from vectorgate.persistence.dynamodb.stream import answered_entries, settled_ids
from vectorgate.pricing.book import PriceBook, shipped_prices
from vectorgate.store_errors import NewerRow, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vectorgate.persistence.dynamodb import DynamoTable
    from vectorgate.persistence.stores import Stores

NEWER: Final = {"form": {"N": str(FORM + 1)}}
ADDED: Final = {"novelty": {"M": {"of": {"L": [{"N": "1"}]}}}, "form": {"N": str(FORM)}}
SEARCH: Final = RecordQuery(start_ms=T0 - 1_000_000, end_ms=T0 + 1_000, limit=100)
READS: Final[Mapping[str, Callable[[Stores], Any]]] = {
    "operation": lambda stores: stores.ledger.entry(ENTRIES[0].id),
    "idempotency records": lambda stores: stores.ledger.idempotency_records(RED, BY_KEY.name, start="0", limit=9),
    "answers": lambda stores: stores.ledger.idempotency_records(ANSWERED.tenant, ANSWERED.name, start="0", limit=9),
    "owners": lambda stores: stores.ownership.owners([OWNED_STORE.ref]),
    "key": lambda stores: stores.keys.key(FULL_KEY.id),
    "limits": lambda stores: stores.budgets.limits(list(LIMITS)),
    "balances": lambda stores: stores.budgets.balances(list(BALANCES)),
    "meters": lambda stores: stores.meters.meters(OPENAI),
    "schedule": lambda stores: stores.meters.schedule(OPENAI),
    "indexes": lambda stores: stores.indexes.indexes(["docs"]),
}
LISTS: Final[Mapping[str, Callable[[Stores], Any]]] = {
    "entries": lambda stores: list(stores.ledger.entries([entry.id for entry in ENTRIES])),
    "open rows": lambda stores: stores.ledger.open_rows(T0 + 1_000, 100),
    "answered": lambda stores: stores.ledger.answered(100),
    "search": lambda stores: stores.ledger.search(SEARCH),
}


@pytest.fixture
def table() -> Iterator[DynamoTable]:
    """The table with the rows of `test_old_rows`."""
    with mock_aws():
        made = MotoBackend().table
        fill(made, {})
        yield made


def fill(table: DynamoTable, added: Mapping[str, Any]) -> None:
    """Put the rows, each with these attributes, too."""
    for item in ITEMS:
        table.client.put_item(TableName=table.name, Item={**item, **added})


def items(table: DynamoTable) -> dict[tuple[str, str], dict[str, Any]]:
    """Everything that the table holds."""
    found = table.client.scan(TableName=table.name)["Items"]
    return {(item["PK"]["S"], item["SK"]["S"]): deepcopy(dict(item)) for item in found}


def read(stores: Stores) -> dict[str, Any]:
    """What every read returns."""
    return {name: each(stores) for name, each in {**READS, **LISTS}.items()}


def test_what_a_later_release_adds_to_rows_is_left_out(table: DynamoTable) -> None:
    stores = stores_of(table)
    before = read(stores)
    assert all(before.values())
    fill(table, ADDED)
    assert read(stores) == before


def test_rows_of_another_form_are_not_read_and_lists_are_without_them(table: DynamoTable) -> None:
    fill(table, NEWER)
    stores = stores_of(table)
    for name, each in READS.items():
        with pytest.raises(NewerRow):
            pytest.fail(f"{name}: {each(stores)}")
    with pytest.raises(NewerRow):
        stores.ingest.object_row(LOCATION)
    assert {name: list(each(stores)) for name, each in LISTS.items()} == {name: [] for name in LISTS}


def test_rows_of_another_form_are_not_replaced(table: DynamoTable) -> None:
    calls = [entry for entry in stores_of(table).ledger.answered(100) if entry.corrects is None]
    fill(table, NEWER)
    stores, before = stores_of(table), items(table)
    assert settle(stores.ledger.answered(100), stores.ledger, PriceBook(shipped_prices())) == []
    for entry in calls:
        with pytest.raises(StoreError):
            stores.ledger.begin(entry)
    with pytest.raises(StoreError):
        stores.keys.add_key(replace(FULL_KEY, alias="again"))
    assert items(table) == before


def test_the_stream_leaves_rows_of_another_form_to_their_release() -> None:
    rows = [item for item in ITEMS if item["PK"]["S"].startswith("OP#")]

    def event(added: Mapping[str, Any]) -> dict[str, Any]:
        images = [{**item, **added} for item in rows]
        return {
            "Records": [{"dynamodb": {"SequenceNumber": str(at), "NewImage": each}} for at, each in enumerate(images)]
        }

    assert len(answered_entries(event(ADDED))) == len(answered_entries(event({}))) > 0
    assert settled_ids(event(ADDED)) == settled_ids(event({}))
    assert answered_entries(event(NEWER)) == []
    assert settled_ids(event(NEWER)) == []
