"""The two adapters of every store port: DynamoDB, and SQLite for one machine and for the simulation.

Adapters raise the errors below and nothing of their engine's own; one contract suite holds both to it. What the
caller got wrong is a ValueError (an id that cannot be a key part, too many rows) or an IllegalTransition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.budgets.model import Account
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.azure_search.ports import IndexStore
    from vectorgate.ingest.ports import IngestStore
    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.metering.ports import MeterStore
    from vectorgate.ledger.report_ports import ReportStore
    from vectorgate.tenancy.ports import OwnershipStore


class StoreError(Exception):
    """A store could not do what was asked."""


class AlreadyExists(StoreError):
    """A row that had to be new is there already."""


class Claimed(StoreError):
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


def _nothing_to_close() -> None:
    """HTTP pools need no goodbye."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """One engine's adapters of all ports. `close` releases what they hold; none is usable afterwards."""

    ledger: LedgerStore
    ownership: OwnershipStore
    keys: KeyStore
    reports: ReportStore
    indexes: IndexStore
    budgets: BudgetStore
    meters: MeterStore
    ingest: IngestStore
    close: Callable[[], None] = _nothing_to_close
