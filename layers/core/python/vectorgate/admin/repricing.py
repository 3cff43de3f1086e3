"""`POST /spend/reprice`: corrections that bring settled rows to the current prices.

::

    row                settled at 7 by price a          never changes
    book gets b = 11   dry run: +4                      nothing is written
                       posted: correction 1, +4, by b   settled like any row: rollups and budgets change by 4
    run again          row + correction 1 = 11          nothing to do
    book gets c = 5    correction 2, -6, by c           a second correction 2 of this row is AlreadyExists

A storage record is a share of its account's day, which has one free allowance and is rounded once. So the whole day is
divided again, by the byte-seconds of its records, and each record is corrected to its new share.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, StrictBool, StringConstraints

from vectorgate.admin.fields import cursor_text, dollars, invalid, moment_ms, read_body, read_cursor
from vectorgate.admin.trail import UPDATED
from vectorgate.api import schemas
from vectorgate.api.schemas.fields import WireModel
from vectorgate.classes import dataclass
from vectorgate.clock import DAY_MS
from vectorgate.ledger.corrections import correction, correction_id
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import RecordQuery
from vectorgate.metering.bill import shares_of
from vectorgate.pricing.book import STORAGE, WITHOUT_PRICE, Charge, MissingPrice
from vectorgate.store_errors import AlreadyExists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.ids import OperationId, ProviderName
    from vectorgate.ledger.entry import LedgerEntry

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 500  # rows a call, of which each may become a write: the function has 30 s
MAX_DAYS: Final = 31  # a call: 16 queries of DynamoDB for each
MAX_STORES: Final = 20_000  # records of a day that are divided again in one call

Text = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Reprice(WireModel):
    """Rows that began from `start_date` to `end_date`; with `price_ids`, only those that were last priced by them."""

    start_date: Text
    end_date: Text
    price_ids: Annotated[list[Text], Field(min_length=1, max_length=100)] | None = None
    dry_run: StrictBool = True
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Text | None = None


@dataclass(slots=True)
class Page:
    """The result of one call: each row with its correction, and how many rows were left, by the reason."""

    corrections: list[tuple[LedgerEntry, LedgerEntry]] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


def reprice(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Correct settled rows by the prices of today, a page at a time, newest first. InvalidRequest."""
    body = schemas.validate(Reprice, read_body(request))
    rows = deps.stores.ledger.search(_query(body, deps))
    page = _page(rows, frozenset(body.price_ids or ()), deps)
    difference = sum(row.spend or 0 for _, row in page.corrections)
    posted = 0 if body.dry_run else _post_all(page, difference, deps)
    return {
        "dry_run": body.dry_run,
        "looked_at": len(rows),
        "corrections": len(page.corrections),
        "posted": posted,
        "spend": dollars(difference),
        "spend_nano_usd": difference,
        "left": dict(sorted(page.left.items())),
        "data": [_described(old, new) for old, new in page.corrections],
        "next_cursor": cursor_text((rows[-1].started_ms, rows[-1].id)) if len(rows) == body.limit else None,
    }


def _query(body: Reprice, deps: AdminDeps) -> RecordQuery:
    start_ms, end_ms = moment_ms("start_date", body.start_date), moment_ms("end_date", body.end_date, end_of_day=True)
    if not 0 <= end_ms - start_ms <= MAX_DAYS * DAY_MS:
        raise invalid("start_date", f"a date at most {MAX_DAYS} days before the end date")
    if start_ms < deps.whole_since_ms():  # some of a day's records, or a row's corrections, may be gone
        raise invalid("start_date", f"a date less than {deps.record_days} days ago: earlier records are not kept")
    if body.cursor is None:
        return RecordQuery(start_ms=start_ms, end_ms=end_ms, limit=body.limit)
    before = read_cursor(body.cursor)
    return RecordQuery(start_ms=start_ms, end_ms=min(end_ms, before[0] + 1), limit=body.limit, before=before)


def _page(rows: Sequence[LedgerEntry], price_ids: frozenset[str], deps: AdminDeps) -> Page:
    page, days = Page(), Days(deps)
    settled = [row for row in rows if row.state is State.SETTLED and row.corrects is None]
    page.left["open"] = sum(row.state not in {State.SETTLED, State.VOIDED} for row in rows)
    for row, earlier in _with_corrections(settled, deps).items():
        priced_by = earlier[-1].price_id if earlier else row.price_id
        if (price_ids and priced_by not in price_ids) or deps.book.is_provider_independent(row.price_id):
            continue
        charge = _charge(row, days)
        if isinstance(charge, str):
            page.left[charge] += 1
        elif (new := correction(row, charge, earlier)) is not None:
            page.corrections.append((row, new))
    page.left = +page.left
    return page


def _with_corrections(rows: Sequence[LedgerEntry], deps: AdminDeps) -> dict[LedgerEntry, list[LedgerEntry]]:
    """Each row's corrections in their order, by consistent reads, which include those posted a moment ago."""
    earlier: dict[LedgerEntry, list[LedgerEntry]] = {row: [] for row in rows}
    pending = list(rows)
    while pending:
        next_ids = {correction_id(row, len(earlier[row])): row for row in pending}
        found = deps.stores.ledger.entries(list(next_ids))
        for id_, entry in found.items():
            earlier[next_ids[id_]].append(entry)
        pending = [next_ids[id_] for id_ in found]
    return earlier


def _charge(row: LedgerEntry, days: Days) -> Charge | str:
    """The row's cost at the current prices, or the reason why it cannot be computed."""
    try:
        if row.operation == STORAGE:
            return days.share_of(row)
        charge = days.deps.book.charge_for(row.changed(spend=None, price_id=None))
    except MissingPrice:
        return "unpriced"
    return "unpriced" if charge.price_id in WITHOUT_PRICE else charge


@dataclass(slots=True)
class Days:
    """The accounts' days of a page's storage records, each read and divided once."""

    deps: AdminDeps
    shared: dict[tuple[ProviderName, int], Mapping[OperationId, Charge] | str] = field(default_factory=dict)
    metered: dict[ProviderName, frozenset[int]] = field(default_factory=dict)

    def share_of(self, row: LedgerEntry) -> Charge | str:
        """A storage record's share of its day, or why there is none. MissingPrice."""
        if row.provider is None or row.vector_store_id is None:
            return "unpriced"
        day = row.provider, row.started_ms
        if day not in self.shared:
            self.shared[day] = self._shares(*day)
        shares = self.shared[day]
        return shares if isinstance(shares, str) else shares.get(row.id, "day_incomplete")

    def _shares(self, provider: ProviderName, start_ms: int) -> Mapping[OperationId, Charge] | str:
        price = self.deps.book.price(provider, STORAGE, start_ms)
        if start_ms // DAY_MS in self._metered(provider):
            return "day_not_closed"
        query = RecordQuery(start_ms=start_ms, end_ms=start_ms + 1, limit=MAX_STORES + 1)
        found = self.deps.stores.ledger.search(query)
        if len(found) > MAX_STORES:
            return "day_too_large"
        records = [row for row in found if row.operation == STORAGE and row.provider == provider]
        if any(row.state is not State.SETTLED for row in records):
            return "day_not_closed"  # posted a moment ago: other records of the day may not be in the index yet
        stored = {(row.vector_store_id, row.id): row.byte_seconds or 0 for row in records if row.vector_store_id}
        return {record: Charge(share, price.id) for (_, record), share in shares_of(stored, price).items()}

    def _metered(self, provider: ProviderName) -> frozenset[int]:
        """The days that some meter still holds, and of which records may be missing."""
        if provider not in self.metered:
            meters = self.deps.stores.meters.meters(provider)
            self.metered[provider] = frozenset(day for meter in meters for day in meter.uncharged_days)
        return self.metered[provider]


def _post_all(page: Page, difference: int, deps: AdminDeps) -> int:
    """Post a page's corrections, after the record of who does; how many."""
    if page.corrections:
        old = [row.id for row, _ in page.corrections]
        shown = {"corrections": len(old), "spend_nano_usd": difference, "request_ids": old}
        deps.announce("spend", old[0], UPDATED, shown)
    return sum(_post(row, deps) for _, row in page.corrections)


def _post(row: LedgerEntry, deps: AdminDeps) -> bool:
    """Begin the correction; False where another call did first."""
    with suppress(AlreadyExists):
        deps.stores.ledger.begin(row)
        return True
    return False


def _described(old: LedgerEntry, new: LedgerEntry) -> dict[str, object]:
    return {
        "request_id": new.id,
        "corrects": old.id,
        "call_type": old.operation,
        "vector_store_id": old.vector_store_id,
        "price_id": new.price_id,
        "spend": dollars(new.spend),
        "spend_nano_usd": new.spend,
    }
