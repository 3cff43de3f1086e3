"""What a store port may raise: the errors of every `ports.py`, whichever adapter stands behind it.

::

    StoreError
    ├── AlreadyExists          a row that had to be new is there
    ├── IdempotencyConflict    another operation holds the idempotency record
    ├── OverBudget             an account has no room for a reservation
    ├── StateConflict          a row was not in the state that the change starts from
    └── StoreUnavailable       the engine is unreachable, throttled or too slow

Adapters raise these and nothing of their engine's own; one contract suite (`tests/contract`) holds both to it. A caller's
own mistake is a ValueError (an id that cannot be a key part, too many rows) or an IllegalTransition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.budgets.model import Account


class StoreError(Exception):
    """A store could not do what was asked."""


class AlreadyExists(StoreError):
    """A row that had to be new is there already."""


class IdempotencyConflict(StoreError):
    """Another operation holds the claim, or the one that was to be taken over is gone: nothing at all was written."""


class OverBudget(StoreError):
    """An account has no room for what was to be reserved: nothing at all was written."""

    def __init__(self, account: Account) -> None:
        super().__init__("over budget")
        self.account = account


class StateConflict(StoreError):
    """A row was not in the state that the change starts from: nothing at all was written."""


class StoreUnavailable(StoreError):
    """The engine is away, throttled or too slow. Whether a write took place is unknown."""
