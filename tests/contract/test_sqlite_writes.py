"""What the ledger on SQLite does in few writes: it keeps a row's index entries, and deletes what has expired later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.factories.ledger import T0, answered, begun, settled
from tests.harnesses.store_backends import SqliteBackend
from vectorgate.idempotency.record import EXPLICIT_SLOT, GRACE_SECONDS, IdempotencyRecord
from vectorgate.idempotency.service import explicit_record
from vectorgate.ids import KeyId
from vectorgate.ledger.entry import State
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.ledger.entry import LedgerEntry

LATER_MS = T0 + 2 * GRACE_SECONDS * 1_000


@pytest.fixture
def stores() -> Iterator[SqliteBackend]:
    """SQLite in memory, without rows."""
    backend = SqliteBackend(":memory:")
    yield backend
    backend.database.close()


def record_of(entry: LedgerEntry) -> IdempotencyRecord:
    """The record of a key of this row alone."""
    return explicit_record(entry, entry.id, "f" * 64)


def is_kept(stores: SqliteBackend, record: IdempotencyRecord) -> bool:
    """Whether the record is there."""
    return bool(stores.ledger.idempotency_records(record.tenant, record.name, start=EXPLICIT_SLOT, limit=1))


def test_each_row_that_is_settled_deletes_two_expired_records_and_none_that_has_not_expired(
    stores: SqliteBackend,
) -> None:
    old = [record_of(begun(number)) for number in range(5)]
    rows = [begun(number, started_ms=LATER_MS) for number in range(5, 7)]
    for record in [*old, *map(record_of, rows)]:
        stores.ledger.bind(record)
    kept = []
    for row in rows:
        stores.ledger.begin(row)
        stores.ledger.advance(answered(row), since=State.STARTED)
        stores.ledger.settle([settled(answered(row))], [])
        kept.append(sum(is_kept(stores, record) for record in old))
    assert kept == [3, 1]
    assert all(is_kept(stores, record_of(row)) for row in rows)


@pytest.mark.parametrize(
    "changes", [{"key_id": KeyId("b" * 64)}, {"key_id": None}, {"end_user": None}, {"started_ms": T0 + 9}]
)
def test_no_later_state_of_a_row_has_another_time_key_or_end_user(
    stores: SqliteBackend, changes: dict[str, object]
) -> None:
    row = begun()
    stores.ledger.begin(row)
    with pytest.raises(StateConflict):
        stores.ledger.advance(answered(row).changed(**changes), since=State.STARTED)
    assert stores.ledger.entry(row.id) == row


def test_a_text_of_the_providers_that_is_no_unicode_is_kept(stores: SqliteBackend) -> None:
    stores.ledger.begin(begun(0))
    stores.ledger.advance(begun(0).transition(State.VOIDED, error_code="bad\ud800"), since=State.STARTED)
    row = stores.ledger.entry(begun(0).id)
    assert row is not None
    assert row.error_code == "bad\ud800"
