"""The budgets that a storage record counts against: those of its key, team and end user when its day is charged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vectorgate.budgets.model import Account, BudgetScope, account_ref, key_limit, subjects_of, window_of
from vectorgate.budgets.store_rules import stored_account
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import KeyId, team_of
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.budgets.model import Limit, Subject
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.ids import ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.metering.model import Meter


@dataclass(frozen=True, slots=True)
class Accounts:
    """Assigns budget accounts. Reads limits once for each key, and once for each 100 teams and end users."""

    keys: KeyStore
    budgets: BudgetStore

    def assign(self, records: Sequence[LedgerEntry]) -> list[LedgerEntry]:
        """The records with their accounts, each of the period that contains the record's day. StoreError."""
        limits = self._limits({subject for record in records for subject in _subjects(record)})
        return [record.changed(budgets=_accounts(record, limits)) for record in records]

    def keep_stored(self, provider: ProviderName, before: Iterable[Meter], after: Iterable[Meter]) -> None:
        """Write how many bytes a team's stores hold at a provider, for each team of which that has changed. StoreError.

        On the first tick of a day every meter is written, and every team's bytes are.
        """
        were, are = _stored(before), _stored(after)
        for team in sorted({*were, *are}):
            if were.get(team) != are.get(team):
                self.budgets.set_spent(stored_account(team, provider), are.get(team, (0, 0))[0])

    def _limits(self, subjects: Collection[Subject]) -> dict[Subject, Limit]:
        others = sorted(subject for subject in subjects if subject.scope is not BudgetScope.KEY)
        found = dict(self.budgets.limits(others)) if others else {}
        for subject in sorted(set(subjects).difference(others)):
            key = self.keys.key(KeyId(subject.id))
            limit = key_limit(key) if key is not None else None
            if limit is not None:
                found[subject] = limit
        return found


def _stored(meters: Iterable[Meter]) -> dict[str, tuple[int, int]]:
    """Of each team, the bytes of its stores, and the last day on which one of them was written."""
    sums: dict[str, tuple[int, int]] = {}
    for meter in meters:
        team = team_of(meter.tenant) if meter.tenant is not None else None
        if team is not None:
            size, day = sums.get(team, (0, 0))
            held = 0 if meter.stopped_at is not None else meter.size
            sums[team] = size + held, max(day, meter.at // DAY_S)
    return sums


def _subjects(record: LedgerEntry) -> list[Subject]:
    return subjects_of(record.key_id, record.team_id, record.end_user)


def _accounts(record: LedgerEntry, limits: dict[Subject, Limit]) -> tuple[str, ...]:
    began = record.started_ms // MILLISECONDS
    limited = [(subject, limits[subject]) for subject in _subjects(record) if subject in limits]
    return tuple(account_ref(Account(subject, window_of(limit, began).period)) for subject, limit in limited)
