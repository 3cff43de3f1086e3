"""A tick of the meter: list what is stored upstream, move every meter on, and charge the days that are over.

::

    list (100 a call) ──> known store: sampled; a new one: its meter begins
                     └──> not in the list: deleted through us -> stopped at that second
                                           404 at a second look -> stopped now
    every meter past midnight? ──> records of the day (one a store), begun in the ledger ──> the day leaves the meters

Every step may be done twice or not at all. A tick that dies is done again by the next one, which skips what stands
already; a row that two ticks move goes to the one that is first. Records have ids of their own store and day, and a day
leaves the meters only after all its records are there: until then every tick computes the same amounts again.

A meter is written when its size changes, and once a day. In between the same size for longer says the same: the seconds
are added by whoever looks at it next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.ledger.ports import RecordQuery
from vectorgate.metering.bill import records_of
from vectorgate.metering.model import DAY_S, Meter, first_sample, sound_moment, sound_size
from vectorgate.metering.ports import Schedule
from vectorgate.pricing.book import MissingPrice
from vectorgate.store_errors import AlreadyExists, StoreError
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from vectorgate.clock import Clock
    from vectorgate.ids import ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.metering.accounts import Accounts
    from vectorgate.metering.ports import MeterStore
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.reader import Document, ProviderReader
    from vectorgate.telemetry import Telemetry
    from vectorgate.tenancy.ports import OwnershipStore

MOST_SECONDS: Final = 3_600  # between two samples while nothing changes: the bound that docs/billing.md states
TURN_S: Final = 60  # the shortest pace of ticks on AWS
MAX_SKEW_S: Final = 5  # between the clocks of two functions
LONGEST_S: Final = 30  # a request, as API Gateway cuts it: one under way at a look may change something after it
RECENT: Final = 100  # rows looked through for changes; as many of them are taken for one
# What changes the bytes of a store, or the set of stores. A file or an upload that no store holds is not metered.
CHANGING: Final = frozenset(
    {
        "vector_stores.create",
        "vector_stores.delete",
        "vector_stores.files.create",
        "vector_stores.files.delete",
        "vector_stores.file_batches.create",
        "vector_stores.file_batches.cancel",
        "files.delete",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """Everything that a tick needs. `least_seconds` between two samplings of a provider while its stores change."""

    clock: Clock
    meters: MeterStore
    ownership: OwnershipStore
    ledger: LedgerStore
    accounts: Accounts
    book: PriceBook
    providers: Collection[ProviderName]
    reader: ProviderReader
    telemetry: Telemetry
    least_seconds: int = 60

    def tick(self) -> int:
        """Sample every provider that is due; how many records were posted. Errors of one leave the others alone."""
        posted = 0
        for provider in self._in_turn():
            try:
                if self._is_due(provider):
                    posted += self.sample(provider)
            except (ApiError, StoreError, MissingPrice) as error:
                self.telemetry.failed("MeterFailures", error)  # an alarm; the next tick does it again
        self.telemetry.flush()
        return posted

    def sample(self, provider: ProviderName) -> int:
        """One provider now, due or not. StoreError or ApiError: something was left undone, and is done by the next."""
        at = self.clock.unix_s()
        listed = self._listed(provider)
        before = {meter.id: meter for meter in self.meters.meters(provider)}
        after = [
            self._listed_meter(before.get(store_id), document, provider, at) for store_id, document in listed.items()
        ]
        after += self._missing_meters([meter for store_id, meter in before.items() if store_id not in listed], at)
        kept = [self._keep(before.get(meter.id), meter) for meter in self._attributed(filter(None, after))]
        lively = any(map(_is_indexing, listed.values())) or any(_differs(before.get(meter.id), meter) for meter in kept)
        posted = self._post(kept, at)
        self._reschedule(provider, at, lively=lively)  # last: what was left undone is due at the next tick
        return posted

    def _in_turn(self) -> list[ProviderName]:
        """Each minute another one first: one whose list outlasts the tick, which ends with its time, hides no other."""
        providers = list(self.providers)
        first = self.clock.unix_s() // TURN_S % max(1, len(providers))
        return providers[first:] + providers[:first]

    def _is_due(self, provider: ProviderName) -> bool:
        """Its time has come, or something that passed through us may have changed what is stored."""
        now, schedule = self.clock.unix_s(), self.meters.schedule(provider)
        if now >= schedule.due:
            return True
        since_ms = (schedule.due - schedule.pause - LONGEST_S - MAX_SKEW_S) * MILLISECONDS
        query = RecordQuery(start_ms=max(0, since_ms), end_ms=(now + MAX_SKEW_S) * MILLISECONDS, limit=RECENT)
        recent = self.ledger.search(query)
        return len(recent) == RECENT or any(entry.operation in CHANGING for entry in recent)

    def _listed(self, provider: ProviderName) -> dict[ObjectId, Document]:
        """Every store of the account; the whole list or an error."""
        pages = self.reader.pages(provider, "vector_stores.list", order="asc")
        return {ObjectId(str(store["id"])): store for page in pages for store in page}

    def _listed_meter(self, meter: Meter | None, document: Document, provider: ProviderName, at: int) -> Meter | None:
        """Moved on by what the list says; None for one that had expired before it was ever seen."""
        size = sound_size(document.get("usage_bytes", document.get("bytes")))
        if size is None:
            self.telemetry.count("QuarantinedSizes")
            size = meter.size if meter is not None else 0
        expired_at = self._expired_at(document, at)
        if expired_at is not None:
            return meter.stopped(expired_at) if meter is not None else None
        if meter is None:
            return first_sample(provider, ObjectId(str(document["id"])), size, at)
        return meter.sampled(size, at) if meter.stopped_at is None else meter.resumed(size, at)

    def _expired_at(self, document: Document, at: int) -> int | None:
        """When a store expired, if it has: a store that expired is not stored any more."""
        figure = document.get("expires_at")
        moment = sound_moment(figure, document.get("created_at"))
        if moment is None and figure is not None:
            self.telemetry.count("QuarantinedMoments")
        if moment is not None and moment <= at:
            return moment
        return at if document.get("status") == "expired" else None

    def _missing_meters(self, missing: Sequence[Meter], at: int) -> list[Meter | None]:
        """What is no longer listed: deleted through us at a known second, or gone at a second look."""
        refs = {meter.id: ObjectRef(meter.provider, ObjectKind.VECTOR_STORE, meter.id) for meter in missing}
        owned = self.ownership.owners(list(refs.values())) if refs else {}
        moved: list[Meter | None] = []
        for meter in missing:
            row = owned.get(refs[meter.id])
            if meter.stopped_at is not None:
                moved.append(meter)
            elif row is not None and row.retired_at is not None:
                moved.append(meter.stopped(min(row.retired_at, at)))
            else:
                moved.append(self._looked_at_again(meter, at))
        return moved

    def _looked_at_again(self, meter: Meter, at: int) -> Meter | None:
        document = self.reader.ask_for(meter.provider, "vector_stores.retrieve", {"vector_store_id": meter.id})
        return self._listed_meter(meter, document, meter.provider, at) if document is not None else meter.stopped(at)

    def _attributed(self, found: Iterable[Meter]) -> list[Meter]:
        """With their makers, as far as those are known by now."""
        meters = list(found)
        refs = {
            meter.id: ObjectRef(meter.provider, ObjectKind.VECTOR_STORE, meter.id)
            for meter in meters
            if meter.tenant is None
        }
        owned = self.ownership.owners(list(refs.values())) if refs else {}
        made = {ref.id: row for ref, row in owned.items()}
        return [
            replace(meter, tenant=row.tenant, key_id=row.key_id, end_user=row.end_user)
            if (row := made.get(meter.id)) is not None
            else meter
            for meter in meters
        ]

    def _keep(self, before: Meter | None, meter: Meter) -> Meter:
        """Write a meter that says something new. StateConflict: another tick was faster, and this one ends here."""
        if before is not None and not _says_more(before, meter):
            return before
        written = replace(meter, version=before.version + 1 if before is not None else 1)
        self.meters.keep(written)
        return written

    def _reschedule(self, provider: ProviderName, at: int, *, lively: bool) -> None:
        """Soon while sizes change, else after twice the last pause; at midnight in any case, when a day is over."""
        last = self.meters.schedule(provider).pause
        pause = self.least_seconds if lively else min(MOST_SECONDS, max(self.least_seconds, 2 * last))
        pause = min(pause, (at // DAY_S + 1) * DAY_S - at)
        self.meters.reschedule(provider, Schedule(due=at + pause, pause=pause))

    def _post(self, meters: Sequence[Meter], at: int) -> int:
        """Begin the records of each day that is over and that every meter knows; then the day leaves the meters."""
        posted = 0
        over = sorted({day for meter in meters for day in meter.days if day < at // DAY_S})
        for day in over:
            if not all(meter.knows(day) for meter in meters):
                break
            posted += self._begin(records_of(meters, day, self.book))
            meters = [self._without(meter, day) for meter in meters]
        return posted

    def _begin(self, records: Sequence[LedgerEntry]) -> int:
        """Those that are not there yet; how many. A tick that was cut short so goes on where it was."""
        there = self.ledger.entries([record.id for record in records])
        posted = 0
        for record in self.accounts.named_in([record for record in records if record.id not in there]):
            try:
                self.ledger.begin(record)
            except AlreadyExists:
                continue  # another tick's
            posted += 1
        return posted

    def _without(self, meter: Meter, day: int) -> Meter:
        if day not in meter.days:
            return meter
        rest = replace(meter.without(day), version=meter.version + 1)
        if rest.stopped_at is not None and not rest.days:
            self.meters.drop(meter)
        else:
            self.meters.keep(rest)
        return rest


def _is_indexing(document: Document) -> bool:
    counts = document.get("file_counts")
    return isinstance(counts, dict) and bool(counts.get("in_progress"))


def _differs(before: Meter | None, meter: Meter) -> bool:
    return before is None or (before.size, before.stopped_at) != (meter.size, meter.stopped_at)


def _says_more(before: Meter, meter: Meter) -> bool:
    """Whether it says more than that the same lasted longer, within one day."""
    return meter != replace(before, at=meter.at, days=meter.days) or meter.at // DAY_S != before.at // DAY_S
