"""The budgets that a storage record counts against: of its key, that key's user, its team and its end user.

They are those that these have when the record's day is charged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.budgets.model import (
    Account,
    BudgetScope,
    Subject,
    account_ref,
    key_limit,
    limits_calls,
    subjects_of,
    window_of,
)
from vectorgate.budgets.store_rules import stored_account
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import is_label, team_of
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.budgets.model import Limit
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.ids import KeyId, ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.metering.model import Meter


@dataclass(frozen=True, slots=True)
class Accounts:
    """Assigns budget accounts. Reads each key once, and limits once for each 100 teams, end users and users."""

    keys: KeyStore
    budgets: BudgetStore

    def assign(self, records: Sequence[LedgerEntry]) -> list[LedgerEntry]:
        """The records with their users and accounts, each of the period that contains the record's day. StoreError."""
        keys = {key_id: self.keys.key(key_id) for key_id in sorted({each.key_id for each in records if each.key_id})}
        users = {key_id: key.user_id for key_id, key in keys.items() if key is not None}
        records = [record.changed(user_id=users.get(record.key_id)) if record.key_id else record for record in records]
        limits = self._limits({subject for record in records for subject in subjects_of(record)}, keys)
        return [record.changed(budgets=_accounts(record, limits)) for record in records]

    def keep_stored(self, provider: ProviderName, before: Iterable[Meter], after: Iterable[Meter]) -> None:
        """Write how many bytes a team's stores hold at a provider, for each team of which that has changed. StoreError.

        On the first tick of a day every meter is written, and every team's bytes are.
        """
        were, are = _stored(before), _stored(after)
        for team in sorted({*were, *are}):
            if were.get(team) != are.get(team):
                self.budgets.set_spent(stored_account(team, provider), are.get(team, (0, 0))[0])

    def _limits(self, subjects: Collection[Subject], keys: Mapping[KeyId, VirtualKey | None]) -> dict[Subject, Limit]:
        others = sorted(each for each in subjects if each.scope is not BudgetScope.KEY and is_label(each.id))
        read = self.budgets.limits(others) if others else {}
        found = {subject: limit for subject, limit in read.items() if limits_calls(subject, limit)}
        for key_id, key in keys.items():
            limit = key_limit(key) if key is not None else None
            if limit is not None:
                found[Subject(BudgetScope.KEY, key_id)] = limit
        return found


def _stored(meters: Iterable[Meter]) -> dict[str, tuple[int, int]]:
    """The bytes of each team's stores, and the last day on which one of them was written."""
    sums: dict[str, tuple[int, int]] = {}
    for meter in meters:
        team = team_of(meter.tenant) if meter.tenant is not None else None
        if team is not None:
            size, day = sums.get(team, (0, 0))
            held = 0 if meter.stopped_at is not None else meter.size
            sums[team] = size + held, max(day, meter.at // DAY_S)
    return sums


def _accounts(record: LedgerEntry, limits: dict[Subject, Limit]) -> tuple[str, ...]:
    began = record.started_ms // MILLISECONDS
    limited = [(subject, limits[subject]) for subject in subjects_of(record) if subject in limits]
    return tuple(account_ref(Account(subject, window_of(limit, began).period)) for subject, limit in limited)
