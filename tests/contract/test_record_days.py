"""How long the ledger keeps a row that is settled or voided: `RecordDays` of the stack; SQLite keeps all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.test_holds import ids_held, reservations, row
from tests.factories.ledger import RED, T0, answered, begun, own, ref, settled
from tests.helpers.call_recorder import KIB, CallRecorder
from vectorgate.clock import DAY_MS, MILLISECONDS
from vectorgate.ledger.assignments import Assignment
from vectorgate.ledger.corrections import correction
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.rollups import Scope, rollups_of
from vectorgate.metering.model import DAY_S
from vectorgate.persistence.dynamodb import DynamoLedger, holds, stores_of
from vectorgate.persistence.dynamodb.schema import (
    BY_TENANT,
    INDEXES,
    OPEN,
    REQUEST_LOG,
    operation_item,
    operation_key,
    ownership_key,
)
from vectorgate.persistence.dynamodb.stream import answered_entries, settled_entries, settled_ids
from vectorgate.pricing.book import Charge
from vectorgate.pricing.money import NanoUSD
from vectorgate.store_errors import AlreadyExists

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.store_backends import Backend, DynamoBackend
    from vectorgate.ledger.entry import LedgerEntry

DAYS: Final = 90
ALL: Final = RecordQuery(start_ms=T0 // DAY_MS * DAY_MS, end_ms=(T0 // DAY_MS + 1) * DAY_MS, limit=100)


@pytest.fixture
def kept(dynamo: DynamoBackend) -> DynamoBackend:
    """A table whose final rows are kept for so many days."""
    dynamo.ledger = DynamoLedger(dynamo.table, record_days=DAYS)
    return dynamo


def days_left(dynamo: DynamoBackend, entry: LedgerEntry) -> float | None:
    """For how many days the table keeps a row from now on; None for ever."""
    item = dynamo.item(operation_key(entry.id))
    return (int(item["ttl"]["N"]) - dynamo.time.wall()) / DAY_S if "ttl" in item else None


def settle(stores: Backend, entry: LedgerEntry) -> LedgerEntry:
    """Settle an answered row."""
    final = settled(entry)
    stores.ledger.settle([final], rollups_of([final]))
    return final


def voided_at_once(stores: Backend) -> LedgerEntry:
    entry = begun(state=State.VOIDED)
    stores.ledger.begin(entry)
    return entry


def voided_by_its_process(stores: Backend) -> LedgerEntry:
    stores.ledger.begin(begun())
    stores.ledger.advance(begun().transition(State.VOIDED), since=State.STARTED)
    return begun()


def voided_by_the_sweep(stores: Backend) -> LedgerEntry:
    stores.ledger.begin(begun())
    uncertain = begun().transition(State.UNCERTAIN)
    stores.ledger.advance(uncertain, since=State.STARTED)
    stores.ledger.advance(uncertain.transition(State.VOIDED), since=State.UNCERTAIN)
    return begun()


def voided_with_a_reservation(stores: Backend) -> LedgerEntry:
    stores.ledger.begin(row(), reserve=reservations())
    stores.ledger.advance(row().transition(State.VOIDED), since=State.STARTED)
    return row()


def settled_call(stores: Backend) -> LedgerEntry:
    stores.ledger.begin(begun())
    stores.ledger.advance(answered(begun()), since=State.STARTED, owned=[own(ref())])
    return settle(stores, answered(begun()))


def settled_read(stores: Backend) -> LedgerEntry:
    stores.ledger.begin(answered(begun()))
    return settle(stores, answered(begun()))


FINAL: Final[tuple[Callable[[Any], LedgerEntry], ...]] = (
    voided_at_once,
    voided_by_its_process,
    voided_by_the_sweep,
    voided_with_a_reservation,
    settled_call,
    settled_read,
)


@pytest.mark.parametrize("end", FINAL)
def test_a_row_is_kept_so_many_days_after_it_became_final(
    kept: DynamoBackend, end: Callable[[Any], LedgerEntry]
) -> None:
    kept.time.skip(500 * DAY_S)  # however long ago it began: a correction, or a row that long had no price
    left = days_left(kept, end(kept))
    assert left is not None
    assert DAYS - 0.01 < left <= DAYS


@pytest.mark.parametrize("end", FINAL)
def test_by_default_a_row_is_kept_for_ever(dynamo: DynamoBackend, end: Callable[[Any], LedgerEntry]) -> None:
    assert days_left(dynamo, end(dynamo)) is None


def test_the_ledger_of_a_deployment_has_its_number(dynamo: DynamoBackend) -> None:
    dynamo.ledger = stores_of(dynamo.table, record_days=400).ledger
    left = days_left(dynamo, settled_read(dynamo))
    assert left is not None
    assert 399.9 < left <= 400


def test_a_row_that_is_not_final_is_kept_for_ever(kept: DynamoBackend) -> None:
    kept.ledger.begin(begun(1))
    kept.ledger.begin(begun(2))
    kept.ledger.advance(answered(begun(2)), since=State.STARTED)
    kept.ledger.begin(begun(3))
    kept.ledger.advance(begun(3).transition(State.UNCERTAIN), since=State.STARTED)
    kept.ledger.begin(begun(4))
    lost = begun(4).transition(State.UNCERTAIN)
    kept.ledger.advance(lost, since=State.STARTED)
    kept.ledger.advance(answered(lost), since=State.UNCERTAIN, owned=[own(ref("vs_4"))])
    kept.ledger.begin(answered(begun(5)))
    adoption = begun(6, state=State.ANSWERED)
    kept.assignments.assign([Assignment(adoption, own(ref("vs_6"), created_at=9))])
    assert [days_left(kept, begun(number)) for number in range(1, 7)] == [None] * 6


def test_without_a_number_no_reader_loses_a_row(dynamo: DynamoBackend) -> None:
    final = settled_read(dynamo)
    dynamo.time.skip(5_000 * DAY_S)
    assert dynamo.ledger.entry(final.id) == final
    assert [*dynamo.ledger.search(ALL)] == [final]


def test_every_reader_loses_a_row_when_its_days_are_over_whether_or_not_it_is_removed_yet(kept: DynamoBackend) -> None:
    kept.ledger.begin(begun(1))  # stays
    gone = [voided_at_once(kept), settle(kept, begin_answered(kept, 2))]
    kept.time.skip(DAYS * DAY_S - 60)
    assert len(kept.ledger.entries([each.id for each in gone])) == 2
    kept.time.skip(60)
    for _ in range(2):
        assert [kept.ledger.entry(each.id) for each in gone] == [None, None]
        assert [*kept.ledger.entries([begun(1).id, *(each.id for each in gone)])] == [begun(1).id]
        assert [*kept.ledger.search(ALL)] == [begun(1)]
        assert [*kept.ledger.find(ALL).rows] == [begun(1)]
        assert [*kept.ledger.answered(9)] == []
        assert kept.ledger.unsettled([each.id for each in gone]) == frozenset()
        kept.ledger.list_open(kept.table.clock.unix_ms(), 9)
        for each in gone:  # DynamoDB does
            kept.table.delete(operation_key(each.id))


def begin_answered(stores: Backend, number: int, **fields: object) -> LedgerEntry:
    entry = answered(begun(number), **fields)
    stores.ledger.begin(entry)
    return entry


def test_what_a_row_brought_about_outlives_it(kept: DynamoBackend) -> None:
    final = settled_call(kept)
    month = kept.reports.rollups(Scope.TENANT, RED, "2026-03")
    kept.table.delete(operation_key(final.id))
    assert kept.ownership.owners([ref()]) == {ref(): own(ref())}
    assert kept.reports.rollups(Scope.TENANT, RED, "2026-03") == month
    assert not {"ttl"} & kept.item(ownership_key(ref())).keys()


def test_a_correction_outlives_the_row_that_it_corrects(kept: DynamoBackend) -> None:
    old = settle(kept, begin_answered(kept, 1))
    kept.time.skip(30)
    new = correction(old, Charge(NanoUSD(9), "b"))
    assert new is not None
    kept.ledger.begin(new)
    settle(kept, new)
    before, after = (int(kept.item(operation_key(each.id))["ttl"]["N"]) for each in (old, new))
    assert before + 30 <= after
    kept.time.skip(DAYS * DAY_S - 20)  # DynamoDB removes them in any order, but shows neither the other way round
    assert [*kept.ledger.entries([old.id, new.id])] == [new.id]
    with pytest.raises(AlreadyExists):
        kept.ledger.begin(new)


def test_an_account_forgets_the_ids_of_rows_that_are_gone(
    dynamo: DynamoBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of earlier releases, whose settlement deletes none."""
    monkeypatch.setattr(holds, "CLEANUPS", 1)
    for number in range(2):
        dynamo.ledger.begin(row(number), reserve=reservations())
    dynamo.table.delete(operation_key(row(0).id))
    later = row(2).changed(started_ms=row(1).started_ms + holds.LEFT_MS + 1)
    dynamo.ledger.begin(later, reserve=reservations())
    assert ids_held(dynamo) == 2 * 3  # not the one that is still reserving


def test_to_be_removed_costs_a_row_no_unit_and_is_in_no_index(kept: DynamoBackend) -> None:
    full = begun(1, key_alias="a" * 40, team_id="red", user_id="somebody@example.com", fingerprint="f" * 64)
    kept.ledger.begin(full)
    final = settled(answered(full, upstream_request_id="req_" + "0" * 32))
    kept.ledger.advance(final.changed(state=State.ANSWERED), since=State.STARTED)
    with CallRecorder().watching(kept.table.client) as recorder:
        kept.ledger.settle([final], [])
        kept.ledger.begin(begun(2, state=State.VOIDED))
    assert recorder.largest_item <= KIB
    assert (dict(recorder.calls), recorder.write_units) == ({"TransactWriteItems": 1, "PutItem": 1}, 2 + 2)
    projected = {each["IndexName"]: each["Projection"] for each in INDEXES}
    assert "ttl" not in projected[REQUEST_LOG]["NonKeyAttributes"]
    assert projected[OPEN]["ProjectionType"] == "KEYS_ONLY"
    item = kept.item(operation_key(final.id))
    assert "ttl" in item
    assert "by_tenant_pk" not in item
    assert projected[BY_TENANT]["ProjectionType"] == "ALL"  # of items that are in it


def test_the_stream_shows_a_row_as_without_it_and_its_removal_to_nobody() -> None:
    final = settled(answered(begun(), vector_store_id=None))
    image = operation_item(final, ttl=T0 // MILLISECONDS)
    assert "ttl" in image
    change = {"SequenceNumber": "1", "Keys": operation_key(final.id)}
    written = {"Records": [{"eventName": "MODIFY", "dynamodb": change | {"NewImage": image}}]}
    assert (settled_entries(written), settled_ids(written)) == ([("1", final)], [("1", (final.id,))])
    service = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    removed = {"Records": [{"eventName": "REMOVE", "userIdentity": service, "dynamodb": change}]}
    assert (answered_entries(removed), settled_entries(removed), settled_ids(removed)) == ([], [], [])
