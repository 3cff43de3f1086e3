"""LedgerStore: idempotency records, which are bound to their row, keep its answer, and are taken over once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.factories.ledger import BLUE, answered, begun, own, ref
from tests.helpers.threads import at_once
from vectorgate.idempotency.record import EXPLICIT_SLOT, IdempotencyRecord
from vectorgate.idempotency.service import explicit_record, explicit_record_name, implicit_record, with_answer
from vectorgate.ids import TenantId
from vectorgate.ledger.entry import State
from vectorgate.store_errors import IdempotencyConflict, StateConflict, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from tests.harnesses.store_backends import Backend
    from vectorgate.ledger.entry import LedgerEntry

THREADS = 8
BODY = b'{"id":"vs_1","name":"\\u00e9"}'


def explicit(entry: LedgerEntry, key: str = "k") -> IdempotencyRecord:
    """What a row claims by the client's key."""
    return explicit_record(entry, explicit_record_name(entry.operation, key), "f" * 64)


def implicit(entry: LedgerEntry, attempt: int = 0) -> IdempotencyRecord:
    """Return the record of a create without a key, by its body."""
    idempotency = implicit_record(replace(entry, fingerprint="e" * 64), attempt)
    assert idempotency is not None
    return idempotency


def held(
    stores: Backend, idempotency: IdempotencyRecord, start: str = EXPLICIT_SLOT, limit: int = 9
) -> list[IdempotencyRecord]:
    """What is there."""
    return list(stores.ledger.idempotency_records(idempotency.tenant, idempotency.name, start=start, limit=limit))


def start(
    stores: Backend, entry: LedgerEntry, record: IdempotencyRecord, takeover_of: IdempotencyRecord | None = None
) -> None:
    """Begin a row, and bind its record."""
    stores.ledger.begin(entry)
    stores.ledger.bind(record, takeover_of=takeover_of)


@pytest.mark.parametrize("make", [explicit, implicit])
def test_a_record_is_bound_to_its_row(stores: Backend, make: object) -> None:
    entry = begun()
    idempotency = make(entry)  # type: ignore[operator]
    start(stores, entry, idempotency)
    assert stores.ledger.entry(entry.id) == entry
    assert held(stores, idempotency) == [idempotency]
    stores.ledger.bind(idempotency)  # once more, as its answer was lost
    assert held(stores, idempotency) == [idempotency]


def test_a_slot_that_was_never_taken_is_empty(stores: Backend) -> None:
    assert held(stores, explicit(begun())) == []


def test_a_slot_is_taken_once(stores: Backend) -> None:
    first, second = begun(1), begun(2)
    start(stores, first, explicit(first))
    with pytest.raises(IdempotencyConflict):
        start(stores, second, explicit(second))
    assert stores.ledger.entry(second.id) == second  # which its caller voids
    assert held(stores, explicit(first)) == [explicit(first)]


def test_tenants_operations_and_keys_do_not_meet(stores: Backend) -> None:
    rows = [begun(1), begun(2, tenant=BLUE), replace(begun(3), operation="files.create"), begun(4)]
    for entry, key in zip(rows, ["k", "k", "k", "l"], strict=True):
        start(stores, entry, explicit(entry, key))


def test_identical_creates_stand_side_by_side_the_latest_first(stores: Backend) -> None:
    rows = [begun(number * 1000) for number in range(4)]
    for entry in rows:
        start(stores, entry, implicit(entry))
    idempotency_records = [implicit(entry) for entry in reversed(rows)]
    assert held(stores, idempotency_records[0]) == idempotency_records
    assert held(stores, idempotency_records[0], limit=2) == idempotency_records[:2]
    assert held(stores, idempotency_records[0], start=rows[2].id) == idempotency_records[:2]
    assert held(stores, idempotency_records[0], limit=0) == []


@pytest.mark.parametrize("make", [explicit, implicit])
def test_a_record_is_taken_over_once_in_its_slot_from_the_operation_that_was_seen(
    stores: Backend, make: object
) -> None:
    first, second, third = begun(1), begun(2), begun(3)
    old = make(first)  # type: ignore[operator]
    new, late = (replace(make(entry), slot=old.slot) for entry in (second, third))  # type: ignore[operator]
    start(stores, first, old)
    start(stores, second, new, old)
    assert held(stores, new) == [new]
    stores.ledger.bind(new, takeover_of=old)  # once more, as its answer was lost
    with pytest.raises(IdempotencyConflict):
        start(stores, third, late, old)
    assert held(stores, new) == [new]


def test_a_record_that_is_gone_is_not_taken_over(stores: Backend) -> None:
    with pytest.raises(IdempotencyConflict):
        start(stores, begun(2), explicit(begun(2)), explicit(begun(1)))
    assert held(stores, explicit(begun(1))) == []


def test_an_answer_is_kept_before_its_row_is_answered_but_never_in_anothers_slot(stores: Backend) -> None:
    first, second = begun(1), begun(2)
    start(stores, first, explicit(first))
    kept = with_answer(explicit(first), 200, BODY)
    for _ in range(2):
        stores.ledger.keep_answer(kept)
    assert held(stores, kept) == [kept]
    stores.ledger.bind(explicit(second), takeover_of=kept)
    stores.ledger.keep_answer(kept)
    assert held(stores, kept) == [explicit(second)]


def test_an_answer_is_kept_with_the_row_that_it_is_of(stores: Backend) -> None:
    entry = begun()
    idempotency = explicit(entry)
    start(stores, entry, idempotency)
    kept = with_answer(idempotency, 200, BODY)
    stores.ledger.advance(answered(entry), since=State.STARTED, owned=[own(ref())], idempotency=kept)
    assert held(stores, idempotency) == [kept]
    assert held(stores, idempotency)[0].body == BODY.decode()
    assert stores.ledger.entry(entry.id) == answered(entry)


@pytest.mark.parametrize("known", [False, True])
def test_an_answer_that_is_too_late_for_its_slot_changes_nothing_but_the_row(stores: Backend, known: bool) -> None:  # noqa: FBT001  # a parameter of the test
    first, second = begun(1), begun(2)
    start(stores, first, explicit(first))
    start(stores, second, explicit(second), explicit(first))
    if known:  # the tenant owns one of the objects already
        stores.ledger.begin(begun(3))
        stores.ledger.advance(answered(begun(3)), since=State.STARTED, owned=[own(ref())])
    late = with_answer(explicit(first), 200, BODY)
    stores.ledger.advance(answered(first), since=State.STARTED, owned=[own(ref()), own(ref("b"))], idempotency=late)
    assert held(stores, explicit(first)) == [explicit(second)]
    assert stores.ledger.entry(first.id) == answered(first)
    assert len(stores.ownership.owners([ref(), ref("b")])) == 2


def test_an_answer_of_a_row_that_has_moved_is_not_kept(stores: Backend) -> None:
    entry = begun()
    start(stores, entry, explicit(entry))
    stores.ledger.advance(entry.transition(State.VOIDED), since=State.STARTED)
    with pytest.raises(StateConflict):
        stores.ledger.advance(answered(entry), since=State.STARTED, idempotency=with_answer(explicit(entry), 200, BODY))
    assert held(stores, explicit(entry)) == [explicit(entry)]


def test_a_record_of_another_row_or_slot_is_a_mistake(stores: Backend) -> None:
    entry = begun()
    for wrong in (
        replace(implicit(entry), slot="x"),
        replace(explicit(entry), tenant=TenantId("a#b")),
        implicit(begun(2)),
    ):
        with pytest.raises(ValueError, match=r"another row|not a label|same tenant, name and slot"):
            stores.ledger.bind(wrong, takeover_of=explicit(entry) if wrong == implicit(begun(2)) else None)
    stores.ledger.begin(entry)
    with pytest.raises(ValueError, match="another row"):
        stores.ledger.advance(answered(entry), since=State.STARTED, idempotency=explicit(begun(2)))
    assert stores.ledger.entry(entry.id) == entry


@pytest.mark.parametrize("written", [False, True])
def test_a_lost_bind_wrote_the_record_or_nothing(stores: Backend, written: bool) -> None:  # noqa: FBT001  # a parameter of the test
    entry = begun()
    stores.ledger.begin(entry)
    with stores.failing_requests(written=written), pytest.raises(StoreUnavailable):
        stores.ledger.bind(explicit(entry))
    assert bool(held(stores, explicit(entry))) is written


@pytest.mark.parametrize("free", [False, True])
def test_of_several_that_race_for_a_slot_one_wins(stores: Backend, free: bool) -> None:  # noqa: FBT001  # a parameter of the test
    old = begun(99)
    if free:
        start(stores, old, explicit(old))

    def run(number: int) -> str:
        entry = begun(number)
        try:
            start(stores, entry, explicit(entry), explicit(old) if free else None)
        except StoreError as error:
            return type(error).__name__
        return "won"

    with stores.one_at_a_time():
        outcomes = at_once(THREADS, run)
    assert sorted(outcomes) == [IdempotencyConflict.__name__] * (THREADS - 1) + ["won"]
    (record,) = held(stores, explicit(old))
    assert record.operation_id != old.id


def test_open_rows_are_the_oldest_that_are_started_or_uncertain(stores: Backend) -> None:
    states = [State.STARTED, State.UNCERTAIN, State.ANSWERED, State.VOIDED, State.STARTED, State.UNCERTAIN]
    rows = []
    for number, state in enumerate(states):
        entry = begun(number)
        stores.ledger.begin(entry)
        if state is not State.STARTED:
            entry = entry.transition(state)
            stores.ledger.advance(entry, since=State.STARTED)
        rows.append(entry)
    start = rows[0].started_ms
    assert list(stores.ledger.open_rows(start + 99, 9)) == [rows[0], rows[1], rows[4], rows[5]]
    assert list(stores.ledger.open_rows(start + 99, 3)) == [rows[0], rows[1], rows[4]]
    assert list(stores.ledger.open_rows(start + 4, 9)) == [rows[0], rows[1]]
    assert list(stores.ledger.open_rows(start + 99, 0)) == []


def test_a_row_that_was_looked_for_in_vain_stays_uncertain(stores: Backend) -> None:
    entry = begun().transition(State.UNCERTAIN)
    stores.ledger.begin(begun())
    stores.ledger.advance(entry, since=State.STARTED)
    looked = entry.transition(State.UNCERTAIN, first_absent_ms=5)
    stores.ledger.advance(looked, since=State.UNCERTAIN)
    assert stores.ledger.entry(entry.id) == looked
    assert list(stores.ledger.open_rows(entry.started_ms + 1, 9)) == [looked]
