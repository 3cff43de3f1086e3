"""Find the budgets that apply to a call, plan its reservation, and report what was exceeded."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import DO_NOT_RETRY, BudgetExceeded, InvalidRequest, PermissionDenied
from vectorgate.api.safety import Safety
from vectorgate.budgets.demand import demand_of
from vectorgate.budgets.model import (
    NO_LIMIT,
    STORES,
    Account,
    Balance,
    BudgetScope,
    Limit,
    Reservation,
    Window,
    window_of,
)
from vectorgate.classes import dataclass
from vectorgate.ids import ObjectKind
from vectorgate.pricing.book import MissingPrice
from vectorgate.pricing.money import NanoUSD, format_usd
from vectorgate.pricing.usage import valid_size
from vectorgate.store_errors import OverBudget, StoreError
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.api.command import Command
    from vectorgate.budgets.model import Subject
    from vectorgate.budgets.ports import BudgetStore, LimitReader
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.pricing.book import Demand, PriceBook
    from vectorgate.telemetry import Telemetry
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore

_SCOPE_NAMES: Final = {
    BudgetScope.KEY: "key",
    BudgetScope.TEAM: "team",
    BudgetScope.END_USER: "end user",
    BudgetScope.USER: "user",
}
# Operations that can only reduce cost.
_COST_REDUCING: Final = frozenset({"vector_stores.file_batches.cancel", "uploads.cancel", "responses.cancel"})
DEFAULT_MAX_OUTPUT: Final = (
    32_768  # tokens of a response that a budget counts, where neither request nor key has a limit
)


@dataclass(frozen=True, slots=True)
class ApplicableBudget:
    """An account that a call counts against, with its limit, and its balance when the call arrived."""

    account: Account
    limit: Limit
    window: Window
    balance: Balance


@dataclass(frozen=True, slots=True)
class ReservationPlan:
    """The amount to reserve in each account. `quarantined` names invalid figures, which were left out of it.

    `demand`: what a response may use at most.
    """

    amount: NanoUSD
    reserve: tuple[Reservation, ...]
    quarantined: tuple[str, ...] = ()
    demand: Demand | None = None

    def columns(self) -> dict[str, object]:
        """What the call's row says of it."""
        ceiling = self.demand.as_text() if self.demand is not None else ()
        return {"reserved": self.amount or None, "quarantined": self.quarantined, "ceiling": ceiling}


def check_known_room(budgets: Sequence[ApplicableBudget], reserve: Sequence[Reservation]) -> tuple[Reservation, ...]:
    """Refuse what had no room when the call arrived, before it takes room in another account. OverBudget.

    Return what is left to `begin`: an amount of 0 takes nothing, so that a balance read a moment later tells no more.
    """
    committed = {budget.account: budget.balance.committed for budget in budgets}
    for each in reserve:
        if committed.get(each.account, 0) > each.max_committed:
            raise OverBudget(each.account)
    return tuple(each for each in reserve if each.amount or each.account not in committed)


@dataclass(frozen=True, slots=True)
class OwnersBudget:
    """A budget of a store's owner, `most` nano-dollars: what another tenant stores in the store counts against it."""

    account: Account
    most: NanoUSD


NO_RESERVATION: Final = ReservationPlan(NanoUSD(0), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetService:
    """Admission: which budgets a call counts against, and how much it reserves in them."""

    limits: LimitReader
    store: BudgetStore
    ownership: OwnershipStore
    book: PriceBook
    telemetry: Telemetry
    max_output_tokens: int = DEFAULT_MAX_OUTPUT

    def output_ceiling(self, budgets: Sequence[ApplicableBudget]) -> int | None:
        """The most tokens of a response for which no other limit is set; None where no budget is limited."""
        return self.max_output_tokens if any(budget.limit.max_budget is not None for budget in budgets) else None

    def applicable(self, limits: Sequence[tuple[Subject, Limit]], began: int) -> tuple[ApplicableBudget, ...]:
        """Return the budgets of a call that began at `began` (Unix seconds), with these limits. One read of balances.

        PermissionDenied (403) when the team or the end user is blocked. StoreError passes through.
        """
        _check_not_blocked(limits)
        windows = [window_of(limit, began) for _, limit in limits]
        accounts = [Account(subject, window.period) for (subject, _), window in zip(limits, windows, strict=True)]
        balances = self.store.balances(accounts)
        budgets = tuple(
            ApplicableBudget(account, limit, window, balances.get(account, Balance()))
            for account, (_, limit), window in zip(accounts, limits, windows, strict=True)
        )
        reached = reached_soft_budgets(budgets)
        if reached:
            self.telemetry.count("SoftBudgetsExceeded", len(reached))
        return budgets

    def plan(
        self,
        budgets: Sequence[ApplicableBudget],
        command: Command,
        entry: LedgerEntry,
        lenders: Sequence[OwnersBudget] | None = None,
    ) -> ReservationPlan:
        """Plan what a command reserves before it is forwarded. Reads, deletes and mocked calls reserve nothing.

        A response has a `demand` without a budget, too.

        If any account of the call has a limit, the amount is reserved in every account: the row releases it in all
        the accounts that it names. An amount of 0 is only checked, against the accounts with a limit.
        `lenders`: of a call that stores something in a store of another tenant, which pays for that. They are only
        checked: the row names accounts of its own key, team and end user alone.
        """
        bounded = [budget for budget in budgets if budget.limit.max_budget is not None]
        if not _needs_reservation(command) or not (bounded or lenders or command.operation.generates):
            return NO_RESERVATION
        if command.operation.generates:
            return self._plan_response(bounded, budgets, command, entry)
        stored_bytes, quarantined = self._attached_bytes(command, entry)
        amount = self.book.reservation_for(entry, stored_bytes)
        if lenders is None:
            return ReservationPlan(amount, _reservations(amount, bounded, budgets), quarantined)
        call = self.book.reservation_for(entry) if bounded else NanoUSD(0)
        own = _reservations(call, bounded, budgets)
        return ReservationPlan(call, _with_lenders(own, lenders, amount - call), quarantined)

    def _plan_response(
        self,
        bounded: Sequence[ApplicableBudget],
        budgets: Sequence[ApplicableBudget],
        command: Command,
        entry: LedgerEntry,
    ) -> ReservationPlan:
        """Reserve what a response may cost at most. InvalidRequest (400) for what has no price."""
        asked = command.body.get("max_output_tokens")
        most = asked if isinstance(asked, int) else self.max_output_tokens
        demand = self.book.readable(entry, demand_of(command, most))
        if not bounded:
            return replace(NO_RESERVATION, demand=self.book.priced(entry, demand))
        try:
            amount = self.book.reservation_for_response(entry, demand)
        except MissingPrice:
            raise InvalidRequest(
                f"The model '{entry.model}', its service tier, a tool of this request, or an input of up to "
                f"{demand.input_tokens} tokens has no price, and this call counts against a budget: choose another, or "
                f"add its price to the deployment's.",
                code="model_unpriced",
                param="model",
            ) from None
        return ReservationPlan(amount, _reservations(amount, bounded, budgets), demand=demand)

    def exceeded(
        self,
        budgets: Sequence[ApplicableBudget],
        account: Account,
        needed: NanoUSD,
        places: Sequence[Reservation] = (),
    ) -> BudgetExceeded:
        """The error for a refused reservation of `needed`, with the account's balance now, where it can be read.

        `places`: those that the call would take in an account of stores.
        """
        if account.period == STORES:
            return self._no_place(next(place for place in places if place.account == account))
        budget = next((budget for budget in budgets if budget.account == account), None)
        if budget is None:
            return _lenders_exceeded()
        with suppress(StoreError):
            budget = replace(budget, balance=self.store.balances([account]).get(account, Balance()))
        return budget_exceeded_error(budget, needed)

    def _no_place(self, place: Reservation) -> BudgetExceeded:
        from vectorgate.budgets.store_rules import too_many_stores  # noqa: PLC0415 - of refused creates alone

        used = int(place.limit)
        with suppress(StoreError):
            used = self.store.balances([place.account]).get(place.account, Balance()).committed
        return too_many_stores(int(place.limit), used)

    def _attached_bytes(self, command: Command, entry: LedgerEntry) -> tuple[int, tuple[str, ...]]:
        """The size of the files that the command attaches, from their snapshots, and the names of invalid figures."""
        if entry.provider is None or command.operation.body_kind is not ObjectKind.FILE:
            return 0, ()
        refs = {ObjectRef(entry.provider, ObjectKind.FILE, file_id) for file_id in command.body_ids}
        sizes = [_snapshot_bytes(row) for row in self.ownership.owners(refs).values()] if refs else []
        valid = [size for size in sizes if size is not None]
        if len(valid) == len(sizes):
            return sum(valid), ()
        self.telemetry.count("QuarantinedSizes", len(sizes) - len(valid))
        return sum(valid), ("bytes",)


def _reservations(
    amount: NanoUSD, bounded: Sequence[ApplicableBudget], budgets: Sequence[ApplicableBudget]
) -> tuple[Reservation, ...]:
    checked = budgets if amount else bounded
    return tuple(Reservation(budget.account, amount, _hard_limit(budget.limit)) for budget in checked)


def _with_lenders(own: Sequence[Reservation], lenders: Sequence[OwnersBudget], stored: int) -> tuple[Reservation, ...]:
    """The caller's reservations, and that each lender has room for what is stored: an account may be both's."""
    room = {lender.account: NanoUSD(lender.most - stored) for lender in lenders}
    reserve = [replace(each, limit=min(each.limit, room.pop(each.account, each.limit))) for each in own]
    return (*reserve, *(Reservation(account, NanoUSD(0), limit) for account, limit in room.items()))


def _lenders_exceeded() -> BudgetExceeded:
    """The error 429 of another tenant's budget, of which it tells no figure."""
    return BudgetExceeded(
        "The owner of this vector store pays for what is stored in it, and this exceeds its budget.",
        code="insufficient_quota",
    )


def _check_not_blocked(limits: Sequence[tuple[Subject, Limit]]) -> None:
    for subject, limit in limits:
        if limit.blocked:
            raise PermissionDenied(
                f"This {_SCOPE_NAMES[subject.scope]} is blocked.", code="blocked", headers=DO_NOT_RETRY
            )


def _needs_reservation(command: Command) -> bool:
    operation = command.operation
    free = operation.safety is Safety.READ or operation.method == "DELETE" or operation.name in _COST_REDUCING
    return not free and command.mock_response is None


def _hard_limit(limit: Limit) -> NanoUSD:
    return NO_LIMIT if limit.max_budget is None else limit.max_budget


def _snapshot_bytes(row: Ownership) -> int | None:
    """The size in a file's snapshot: 0 when it has none, None when it is invalid."""
    return valid_size(json.loads(row.snapshot or "{}").get("bytes", 0))


def reached_soft_budgets(budgets: Sequence[ApplicableBudget]) -> list[ApplicableBudget]:
    """The budgets whose balance has reached their soft budget."""
    return [
        budget
        for budget in budgets
        if budget.limit.soft_budget is not None and budget.balance.spent >= budget.limit.soft_budget
    ]


def budget_exceeded_error(budget: ApplicableBudget, needed: NanoUSD) -> BudgetExceeded:
    """The error 429: whose budget, its period, what the call needs, what is left and reserved, and when it resets."""
    limit, balance, ends_at = budget.limit, budget.balance, budget.window.ends_at
    most = limit.max_budget or NanoUSD(0)
    period = "in all" if ends_at is None else f"from {budget.window.period} on"
    every = f" (every {limit.duration})" if limit.duration else ""
    left = format_usd(NanoUSD(max(0, most - balance.committed)))
    reserved = format_usd(NanoUSD(balance.reserved))
    reset = "It does not reset." if ends_at is None else f"It resets at {iso(ends_at)}."
    return BudgetExceeded(
        f"The budget of this {_SCOPE_NAMES[budget.account.subject.scope]} is exceeded: {format_usd(most)} USD "
        f"{period}{every}. The call needs {format_usd(needed)} USD; {left} USD are left, and calls in progress "
        f"have {reserved} USD reserved. {reset}",
        code="insufficient_quota",
    )


def budget_headers(budgets: Sequence[ApplicableBudget], spend: NanoUSD) -> dict[str, str]:
    """Headers with a key's spend, this call included, and its budget (LiteLLM's names), and reached soft budgets."""
    key_budget = next((budget for budget in budgets if budget.account.subject.scope is BudgetScope.KEY), None)
    headers = {}
    if key_budget is not None:
        headers["x-litellm-key-spend"] = format_usd(NanoUSD(key_budget.balance.spent + spend))
        if key_budget.limit.max_budget is not None:
            headers["x-litellm-key-max-budget"] = format_usd(key_budget.limit.max_budget)
    reached = reached_soft_budgets(budgets)
    if reached:
        headers["x-vectorgate-soft-budget-exceeded"] = ", ".join(
            _SCOPE_NAMES[budget.account.subject.scope] for budget in reached
        )
    return headers


def iso(unix_s: int) -> str:
    """A moment as an ISO 8601 timestamp in UTC."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat()
