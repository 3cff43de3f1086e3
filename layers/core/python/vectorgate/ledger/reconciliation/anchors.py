"""A known older object, the anchor, from which a list is read oldest first. See `listing`.

::

    oldest first:  anchor --> a row's time window --> passed ..... now
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import BadGateway
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import ObjectKind
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.reconciliation.matching import created_s, earliest_s
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.ids import ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.providers.reader import Document
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore

SEARCH_MS: Final = 3_600_000  # before a row: how far back an anchor is searched for in the ledger
CANDIDATES: Final = 500  # rows that are looked through for one


def find_anchor(
    provider: ProviderName, rows: Sequence[LedgerEntry], ahead_s: int, ledger: LedgerStore, ownership: OwnershipStore
) -> tuple[Ownership | None, Sequence[LedgerEntry]]:
    """A store that is older than all that these rows, or the younger of them, can have made; and those rows.

    `rows`: oldest first, dated by the provider's clock, which is so far ahead of ours. StoreError.
    """
    for first in sorted({0, len(rows) // 2, len(rows) - 1}):
        anchor = _youngest_store_before(earliest_s(rows[first:]), ahead_s, provider, ledger, ownership)
        if anchor is not None:
            return anchor, rows[first:]
    return None, ()


def _youngest_store_before(
    second: int, ahead_s: int, provider: ProviderName, ledger: LedgerStore, ownership: OwnershipStore
) -> Ownership | None:
    end_ms = (second - ahead_s) * MILLISECONDS
    query = RecordQuery(start_ms=max(0, end_ms - SEARCH_MS), end_ms=end_ms, limit=CANDIDATES)
    refs = {
        ObjectRef(provider, ObjectKind.VECTOR_STORE, row.vector_store_id)
        for row in ledger.search(query)
        if row.provider == provider and row.vector_store_id is not None
    }
    live = [owned for owned in ownership.owners(refs).values() if owned.retired_at is None]
    older = (owned for owned in live if 0 < owned.created_at < second)
    return max(older, key=lambda owned: (owned.created_at, owned.ref.id), default=None)


def check_ascending(page: Sequence[Document], from_s: int) -> None:
    """BadGateway unless the page goes on, oldest first, from that second: an anchor that the provider does not know."""
    moments = [created_s(document) for document in page]
    if moments != sorted(moments) or (moments and moments[0] < from_s):
        raise BadGateway("The provider's list is in no order.", code="list_without_order")
