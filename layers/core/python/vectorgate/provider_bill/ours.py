"""What our records have of the days that a provider reports: from rollups, whose number does not grow with calls.

Amounts are computed from the quantities, by the prices that are in force now: so corrections count, and the free
gibibyte, which is one for the account, counts once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.clock import DAY_MS
from vectorgate.ids import ObjectId, ObjectKind, is_object_id
from vectorgate.ledger.rollups import SEARCH, Scope
from vectorgate.ledger.sums import Dimension, SumQuery
from vectorgate.metering.bill import amount_of
from vectorgate.pricing.book import STORAGE
from vectorgate.pricing.money import NanoUSD
from vectorgate.provider_bill.model import Line, OurDay, StoreUse
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from vectorgate.ids import ProviderName
    from vectorgate.ledger.report_ports import ReportStore
    from vectorgate.ledger.rollups import Rollup
    from vectorgate.pricing.book import PriceBook
    from vectorgate.tenancy.ports import OwnershipStore

_RESPONSES: Final = "responses."
_FILE_SEARCH: Final = "responses.file_search"


@dataclass(frozen=True, slots=True, kw_only=True)
class OurRecords:
    """Reads the sums of one provider."""

    reports: ReportStore
    ownership: OwnershipStore
    book: PriceBook
    provider: ProviderName

    def days(self, days: Mapping[str, int]) -> dict[str, OurDay]:
        """The records of these days, each with its number since 1970, the first one first. MissingPrice, StoreError."""
        by = frozenset({Dimension.DAY, Dimension.PROVIDER, Dimension.OPERATION})
        sums = self._sums(days, Scope.KEY, by)
        return {
            day: self._day(number, [each for each in sums if each.bucket.day == day]) for day, number in days.items()
        }

    def _day(self, number: int, sums: Iterable[Rollup]) -> OurDay:
        sums = list(sums)
        byte_seconds = sum(each.byte_seconds for each in sums)
        searches = sum(each.searches for each in sums if each.bucket.operation != SEARCH)
        tokens = sum(each.spend - each.tools_spend for each in sums if each.bucket.operation.startswith(_RESPONSES))
        storage = self.book.price(self.provider, STORAGE, number * DAY_MS)
        call = self.book.price(self.provider, _FILE_SEARCH, number * DAY_MS).per_call
        amounts = {
            Line.STORAGE: amount_of(byte_seconds, storage),
            Line.FILE_SEARCH: NanoUSD(searches * call),
            Line.TOKENS: NanoUSD(tokens),
        }
        early = not byte_seconds and any(each.spend for each in sums if each.bucket.operation == STORAGE)
        return OurDay(byte_seconds=byte_seconds, has_bytes=not early, searches=searches, amounts=amounts)

    def stores(self, days: Mapping[str, int], searched: Collection[str]) -> dict[str, StoreUse]:
        """What is recorded of each store in these days, and of those that the provider saw searched. StoreError.

        A store without sums in these days, as one that was only made, has an owner if it has one now.
        """
        by = frozenset({Dimension.ID, Dimension.PROVIDER, Dimension.OPERATION, Dimension.TENANT})
        found: dict[str, StoreUse] = {}
        for each in self._sums(days, Scope.STORE, by):
            name, before = each.bucket.scope_id, found.get(each.bucket.scope_id, StoreUse())
            searches = each.searches if each.bucket.operation != SEARCH else 0
            owned = before.owned or bool(each.bucket.facts.tenant)
            found[name] = StoreUse(before.searches + searches, before.byte_seconds + each.byte_seconds, owned)
        return found | dict.fromkeys(self._owned(set(searched) - found.keys()), StoreUse(owned=True))

    def _owned(self, names: Iterable[str]) -> list[str]:
        known = [ObjectId(name) for name in names if is_object_id(name)]
        refs = [ObjectRef(self.provider, ObjectKind.VECTOR_STORE, name) for name in known]
        return [ref.id for ref in self.ownership.owners(refs)] if refs else []

    def _sums(self, days: Mapping[str, int], scope: Scope, by: frozenset[Dimension]) -> list[Rollup]:
        query = SumQuery(first_day=min(days), last_day=max(days), scope=scope, by=by)
        return [each for each in self.reports.sums(query) if each.bucket.provider == self.provider]
