"""The stores of the year, which grow until they are deleted, and what they hold on a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from local.demo_year.people import TEAMS
from vectorgate.ids import ObjectId, tenant_of_team
from vectorgate.metering.bill import storage_records
from vectorgate.metering.model import DAY_S, Meter
from vectorgate.pricing.book import GIB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_year.people import People
    from vectorgate.clock import Random
    from vectorgate.ids import KeyId, ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.pricing.book import PriceBook

STORES_A_TEAM: Final = 6
_ID_BITS: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoStore:
    """A store. Days are numbers since 1970: `last` is the last one on which it holds anything."""

    id: ObjectId
    team: str
    key_id: KeyId
    first: int
    last: int
    size: int
    grows: int

    def size_on(self, day: int) -> int:
        """The bytes that it holds, 0 before and after its time."""
        return self.size + self.grows * (day - self.first) if self.first <= day <= self.last else 0


def stores_of(people: People, first: int, last: int, randomness: Random) -> list[DemoStore]:
    """The stores. The first of each team are there for the whole year, the others for a part of it."""
    days, stores = last - first + 1, []
    for team in TEAMS:
        key = next(key for key in people.keys if key.team_id == team)
        for number in range(STORES_A_TEAM):
            begins = first if number < STORES_A_TEAM // 2 else first + int(randomness.fraction() * days / 2)
            stores.append(
                DemoStore(
                    id=ObjectId(f"vs_{randomness.bits(_ID_BITS):032x}"),
                    team=team,
                    key_id=key.id,
                    first=begins,
                    last=last if number % 2 == 0 else begins + int(randomness.fraction() * (last - begins)),
                    size=int((0.2 + 3 * randomness.fraction()) * GIB),
                    grows=int(randomness.fraction() * GIB / 40),
                )
            )
    return stores


def stored_on(day: int, stores: Sequence[DemoStore], provider: ProviderName, book: PriceBook) -> list[LedgerEntry]:
    """The records of a day's storage. MissingPrice."""
    meters = [
        Meter(
            provider=provider,
            id=store.id,
            at=(day + 1) * DAY_S,
            days={day: store.size_on(day) * DAY_S},
            tenant=tenant_of_team(store.team),
            key_id=store.key_id,
        )
        for store in stores
        if store.size_on(day)
    ]
    return storage_records(meters, day, book)
