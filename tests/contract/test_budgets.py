"""Reservations, releases and spending, in the transactions of the rows that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.ledger import KEY, answered, begun, settled
from tests.helpers.threads import at_once
from vectorgate.budgets.model import (
    STORES,
    Account,
    Balance,
    BudgetScope,
    Limit,
    Reservation,
    Subject,
    account_ref,
    accounts_of,
)
from vectorgate.ids import ObjectId
from vectorgate.ledger.entry import State
from vectorgate.ledger.rollups import rollups_of
from vectorgate.pricing.money import NanoUSD
from vectorgate.store_errors import AlreadyExists, OverBudget, StateConflict, StoreUnavailable

if TYPE_CHECKING:
    from tests.harnesses.store_backends import Backend
    from vectorgate.ledger.entry import LedgerEntry

STORE_ID = ObjectId("vs_new")
ACCOUNT = Account(Subject(BudgetScope.KEY, KEY), "2026-03-04")
TEAMS = Account(Subject(BudgetScope.TEAM, "rot 東京"), "ever")


def row(number: int = 0, amount: int = 10, **fields: object) -> LedgerEntry:
    """Return a row that reserves for its key."""
    reserved = NanoUSD(amount) if amount else None
    values: dict[str, Any] = {"reserved": reserved, "budgets": (account_ref(ACCOUNT),)}
    return begun(number, **(values | fields))


def reservation(amount: int = 10, limit: int = 100, account: Account = ACCOUNT) -> Reservation:
    """Return the reservation of a row."""
    return Reservation(account, NanoUSD(amount), NanoUSD(limit))


def balance(stores: Backend, account: Account = ACCOUNT) -> Balance | None:
    """Return the balance of an account."""
    return stores.budgets.balances([account]).get(account)


def end(stores: Backend, entry: LedgerEntry, refusal: OverBudget) -> None:
    """Void a refused row, as its process does; one that was not begun is not there."""
    if refusal.begun:
        refused = entry.changed(reserved=None, budgets=())
        stores.ledger.advance(refused.transition(State.VOIDED), since=State.STARTED)
        assert stores.ledger.entry(entry.id) == refused.changed(state=State.VOIDED)
    else:
        assert stores.ledger.entry(entry.id) is None


def test_an_account_that_was_never_touched_does_not_exist(stores: Backend) -> None:
    assert stores.budgets.balances([ACCOUNT, TEAMS]) == {}


def test_a_reservation_is_made_with_its_row(stores: Backend) -> None:
    stores.ledger.begin(row(1), reserve=[reservation()])
    stores.ledger.begin(row(2), reserve=[reservation()])
    assert balance(stores) == Balance(reserved=20, spent=0)
    assert stores.ledger.entry(row(1).id) == row(1)


@pytest.mark.parametrize(("limit", "fits"), [(29, 2), (30, 3), (31, 3), (9, 0), (10, 1), (0, 0)])
def test_not_one_nano_over(stores: Backend, limit: int, fits: int) -> None:
    for number in range(fits):
        stores.ledger.begin(row(number), reserve=[reservation(limit=limit)])
    with pytest.raises(OverBudget) as refusal:
        stores.ledger.begin(row(fits), reserve=[reservation(limit=limit)])
    assert refusal.value.account == ACCOUNT
    end(stores, row(fits), refusal.value)
    assert (balance(stores) or Balance()).reserved == 10 * fits


def test_nothing_asks_only_whether_there_is_room(stores: Backend) -> None:
    stores.ledger.begin(row(1, 0), reserve=[reservation(0, 0)])
    assert balance(stores) is None
    stores.ledger.begin(row(2), reserve=[reservation()])
    stores.ledger.begin(row(3, 0), reserve=[reservation(0, 10)])
    with pytest.raises(OverBudget):
        stores.ledger.begin(row(4, 0), reserve=[reservation(0, 9)])


def test_an_account_that_the_row_does_not_name_is_only_asked(stores: Backend) -> None:
    lender = Account(Subject(BudgetScope.TEAM, "lender"), "ever")
    stores.ledger.begin(row(1), reserve=[reservation(), reservation(0, 5, lender)])
    assert stores.budgets.balances([ACCOUNT, lender]) == {ACCOUNT: Balance(10, 0)}
    stores.budgets.set_spent(lender, 6)
    with pytest.raises(OverBudget) as refusal:
        stores.ledger.begin(row(2), reserve=[reservation(), reservation(0, 5, lender)])
    assert refusal.value.account == lender
    assert balance(stores) == Balance(10, 0)


def test_all_accounts_have_room_or_none_is_touched(stores: Backend) -> None:
    both = (account_ref(ACCOUNT), account_ref(TEAMS))
    entry = row(1, team_id="rot 東京", budgets=both)
    assert accounts_of(entry) == [ACCOUNT, TEAMS]
    with pytest.raises(OverBudget) as refusal:
        stores.ledger.begin(entry, reserve=[reservation(), reservation(limit=9, account=TEAMS)])
    assert refusal.value.account == TEAMS
    end(stores, entry, refusal.value)
    assert {balance(stores, account) or Balance() for account in (ACCOUNT, TEAMS)} == {Balance()}
    entry = row(2, team_id="rot 東京", budgets=both)
    stores.ledger.begin(entry, reserve=[reservation(), reservation(account=TEAMS)])
    assert stores.budgets.balances([ACCOUNT, TEAMS]) == {ACCOUNT: Balance(10, 0), TEAMS: Balance(10, 0)}


def test_a_taken_id_comes_before_the_budget(stores: Backend) -> None:
    stores.ledger.begin(row(1), reserve=[reservation(limit=10)])
    with pytest.raises(AlreadyExists):
        stores.ledger.begin(row(1), reserve=[reservation(limit=10)])
    assert balance(stores) == Balance(10, 0)


def test_a_voided_row_releases_once(stores: Backend) -> None:
    stores.ledger.begin(row(), reserve=[reservation()])
    uncertain = row().transition(State.UNCERTAIN)
    stores.ledger.advance(uncertain, since=State.STARTED)
    assert balance(stores) == Balance(10, 0)
    stores.ledger.advance(uncertain.transition(State.VOIDED), since=State.UNCERTAIN)
    assert balance(stores) == Balance(0, 0)
    with pytest.raises(StateConflict):
        stores.ledger.advance(uncertain.transition(State.VOIDED), since=State.UNCERTAIN)
    assert balance(stores) == Balance(0, 0)


def test_settling_moves_what_was_reserved_to_what_was_spent(stores: Backend) -> None:
    finals = []
    for number, spend in ((1, 10), (2, 7), (3, 0)):
        stores.ledger.begin(row(number), reserve=[reservation()])
        stores.ledger.advance(answered(row(number)), since=State.STARTED)
        finals.append(settled(answered(row(number)), spend))
    stores.ledger.settle(finals, rollups_of(finals))
    assert balance(stores) == Balance(reserved=0, spent=17)
    with pytest.raises(StateConflict):
        stores.ledger.settle(finals, rollups_of(finals))
    assert balance(stores) == Balance(reserved=0, spent=17)
    stores.ledger.begin(row(4), reserve=[reservation(limit=27)])


def test_what_nothing_was_reserved_for_is_spent_all_the_same(stores: Backend) -> None:
    entry = answered(row(1, 0))
    stores.ledger.begin(entry)
    stores.ledger.settle([settled(entry, 150)], [])
    assert balance(stores) == Balance(0, 150)
    with pytest.raises(OverBudget):
        stores.ledger.begin(row(2, 0), reserve=[reservation(0)])


def test_a_reservation_that_the_row_does_not_name_is_a_mistake(stores: Backend) -> None:
    for entry, reserve in [
        (row(1, 9), reservation(10)),
        (row(1, budgets=()), reservation()),
        (row(1), reservation(-10)),
    ]:
        with pytest.raises(ValueError, match="reservation"):
            stores.ledger.begin(entry, reserve=[reserve])
    with pytest.raises(ValueError, match="not reserved"):
        stores.ledger.begin(row(1, budgets=(account_ref(ACCOUNT), account_ref(TEAMS))), reserve=[reservation()])
    with pytest.raises(ValueError, match="twice"):
        stores.ledger.begin(row(1), reserve=[reservation(), reservation()])


def test_a_charge_or_a_reservation_that_credits_is_a_mistake(stores: Backend) -> None:
    stores.ledger.begin(answered(row(1, 0)))
    with pytest.raises(ValueError, match="is not negative"):
        stores.ledger.settle([settled(answered(row(1, 0)), -1)], [])
    with pytest.raises(ValueError, match="is not negative"):
        stores.ledger.begin(row(2, -5))
    assert balance(stores) is None


@pytest.mark.parametrize("written", [False, True])
def test_a_lost_begin_reserved_with_its_row_or_is_known_not_to_have(stores: Backend, written: bool) -> None:  # noqa: FBT001  # a parameter of the test
    with stores.failing_requests(written=written), pytest.raises(StoreUnavailable):
        stores.ledger.begin(row(), reserve=[reservation()])
    begun_row = stores.ledger.entry(row().id)
    assert (begun_row is not None) is written
    if begun_row is not None:
        assert balance(stores) == (None if begun_row.reserving else Balance(10, 0))
        stores.ledger.advance(begun_row.transition(State.VOIDED), since=State.STARTED)
        assert balance(stores) == Balance(0, 0)


@pytest.mark.parametrize("written", [False, True])
def test_a_lost_release_is_made_with_its_row_or_not_at_all(stores: Backend, written: bool) -> None:  # noqa: FBT001  # a parameter of the test
    stores.ledger.begin(row(), reserve=[reservation()])
    with stores.failing_requests(written=written), pytest.raises(StoreUnavailable):
        stores.ledger.advance(row().transition(State.VOIDED), since=State.STARTED)
    assert balance(stores) == Balance(0 if written else 10, 0)


def test_of_many_at_once_as_many_are_let_in_as_there_is_room_for(stores: Backend) -> None:
    def enter(number: int) -> str:
        try:
            stores.ledger.begin(row(number), reserve=[reservation(limit=155)])
        except OverBudget:
            return "out"
        return "in"

    with stores.one_at_a_time():
        outcomes = at_once(24, enter)
    assert (outcomes.count("in"), outcomes.count("out")) == (15, 9)
    assert balance(stores) == Balance(150, 0)


def test_a_limit_is_read_back_and_given_once(stores: Backend) -> None:
    limit = Limit(since=5, max_budget=NanoUSD(2**60), soft_budget=NanoUSD(0), duration="1mo")
    stores.budgets.add_limit(TEAMS.subject, limit)
    stores.budgets.add_limit(ACCOUNT.subject, Limit(since=0))
    with pytest.raises(AlreadyExists):
        stores.budgets.add_limit(TEAMS.subject, Limit(since=6))
    unknown = Subject(BudgetScope.END_USER, KEY)
    found = stores.budgets.limits([TEAMS.subject, ACCOUNT.subject, unknown])
    assert found == {TEAMS.subject: limit, ACCOUNT.subject: Limit(since=0)}
    assert stores.budgets.limits([]) == {}
    with pytest.raises(ValueError, match="not a label"):
        stores.budgets.limits([Subject(BudgetScope.TEAM, "a#b")])


def test_a_limit_is_replaced_by_the_next_version_of_it_alone(stores: Backend) -> None:
    subject = TEAMS.subject
    with pytest.raises(StateConflict):
        stores.budgets.replace_limit(subject, Limit(since=5, version=2))
    stores.budgets.add_limit(subject, Limit(since=5, max_budget=NanoUSD(7), alias="rot", metadata='{"a":1}'))
    second = Limit(since=5, soft_budget=NanoUSD(9), duration="1mo", blocked=True, version=2)
    stores.budgets.replace_limit(subject, second)
    assert stores.budgets.limits([subject]) == {subject: second}
    for stale in (1, 2, 4):
        with pytest.raises(StateConflict):
            stores.budgets.replace_limit(subject, Limit(since=5, version=stale))
    assert stores.budgets.limits([subject]) == {subject: second}


def test_a_changed_limit_counts_what_is_reserved_and_spent_already(stores: Backend) -> None:
    stores.ledger.begin(row(1), reserve=[reservation(limit=10)])
    with pytest.raises(OverBudget):
        stores.ledger.begin(row(2), reserve=[reservation(limit=19)])
    stores.ledger.begin(row(3), reserve=[reservation(limit=20)])
    with pytest.raises(OverBudget):
        stores.ledger.begin(row(4), reserve=[reservation(limit=5)])
    final = settled(answered(row(1)), 10)
    stores.ledger.advance(answered(row(1)), since=State.STARTED)
    stores.ledger.settle([final], rollups_of([final]))
    assert balance(stores) == Balance(reserved=10, spent=10)


def test_a_correction_moves_what_was_spent_in_either_direction(stores: Backend) -> None:
    first = answered(row(1, 0))
    stores.ledger.begin(first)
    stores.ledger.settle([settled(first, 10)], [])
    for number, difference, spent in ((2, -4, 6), (3, 9, 15)):
        entry = answered(row(number, 0), corrects=first.id)
        stores.ledger.begin(entry)
        stores.ledger.settle([settled(entry, difference)], [])
        assert balance(stores) == Balance(0, spent)


def test_a_team_s_stores_are_counted_by_the_rows_of_their_creates_and_deletions(stores: Backend) -> None:
    account = Account(Subject(BudgetScope.TEAM, "red"), STORES)
    values: dict[str, Any] = {"team_id": "red", "budgets": (account_ref(account),)}
    creates = [begun(number, **values) for number in range(3)]
    for entry in creates[:2]:
        stores.ledger.begin(entry, reserve=[reservation(1, 2, account)])
    with pytest.raises(OverBudget):
        stores.ledger.begin(creates[2], reserve=[reservation(1, 2, account)])
    assert balance(stores, account) == Balance(reserved=2, spent=0)
    stores.ledger.advance(creates[0].transition(State.VOIDED), since=State.STARTED)
    made = creates[1].transition(State.ANSWERED, status_code=200, vector_store_id=STORE_ID)
    stores.ledger.advance(made, since=State.STARTED)
    stores.ledger.settle([settled(made)], rollups_of([settled(made)]))
    assert balance(stores, account) == Balance(reserved=0, spent=1)
    deletion = begun(5, **values).changed(operation="vector_stores.delete")
    stores.ledger.begin(deletion)
    done = deletion.transition(State.ANSWERED, status_code=200)
    stores.ledger.advance(done, since=State.STARTED)
    stores.ledger.settle([settled(done)], rollups_of([settled(done)]))
    assert balance(stores, account) == Balance(reserved=0, spent=0)


def test_a_place_for_a_store_is_of_one_and_named_by_its_create(stores: Backend) -> None:
    account = Account(Subject(BudgetScope.TEAM, "red"), STORES)
    named: dict[str, Any] = {"team_id": "red", "budgets": (account_ref(account),)}
    for entry, reserve in (
        (begun(1, **named), []),
        (begun(1, **named), [reservation(2, 9, account)]),
        (begun(1, team_id="red"), [reservation(1, 9, account)]),
        (begun(1, **named).changed(operation="vector_stores.delete"), [reservation(1, 9, account)]),
    ):
        with pytest.raises(ValueError, match="place"):
            stores.ledger.begin(entry, reserve=reserve)


def test_what_an_account_has_spent_is_set_once_or_anew_and_moved_where_it_is(stores: Backend) -> None:
    account = Account(Subject(BudgetScope.TEAM, "red"), STORES)
    stores.budgets.move_spent(account, 5)
    assert balance(stores, account) is None
    stores.budgets.set_spent(account, 3, new=True)
    with pytest.raises(AlreadyExists):
        stores.budgets.set_spent(account, 4, new=True)
    stores.budgets.move_spent(account, -1)
    assert balance(stores, account) == Balance(reserved=0, spent=2)
    stores.budgets.set_spent(account, -9)
    stores.budgets.set_spent(account, 7, new=True)
    assert balance(stores, account) == Balance(reserved=0, spent=7)


def test_what_is_reserved_stays_when_the_rest_is_set(stores: Backend) -> None:
    stores.ledger.begin(row(1), reserve=[reservation()])
    stores.budgets.set_spent(ACCOUNT, -50)
    stores.budgets.set_spent(ACCOUNT, 85, new=True)
    assert balance(stores) == Balance(reserved=10, spent=85)
    with pytest.raises(OverBudget):
        stores.ledger.begin(row(2), reserve=[reservation()])
    stores.ledger.advance(row(1).transition(State.VOIDED), since=State.STARTED)
    assert balance(stores) == Balance(reserved=0, spent=85)
