"""The 429 of a budget says what the call needs, what is left, and what is reserved at the refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.budgets.model import Account, Balance, BudgetScope, Limit, Reservation, Subject, window_of
from vectorgate.budgets.service import ApplicableBudget, BudgetService, budget_exceeded_error, check_known_room
from vectorgate.pricing.money import NanoUSD, format_usd
from vectorgate.store_errors import OverBudget, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Collection

    from vectorgate.budgets.ports import BudgetStore

AMOUNTS = st.integers(0, 10**12).map(NanoUSD)
SCOPES = st.sampled_from([BudgetScope.KEY, BudgetScope.TEAM, BudgetScope.END_USER])
DURATIONS = st.sampled_from([None, "1d", "2w", "1mo"])


def budget(scope: BudgetScope, limit: Limit, balance: Balance) -> ApplicableBudget:
    window = window_of(limit, 0)
    return ApplicableBudget(Account(Subject(scope, "x"), window.period), limit, window, balance)


@given(scope=SCOPES, most=AMOUNTS, balance=st.builds(Balance, AMOUNTS, AMOUNTS), needed=AMOUNTS, duration=DURATIONS)
def test_the_message_names_every_amount_of_every_kind_of_budget(
    scope: BudgetScope, most: NanoUSD, balance: Balance, needed: NanoUSD, duration: str | None
) -> None:
    exceeded = budget(scope, Limit(since=0, max_budget=most, duration=duration), balance)
    message = budget_exceeded_error(exceeded, needed).message
    left = format_usd(NanoUSD(max(0, most - balance.committed)))
    assert f"The call needs {format_usd(needed)} USD; {left} USD are left" in message
    assert f"{format_usd(NanoUSD(balance.reserved))} USD reserved" in message
    assert f"The budget of this {scope.replace('_', ' ')} is exceeded: {format_usd(most)} USD" in message


@dataclass
class OneBalance:
    """A store of budgets with one account; None when it cannot be read."""

    balance: Balance | None

    def balances(self, accounts: Collection[Account]) -> dict[Account, Balance]:
        """Return the balance of each account."""
        if self.balance is None:
            raise StoreUnavailable("down")
        return dict.fromkeys(accounts, self.balance)


@pytest.mark.parametrize(("now", "left"), [(Balance(3, 4), "0.000000003"), (None, "0.00000001")])
def test_the_balance_is_that_of_the_refusal_or_if_it_cannot_be_read_that_of_the_arrival(
    now: Balance | None, left: str
) -> None:
    store = cast("BudgetStore", OneBalance(now))
    service = BudgetService(limits=None, store=store, ownership=None, book=None, telemetry=None)  # type: ignore[arg-type]
    at_arrival = budget(BudgetScope.KEY, Limit(since=0, max_budget=NanoUSD(10)), Balance())
    error = service.exceeded([at_arrival], at_arrival.account, NanoUSD(5))
    assert f"{left} USD are left" in error.message


def test_what_had_no_room_on_arrival_is_refused_before_anything_is_reserved() -> None:
    full = budget(BudgetScope.END_USER, Limit(since=0, max_budget=NanoUSD(10)), Balance(3, 4))
    asked = [Reservation(Account(Subject(BudgetScope.TEAM, "t"), "ever"), NanoUSD(4), NanoUSD(9))]
    amount = Reservation(full.account, NanoUSD(3), NanoUSD(10))
    assert check_known_room([full], [*asked, amount]) == (*asked, amount)
    nothing = [Reservation(account, NanoUSD(0), NanoUSD(10)) for account in (full.account, asked[0].account)]
    assert check_known_room([full], nothing) == (nothing[1],)  # the balance of the other is known
    with pytest.raises(OverBudget) as refused:
        check_known_room([full], [*asked, Reservation(full.account, NanoUSD(4), NanoUSD(10))])
    assert (refused.value.account, refused.value.begun) == (full.account, False)
