"""What a call counts against, what it may cost at most, and the refusal when there is no room for that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import DO_NOT_RETRY, BudgetExceeded, PermissionDenied
from vectorgate.api.operations import Safety
from vectorgate.budgets.model import UNBOUNDED, Account, Balance, BudgetScope, Limit, Reservation, Window, window_of
from vectorgate.ids import ObjectKind
from vectorgate.metering.model import valid_size
from vectorgate.pricing.money import NanoUSD, format_usd
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.api.command import Command
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.budgets.limits import CachedLimits
    from vectorgate.budgets.model import Subject
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.pricing.book import PriceBook
    from vectorgate.telemetry import Telemetry
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore

_NAMES: Final = {BudgetScope.KEY: "key", BudgetScope.TEAM: "team", BudgetScope.END_USER: "end user"}
# What only ever makes things cheaper.
_ALWAYS: Final = frozenset({"vector_stores.file_batches.cancel", "uploads.cancel"})


@dataclass(frozen=True, slots=True)
class ApplicableBudget:
    """One account that a call counts against, with its limit, and what it held when the call arrived."""

    account: Account
    limit: Limit
    window: Window
    balance: Balance


@dataclass(frozen=True, slots=True)
class ReservationPlan:
    """What is to be reserved in each account, and which figures could not be right and were left out of it."""

    amount: NanoUSD
    reserve: tuple[Reservation, ...]
    quarantined: tuple[str, ...] = ()


NO_RESERVATION: Final = ReservationPlan(NanoUSD(0), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetService:
    """Everything that admission needs."""

    limits: CachedLimits
    store: BudgetStore
    ownership: OwnershipStore
    book: PriceBook
    telemetry: Telemetry

    def applicable(self, key: VirtualKey, end_user: str | None, began: int) -> tuple[ApplicableBudget, ...]:
        """The accounts of a call that began then (Unix seconds). One read when there are any, none otherwise.

        StoreError. PermissionDenied when the team or the end user is blocked.
        """
        found = [(subject, limit, window_of(limit, began)) for subject, limit in self.limits.limits_of(key, end_user)]
        if not found:
            return ()
        _refuse_blocked(found)
        accounts = [Account(subject, window.period) for subject, _, window in found]
        balances = self.store.balances(accounts)
        budgets = tuple(
            ApplicableBudget(account, limit, window, balances.get(account, Balance()))
            for account, (_, limit, window) in zip(accounts, found, strict=True)
        )
        soft = over_soft_budget(budgets)
        if soft:
            self.telemetry.count("SoftBudgetsExceeded", len(soft))
        return budgets

    def plan(self, budgets: Sequence[ApplicableBudget], command: Command, entry: LedgerEntry) -> ReservationPlan:
        """What the order has to set aside before it is forwarded. Reads, deletes and mocks always pass.

        If any account of the call is bounded, the amount is set aside in each of them: what the row says is reserved
        will be released in all that it names. An amount of 0 only asks the bounded ones whether they have room.
        """
        bounded = [budget for budget in budgets if budget.limit.max_budget is not None]
        if not bounded or not _reserves(command):
            return NO_RESERVATION
        stored, quarantined = self._attached(command, entry)
        amount = self.book.reservation_for(entry, stored)
        asked = budgets if amount else bounded
        reserve = tuple(Reservation(budget.account, amount, _most(budget.limit)) for budget in asked)
        return ReservationPlan(amount, reserve, quarantined)

    def _attached(self, command: Command, entry: LedgerEntry) -> tuple[int, tuple[str, ...]]:
        """The bytes of the files that the order attaches, as they were when they were uploaded."""
        if entry.provider is None or command.operation.body_kind is not ObjectKind.FILE:
            return 0, ()
        refs = {ObjectRef(entry.provider, ObjectKind.FILE, file_id) for file_id in command.body_ids}
        sizes = [_size(row) for row in self.ownership.owners(refs).values()] if refs else []
        sound = [size for size in sizes if size is not None]
        if len(sound) == len(sizes):
            return sum(sound), ()
        self.telemetry.count("QuarantinedSizes", len(sizes) - len(sound))
        return sum(sound), ("bytes",)


def _refuse_blocked(found: Sequence[tuple[Subject, Limit, Window]]) -> None:
    for subject, limit, _ in found:
        if limit.blocked:
            raise PermissionDenied(f"This {_NAMES[subject.scope]} is blocked.", code="blocked", headers=DO_NOT_RETRY)


def _reserves(command: Command) -> bool:
    operation = command.operation
    passes = operation.safety is Safety.READ or operation.method == "DELETE" or operation.name in _ALWAYS
    return not passes and command.mock_response is None


def _most(limit: Limit) -> NanoUSD:
    return UNBOUNDED if limit.max_budget is None else limit.max_budget


def _size(row: Ownership) -> int | None:
    """0 for a file whose description says nothing; None for a figure that makes no sense."""
    return valid_size(json.loads(row.snapshot or "{}").get("bytes", 0))


def over_soft_budget(budgets: Sequence[ApplicableBudget]) -> list[ApplicableBudget]:
    """Those that have reached their soft budget."""
    return [
        budget
        for budget in budgets
        if budget.limit.soft_budget is not None and budget.balance.spent >= budget.limit.soft_budget
    ]


def budget_exceeded(budgets: Sequence[ApplicableBudget], account: Account) -> BudgetExceeded:
    """The refusal: whose budget, over which time, and when it starts anew."""
    budget = next(budget for budget in budgets if budget.account == account)
    most = format_usd(budget.limit.max_budget or NanoUSD(0))
    window = "in all" if budget.window.ends_at is None else f"from {budget.window.period} on"
    ends_at = budget.window.ends_at
    again = "It does not start anew." if ends_at is None else f"It starts anew at {iso(ends_at)}."
    return BudgetExceeded(
        f"The budget of this {_NAMES[account.subject.scope]} is exceeded: {most} USD {window}"
        f"{f' (every {budget.limit.duration})' if budget.limit.duration else ''}. {again}",
        code="insufficient_quota",
    )


def budget_headers(budgets: Sequence[ApplicableBudget], spend: NanoUSD) -> dict[str, str]:
    """LiteLLM's names, for a key with a budget: what it had spent, this call included. And whose soft budget is up."""
    own = next((budget for budget in budgets if budget.account.subject.scope is BudgetScope.KEY), None)
    headers = {}
    if own is not None:
        headers["x-litellm-key-spend"] = format_usd(NanoUSD(own.balance.spent + spend))
        if own.limit.max_budget is not None:
            headers["x-litellm-key-max-budget"] = format_usd(own.limit.max_budget)
    soft = over_soft_budget(budgets)
    if soft:
        headers["x-vectorgate-soft-budget-exceeded"] = ", ".join(
            _NAMES[budget.account.subject.scope] for budget in soft
        )
    return headers


def iso(unix_s: int) -> str:
    """A moment as people read it."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat()
