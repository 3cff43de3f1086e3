"""The errors of the store ports (every `ports.py`), the same for all adapters.

::

    StoreError
    ├── AlreadyExists          a row that has to be new exists
    ├── IdempotencyConflict    another operation holds the idempotency record
    ├── LimitReached           a rate limit has no room for a claim
    ├── NameTaken              another key has the name
    ├── OverBudget             an account has no room for a reservation
    ├── StateConflict          a row was not in the state that the change starts from
    └── StoreUnavailable       the engine is unreachable, throttled or too slow
        └── NewerRow           a later release wrote the row in a form that this one does not know

Adapters raise these and no error of their engine; one contract suite (`tests/contract`) checks it for both. A mistake
of the caller is a ValueError (an id that cannot be a key part, too many rows) or an IllegalTransition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.budgets.model import Account
    from vectorgate.rate_limits.model import Lease, RateClaim


class StoreError(Exception):
    """An operation of a store failed."""


class AlreadyExists(StoreError):
    """A row that has to be new exists already."""


class IdempotencyConflict(StoreError):
    """Another operation holds the idempotency record, or the one to take over has changed. Nothing was written."""


class LimitReached(StoreError):
    """A rate limit has no room for the claim. Nothing was written. `tat_ns`: of the row, 0 where it is a lease."""

    def __init__(self, claim: RateClaim | Lease, tat_ns: int = 0) -> None:
        super().__init__("limit reached")
        self.claim = claim
        self.tat_ns = tat_ns


class NameTaken(StoreError):
    """Another key has the name that a key was to get. Nothing was written."""

    def __init__(self, name: str) -> None:
        super().__init__("name taken")
        self.name = name


class OverBudget(StoreError):
    """An account has no room for the reservation. Nothing is reserved. `begun`: the row was written, as `started`."""

    def __init__(self, account: Account, *, begun: bool = False) -> None:
        super().__init__("over budget")
        self.account = account
        self.begun = begun


class StateConflict(StoreError):
    """A row was not in the state that the change starts from. Nothing was written."""


class StoreUnavailable(StoreError):
    """The engine is unreachable, throttled or too slow. Whether a write took place is unknown."""


class NewerRow(StoreUnavailable):
    """A later release wrote the row in a form that this one does not know. It is neither read nor replaced."""
