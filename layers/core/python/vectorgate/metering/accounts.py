"""The budgets that a storage record counts against: those of its key, team and end user when its day is charged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.budgets.model import Account, BudgetScope, account_ref, key_limit, subjects_of, window_of
from vectorgate.clock import MILLISECONDS
from vectorgate.deferred.dataclass import dataclass
from vectorgate.ids import KeyId

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.budgets.model import Limit, Subject
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.ledger.entry import LedgerEntry


@dataclass(frozen=True, slots=True)
class Accounts:
    """Assigns budget accounts. Reads limits once for each key, and once for each 100 teams and end users."""

    keys: KeyStore
    budgets: BudgetStore

    def assign(self, records: Sequence[LedgerEntry]) -> list[LedgerEntry]:
        """The records with their accounts, each of the period that contains the record's day. StoreError."""
        limits = self._limits({subject for record in records for subject in _subjects(record)})
        return [record.changed(budgets=_accounts(record, limits)) for record in records]

    def _limits(self, subjects: Collection[Subject]) -> dict[Subject, Limit]:
        others = sorted(subject for subject in subjects if subject.scope is not BudgetScope.KEY)
        found = dict(self.budgets.limits(others)) if others else {}
        for subject in sorted(set(subjects).difference(others)):
            key = self.keys.key(KeyId(subject.id))
            limit = key_limit(key) if key is not None else None
            if limit is not None:
                found[subject] = limit
        return found


def _subjects(record: LedgerEntry) -> list[Subject]:
    return subjects_of(record.key_id, record.team_id, record.end_user)


def _accounts(record: LedgerEntry, limits: dict[Subject, Limit]) -> tuple[str, ...]:
    began = record.started_ms // MILLISECONDS
    limited = [(subject, limits[subject]) for subject in _subjects(record) if subject in limits]
    return tuple(account_ref(Account(subject, window_of(limit, began).period)) for subject, limit in limited)
