"""The provider's lists, read within a time limit and matched with the open creates.

A list is read newest first, to the oldest of the rows. Where there is not time for that, it is truncated: what was read
is conclusive for the rows whose time it reached, and for any row whose tag was met. Half of the time is then kept for
the rows below that point that a tag would identify. From an anchor, a known store that is older than they are, the list
is read oldest first, until their time has passed::

    newest first:  ... a row's time window ......... truncated <-------- now
    oldest first:  anchor --> a row's time window --> passed ..... now

For those rows this is as good as the whole list, whether their tag was met or not.

Rows are dated by our clocks, objects by the provider's. Its answers say what its clock is (HTTP's `Date`), and the rows
are matched by that.
"""

from __future__ import annotations

from dataclasses import field, replace
from math import inf
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError, BadGateway
from vectorgate.api.retry_after import http_date
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.ledger.entry import Resolution
from vectorgate.ledger.reconciliation.anchors import check_ascending, find_anchor
from vectorgate.ledger.reconciliation.matching import (
    by_providers_clock,
    created_s,
    earliest_s,
    match_list,
    match_tags,
    match_truncated_list,
    window_of,
)
from vectorgate.ledger.reconciliation.uploads import with_announced_fingerprints
from vectorgate.providers.openai import tag_of
from vectorgate.store_errors import StoreError
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vectorgate.clock import Clock
    from vectorgate.ids import OperationId, ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.ledger.reconciliation.matching import Matches
    from vectorgate.providers.reader import Document, ProviderReader
    from vectorgate.telemetry import Telemetry
    from vectorgate.tenancy.ports import OwnershipStore

LISTS: Final[Mapping[ObjectKind, str]] = {ObjectKind.VECTOR_STORE: "vector_stores.list", ObjectKind.FILE: "files.list"}


class ListTruncated(BadGateway):
    """The time for a list is over. All that was made after the second `reached_s` was read."""

    def __init__(self, reached_s: float) -> None:
        super().__init__("The provider's list is longer than there is time for.", code="list_too_long")
        self.reached_s = reached_s


@dataclass(slots=True)
class _Listed:
    """What was read of a list, and the rows by the provider's clock, `ahead_s` ahead of ours (None: unknown).

    `documents` have no owner. `made`: the object of a row whose ownership names it, and which was not answered.
    """

    rows: Sequence[LedgerEntry]
    documents: list[Document] = field(default_factory=list)
    ahead_s: int | None = None
    made: dict[OperationId, Document] = field(default_factory=dict)

    def unmade(self) -> list[LedgerEntry]:
        """The rows whose object is not known by its ownership."""
        return [row for row in self.rows if row.id not in self.made]

    def with_made(self, matches: Matches) -> Matches:
        """The matches of the others, and the objects that are known so: no other row can have made them."""
        made = {id_: (document, Resolution.OWNER) for id_, document in self.made.items()}
        return replace(matches, found={**matches.found, **made})


@dataclass(frozen=True, slots=True)
class ListMatcher:
    """Reads lists, leaves out the objects that are owned, and matches the rest with open creates."""

    ledger: LedgerStore
    ownership: OwnershipStore
    reader: ProviderReader
    clock: Clock
    telemetry: Telemetry

    def match(
        self, provider: ProviderName, kind: ObjectKind, rows: Sequence[LedgerEntry], horizon_ms: int, seconds: float
    ) -> tuple[Matches, Sequence[LedgerEntry]]:
        """What the list of that kind shows about `rows`, oldest first, and those rows for which it is conclusive.

        `horizon_ms` as in `match_list`. What makes it inconclusive for a row is reported, and not raised.
        """
        ends_at = self.clock.monotonic() + seconds
        has_tagged = kind is ObjectKind.VECTOR_STORE and any(row.fuzzy_fingerprint is None for row in rows)
        listed = _Listed(rows)
        try:
            if kind is ObjectKind.FILE:
                listed.rows = with_announced_fingerprints(rows, self.ownership)
            self._read_newest_first(listed, provider, kind, ends_at - seconds / 2 if has_tagged else ends_at)
        except (StoreError, ApiError) as error:
            horizon_ms += (listed.ahead_s or 0) * MILLISECONDS
            reached_s = error.reached_s if isinstance(error, ListTruncated) else inf
            rows_left = listed.unmade()
            matches, conclusive = match_truncated_list(rows_left, listed.documents, kind, horizon_ms, reached_s)
            conclusive = conclusive.union(listed.made)
            below = [row for row in rows_left if row.fuzzy_fingerprint is None and row.id not in conclusive]
            if has_tagged and below and reached_s < inf:
                older, passed = self._match_oldest_first(provider, below, listed, ends_at)
                attempts = {**matches.attempts, **{id_: found for id_, found in older.attempts.items() if found}}
                matches = replace(matches, found={**matches.found, **older.found}, attempts=attempts)
                conclusive = conclusive.union(passed, older.found, listed.made)
            self._report(error, rows, conclusive)
            return listed.with_made(matches), [row for row in rows if row.id in conclusive]
        horizon_ms += (listed.ahead_s or 0) * MILLISECONDS
        return listed.with_made(match_list(listed.unmade(), listed.documents, kind, horizon_ms)), rows

    def _read_newest_first(self, listed: _Listed, provider: ProviderName, kind: ObjectKind, ends_at: float) -> None:
        """Read the unowned objects that any of the rows can have made. ListTruncated when the time is over.

        Never after the first page, which may be the only one: a list of one page is whole, however long it took.
        """
        reached_s, since_s, tags = inf, 0, {str(row.attempt_of or row.id) for row in listed.rows}
        for number, (page, date) in enumerate(self.reader.dated_pages(provider, LISTS[kind], order="desc")):
            if number == 0:
                self._date_rows(listed, date)
                since_s = earliest_s(listed.rows)
            reached_s = min([reached_s, *(moment for moment in map(created_s, page[-1:]) if moment > 0)])
            near = [document for document in page if created_s(document) >= since_s or tag_of(document) in tags]
            listed.documents += self._unowned(provider, kind, near, listed)
            if reached_s < since_s:
                break
            if number > 0:
                self._check_time(ends_at, reached_s)

    def _date_rows(self, listed: _Listed, date: str | None) -> None:
        """Date the rows by the provider's clock."""
        moment = http_date(date) if date is not None else None
        listed.ahead_s = round(moment - self.clock.wall()) if moment is not None else None
        listed.rows = [by_providers_clock(row, listed.ahead_s) for row in listed.rows]

    def _match_oldest_first(
        self, provider: ProviderName, rows: Sequence[LedgerEntry], newest: _Listed, ends_at: float
    ) -> tuple[Matches, frozenset[OperationId]]:
        """Match rows by tags alone, in a list that is read from an anchor; and the rows whose whole time was read."""
        listed: list[Document] = []
        reached_s, ahead_s = 0, newest.ahead_s or 0
        covered: Sequence[LedgerEntry] = ()
        try:
            self._check_time(ends_at)
            anchor, covered = find_anchor(provider, rows, ahead_s, self.ledger, self.ownership)
            after_s = anchor.created_at if anchor is not None else 0
            for page in self._pages_after(provider, anchor.ref.id) if anchor is not None else ():
                check_ascending(page, max(after_s, reached_s))
                listed += self._unowned(provider, ObjectKind.VECTOR_STORE, page, newest)
                reached_s = max([reached_s, *map(created_s, page)])
                if all(window_of(row)[1] < reached_s for row in covered):
                    break
                self._check_time(ends_at)
        except ListTruncated:
            pass  # the list counts as far as it was read
        except (StoreError, ApiError) as error:
            self.telemetry.task_failed("ReconcileFailures", error, rows[0])
            covered = ()
        return match_tags(rows, listed), frozenset(row.id for row in covered if window_of(row)[1] < reached_s)

    def _pages_after(self, provider: ProviderName, store_id: ObjectId) -> Iterator[list[Document]]:
        return self.reader.pages(provider, LISTS[ObjectKind.VECTOR_STORE], order="asc", after=store_id)

    def _unowned(
        self, provider: ProviderName, kind: ObjectKind, documents: Iterable[Document], listed: _Listed
    ) -> list[Document]:
        """Those without an owner. An object whose ownership names one of the rows is noted as what that row made."""
        refs = {ObjectRef(provider, kind, ObjectId(str(document["id"]))): document for document in documents}
        owned = self.ownership.owners(refs)
        ids = {row.id for row in listed.rows}
        made = {row.operation_id: refs[ref] for ref, row in owned.items() if row.operation_id in ids}
        listed.made.update({id_: document for id_, document in made.items() if id_ is not None})
        return [document for ref, document in refs.items() if ref not in owned]

    def _check_time(self, ends_at: float, reached_s: float = inf) -> None:
        if self.clock.monotonic() >= ends_at:
            raise ListTruncated(reached_s)

    def _report(self, error: Exception, rows: Sequence[LedgerEntry], conclusive: frozenset[OperationId]) -> None:
        """Report the error with the oldest row that stays open because of it, if there is one."""
        left = next((row for row in rows if row.id not in conclusive), None)
        if left is not None:
            self.telemetry.task_failed("ReconcileFailures", error, left)
