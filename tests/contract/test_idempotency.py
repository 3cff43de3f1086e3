"""LedgerStore: claims. Begun with their row, kept with its answer, taken over once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.contract.samples import BLUE, answered, begun, own, ref
from tests.helpers.threads import at_once
from vectorgate.idempotency.record import EXPLICIT_SLOT, IdempotencyRecord
from vectorgate.idempotency.service import explicit_record, explicit_record_name, implicit_record, with_answer
from vectorgate.ledger.entry import State
from vectorgate.store_errors import AlreadyExists, IdempotencyConflict, StateConflict, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from tests.contract.backends import Backend
    from vectorgate.ledger.entry import LedgerEntry

THREADS = 8
BODY = b'{"id":"vs_1","name":"\\u00e9"}'


def explicit(entry: LedgerEntry, key: str = "k") -> IdempotencyRecord:
    """What a row claims by the client's key."""
    return explicit_record(entry, explicit_record_name(entry.operation, key), "f" * 64)


def implicit(entry: LedgerEntry, attempt: int = 0) -> IdempotencyRecord:
    """What a create claims by its body."""
    idempotency = implicit_record(replace(entry, fingerprint="e" * 64), attempt)
    assert idempotency is not None
    return idempotency


def held(
    stores: Backend, idempotency: IdempotencyRecord, start: str = EXPLICIT_SLOT, limit: int = 9
) -> list[IdempotencyRecord]:
    """What is there."""
    return list(stores.ledger.idempotency_records(idempotency.tenant, idempotency.name, start=start, limit=limit))


@pytest.mark.parametrize("make", [explicit, implicit])
def test_a_claim_is_begun_with_its_row(stores: Backend, make: object) -> None:
    entry = begun()
    idempotency = make(entry)  # type: ignore[operator]
    stores.ledger.begin(entry, idempotency=idempotency)
    assert stores.ledger.entry(entry.id) == entry
    assert held(stores, idempotency) == [idempotency]


def test_a_place_that_nobody_claimed_is_empty(stores: Backend) -> None:
    assert held(stores, explicit(begun())) == []


def test_a_slot_is_taken_once_and_the_second_row_is_not_written(stores: Backend) -> None:
    first, second = begun(1), begun(2)
    stores.ledger.begin(first, idempotency=explicit(first))
    with pytest.raises(IdempotencyConflict):
        stores.ledger.begin(second, idempotency=explicit(second))
    assert stores.ledger.entry(second.id) is None
    assert held(stores, explicit(first)) == [explicit(first)]


def test_an_id_that_is_taken_comes_before_a_slot_that_is(stores: Backend) -> None:
    entry = begun()
    stores.ledger.begin(entry, idempotency=explicit(entry))
    with pytest.raises(AlreadyExists):
        stores.ledger.begin(entry, idempotency=explicit(entry))


def test_tenants_operations_and_keys_do_not_meet(stores: Backend) -> None:
    rows = [begun(1), begun(2, tenant=BLUE), replace(begun(3), operation="files.create"), begun(4)]
    for entry, key in zip(rows, ["k", "k", "k", "l"], strict=True):
        stores.ledger.begin(entry, idempotency=explicit(entry, key))


def test_identical_creates_stand_side_by_side_the_latest_first(stores: Backend) -> None:
    rows = [begun(number * 1000) for number in range(4)]
    for entry in rows:
        stores.ledger.begin(entry, idempotency=implicit(entry))
    idempotency_records = [implicit(entry) for entry in reversed(rows)]
    assert held(stores, idempotency_records[0]) == idempotency_records
    assert held(stores, idempotency_records[0], limit=2) == idempotency_records[:2]
    assert held(stores, idempotency_records[0], start=rows[2].id) == idempotency_records[:2]
    assert held(stores, idempotency_records[0], limit=0) == []


@pytest.mark.parametrize("make", [explicit, implicit])
def test_a_claim_is_taken_over_from_the_operation_that_was_seen(stores: Backend, make: object) -> None:
    first, second, third = begun(1), begun(2), begun(3)
    old, new = make(first), make(second)  # type: ignore[operator]
    stores.ledger.begin(first, idempotency=old)
    stores.ledger.begin(second, idempotency=new, takeover_of=old)
    assert held(stores, new) == [new]
    with pytest.raises(IdempotencyConflict):
        stores.ledger.begin(third, idempotency=make(third), takeover_of=old)  # type: ignore[operator]
    assert stores.ledger.entry(third.id) is None
    assert held(stores, new) == [new]


def test_an_answer_is_kept_with_the_row_that_it_is_of(stores: Backend) -> None:
    entry = begun()
    idempotency = explicit(entry)
    stores.ledger.begin(entry, idempotency=idempotency)
    kept = with_answer(idempotency, 200, BODY)
    stores.ledger.advance(answered(entry), since=State.STARTED, owned=[own(ref())], idempotency=kept)
    assert held(stores, idempotency) == [kept]
    assert held(stores, idempotency)[0].body == BODY.decode()
    assert stores.ledger.entry(entry.id) == answered(entry)


@pytest.mark.parametrize("known", [False, True])
def test_an_answer_that_is_too_late_for_its_slot_changes_nothing_but_the_row(stores: Backend, known: bool) -> None:  # noqa: FBT001  # a parameter of the test
    first, second = begun(1), begun(2)
    stores.ledger.begin(first, idempotency=explicit(first))
    stores.ledger.begin(second, idempotency=explicit(second), takeover_of=explicit(first))
    if known:  # one of the objects is the tenant's already
        stores.ledger.begin(begun(3))
        stores.ledger.advance(answered(begun(3)), since=State.STARTED, owned=[own(ref())])
    late = with_answer(explicit(first), 200, BODY)
    stores.ledger.advance(answered(first), since=State.STARTED, owned=[own(ref()), own(ref("b"))], idempotency=late)
    assert held(stores, explicit(first)) == [explicit(second)]
    assert stores.ledger.entry(first.id) == answered(first)
    assert len(stores.ownership.owners([ref(), ref("b")])) == 2


def test_an_answer_of_a_row_that_has_moved_is_not_kept(stores: Backend) -> None:
    entry = begun()
    stores.ledger.begin(entry, idempotency=explicit(entry))
    stores.ledger.advance(entry.transition(State.VOIDED), since=State.STARTED)
    with pytest.raises(StateConflict):
        stores.ledger.advance(answered(entry), since=State.STARTED, idempotency=with_answer(explicit(entry), 200, BODY))
    assert held(stores, explicit(entry)) == [explicit(entry)]


def test_a_claim_of_another_row_is_a_mistake(stores: Backend) -> None:
    entry = begun()
    for wrong in (explicit(begun(2)), replace(explicit(entry), tenant=BLUE), replace(implicit(entry), slot="x")):
        with pytest.raises(ValueError, match="another row"):
            stores.ledger.begin(entry, idempotency=wrong)
    with pytest.raises(ValueError, match="same tenant and name"):
        stores.ledger.begin(entry, idempotency=explicit(entry), takeover_of=explicit(begun(2), "l"))
    assert stores.ledger.entry(entry.id) is None


@pytest.mark.parametrize("written", [False, True])
def test_a_lost_begin_wrote_row_and_claim_or_neither(stores: Backend, written: bool) -> None:  # noqa: FBT001  # a parameter of the test
    entry = begun()
    with stores.lost(written=written), pytest.raises(StoreUnavailable):
        stores.ledger.begin(entry, idempotency=explicit(entry))
    assert (stores.ledger.entry(entry.id) is not None) is written
    assert bool(held(stores, explicit(entry))) is written


@pytest.mark.parametrize("free", [False, True])
def test_of_those_who_race_for_a_slot_one_wins(stores: Backend, free: bool) -> None:  # noqa: FBT001  # a parameter of the test
    old = begun(99)
    if free:
        stores.ledger.begin(old, idempotency=explicit(old))

    def run(number: int) -> str:
        entry = begun(number)
        try:
            stores.ledger.begin(entry, idempotency=explicit(entry), takeover_of=explicit(old) if free else None)
        except StoreError as error:
            return type(error).__name__
        return "won"

    with stores.one_at_a_time():
        outcomes = at_once(THREADS, run)
    assert sorted(outcomes) == [IdempotencyConflict.__name__] * (THREADS - 1) + ["won"]
    assert len(stores.ledger.open_rows(begun(1000).started_ms, 20)) == 1 + free


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
