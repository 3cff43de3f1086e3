"""The provider's lists, read within a time limit and matched with the open creates.

A list is read newest first, to the oldest of the rows. Where there is not time for that, it is truncated: what was read
is conclusive for the rows whose time it reached, and for any row whose tag was met. Half of the time is then kept for
the rows below that point that a tag would identify. From an anchor, a known store that is older than they are, the list
is read oldest first, until their time has passed::

    newest first:  ... a row's time window ......... truncated <-------- now
    oldest first:  anchor --> a row's time window --> passed ..... now

For those rows this is as good as the whole list, whether their tag was met or not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError, BadGateway
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.ledger.reconciliation.anchors import check_ascending, find_anchor
from vectorgate.ledger.reconciliation.matching import (
    created_s,
    earliest_s,
    match_list,
    match_tags,
    match_truncated_list,
    window_of,
)
from vectorgate.ledger.reconciliation.uploads import with_announced_fingerprints
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
        tagged = [row for row in rows if row.fuzzy_fingerprint is None] if kind is ObjectKind.VECTOR_STORE else []
        listed: list[Document] = []
        try:
            if kind is ObjectKind.FILE:
                rows = with_announced_fingerprints(rows, self.ownership)
            for page in self._newest_first(provider, kind, rows, ends_at - seconds / 2 if tagged else ends_at):
                listed += page
        except (StoreError, ApiError) as error:
            reached_s = error.reached_s if isinstance(error, ListTruncated) else inf
            matches, conclusive = match_truncated_list(rows, listed, kind, horizon_ms, reached_s)
            below = [row for row in tagged if row.id not in conclusive]
            if below and reached_s < inf:
                older, passed = self._match_oldest_first(provider, below, ends_at)
                matches = replace(matches, found={**matches.found, **older.found})
                conclusive = conclusive.union(passed, older.found)
            self._report(error, rows, conclusive)
            return matches, [row for row in rows if row.id in conclusive]
        return match_list(rows, listed, kind, horizon_ms), rows

    def _newest_first(
        self, provider: ProviderName, kind: ObjectKind, rows: Sequence[LedgerEntry], ends_at: float
    ) -> Iterator[list[Document]]:
        """The unowned objects that any of the rows can have made, page by page. ListTruncated when the time is over.

        Never after the first page, which may be the only one: a list of one page is whole, however long it took.
        """
        since_s, reached_s = earliest_s(rows), inf
        for number, page in enumerate(self.reader.pages(provider, LISTS[kind], order="desc")):
            reached_s = min([reached_s, *(moment for moment in map(created_s, page[-1:]) if moment > 0)])
            yield self._unowned(provider, kind, [document for document in page if created_s(document) >= since_s])
            if reached_s < since_s:
                break
            if number > 0:
                self._check_time(ends_at, reached_s)

    def _match_oldest_first(
        self, provider: ProviderName, rows: Sequence[LedgerEntry], ends_at: float
    ) -> tuple[Matches, frozenset[OperationId]]:
        """Match rows by tags alone, in a list that is read from an anchor; and the rows whose whole time was read."""
        listed: list[Document] = []
        reached_s = 0
        covered: Sequence[LedgerEntry] = ()
        try:
            self._check_time(ends_at)
            anchor, covered = find_anchor(provider, rows, self.ledger, self.ownership)
            after_s = anchor.created_at if anchor is not None else 0
            for page in self._pages_after(provider, anchor.ref.id) if anchor is not None else ():
                check_ascending(page, max(after_s, reached_s))
                listed += self._unowned(provider, ObjectKind.VECTOR_STORE, page)
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

    def _unowned(self, provider: ProviderName, kind: ObjectKind, documents: Iterable[Document]) -> list[Document]:
        refs = {ObjectRef(provider, kind, ObjectId(str(document["id"]))): document for document in documents}
        owned = self.ownership.owners(refs)
        return [document for ref, document in refs.items() if ref not in owned]

    def _check_time(self, ends_at: float, reached_s: float = inf) -> None:
        if self.clock.monotonic() >= ends_at:
            raise ListTruncated(reached_s)

    def _report(self, error: Exception, rows: Sequence[LedgerEntry], conclusive: frozenset[OperationId]) -> None:
        """Report the error with the oldest row that stays open because of it, if there is one."""
        left = next((row for row in rows if row.id not in conclusive), None)
        if left is not None:
            self.telemetry.task_failed("ReconcileFailures", error, left)
