"""The sweep: every open row, provider by provider, each within its share of the time."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError, BadGateway
from vectorgate.api.operations import BY_NAME
from vectorgate.api.safety import Safety
from vectorgate.classes import dataclass
from vectorgate.idempotency.record import LEASE_MS
from vectorgate.ledger.entry import State
from vectorgate.ledger.reconciliation.listing import LISTS, ListMatcher
from vectorgate.ledger.reconciliation.matching import Matches
from vectorgate.ledger.reconciliation.resolving import Outcome, Resolver
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vectorgate.clock import Clock
    from vectorgate.ids import ObjectKind, ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore, Position
    from vectorgate.providers.reader import ProviderReader
    from vectorgate.telemetry import Telemetry
    from vectorgate.tenancy.ports import OwnershipStore

PAGE: Final = 1_000  # rows of one read of the ledger
MAX_ROWS: Final = 20_000  # open rows of one sweep, the oldest first
AHEAD_MS: Final = 3_600_000  # a row that is dated so far ahead, by another clock than the sweep's, is open all the same
PROVIDER_SECONDS: Final = 20.0  # of one sweep for one provider: one that hangs leaves the others their time
MIN_GROUP_SECONDS: Final = 2.0  # for a group, even if those before it took more than their share
LISTING_SHARE: Final = 0.8  # of a group's time, at most, for its list; the rest is for writing what it showed


@dataclass(frozen=True, slots=True)
class Group:
    """Open rows of one provider, oldest first: those that one list shows, or (`kind` None) that need a probe each."""

    provider: ProviderName | None
    kind: ObjectKind | None
    rows: Sequence[LedgerEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Finds out the outcomes of open rows."""

    ledger: LedgerStore
    ownership: OwnershipStore
    reader: ProviderReader
    clock: Clock
    telemetry: Telemetry

    def sweep(self) -> Mapping[str, int]:
        """Look once at the oldest open rows; how many had which `Outcome`. StoreError: the ledger cannot be read.

        A row whose request is over is looked for at once, one that may be in progress when its lease has ended.
        A provider that fails leaves its own rows open and no others. It has PROVIDER_SECONDS, of which each of its
        groups has an equal share and what those before it left unused; the rest waits for the next sweep.
        """
        now_ms = self.clock.unix_ms()
        old_ms = now_ms - LEASE_MS
        rows = self._open_rows(now_ms + AHEAD_MS)
        self.telemetry.count("OpenOperations", len(rows))
        horizon_ms = min(old_ms, rows[-1].started_ms - 1) if len(rows) == MAX_ROWS else old_ms
        groups = list(_groups([row for row in rows if row.state is State.UNCERTAIN or row.started_ms < old_ms]))
        pending = Counter(group.provider for group in groups)
        left: defaultdict[ProviderName | None, float] = defaultdict(lambda: PROVIDER_SECONDS)
        counts: Counter[str] = Counter()
        for group in groups:
            began = self.clock.monotonic()
            share = max(MIN_GROUP_SECONDS, left[group.provider] / pending[group.provider])
            counts += self._reconcile(group, horizon_ms, share)
            left[group.provider] -= self.clock.monotonic() - began
            pending[group.provider] -= 1
        for outcome, count in counts.items():
            self.telemetry.count(f"Reconciled{outcome.title()}", count)
        return counts

    def has_new_rows(self) -> bool:
        """Whether the request of a row has just ended with an unknown outcome, and was not looked for yet. StoreError.

        A row that stays so for a lease is left to the schedule: its provider cannot be read.
        """
        now_ms = self.clock.unix_ms()
        return any(
            row.state is State.UNCERTAIN and row.first_absent_ms is None and now_ms - (row.ended_ms or 0) < LEASE_MS
            for row in self.ledger.open_rows(now_ms + AHEAD_MS, PAGE)
        )

    def _open_rows(self, before_ms: int) -> list[LedgerEntry]:
        rows: list[LedgerEntry] = []
        after: Position | None = None
        while len(rows) < MAX_ROWS:
            page = self.ledger.open_rows(before_ms, PAGE, after=after)
            rows += page
            if len(page) < PAGE:
                break
            after = (page[-1].started_ms, page[-1].id)
        return rows

    def _reconcile(self, group: Group, horizon_ms: int, seconds: float) -> Counter[str]:
        """Match a group with its list, if it has one, and resolve its rows until the time is over."""
        provider, rows = group.provider, group.rows
        if provider is None or provider not in self.reader.providers:
            self.telemetry.task_failed(
                "ReconcileFailures", BadGateway("It is not configured.", code="no_provider"), rows[0]
            )
            return Counter({Outcome.FAILED: len(rows)})
        ends_at = self.clock.monotonic() + seconds
        matches = Matches({})
        counts: Counter[str] = Counter()
        rows = [row for row in rows if not self._is_unsent(row, counts)]
        counts[Outcome.FAILED] += len(rows)
        if group.kind is not None and rows:
            lists = ListMatcher(self.ledger, self.ownership, self.reader, self.clock, self.telemetry)
            matches, rows = lists.match(provider, group.kind, rows, horizon_ms, seconds * LISTING_SHARE)
            ends_at = max(ends_at, self.clock.monotonic() + seconds * (1 - LISTING_SHARE))
        counts[Outcome.FAILED] -= len(rows)
        # A create comes before its attempts, which are compared with what it is by then.
        for place, row in enumerate(sorted(rows, key=lambda row: row.attempt_of is not None)):
            if self.clock.monotonic() >= ends_at:
                counts[Outcome.FAILED] += len(rows) - place
                break
            counts[self._resolve(row, provider, group.kind, matches)] += 1
        return counts

    def _is_unsent(self, row: LedgerEntry, counts: Counter[str]) -> bool:
        """Whether a row is dealt with, because its call was not sent; counted, and left as it is if a store fails."""
        try:
            outcome = Resolver(self.ledger, self.ownership, self.reader, self.clock).resolve_unsent(row)
        except StoreError as error:
            self.telemetry.task_failed("ReconcileFailures", error, row)
            outcome = Outcome.FAILED
        if outcome is not None:
            counts[outcome] += 1
        return outcome is not None

    def _resolve(self, row: LedgerEntry, provider: ProviderName, kind: ObjectKind | None, matches: Matches) -> Outcome:
        resolver = Resolver(self.ledger, self.ownership, self.reader, self.clock)
        try:
            if kind is not None:
                return resolver.resolve_create(row, kind, matches)
            return resolver.resolve_other(row, provider)
        except (StoreError, ApiError) as error:
            self.telemetry.task_failed("ReconcileFailures", error, row)
            return Outcome.FAILED


def _groups(rows: Sequence[LedgerEntry]) -> Iterator[Group]:
    """By provider and list; rows that need a probe each come last, for a list decides many rows at once."""
    grouped: dict[tuple[ProviderName | None, ObjectKind | None], list[LedgerEntry]] = {}
    for row in rows:
        operation = BY_NAME.get(row.operation)
        creates = operation.creates if operation is not None and operation.safety is Safety.CREATE else None
        grouped.setdefault((row.provider, creates if creates in LISTS else None), []).append(row)
    for (provider, kind), group in sorted(grouped.items(), key=lambda item: item[0][1] is None):
        yield Group(provider, kind, group)
