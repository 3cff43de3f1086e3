"""A tick of the meter: list what is stored upstream, move every meter on, and charge the days that are over.

::

    list (100 a call) ──> known store: sampled; a new one: its meter begins
                     └──> not in the list: deleted through us -> stopped at that second
                                           404 at a second look -> stopped now
    every meter past midnight? ──> records of the day (one a store), begun in the ledger ──> the day leaves the meters

Every step may be done twice or not at all. A tick that dies is done again by the next one; a row that two ticks
move goes to the one that is first. Records have ids of their own store and day, and a day leaves the meters only after
all its records are there: until then every tick computes the same amounts again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from vectorgate.clock import MILLISECONDS
from vectorgate.errors import ApiError, BadGateway, UpstreamRefused
from vectorgate.ids import ObjectId, is_object_id
from vectorgate.ledger.store import RecordQuery
from vectorgate.metering.bill import records_of
from vectorgate.metering.model import DAY_S, Meter, first_sample, sound_size
from vectorgate.metering.store import Schedule
from vectorgate.operations import BY_NAME
from vectorgate.pricing.book import MissingPrice
from vectorgate.providers.base import Call
from vectorgate.stores import AlreadyExists, StoreError
from vectorgate.tenancy.model import Kind, Ref
from vectorgate.upstream.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vectorgate.clock import Chance, Clock
    from vectorgate.ids import ProviderName
    from vectorgate.ledger.model import Entry
    from vectorgate.ledger.store import LedgerStore
    from vectorgate.metering.accounts import Accounts
    from vectorgate.metering.store import MeterStore
    from vectorgate.observability import Telemetry
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.base import Provider
    from vectorgate.tenancy.store import OwnershipStore
    from vectorgate.upstream.credentials import Credentials
    from vectorgate.upstream.outcome import Transport

PAGE: Final = "100"  # the most that OpenAI lists at once
MAX_PAGES: Final = 10_000  # a million stores; a provider that lists for ever is not believed
CALL_SECONDS: Final = 28.0  # for one page, repetitions included
MOST_SECONDS: Final = 3_600  # between two samples while nothing changes: the bound that docs/ledger.md states
MAX_SKEW_S: Final = 5  # between the clocks of two functions
LONGEST_S: Final = 30  # a request, as API Gateway cuts it: one under way at a look may change something after it
RECENT: Final = 100  # rows looked through for changes; as many of them are taken for one
_NOT_FOUND: Final = 404
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

Document = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """Everything that a tick needs. `least_seconds` between two samplings of a provider while its stores change."""

    clock: Clock
    chance: Chance
    meters: MeterStore
    ownership: OwnershipStore
    ledger: LedgerStore
    accounts: Accounts
    book: PriceBook
    providers: Mapping[ProviderName, Provider]
    credentials: Credentials
    transport: Transport
    telemetry: Telemetry
    least_seconds: int = 60

    def tick(self) -> int:
        """Sample every provider that is due; how many records were posted. Errors of one leave the others alone."""
        posted = 0
        for provider in self.providers:
            try:
                if self._is_due(provider):
                    posted += self.sample(provider)
            except (ApiError, StoreError, MissingPrice):
                self.telemetry.count("MeterFailures")  # an alarm; the next tick does it again
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
        self._reschedule(provider, at, lively=lively)
        return self._post(kept, at)

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
        listed: dict[ObjectId, Document] = {}
        query = {"limit": PAGE, "order": "asc"}
        for _ in range(MAX_PAGES):
            page = self._ask(provider, "vector_stores.list", query=query)
            stores = [store for store in cast("list[Document]", page.get("data") or []) if _is_named(store)]
            listed |= {ObjectId(str(store["id"])): store for store in stores}
            if not page.get("has_more") or not stores:
                return listed
            query = {**query, "after": str(stores[-1]["id"])}
        raise BadGateway("The provider's list of stores does not end.", code="list_without_end")

    def _listed_meter(self, meter: Meter | None, document: Document, provider: ProviderName, at: int) -> Meter | None:
        """Moved on by what the list says; None for one that had expired before it was ever seen."""
        size = sound_size(document.get("usage_bytes", document.get("bytes")))
        if size is None:
            self.telemetry.count("QuarantinedSizes")
            size = meter.size if meter is not None else 0
        expired_at = _expired_at(document, at)
        if expired_at is not None:
            return meter.stopped(expired_at) if meter is not None else None
        if meter is None:
            return first_sample(provider, ObjectId(str(document["id"])), size, at)
        return meter.sampled(size, at) if meter.stopped_at is None else meter.resumed(size, at)

    def _missing_meters(self, missing: Sequence[Meter], at: int) -> list[Meter | None]:
        """What is no longer listed: deleted through us at a known second, or gone at a second look."""
        refs = {meter.id: Ref(meter.provider, Kind.VECTOR_STORE, meter.id) for meter in missing}
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
        try:
            document = self._ask(meter.provider, "vector_stores.retrieve", ids={"vector_store_id": meter.id})
        except UpstreamRefused as error:
            if error.status != _NOT_FOUND:
                raise
            return meter.stopped(at)
        return self._listed_meter(meter, document, meter.provider, at)

    def _attributed(self, found: Iterable[Meter]) -> list[Meter]:
        """With their makers, as far as those are known by now."""
        meters = list(found)
        refs = {meter.id: Ref(meter.provider, Kind.VECTOR_STORE, meter.id) for meter in meters if meter.tenant is None}
        owned = self.ownership.owners(list(refs.values())) if refs else {}
        made = {ref.id: row for ref, row in owned.items()}
        return [
            replace(meter, tenant=row.tenant, key_id=row.key_id, end_user=row.end_user)
            if (row := made.get(meter.id)) is not None
            else meter
            for meter in meters
        ]

    def _keep(self, before: Meter | None, meter: Meter) -> Meter:
        """Write a meter that moved. StateConflict: another tick was faster, and this one ends here."""
        if meter == before:
            return meter
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
            posted += sum(map(self._begin, self.accounts.named_in(records_of(meters, day, self.book))))
            meters = [self._without(meter, day) for meter in meters]
        return posted

    def _begin(self, record: Entry) -> bool:
        with suppress(AlreadyExists):
            self.ledger.begin(record)
            return True
        return False

    def _without(self, meter: Meter, day: int) -> Meter:
        if day not in meter.days:
            return meter
        rest = replace(meter.without(day), version=meter.version + 1)
        if rest.stopped_at is not None and not rest.days:
            self.meters.drop(meter)
        else:
            self.meters.keep(rest)
        return rest

    def _ask(self, provider: ProviderName, operation: str, **call: Any) -> Document:  # noqa: ANN401 - Call's fields
        exchange = Exchange(
            provider=self.providers[provider],
            credentials=self.credentials,
            transport=self.transport,
            clock=self.clock,
            chance=self.chance,
            deadline=self.clock.monotonic() + CALL_SECONDS,
        )
        return dict(exchange.ask(Call(operation=BY_NAME[operation], **call)).document or {})


def _is_named(store: Document) -> bool:
    return is_object_id(str(store.get("id", "")))


def _expired_at(document: Document, at: int) -> int | None:
    """When a store expired, if it has: a store that expired is not stored any more."""
    expires_at = document.get("expires_at")
    known = expires_at if isinstance(expires_at, int) and expires_at <= at else None
    return known if known is not None or document.get("status") != "expired" else at


def _is_indexing(document: Document) -> bool:
    counts = document.get("file_counts")
    return isinstance(counts, dict) and bool(counts.get("in_progress"))


def _differs(before: Meter | None, meter: Meter) -> bool:
    return before is None or (before.size, before.stopped_at) != (meter.size, meter.stopped_at)
