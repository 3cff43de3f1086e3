"""Rows of every kind, as the release before 0.2.0 wrote them, are read, and are written the same, by this one.

`tests/fixtures/old_rows.json` holds the items of a DynamoDB table, `old_rows.sql` a home's SQLite file. Both were
written once, by that release, with the same calls; they are never edited.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from tests.factories.old_rows import (
    ANSWERED,
    BALANCES,
    BY_BODY,
    BY_ID,
    BY_KEY,
    ENTRIES,
    FULL_KEY,
    INDEX,
    ITEMS,
    KEY,
    LIMITS,
    LISTED_SINCE,
    LOCATION,
    METERS,
    OBJECT,
    OPENAI,
    OWNED_BATCH,
    OWNED_STORE,
    PLAIN_KEY,
    RED,
    RETIRED_FILE,
    SCRIPT,
    SECOND,
    STORE,
    T0,
    USER,
)
from tests.harnesses.store_backends import MotoBackend
from vectorgate.budgets.model import Balance
from vectorgate.idempotency.service import with_answer
from vectorgate.ids import ObjectKind
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import RecordQuery, RowFilter
from vectorgate.ledger.rollups import Bucket, Rollup, Scope
from vectorgate.ledger.settlement import settle
from vectorgate.metering.ports import Schedule
from vectorgate.persistence.dynamodb import schema, stores_of
from vectorgate.persistence.dynamodb.budgets import limit_item
from vectorgate.persistence.dynamodb.idempotency import record_item, record_of_item
from vectorgate.persistence.dynamodb.indexes import index_item
from vectorgate.persistence.dynamodb.meter import meter_item
from vectorgate.persistence.sqlite import open_stores
from vectorgate.pricing.book import PriceBook, shipped_prices
from vectorgate.pricing.money import ZERO, NanoUSD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vectorgate.persistence.stores import Stores


@pytest.fixture(params=["sqlite", "dynamodb-moto"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """The old rows, behind the stores of today."""
    if request.param == "sqlite":
        path = str(tmp_path / "gate.db")
        connection = sqlite3.connect(path)
        connection.executescript(SCRIPT)
        connection.close()
        opened = open_stores(path)
        yield opened
        opened.close()
    else:
        with mock_aws():
            table = MotoBackend().table
            for item in ITEMS:
                table.client.put_item(TableName=table.name, Item=item)
            yield stores_of(table)


def test_operations_are_read_whatever_their_state(stores: Stores) -> None:
    assert stores.ledger.entries(list(BY_ID)) == BY_ID
    query = RecordQuery(start_ms=T0 - 1_000_000, end_ms=T0 + 1_000, limit=100)
    assert sorted(stores.ledger.search(query), key=lambda entry: entry.id) == ENTRIES
    found = stores.ledger.find(query, only=RowFilter("key_id", frozenset({KEY})), entries=1_000)
    assert sorted(found.rows, key=lambda entry: entry.id) == [entry for entry in ENTRIES if entry.key_id == KEY]


def test_what_is_open_or_waits_to_be_settled_is_listed(stores: Stores) -> None:
    assert list(stores.ledger.open_rows(T0 + 1_000, 100)) == ENTRIES[:3]
    assert list(stores.ledger.answered(100)) == [ENTRIES[9], *ENTRIES[3:6]]


def test_idempotency_records_lead_to_their_operations_and_keep_their_answers(stores: Stores) -> None:
    for record in (BY_KEY, BY_BODY, ANSWERED):
        held = stores.ledger.idempotency_records(record.tenant, record.name, start="0", limit=9)
        assert list(held) == [record]


def test_objects_belong_to_their_owners(stores: Stores) -> None:
    rows = [OWNED_STORE, RETIRED_FILE, OWNED_BATCH]
    assert stores.ownership.owners([owned.ref for owned in rows]) == {owned.ref: owned for owned in rows}
    for kind, expected in ((ObjectKind.VECTOR_STORE, [OWNED_STORE]), (ObjectKind.FILE, [])):
        owned = stores.ownership.owned_by(RED, OPENAI, kind, start=None, ascending=True, limit=9)
        assert list(owned) == expected


def test_keys_are_read(stores: Stores) -> None:
    assert [stores.keys.key(key.id) for key in (FULL_KEY, PLAIN_KEY)] == [FULL_KEY, PLAIN_KEY]


def test_limits_and_accounts_are_read(stores: Stores) -> None:
    assert stores.budgets.limits(list(LIMITS)) == LIMITS
    assert stores.budgets.balances(list(BALANCES)) == BALANCES


def test_rollups_are_read(stores: Stores) -> None:
    scopes = [(Scope.KEY, KEY), (Scope.TENANT, RED), (Scope.STORE, STORE), (Scope.PROVIDER, OPENAI)]
    for scope, scope_id in scopes:
        assert list(stores.reports.rollups(scope, scope_id, "2026-03")) == [
            Rollup(Bucket(scope, scope_id, "2026-03-04", OPENAI, "storage"), 1, 0, NanoUSD(225)),
            Rollup(
                Bucket(scope, scope_id, "2026-03-04", OPENAI, "vector_stores.file_batches.create"), 1, 0, NanoUSD(7)
            ),
        ]
    (rollup,) = stores.reports.rollups(Scope.END_USER, USER, "2026-03")
    assert (rollup.calls, rollup.failures, rollup.spend) == (1, 0, 7)


def test_meters_and_their_schedule_are_read(stores: Stores) -> None:
    assert list(stores.meters.meters(OPENAI)) == METERS
    assert stores.meters.schedule(OPENAI) == Schedule(due=SECOND + 60, pause=60)


def test_virtual_indexes_are_read(stores: Stores) -> None:
    assert stores.indexes.indexes(["docs"]) == {"docs": INDEX}
    assert list(stores.indexes.all_indexes()) == [INDEX]


def test_what_ingestion_keeps_is_read(stores: Stores) -> None:
    found = stores.ingest.object_row(LOCATION)
    assert found is not None
    assert found.to_record() == OBJECT
    assert stores.ingest.named_store("red", "handbook") == STORE
    window = SECOND // 60 * 60
    assert [stores.ingest.admit(STORE, window, limit=3) for _ in range(3)] == [True, True, False]  # one was before


def test_old_rows_are_carried_on_with(stores: Stores) -> None:
    calls = [entry for entry in stores.ledger.answered(100) if entry.corrects is None]
    assert len(settle(calls, stores.ledger, PriceBook(shipped_prices()))) == 3
    started, answer = ENTRIES[0], with_answer(BY_KEY, 200, b"{}")
    voided = started.transition(State.VOIDED, spend=ZERO, price_id="vectorgate.not-executed")
    stores.ledger.advance(voided, since=State.STARTED, idempotency=answer)
    assert stores.ledger.entry(started.id) == voided
    assert set(stores.budgets.balances(list(BALANCES)).values()) == {Balance(reserved=0, spent=7)}
    assert list(stores.ledger.idempotency_records(RED, BY_KEY.name, start="0", limit=9)) == [answer]


def test_items_are_written_as_they_were_before() -> None:
    written = [
        *(schema.operation_item(entry, listed=True) for entry in ENTRIES),
        *map(record_item, (BY_KEY, BY_BODY, ANSWERED)),
        *map(schema.ownership_item, (OWNED_STORE, RETIRED_FILE, OWNED_BATCH)),
        *map(schema.virtual_key_item, (FULL_KEY, PLAIN_KEY)),
        *(limit_item(subject, limit) for subject, limit in LIMITS.items()),
        *map(meter_item, METERS),
        index_item(INDEX),
    ]
    old = {(item["PK"]["S"], item["SK"]["S"]): item for item in ITEMS}
    for item in written:
        before = old[item["PK"]["S"], item["SK"]["S"]]
        listed = LISTED_SINCE if item["PK"]["S"].startswith(("KEY#", "BUD#")) else frozenset()
        kept = {name: value for name, value in item.items() if name not in listed}
        assert kept == {name: value for name, value in before.items() if name != "mark"}
    assert [record_of_item(record_item(record)) for record in (BY_KEY, BY_BODY)] == [BY_KEY, BY_BODY]
