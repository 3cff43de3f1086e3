"""The year, day by day, into the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from local.demo_year.calls import call, share_of
from local.demo_year.people import write_people
from local.demo_year.storage import stored_on, stores_of
from vectorgate.clock import MILLISECONDS
from vectorgate.ledger.rollups import rollups_of
from vectorgate.ledger.settlement import priced_by
from vectorgate.metering.accounts import Accounts
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.clock import Random
    from vectorgate.ids import ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.sqlite import SqliteLedger
    from vectorgate.persistence.stores import Stores
    from vectorgate.pricing.book import PriceBook

DAYS: Final = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """What writes the `days` that end `now` (Unix seconds), with about so many `calls` in all."""

    stores: Stores
    book: PriceBook
    provider: ProviderName
    randomness: Random
    now: int
    calls: int
    days: int = DAYS

    def written(self) -> Iterator[int]:
        """Write it; after each day, the number of records so far. StoreError, MissingPrice."""
        today = self.now // DAY_S
        first = today - self.days + 1
        people = write_people(self.stores, first * DAY_S, self.randomness)
        stores = stores_of(people, first, today - 1, self.randomness)
        shares = {day: share_of(day, first, today) for day in range(first, today + 1)}
        whole, records = sum(shares.values()), 0
        for day, share in shares.items():
            number = round(self.calls * share / whole)
            calls = [call(day, people, stores, self.provider, self.randomness) for _ in range(number)]
            entries = [each for each in calls if each.started_ms < self.now * MILLISECONDS]
            entries += stored_on(day, stores, self.provider, self.book)
            self._write(sorted(entries, key=lambda each: (each.started_ms, each.id)))
            records += len(entries)
            yield records

    def _write(self, entries: list[LedgerEntry]) -> None:
        """Write rows as settlement leaves them, with their rollups and what they cost their budgets."""
        assigned = Accounts(self.stores.keys, self.stores.budgets).assign(entries)
        settled = [priced_by(self.book, entry) for entry in assigned]
        cast("SqliteLedger", self.stores.ledger).insert_settled(settled, rollups_of(settled))
