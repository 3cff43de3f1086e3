"""What a list shows of each owned object: a store as the provider has it now, a file as it was made."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Final

from vectorgate.errors import UpstreamRefused
from vectorgate.operations import BY_NAME
from vectorgate.providers.base import Answer, Call
from vectorgate.tenancy.listing import Shelf
from vectorgate.tenancy.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.admission import Order
    from vectorgate.ledger.model import Entry
    from vectorgate.tenancy.model import Ownership
    from vectorgate.tenancy.store import OwnershipStore
    from vectorgate.upstream.exchange import Exchange

AT_ONCE: Final = 10  # connections that one list may hold
_RETRIEVE: Final = BY_NAME["vector_stores.retrieve"]
_NOT_FOUND: Final = 404


def page_of(order: Order, entry: Entry, ownership: OwnershipStore, exchange: Exchange) -> Answer:
    """The page that a list operation asks for."""
    if order.operation.lists is None or entry.tenant is None or entry.provider is None:
        raise ValueError("not a list of an identified caller")
    shelf = Shelf(ownership, entry.tenant, entry.provider, order.operation.lists)
    purpose = order.query.get("purpose")

    def describe(rows: Sequence[Ownership]) -> Sequence[Mapping[str, object] | None]:
        if order.operation.lists is Kind.FILE:
            return [_file(row, purpose, exchange.clock.unix_s()) for row in rows]
        return _stores(rows, exchange)

    return Answer(status=200, headers={}, document=shelf.page(order.query, describe))


def _stores(rows: Sequence[Ownership], exchange: Exchange) -> list[Mapping[str, object] | None]:
    """Each store with its live status, several at a time."""
    if len(rows) <= 1:
        return [_store(row, exchange) for row in rows]
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(rows))) as pool:
        return list(pool.map(lambda row: copy_context().run(_store, row, exchange), rows))


def _store(row: Ownership, exchange: Exchange) -> Mapping[str, object] | None:
    try:
        return exchange.ask(Call(operation=_RETRIEVE, ids={"vector_store_id": row.ref.id})).document
    except UpstreamRefused as error:
        if error.status == _NOT_FOUND:  # deleted past us: it is no longer in OpenAI's list either
            return None
        raise


def _file(row: Ownership, purpose: str | None, unix_s: int) -> Mapping[str, object] | None:
    document: dict[str, object] = json.loads(row.snapshot or "{}")
    expires_at = document.get("expires_at")
    expired = isinstance(expires_at, int) and expires_at <= unix_s
    return None if expired or (purpose is not None and document.get("purpose") != purpose) else document
