"""LedgerStore: begin, advance, settle, and the rows that can be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.factories.ledger import (
    BLUE,
    KEY,
    OPENAI,
    RED,
    STORE,
    T0,
    answered,
    begun,
    operation_id,
    own,
    ref,
    settled,
)
from vectorgate.ledger.entry import SUCCESSORS, IllegalTransition, State
from vectorgate.ledger.ports import MAX_ACTIONS
from vectorgate.ledger.rollups import Bucket, Facts, Rollup, Scope, rollups_of
from vectorgate.persistence.validation import INITIAL_STATES
from vectorgate.pricing.money import NanoUSD
from vectorgate.store_errors import AlreadyExists, StateConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.harnesses.store_backends import Backend
    from vectorgate.ids import OperationId
    from vectorgate.ledger.entry import LedgerEntry

EVERY_WAY = [(since, to) for since in State for to in State]
ADVANCES = [way for way in EVERY_WAY if way[1] in SUCCESSORS[way[0]] and way[1] is not State.SETTLED]


def put_at(stores: Backend, state: State, number: int = 0) -> LedgerEntry:
    """Return a row that legal transitions have brought to `state`."""
    entry = begun(number)
    stores.ledger.begin(entry)
    if state in (State.ANSWERED, State.SETTLED):
        entry = answered(entry)
        stores.ledger.advance(entry, since=State.STARTED)
    elif state is not State.STARTED:
        entry = entry.transition(state)
        stores.ledger.advance(entry, since=State.STARTED)
    if state is State.SETTLED:
        entry = settled(entry)
        stores.ledger.settle([entry], [])
    return entry


def test_a_row_is_read_back_as_it_was_written(stores: Backend) -> None:
    named = begun(end_user="Ünïcode 東京 🦀", key_alias="ключ", team_id="red", user_id="", tags=("z", "a", "z"))
    entry = named.changed(upload_id="upload_1", part_id="part_1", file_id="file-1")
    stores.ledger.begin(entry)
    assert stores.ledger.entry(entry.id) == entry


def test_a_row_without_a_caller_is_read_back(stores: Backend) -> None:
    entry = begun(state=State.VOIDED, key_id=None, tenant=None, provider=None, end_user=None, tags=())
    stores.ledger.begin(entry)
    assert stores.ledger.entry(entry.id) == entry


def test_integers_beyond_the_precision_of_a_float_are_exact(stores: Backend) -> None:
    entry = answered(begun(), upstream_us=2**53 + 1, spend=NanoUSD(2**62 + 1), overhead_us=-(2**60) - 1)
    stores.ledger.begin(entry)
    assert stores.ledger.entry(entry.id) == entry


def test_a_row_that_was_never_written_is_none(stores: Backend) -> None:
    assert stores.ledger.entry(operation_id(1)) is None


@pytest.mark.parametrize("state", sorted(INITIAL_STATES))
def test_a_row_begins_started_answered_or_voided(stores: Backend, state: State) -> None:
    stores.ledger.begin(begun(state=state))
    assert stores.ledger.entry(begun().id) == begun(state=state)


@pytest.mark.parametrize("state", sorted(set(State) - INITIAL_STATES))
def test_a_row_begins_in_no_other_state(stores: Backend, state: State) -> None:
    with pytest.raises(IllegalTransition):
        stores.ledger.begin(begun(state=state))
    assert stores.ledger.entry(begun().id) is None


def test_a_taken_id_is_refused_and_keeps_its_row(stores: Backend) -> None:
    stores.ledger.begin(begun())
    with pytest.raises(AlreadyExists):
        stores.ledger.begin(begun(state=State.ANSWERED))
    with pytest.raises(AlreadyExists):
        stores.ledger.begin(begun())
    assert stores.ledger.entry(begun().id) == begun()


@pytest.mark.parametrize(("since", "to"), ADVANCES)
def test_a_row_goes_every_legal_way(stores: Backend, since: State, to: State) -> None:
    entry = put_at(stores, since).transition(to, error_code="x")
    stores.ledger.advance(entry, since=since)
    assert stores.ledger.entry(entry.id) == entry


def test_a_row_goes_no_other_way(stores: Backend) -> None:
    for number, (since, to) in enumerate(sorted(set(EVERY_WAY) - set(ADVANCES))):
        before = put_at(stores, since, number)
        with pytest.raises(IllegalTransition):
            stores.ledger.advance(replace(before, state=to), since=since)
        assert stores.ledger.entry(before.id) == before


@pytest.mark.parametrize(("since", "to"), ADVANCES)
def test_a_row_that_stands_elsewhere_does_not_move(stores: Backend, since: State, to: State) -> None:
    for number, stands_at in enumerate(set(State) - {since}):
        before = put_at(stores, stands_at, number)
        with pytest.raises(StateConflict):
            stores.ledger.advance(replace(before, state=to, error_code="x"), since=since)
        assert stores.ledger.entry(before.id) == before


def test_a_row_that_does_not_exist_does_not_move(stores: Backend) -> None:
    with pytest.raises(StateConflict):
        stores.ledger.advance(answered(begun()), since=State.STARTED)
    assert stores.ledger.entry(begun().id) is None


def test_what_came_into_being_is_owned_with_the_row(stores: Backend) -> None:
    stores.ledger.begin(begun())
    full = own(ref(), end_user="ü", parent="vs_0", snapshot='{"a":"東"}')
    stores.ledger.advance(answered(begun()), since=State.STARTED, owned=[full, own(ref("f"))])
    assert stores.ownership.owners([ref(), ref("f")]) == {ref(): full, ref("f"): own(ref("f"))}
    assert stores.ledger.entry(begun().id) == answered(begun())


def test_an_object_of_another_tenant_stops_the_whole(stores: Backend) -> None:
    stores.ledger.begin(begun(1))
    stores.ledger.advance(answered(begun(1)), since=State.STARTED, owned=[own(ref("b"), BLUE)])
    stores.ledger.begin(begun(2))
    with pytest.raises(StateConflict):
        stores.ledger.advance(
            answered(begun(2)), since=State.STARTED, owned=[own(ref("a")), own(ref("b")), own(ref("c"))]
        )
    assert stores.ledger.entry(begun(2).id) == begun(2)
    assert stores.ownership.owners([ref("a"), ref("b"), ref("c")]) == {ref("b"): own(ref("b"), BLUE)}


def test_a_conflict_of_the_row_writes_no_ownership(stores: Backend) -> None:
    put_at(stores, State.VOIDED)
    with pytest.raises(StateConflict):
        stores.ledger.advance(answered(begun()), since=State.STARTED, owned=[own(ref())])
    assert not stores.ownership.owners([ref()])


def test_what_the_tenant_has_already_stays_as_it_is(stores: Backend) -> None:
    stores.ledger.begin(begun(1))
    first = own(ref("a"), end_user="first")
    stores.ledger.advance(answered(begun(1)), since=State.STARTED, owned=[first])
    stores.ledger.begin(begun(2))
    stores.ledger.advance(
        answered(begun(2)),
        since=State.STARTED,
        owned=[own(ref("z")), own(ref("a"), created_at=5, end_user="second"), own(ref("b"))],
    )
    assert stores.ledger.entry(begun(2).id) == answered(begun(2))
    assert stores.ownership.owners([ref("a")]) == {ref("a"): first}
    assert len(stores.ownership.owners([ref("z"), ref("b")])) == 2


def test_what_the_tenant_retired_stays_retired(stores: Backend) -> None:
    retire(stores, at=99)
    stores.ledger.begin(begun(3))
    stores.ledger.advance(answered(begun(3)), since=State.STARTED, owned=[own(ref())])
    assert stores.ownership.owners([ref()]) == {ref(): own(ref(), retired_at=99)}
    assert live(stores) == []


def test_a_retired_object_keeps_its_owner_and_leaves_the_list(stores: Backend) -> None:
    retire(stores, at=99)
    assert stores.ownership.owners([ref()]) == {ref(): own(ref(), retired_at=99)}
    assert live(stores) == []


def test_a_retired_object_cannot_be_claimed(stores: Backend) -> None:
    retire(stores, at=99)
    stores.ledger.begin(begun(3))
    with pytest.raises(StateConflict):
        stores.ledger.advance(answered(begun(3)), since=State.STARTED, owned=[own(ref(), BLUE)])
    assert stores.ownership.owners([ref()]) == {ref(): own(ref(), retired_at=99)}


def test_retiring_again_keeps_the_first_moment(stores: Backend) -> None:
    retire(stores, at=99)
    stores.ledger.begin(begun(3))
    stores.ledger.advance(answered(begun(3)), since=State.STARTED, retired=[ref()], at=100)
    assert stores.ownership.owners([ref()])[ref()].retired_at == 99


def test_retiring_what_does_not_exist_stops_the_whole(stores: Backend) -> None:
    stores.ledger.begin(begun())
    with pytest.raises(StateConflict):
        stores.ledger.advance(answered(begun()), since=State.STARTED, owned=[own(ref("a"))], retired=[ref()], at=9)
    assert stores.ledger.entry(begun().id) == begun()
    assert not stores.ownership.owners([ref(), ref("a")])


def test_settling_replaces_the_rows_and_adds_the_sums(stores: Backend) -> None:
    for state_spend in (1, 2):
        entries = [settled(put_at(stores, State.ANSWERED, number + 10 * state_spend), 5) for number in range(3)]
        stores.ledger.settle(entries, rollups_of(entries))
        assert [stores.ledger.entry(entry.id) for entry in entries] == entries
    facts = Facts(key_id=KEY, tenant=RED)
    bucket = Bucket(Scope.KEY, KEY, "2026-03-04", "openai", "vector_stores.create", facts)
    assert list(stores.reports.rollups(Scope.KEY, KEY, "2026-03")) == [Rollup(bucket, 6, 0, NanoUSD(30))]


@pytest.mark.parametrize("state", sorted(set(State) - {State.ANSWERED}))
def test_one_row_that_is_not_answered_stops_the_settlement(stores: Backend, state: State) -> None:
    good, bad = put_at(stores, State.ANSWERED, 1), put_at(stores, state, 2)
    entries = [settled(good), replace(bad, state=State.SETTLED, error_code="x")]
    with pytest.raises(StateConflict):
        stores.ledger.settle(entries, rollups_of(entries))
    assert [stores.ledger.entry(good.id), stores.ledger.entry(bad.id)] == [good, bad]
    assert list(stores.reports.rollups(Scope.KEY, KEY, "2026-03")) == []
    assert stores.ledger.unsettled([good.id, bad.id]) == {good.id}


def test_only_settled_rows_are_settled(stores: Backend) -> None:
    entry = put_at(stores, State.ANSWERED)
    with pytest.raises(IllegalTransition):
        stores.ledger.settle([entry], [])


def test_settling_nothing_is_nothing(stores: Backend) -> None:
    stores.ledger.settle([], [])


def test_a_settlement_has_room_for_a_hundred_actions(stores: Backend) -> None:
    entries = [settled(answered(begun(number, state=State.STARTED))) for number in range(MAX_ACTIONS - 6)]
    for entry in entries:
        stores.ledger.begin(replace(entry, state=State.ANSWERED))
    sums = rollups_of(entries)
    with pytest.raises(ValueError, match="101 actions"):
        stores.ledger.settle(entries, [*sums, sums[0]._replace(bucket=sums[0].bucket._replace(day="2026-03-05"))])
    stores.ledger.settle(entries, sums)
    assert not stores.ledger.unsettled([entry.id for entry in entries])


def test_ownership_beyond_a_hundred_actions_is_refused(stores: Backend) -> None:
    stores.ledger.begin(begun())
    many = [own(ref(f"vs_{number}")) for number in range(MAX_ACTIONS)]
    with pytest.raises(ValueError, match="101 actions"):
        stores.ledger.advance(answered(begun()), since=State.STARTED, owned=many)
    stores.ledger.advance(answered(begun()), since=State.STARTED, owned=many[1:])
    assert len(stores.ownership.owners([row.ref for row in many])) == MAX_ACTIONS - 1


def test_one_row_twice_in_a_transaction_is_refused(stores: Backend) -> None:
    entry = put_at(stores, State.ANSWERED)
    with pytest.raises(ValueError, match="twice"):
        stores.ledger.settle([settled(entry), settled(entry)], [])
    with pytest.raises(ValueError, match="twice"):
        stores.ledger.advance(answered(begun(2)), since=State.STARTED, owned=[own(ref())], retired=[ref()])


def test_the_rows_to_settle_are_distinguished_by_id(stores: Backend) -> None:
    rows = {state: put_at(stores, state, number) for number, state in enumerate(State)}
    many = [operation_id(number, T0 + 500) for number in range(150)]
    ids = [*(row.id for row in rows.values()), *many]
    assert stores.ledger.unsettled(ids) == {rows[State.ANSWERED].id}
    assert stores.ledger.unsettled([]) == frozenset()


def test_the_oldest_rows_that_wait_come_first(stores: Backend) -> None:
    for number, state in enumerate(State):
        put_at(stores, state, 1000 + number)
    waiting = [answered(begun(number)) for number in (7, 3, 120, 5)]
    for entry in waiting:
        stores.ledger.begin(entry)
    others = stores.ledger.answered(10)[4:]
    assert [entry.id for entry in stores.ledger.answered(3)] == [begun(number).id for number in (3, 5, 7)]
    assert [entry.state for entry in others] == [State.ANSWERED]
    assert list(stores.ledger.answered(0)) == []


@pytest.mark.parametrize("step", [2, 50, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_what_waits_can_be_walked_along_up_to_a_moment(stores: Backend, step: int) -> None:
    rows = [answered(begun(number)) for number in range(7)]
    for entry in rows:
        stores.ledger.begin(entry)
    walked: list[LedgerEntry] = []
    while found := stores.ledger.answered(step, before_ms=rows[6].started_ms, after=_place(walked)):
        walked += found
    assert walked == rows[:6]
    assert list(stores.ledger.answered(9, before_ms=rows[0].started_ms)) == []
    assert list(stores.ledger.answered(9, before_ms=rows[0].started_ms, after=_place(rows))) == []


@pytest.mark.parametrize("step", [2, 50, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_what_is_open_can_be_walked_along(stores: Backend, step: int) -> None:
    rows = [begun(number) for number in range(7)]
    for number, entry in enumerate(rows):
        stores.ledger.begin(entry)
        if number % 2:
            rows[number] = entry.transition(State.UNCERTAIN)
            stores.ledger.advance(rows[number], since=State.STARTED)
    walked: list[LedgerEntry] = []
    while found := stores.ledger.open_rows(rows[6].started_ms, step, after=_place(walked)):
        walked += found
    assert walked == rows[:6]


def _place(walked: Sequence[LedgerEntry]) -> tuple[int, OperationId] | None:
    return (walked[-1].started_ms, walked[-1].id) if walked else None


def test_rows_in_other_states_do_not_hide_those_that_wait(stores: Backend) -> None:
    for number in range(130):
        stores.ledger.begin(begun(number))
    stores.ledger.begin(answered(begun(500)))
    assert list(stores.ledger.answered(2)) == [answered(begun(500))]


def retire(stores: Backend, at: int) -> None:
    """Create `ref()` and delete it, in two operations."""
    stores.ledger.begin(begun(1))
    stores.ledger.advance(answered(begun(1)), since=State.STARTED, owned=[own(ref())])
    stores.ledger.begin(begun(2))
    stores.ledger.advance(answered(begun(2)), since=State.STARTED, retired=[ref()], at=at)


def live(stores: Backend) -> list[object]:
    """Return what is listed for RED."""
    return list(stores.ownership.owned_by(RED, OPENAI, STORE, start=None, ascending=True, limit=10))
