"""Shares of a store: in its ownership row, and in the lists of the teams that it is shared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from tests.factories.ledger import BLUE, OPENAI, RED, STORE, begun, own, ref
from vectorgate.ids import tenant_of_team
from vectorgate.ledger.assignments import Assignment
from vectorgate.ledger.entry import State
from vectorgate.store_errors import StateConflict
from vectorgate.tenancy.holders import Holder, given_to
from vectorgate.tenancy.sharing import MAX_SHARES, Permission, Share, shared_with, with_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.harnesses.store_backends import Backend
    from vectorgate.ids import TenantId
    from vectorgate.tenancy.ownership import Ownership

GREEN = tenant_of_team("green")


def made(stores: Backend, *names: str, tenant: TenantId = RED) -> list[Ownership]:
    """Stores that a tenant made, a second after the other."""
    rows = [own(ref(name), tenant, created_at=at) for at, name in enumerate(names)]
    began = begun(50 + len(names))
    stores.ledger.begin(began)
    stores.ledger.advance(began.transition(State.ANSWERED), since=State.STARTED, owned=rows)
    return rows


def shared(stores: Backend, row: Ownership, number: int, tenant: TenantId, permission: str) -> Ownership:
    """The row with that share, as it was written."""
    after = with_share(row, tenant, Share(Permission(permission), number))
    stores.assignments.assign([Assignment(begun(number, state=State.ANSWERED), after, row)])
    return after


def listed(stores: Backend, tenant: TenantId, **how: object) -> Sequence[Ownership]:
    defaults = {"start": None, "ascending": True, "limit": 9}
    return list(stores.ownership.owned_by(tenant, OPENAI, STORE, **defaults | how))  # type: ignore[arg-type]


def test_a_shared_store_is_listed_for_both_teams_until_the_share_is_taken_back(stores: Backend) -> None:
    (row,) = made(stores, "vs_a")
    row = shared(stores, row, 1, BLUE, "read")
    assert stores.ownership.owners([row.ref]) == {row.ref: row}
    assert listed(stores, RED) == listed(stores, BLUE) == [row]
    row = shared(stores, row, 2, BLUE, "write")
    assert listed(stores, BLUE) == [row]
    row = shared(stores, row, 3, BLUE, "none")
    assert (listed(stores, RED), listed(stores, BLUE)) == ([row], [])
    row = shared(stores, row, 4, BLUE, "read")
    assert listed(stores, BLUE) == [row]


def test_own_and_shared_stores_are_in_one_order(stores: Backend) -> None:
    theirs = made(stores, "vs_a", "vs_c", "vs_e")
    ours = made(stores, "vs_b", "vs_d", tenant=BLUE)
    theirs = [shared(stores, row, 10 + at, BLUE, "read") for at, row in enumerate(theirs)]
    rows = sorted([*theirs, *ours], key=lambda row: (row.created_at, row.ref.id))
    assert listed(stores, BLUE) == rows
    assert listed(stores, BLUE, ascending=False) == rows[::-1]
    for limit in range(1, 6):
        walked: list[Ownership] = []
        page = listed(stores, BLUE, limit=limit)
        while page:
            walked += page
            page = listed(stores, BLUE, limit=limit, start=(page[-1].created_at, page[-1].ref.id))
        assert walked == rows


def test_the_deletion_of_a_store_ends_its_shares(stores: Backend) -> None:
    (row,) = made(stores, "vs_a")
    for number, tenant in enumerate((BLUE, GREEN), 1):
        row = shared(stores, row, number, tenant, "write")
    began = begun(9)
    stores.ledger.begin(began)
    stores.ledger.advance(began.transition(State.ANSWERED), since=State.STARTED, retired=[row.ref], at=30)
    assert stores.ownership.owners([row.ref])[row.ref].retired_at == 30
    assert [listed(stores, tenant) for tenant in (RED, BLUE, GREEN)] == [[], [], []]
    with pytest.raises(StateConflict):
        shared(stores, row, 20, BLUE, "none")


def test_a_transfer_ends_the_shares_and_a_share_of_a_row_that_has_changed_is_a_conflict(stores: Backend) -> None:
    (row,) = made(stores, "vs_a")
    stale, row = row, shared(stores, row, 1, BLUE, "read")
    with pytest.raises(StateConflict):
        shared(stores, stale, 2, GREEN, "read")
    moved = given_to(row, Holder(20, GREEN))
    with pytest.raises(StateConflict):
        stores.assignments.assign(
            [Assignment(begun(3, state=State.ANSWERED), given_to(stale, Holder(20, GREEN)), stale)]
        )
    stores.assignments.assign([Assignment(begun(4, state=State.ANSWERED), moved, row)])
    assert moved.shares is None
    assert [listed(stores, tenant) for tenant in (RED, BLUE, GREEN)] == [[], [], [moved]]


def test_as_many_shares_as_a_store_may_have_end_with_it(stores: Backend) -> None:
    (before,) = made(stores, "vs_a")
    row = before
    for number in range(MAX_SHARES):
        row = with_share(row, tenant_of_team(f"t{number}"), Share(Permission.READ, 1))
    stores.assignments.assign([Assignment(begun(1, state=State.ANSWERED), row, before)])
    assert listed(stores, tenant_of_team("t7")) == [row]
    with pytest.raises(ValueError, match="too many"):
        with_share(row, GREEN, Share(Permission.READ, 1))
    began = begun(99)
    stores.ledger.begin(began)
    stores.ledger.advance(began.transition(State.ANSWERED), since=State.STARTED, retired=[row.ref], at=30)
    assert listed(stores, tenant_of_team("t7")) == []


def test_the_last_teams_whose_shares_were_taken_back_stay_named() -> None:
    row = own(ref())
    for number in range(60):
        team = tenant_of_team(f"t{number}")
        row = with_share(with_share(row, team, Share(Permission.READ, number)), team, Share(Permission.NONE, number))
    assert not shared_with(row)
    assert 0 < len(cast("str", row.shares)) < 1_000
