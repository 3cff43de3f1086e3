"""Reservations on DynamoDB, each a write of its own: what a crash, or a slow process, leaves between them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import BotoCoreError

from tests.factories.ledger import KEY, begun, settled
from vectorgate.budgets.model import STORES, Account, Balance, BudgetScope, Reservation, Subject, account_ref
from vectorgate.idempotency.record import LEASE_MS
from vectorgate.ledger.entry import State
from vectorgate.persistence.dynamodb import holds
from vectorgate.persistence.dynamodb.budgets import account_key
from vectorgate.persistence.dynamodb.schema import operation_key
from vectorgate.pricing.money import NanoUSD
from vectorgate.store_errors import OverBudget, StateConflict, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.store_backends import DynamoBackend
    from vectorgate.ledger.entry import LedgerEntry

ACCOUNTS: Final = (
    Account(Subject(BudgetScope.KEY, KEY), "2026-03-04"),
    Account(Subject(BudgetScope.TEAM, "red"), "ever"),
    Account(Subject(BudgetScope.TEAM, "red"), STORES),
)
AMOUNTS: Final = (10, 10, 1)
WRITES: Final = 1 + len(ACCOUNTS)  # of a begin


@pytest.fixture
def dynamo(contended: DynamoBackend) -> DynamoBackend:
    """The engines of this module."""
    return contended


def row(number: int = 0) -> LedgerEntry:
    """A row that reserves in three accounts."""
    budgets = tuple(map(account_ref, ACCOUNTS))
    return begun(number, team_id="red", budgets=budgets, reserved=NanoUSD(10))


def reservations(limit: int = 100) -> list[Reservation]:
    """What it reserves; in the last account up to a limit."""
    limits = (100, 100, limit)
    return [
        Reservation(account, NanoUSD(amount), NanoUSD(most))
        for account, amount, most in zip(ACCOUNTS, AMOUNTS, limits, strict=True)
    ]


def balances(dynamo: DynamoBackend) -> list[Balance]:
    """What the three accounts hold."""
    found = dynamo.budgets.balances(ACCOUNTS)
    return [found.get(account, Balance()) for account in ACCOUNTS]


def ids_held(dynamo: DynamoBackend) -> int:
    """How many ids the three accounts have."""
    items = dynamo.table.batch_get([account_key(account) for account in ACCOUNTS])
    return sum(len(item.get("holds", {}).get("BS", ())) for item in items)


class Interrupted:
    """Has something happen at the n-th write of a begin."""

    def __init__(self, dynamo: DynamoBackend, at: int, act: Callable[[], None], *, written: bool = False) -> None:
        self._writes = 0
        self._at, self._act = at, act
        self._hooked = dynamo.hook("after-call.dynamodb" if written else "before-send.dynamodb", self._happen)

    def _happen(self, http_response: Any = None, **_: object) -> None:
        if http_response is not None and http_response.status_code >= 300:
            return  # it met another transaction
        self._writes += 1
        if self._writes == self._at:
            self._act()

    def __enter__(self) -> None:
        self._hooked.__enter__()

    def __exit__(self, *_: object) -> None:
        self._hooked.__exit__(None, None, None)


def crash() -> None:
    """End a begin with an error whose outcome is unknown."""
    raise BotoCoreError


def begin_and_crash(dynamo: DynamoBackend, entry: LedgerEntry, at: int, *, written: bool) -> LedgerEntry | None:
    """The row that a process leaves that crashes at the n-th write of a begin."""
    with Interrupted(dynamo, at, crash, written=written), pytest.raises(StoreUnavailable):
        dynamo.ledger.begin(entry, reserve=reservations())
    return dynamo.ledger.entry(entry.id)


def conclude(dynamo: DynamoBackend, found: LedgerEntry, state: State) -> State:
    """What a sweep does with a row, at the second look; and the settlement of one that was answered.

    One that was not sent, as it did not reserve all, can only be voided.
    """
    dynamo.time.skip(2 * LEASE_MS / 1000)
    looked = found.transition(State.UNCERTAIN, first_absent_ms=1)
    dynamo.ledger.advance(looked, since=found.state)
    again = dynamo.ledger.entry(found.id)
    assert again is not None
    if state is State.ANSWERED and not dynamo.ledger.is_reserved(again):
        with pytest.raises(StateConflict, match="not sent"):
            dynamo.ledger.advance(again.transition(State.ANSWERED), since=State.UNCERTAIN)
        state = State.VOIDED
    dynamo.ledger.advance(again.transition(state, ended_ms=2), since=State.UNCERTAIN)
    if state is State.ANSWERED:
        answered = dynamo.ledger.entry(found.id)
        assert answered is not None
        assert not answered.reserving
        dynamo.ledger.settle([settled(answered, 7)], [])
    return state


def test_a_crash_at_any_write_of_a_begin_leaves_nothing_reserved_once_its_row_is_voided_or_settled(
    dynamo: DynamoBackend,
) -> None:
    spent = 0
    cases = product(range(1, WRITES + 1), (False, True), (State.VOIDED, State.ANSWERED))
    for number, (at, written, state) in enumerate(cases):
        found = begin_and_crash(dynamo, row(number), at, written=written)
        assert (found is None) is ((at, written) == (1, False))
        if found is None:
            continue
        assert found.reserving == 1
        ended = conclude(dynamo, found, state)
        sent = (at, written, state) == (WRITES, True, State.ANSWERED)
        assert ended is (State.ANSWERED if sent else State.VOIDED)
        spent += 7 if sent else 0
        assert balances(dynamo) == [Balance(0, spent), Balance(0, spent), Balance(0, 0)], (at, written, state)
    assert ids_held(dynamo) == 0


def test_what_the_row_itself_ends_is_released_whatever_its_accounts_hold_besides(dynamo: DynamoBackend) -> None:
    for number in range(3):
        dynamo.ledger.begin(row(number), reserve=reservations())
    assert ids_held(dynamo) == 9
    dynamo.ledger.advance(row(0).transition(State.VOIDED), since=State.STARTED)
    answered = row(1).transition(State.ANSWERED, status_code=200)
    dynamo.ledger.advance(answered, since=State.STARTED)
    dynamo.ledger.settle([settled(answered, 7)], [])
    assert balances(dynamo) == [Balance(10, 7), Balance(10, 7), Balance(1, 0)]
    assert ids_held(dynamo) == 3


def test_a_lost_answer_of_a_reservation_that_is_sent_again_reserves_once(dynamo: DynamoBackend) -> None:
    entry = row().changed(reserving=1)
    for _ in range(2):
        holds.hold_all(dynamo.table, entry, reservations())
    assert balances(dynamo) == [Balance(10, 0), Balance(10, 0), Balance(1, 0)]


@pytest.mark.parametrize("at", range(2, WRITES + 1))
def test_a_process_so_slow_that_its_row_was_concluded_reserves_nothing_more(dynamo: DynamoBackend, at: int) -> None:
    def sweep() -> None:
        found = dynamo.ledger.entry(row().id)
        assert found is not None
        conclude(dynamo, found, State.VOIDED)

    with Interrupted(dynamo, at, sweep), pytest.raises(StoreUnavailable, match="crashed"):
        dynamo.ledger.begin(row(), reserve=reservations())
    assert balances(dynamo) == [Balance()] * 3
    assert ids_held(dynamo) == 0


@pytest.mark.parametrize("at", [WRITES, WRITES + 1])
def test_a_process_so_slow_that_its_row_was_concluded_gives_nothing_back(dynamo: DynamoBackend, at: int) -> None:
    def sweep() -> None:
        found = dynamo.ledger.entry(row().id)
        assert found is not None
        conclude(dynamo, found, State.VOIDED)

    # The writes: the row, two accounts, and the two that give back, for the third account is known to have no room.
    with Interrupted(dynamo, at, sweep), pytest.raises(StoreUnavailable, match="crashed"):
        dynamo.ledger.begin(row(), reserve=reservations(limit=0))
    assert balances(dynamo) == [Balance()] * 3


def test_a_crash_while_a_refused_row_gives_back_what_it_reserved_leaves_nothing_reserved(dynamo: DynamoBackend) -> None:
    for number, at in enumerate((WRITES, WRITES + 1)):
        with Interrupted(dynamo, at, crash, written=True), pytest.raises(StoreUnavailable):
            dynamo.ledger.begin(row(number), reserve=reservations(limit=0))
        found = dynamo.ledger.entry(row(number).id)
        assert found is not None
        conclude(dynamo, found, State.VOIDED)
        assert balances(dynamo) == [Balance()] * 3


def test_an_account_is_closed_for_what_began_before_a_row_that_was_concluded_and_open_for_what_follows(
    dynamo: DynamoBackend,
) -> None:
    found = begin_and_crash(dynamo, row(5), 2, written=True)
    assert found is not None
    conclude(dynamo, found, State.VOIDED)
    for number in (4, 5):
        with pytest.raises(StoreUnavailable, match="crashed"):
            holds.hold_all(dynamo.table, row(number), reservations())
    dynamo.ledger.begin(row(6), reserve=reservations())
    assert balances(dynamo) == [Balance(10, 0), Balance(10, 0), Balance(1, 0)]


def test_a_row_of_a_clock_that_is_ahead_does_not_close_its_accounts_for_the_others(dynamo: DynamoBackend) -> None:
    now_ms = dynamo.table.clock.unix_ms()
    ahead = row().changed(started_ms=now_ms + 3_600_000)
    found = begin_and_crash(dynamo, ahead, 3, written=True)
    assert found is not None
    dynamo.ledger.advance(found.transition(State.VOIDED), since=State.STARTED)
    dynamo.ledger.begin(row(1).changed(started_ms=now_ms), reserve=reservations())
    assert balances(dynamo) == [Balance(10, 0), Balance(10, 0), Balance(1, 0)]


def test_two_sweeps_of_one_row_release_it_once(dynamo: DynamoBackend) -> None:
    found = begin_and_crash(dynamo, row(), WRITES, written=True)
    assert found is not None
    conclude(dynamo, found, State.VOIDED)
    with pytest.raises(StateConflict):
        dynamo.ledger.advance(found.transition(State.VOIDED), since=State.STARTED)
    assert balances(dynamo) == [Balance()] * 3


def test_an_earlier_release_leaves_a_row_alone_as_long_as_its_reservations_are_not_certain(
    dynamo: DynamoBackend,
) -> None:
    dynamo.ledger.begin(row(), reserve=reservations())
    assert dynamo.item(operation_key(row().id))["form"] == {"N": "2"}
    dynamo.ledger.advance(row().transition(State.UNCERTAIN), since=State.STARTED)
    assert "form" not in dynamo.item(operation_key(row().id))
    dynamo.ledger.begin(begun(1))
    assert "form" not in dynamo.item(operation_key(begun(1).id))


def test_the_ids_of_rows_that_are_certain_are_forgotten_if_settlement_lags_or_was_an_earlier_releases(
    dynamo: DynamoBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "CLEANUPS", 1)
    for number in range(3):
        dynamo.ledger.begin(row(number), reserve=reservations())
    settled_before(dynamo, row(0))
    answered = row(1).transition(State.ANSWERED, status_code=200)
    dynamo.ledger.advance(answered, since=State.STARTED)
    dynamo.ledger.begin(row(3).changed(started_ms=row(0).started_ms + holds.LEFT_MS), reserve=reservations())
    assert ids_held(dynamo) == 4 * 3  # they are not old enough yet
    dynamo.ledger.begin(row(4).changed(started_ms=row(2).started_ms + holds.LEFT_MS + 1), reserve=reservations())
    assert ids_held(dynamo) == 3 * 3  # not those of a row that is still reserving
    dynamo.ledger.settle([settled(answered, 7)], [])
    assert balances(dynamo) == [Balance(30, 7), Balance(30, 7), Balance(4, 0)]


def test_rows_that_go_on_reserving_do_not_keep_the_ids_of_later_ones(
    dynamo: DynamoBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "CLEANUPS", 1)
    monkeypatch.setattr(holds, "BATCH", 1)
    for number in range(2):
        dynamo.ledger.begin(row(number), reserve=reservations())
    dynamo.ledger.advance(row(1).transition(State.ANSWERED, status_code=200), since=State.STARTED)
    dynamo.ledger.begin(row(2).changed(started_ms=row(1).started_ms + holds.LEFT_MS + 1), reserve=reservations())
    assert ids_held(dynamo) == 2 * 3


def settled_before(dynamo: DynamoBackend, entry: LedgerEntry) -> None:
    """Void a row as an earlier release does, in two of its accounts: it deletes no id."""
    dynamo.ledger.advance(entry.changed(reserved=None, budgets=()).transition(State.VOIDED), since=State.STARTED)
    amount: dict[str, Any] = {":amount": {"N": "-10"}}
    for account in ACCOUNTS[:2]:
        dynamo.table.update(
            account_key(account),
            UpdateExpression="ADD committed :amount, reserved :amount",
            ExpressionAttributeValues=amount,
        )


def test_a_call_that_reserves_nothing_is_refused_before_its_row_is_begun(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(row(), reserve=reservations())
    free = begun(1, budgets=(account_ref(ACCOUNTS[0]),))
    with pytest.raises(OverBudget) as refusal:
        dynamo.ledger.begin(free, reserve=[Reservation(ACCOUNTS[0], NanoUSD(0), NanoUSD(9))])
    assert not refusal.value.begun
    assert dynamo.ledger.entry(free.id) is None
