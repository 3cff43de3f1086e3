"""Adoptions and transfers: ownership and ledger rows, all or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.ledger import BLUE, OPENAI, OTHER_KEY, RED, STORE, T0, begun, own, ref
from vectorgate.audit.model import AuditRecord
from vectorgate.ledger.assignments import MAX_ASSIGNMENTS, Assignment
from vectorgate.ledger.entry import IllegalTransition, State, uuid7
from vectorgate.store_errors import StateConflict
from vectorgate.tenancy.holders import MAX_HOLDERS, Holder, given_to, holders_of

if TYPE_CHECKING:
    from tests.harnesses.store_backends import Backend
    from vectorgate.tenancy.ownership import Ownership


def row_of(number: int) -> Assignment:
    """The adoption of a store by red's team, without a key."""
    unowned = replace(own(ref(f"vs_{number}")), key_id=None)
    return Assignment(begun(number, state=State.ANSWERED), given_to(unowned, Holder(9, RED, None, "é"), is_new=True))


def transfer(number: int, before: Ownership) -> Assignment:
    """The transfer of a store to blue."""
    return Assignment(begun(number, state=State.ANSWERED), given_to(before, Holder(20, BLUE, OTHER_KEY)), before)


def test_an_adopted_object_is_owned_listed_and_recorded(stores: Backend) -> None:
    adoptions = [row_of(number) for number in range(3)]
    stores.assignments.assign(adoptions)
    rows = [each.row for each in adoptions]
    assert stores.ownership.owners([row.ref for row in rows]) == {row.ref: row for row in rows}
    assert list(stores.ownership.owned_by(RED, OPENAI, STORE, start=None, ascending=True, limit=9)) == rows
    assert stores.ledger.entries([each.entry.id for each in adoptions]) == {
        each.entry.id: each.entry for each in adoptions
    }


def test_an_object_that_is_owned_already_leaves_all_as_it_was(stores: Backend) -> None:
    stores.assignments.assign([row_of(1)])
    again = replace(row_of(1), entry=begun(8, state=State.ANSWERED))
    with pytest.raises(StateConflict):
        stores.assignments.assign([row_of(2), again])
    assert not stores.ownership.owners([row_of(2).row.ref])
    assert not stores.ledger.entries([row_of(2).entry.id, again.entry.id])


def test_a_transfer_moves_the_object_from_one_list_to_the_other(stores: Backend) -> None:
    adoption = row_of(1)
    stores.assignments.assign([adoption])
    moved = transfer(2, adoption.row)
    stores.assignments.assign([moved])
    assert stores.ownership.owners([moved.row.ref]) == {moved.row.ref: moved.row}
    assert not stores.ownership.owned_by(RED, OPENAI, STORE, start=None, ascending=True, limit=9)
    assert list(stores.ownership.owned_by(BLUE, OPENAI, STORE, start=None, ascending=True, limit=9)) == [moved.row]
    assert holders_of(moved.row) == (Holder(9, RED, None, "é"), Holder(20, BLUE, OTHER_KEY))


def test_a_transfer_of_a_row_that_has_changed_is_a_conflict(stores: Backend) -> None:
    made, adopted = own(ref("vs_made")), row_of(1)
    began = begun(5)
    stores.ledger.begin(began)
    stores.ledger.advance(began.transition(State.ANSWERED), since=State.STARTED, owned=[made])
    stores.assignments.assign([adopted])
    stores.assignments.assign([transfer(2, made), transfer(3, adopted.row)])
    for number, stale in enumerate((made, adopted.row)):
        with pytest.raises(StateConflict):
            stores.assignments.assign([transfer(10 + number, stale)])


def test_a_deleted_object_is_not_transferred(stores: Backend) -> None:
    adoption, began = row_of(1), begun(5)
    stores.assignments.assign([adoption])
    stores.ledger.begin(began)
    stores.ledger.advance(began.transition(State.ANSWERED), since=State.STARTED, retired=[adoption.row.ref], at=30)
    with pytest.raises(StateConflict):
        stores.assignments.assign([transfer(2, adoption.row)])


def assign(stores: Backend, count: int) -> None:
    """Assign so many objects, each with its audit record."""
    what: Any = {"actor": "a", "action": "transferred", "kind": "file", "route": "r", "request_id": "q"}
    audit = [AuditRecord(id=uuid7(T0, number), at_ms=T0, target=f"t{number}", **what) for number in range(count)]
    stores.assignments.assign([row_of(number) for number in range(count)], audit=audit)


def test_a_full_transaction_is_written_and_more_is_refused(stores: Backend) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        assign(stores, MAX_ASSIGNMENTS + 1)
    assign(stores, MAX_ASSIGNMENTS)
    assert len(stores.ownership.owned_by(RED, OPENAI, STORE, start=None, ascending=True, limit=99)) == MAX_ASSIGNMENTS


def test_only_an_answered_row_is_written_and_no_object_twice(stores: Backend) -> None:
    with pytest.raises(IllegalTransition):
        stores.assignments.assign([replace(row_of(1), entry=begun(1))])
    with pytest.raises(ValueError, match="twice"):
        stores.assignments.assign([row_of(1), replace(row_of(1), entry=begun(2, state=State.ANSWERED))])


def test_holders_follow_each_other_by_a_second_at_least_and_the_last_ones_are_kept() -> None:
    row = own(ref())
    for _ in range(MAX_HOLDERS + 5):
        row = given_to(row, Holder(row.created_at, BLUE))
    moments = [holder.since for holder in holders_of(row)]
    assert moments == sorted(set(moments))
    assert len(moments) == MAX_HOLDERS


def test_a_deletion_finds_the_row_of_its_store_adopted_transferred_or_deleted_meanwhile(stores: Backend) -> None:
    meanwhile: list[tuple[str, ...]] = [(), ("transfer",), ("delete",), ("transfer", "delete")]
    for number, changes in enumerate(meanwhile):
        adoption = row_of(number)
        stores.assignments.assign([adoption])
        deletions = [replace(begun(at + number), operation="vector_stores.delete") for at in (20, 60)]
        for row in deletions:
            stores.ledger.begin(row)
        if "transfer" in changes:
            stores.assignments.assign([transfer(40 + number, adoption.row)])
        for row in deletions if "delete" in changes else deletions[:1]:
            stores.ledger.advance(
                row.transition(State.ANSWERED), since=State.STARTED, retired=[adoption.row.ref], at=99
            )
        (owner,) = stores.ownership.owners([adoption.row.ref]).values()
        assert (owner.retired_at, owner.tenant) == (99, BLUE if "transfer" in changes else RED)
