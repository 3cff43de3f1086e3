"""The base of stores of limits that add something to the changes of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from vectorgate.audit.model import AuditRecord
    from vectorgate.budgets.model import Account, Balance, BudgetScope, Limit, Subject
    from vectorgate.budgets.ports import BudgetStore


class ForwardingBudgets:
    """BudgetStore that passes every call on to another one."""

    def __init__(self, budgets: BudgetStore) -> None:
        self._budgets = budgets

    def limits(self, subjects: Collection[Subject]) -> Mapping[Subject, Limit]:
        """As the port says."""
        return self._budgets.limits(subjects)

    def balances(self, accounts: Collection[Account]) -> Mapping[Account, Balance]:
        """As the port says."""
        return self._budgets.balances(accounts)

    def all_limits(self, scope: BudgetScope) -> Mapping[Subject, Limit]:
        """As the port says."""
        return self._budgets.all_limits(scope)

    def set_spent(self, account: Account, amount: int, *, new: bool = False) -> None:
        """As the port says."""
        self._budgets.set_spent(account, amount, new=new)

    def move_spent(self, account: Account, amount: int) -> None:
        """As the port says."""
        self._budgets.move_spent(account, amount)

    def add_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """As the port says."""
        self._budgets.add_limit(subject, limit, audit=audit)

    def replace_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """As the port says."""
        self._budgets.replace_limit(subject, limit, audit=audit)
