"""Storage that is metered and not charged yet: of the running day, and of days whose records are not posted yet."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vectorgate.admin.fields import dollars
from vectorgate.budgets.model import LIFETIME, BudgetScope, window_of
from vectorgate.classes import dataclass
from vectorgate.ids import ProviderName
from vectorgate.ledger.entry import State
from vectorgate.ledger.rollups import day_of
from vectorgate.metering.bill import storage_records
from vectorgate.pricing.book import STORAGE
from vectorgate.pricing.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.budgets.model import Limit, Subject
    from vectorgate.ledger.entry import LedgerEntry


@dataclass(frozen=True)
class PendingStorage:
    """The records that would be posted if their days were over now. The meters are read once, at the first need."""

    deps: AdminDeps

    @cached_property
    def records(self) -> list[LedgerEntry]:
        """All of them, in no order."""
        return [record for provider in self.deps.book.providers_of(STORAGE) for record in self._of(provider)]

    def _of(self, provider: str) -> Iterator[LedgerEntry]:
        now = self.deps.clock.unix_s()
        meters = [meter.sampled(meter.size, now) for meter in self.deps.stores.meters.meters(ProviderName(provider))]
        for day in sorted({day for meter in meters for day in meter.uncharged_days}):
            yield from storage_records(meters, day, self.deps.book, State.STARTED)


def pending_storage_fields(subject: Subject, limit: Limit | None, deps: AdminDeps) -> dict[str, object]:
    """The cost of a subject's storage that is not charged yet: in the budget's period, or without a budget in all."""
    period = window_of(limit, deps.clock.unix_s()).period if limit is not None else LIFETIME
    amount = sum(
        record.spend or ZERO
        for record in PendingStorage(deps).records
        if _owner(record, subject.scope) == subject.id and (period == LIFETIME or day_of(record.started_ms) >= period)
    )
    return {"pending_storage_spend": dollars(amount), "pending_storage_spend_nano_usd": amount}


def _owner(record: LedgerEntry, scope: BudgetScope) -> str | None:
    match scope:
        case BudgetScope.KEY:
            return record.key_id
        case BudgetScope.TEAM:
            return record.team_id
        case BudgetScope.END_USER:
            return record.end_user
        case BudgetScope.USER:
            return record.user_id
