"""The port to limits and balances. Balances are written by the ledger's transactions alone (`ledger.store`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from vectorgate.budgets.model import Account, Balance, Limit, Subject


class BudgetStore(Protocol):
    """Reads are consistent. `api` holds the reading half only; the admin function's role may write."""

    def limits(self, subjects: Collection[Subject]) -> Mapping[Subject, Limit]:
        """The limits of those who have one. Cost: one read for each 100 subjects."""
        ...

    def balances(self, accounts: Collection[Account]) -> Mapping[Account, Balance]:
        """What those accounts hold; one that nobody has touched is left out. Cost: one read for each 100."""
        ...

    def add_limit(self, subject: Subject, limit: Limit) -> None:
        """Give somebody a limit. AlreadyExists when he has one. One write."""
        ...

    def replace_limit(self, subject: Subject, limit: Limit) -> None:
        """Replace the row whose version is one less. StateConflict: it changed meanwhile, or is not there."""
        ...
