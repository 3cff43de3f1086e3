"""A tick of the meter: list the stores of a provider, sample every meter, and charge the days that are over.

::

    list (100 a call) ──> a known store: sampled; a new one: its meter begins
                     └──> a store that is missing: deleted through the gateway -> stopped at that second
                                                   retrieved once more, and 404 -> stopped now
    every meter past midnight? ──> records of the day (one for each store), begun in the ledger ──> the day is removed

Every step may be repeated, or be cut short. The next tick repeats what a tick that ended early left undone, and skips
what was done; if two ticks write one row, the second fails. A record's id follows from its store and day, and a day is
removed from the meters only after all its records are in the ledger: until then every tick computes the same amounts.

A meter is written when its size changes, and once a day: in between, the next tick that writes it adds all the seconds.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.ledger.ports import RecordQuery
from vectorgate.metering.bill import storage_records
from vectorgate.metering.handover import with_owner
from vectorgate.metering.model import DAY_S, Meter, first_sample, valid_moment
from vectorgate.metering.ports import Schedule
from vectorgate.pricing.book import MissingPrice
from vectorgate.pricing.usage import valid_size
from vectorgate.providers.openai import snapshot_of
from vectorgate.store_errors import AlreadyExists, StoreError
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

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

MAX_PAUSE_S: Final = 3_600  # between two samples while nothing changes
ROTATION_S: Final = 60  # the shortest interval of ticks on AWS
MAX_SKEW_S: Final = 5  # between the clocks of two functions
MAX_REQUEST_S: Final = 30  # API Gateway ends a request then: one in progress at a sample may change something after it
MAX_RECENT: Final = 100  # rows that are looked through for a change; as many rows count as one
# Operations that change the bytes of a store, or the set of stores. A file in no store is not metered.
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
    """Samples providers. `least_seconds`: between two samples of a provider while its stores change."""

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
        """Sample every provider that is due; how many records were posted. An error of one provider stops no other."""
        posted = 0
        for provider in self._rotated_providers():
            try:
                if self._is_due(provider):
                    posted += self.sample(provider)
            except (ApiError, StoreError, MissingPrice) as error:
                self.telemetry.task_failed("MeterFailures", error)  # an alarm; the next tick tries again
        self.telemetry.flush()
        return posted

    def sample(self, provider: ProviderName) -> int:
        """Sample one provider, due or not; how many records were posted. StoreError, ApiError or MissingPrice."""
        at = self.clock.unix_s()
        listed = self._list_stores(provider)
        before = {meter.id: meter for meter in self.meters.meters(provider)}
        after = [
            self._sample_listed(before.get(store_id), document, provider, at) for store_id, document in listed.items()
        ]
        after += self._sample_missing([meter for store_id, meter in before.items() if store_id not in listed], at)
        owned = self._with_owners(before, filter(None, after))
        written = [self._write(before.get(meter.id), meter) for meter in owned]
        self.accounts.keep_stored(provider, before.values(), written)
        self._keep_descriptions(listed, [meter for meter in written if meter is not before.get(meter.id)])
        changed = any(_has_changed(before.get(meter.id), meter) for meter in written)
        active = changed or any(map(_is_indexing, listed.values()))
        posted = self._charge_days(written, at)
        self._reschedule(provider, at, active=active)  # last: after an error the provider stays due
        return posted

    def _rotated_providers(self) -> list[ProviderName]:
        """Begin with another provider each minute: one whose list outlasts a tick does not stop the others."""
        providers = list(self.providers)
        first = self.clock.unix_s() // ROTATION_S % max(1, len(providers))
        return providers[first:] + providers[:first]

    def _is_due(self, provider: ProviderName) -> bool:
        """Whether its pause is over, or a recent operation of the gateway may have changed what is stored."""
        now, schedule = self.clock.unix_s(), self.meters.schedule(provider)
        if now >= schedule.due:
            return True
        since_ms = (schedule.due - schedule.pause - MAX_REQUEST_S - MAX_SKEW_S) * MILLISECONDS
        query = RecordQuery(start_ms=max(0, since_ms), end_ms=(now + MAX_SKEW_S) * MILLISECONDS, limit=MAX_RECENT)
        recent = self.ledger.search(query)
        return len(recent) == MAX_RECENT or any(entry.operation in CHANGING for entry in recent)

    def _list_stores(self, provider: ProviderName) -> dict[ObjectId, Document]:
        """Every store of the account, by id: the whole list, or an error."""
        pages = self.reader.pages(provider, "vector_stores.list", order="asc")
        return {ObjectId(str(store["id"])): store for page in pages for store in page}

    def _sample_listed(self, meter: Meter | None, document: Document, provider: ProviderName, at: int) -> Meter | None:
        """The meter after this sample; None for a store that expired before its first one."""
        size = valid_size(document.get("usage_bytes", document.get("bytes")))
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
        """When a store expired, if it has: from then on it is not stored."""
        figure = document.get("expires_at")
        moment = valid_moment(figure, document.get("created_at"))
        if moment is None and figure is not None:
            self.telemetry.count("QuarantinedMoments")
        if moment is not None and moment <= at:
            return moment
        return at if document.get("status") == "expired" else None

    def _sample_missing(self, missing: Sequence[Meter], at: int) -> list[Meter | None]:
        """The meters of stores that are not listed: deleted through the gateway at a known time, or retrieved again."""
        refs = {meter.id: ObjectRef(meter.provider, ObjectKind.VECTOR_STORE, meter.id) for meter in missing}
        owned = self.ownership.owners(list(refs.values())) if refs else {}
        sampled: list[Meter | None] = []
        for meter in missing:
            row = owned.get(refs[meter.id])
            if meter.stopped_at is not None:
                sampled.append(meter)
            elif row is not None and row.retired_at is not None:
                sampled.append(meter.stopped(min(row.retired_at, at)))
            else:
                sampled.append(self._sample_retrieved(meter, at))
        return sampled

    def _sample_retrieved(self, meter: Meter, at: int) -> Meter | None:
        document = self.reader.find(meter.provider, "vector_stores.retrieve", {"vector_store_id": meter.id})
        return self._sample_listed(meter, document, meter.provider, at) if document is not None else meter.stopped(at)

    def _with_owners(self, before: Mapping[ObjectId, Meter], found: Iterable[Meter]) -> list[Meter]:
        """The meters with their owners, as far as those are known by now.

        An owner may have changed since a meter was written: that is looked up when it is written again. In between the
        size was the same, so that the time of each owner is known to the second all the same.
        """
        meters = list(found)
        refs = [
            ObjectRef(meter.provider, ObjectKind.VECTOR_STORE, meter.id)
            for meter in meters
            if meter.tenant is None or _is_worth_writing(before[meter.id], meter)
        ]
        owned = self.ownership.owners(refs) if refs else {}
        owners = {ref.id: row for ref, row in owned.items()}
        return [
            with_owner(before.get(meter.id), meter, row) if (row := owners.get(meter.id)) is not None else meter
            for meter in meters
        ]

    def _write(self, before: Meter | None, meter: Meter) -> Meter:
        """Write a meter if it has to be; the stored meter. StateConflict: another tick wrote it, and this one ends."""
        if before is not None and not _is_worth_writing(before, meter):
            return before
        written = replace(meter, version=before.version + 1 if before is not None else 1)
        self.meters.keep(written)
        return written

    def _keep_descriptions(self, listed: Mapping[ObjectId, Document], written: Iterable[Meter]) -> None:
        """Record the descriptions of stores whose meter was written, for lists while the provider cannot be asked."""
        for meter in written:
            document, tenant = listed.get(meter.id), meter.tenant
            snapshot = snapshot_of(ObjectKind.VECTOR_STORE, document) if document is not None else None
            if tenant is not None and snapshot is not None:
                ref = ObjectRef(meter.provider, ObjectKind.VECTOR_STORE, meter.id)
                with suppress(StoreError):  # of the amounts, nothing depends on it
                    self.ownership.keep_snapshot(ref, tenant, snapshot)

    def _reschedule(self, provider: ProviderName, at: int, *, active: bool) -> None:
        """Soon while sizes change, else after twice the last pause; in any case at midnight, when a day is over."""
        last = self.meters.schedule(provider).pause
        pause = self.least_seconds if active else min(MAX_PAUSE_S, max(self.least_seconds, 2 * last))
        pause = min(pause, (at // DAY_S + 1) * DAY_S - at)
        self.meters.reschedule(provider, Schedule(due=at + pause, pause=pause))

    def _charge_days(self, meters: Sequence[Meter], at: int) -> int:
        """Post the records of each day that is over and complete in every meter, then remove it from the meters."""
        posted = 0
        over = sorted({day for meter in meters for day in meter.uncharged_days if day < at // DAY_S})
        for day in over:
            if not all(meter.is_complete(day) for meter in meters):
                break
            posted += self._post_records(storage_records(meters, day, self.book))
            meters = [self._remove_day(meter, day) for meter in meters]
        return posted

    def _post_records(self, records: Sequence[LedgerEntry]) -> int:
        """Begin the records that are not in the ledger yet; how many. So an interrupted tick is continued."""
        present = self.ledger.entries([record.id for record in records])
        posted = 0
        for record in self.accounts.assign([record for record in records if record.id not in present]):
            try:
                self.ledger.begin(record)
            except AlreadyExists:
                continue  # by another tick
            posted += 1
        return posted

    def _remove_day(self, meter: Meter, day: int) -> Meter:
        if day not in meter.uncharged_days:
            return meter
        rest = replace(meter.without(day), version=meter.version + 1)
        if rest.stopped_at is not None and not rest.uncharged_days:
            self.meters.drop(meter)
        else:
            self.meters.keep(rest)
        return rest


def _is_indexing(document: Document) -> bool:
    counts = document.get("file_counts")
    return isinstance(counts, dict) and bool(counts.get("in_progress"))


def _has_changed(before: Meter | None, meter: Meter) -> bool:
    return before is None or (before.size, before.stopped_at) != (meter.size, meter.stopped_at)


def _is_worth_writing(before: Meter, meter: Meter) -> bool:
    """Whether more changed than that the same size lasted longer within one day."""
    return meter != replace(before, at=meter.at, days=meter.days) or meter.at // DAY_S != before.at // DAY_S
