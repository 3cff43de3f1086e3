"""The port to limits and balances. Only the ledger's transactions write balances (`ledger.ports`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.budgets.model import Account, Balance, BudgetScope, Limit, Subject


class BudgetStore(Protocol):
    """Reads are consistent with the last write. The api function's role may only read, the admin function's write.

    `audit` is the record of the change, written in the same transaction.
    """

    def limits(self, subjects: Collection[Subject]) -> Mapping[Subject, Limit]:
        """The limits of `subjects`; a subject without one is left out. One read per 100 subjects."""
        ...

    def balances(self, accounts: Collection[Account]) -> Mapping[Account, Balance]:
        """The balances of `accounts`; an account without any change is left out. One read per 100 accounts."""
        ...

    def add_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """Write a new limit. AlreadyExists when the subject has one. One write."""
        ...

    def all_limits(self, scope: BudgetScope) -> Mapping[Subject, Limit]:
        """Every limit of teams or of end users, by id. On DynamoDB the last second's writes may be missing."""
        ...

    def set_spent(self, account: Account, amount: int, *, new: bool = False) -> None:
        """Set what an account has spent; what is reserved stays. With `new`, AlreadyExists if it is 0 or more."""
        ...

    def move_spent(self, account: Account, amount: int) -> None:
        """Add to what an account has spent; an account without any change stays as it is."""
        ...

    def replace_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """Replace the row whose version is one less. StateConflict when it has changed, or does not exist."""
        ...


class LimitReader(Protocol):
    """The limits that apply to calls, which may be known for some seconds already. StoreError passes through."""

    def forget(self) -> None:
        """Read every limit again when it is needed next."""
        ...

    def limits_of(self, key: VirtualKey, end_user: str | None) -> list[tuple[Subject, Limit]]:
        """The limits on what a key may spend for an end user: the key's, its team's, the end user's."""
        ...

    def of_team(self, team: str) -> list[tuple[Subject, Limit]]:
        """The team's limit, if it has one."""
        ...
