"""Finding a store, and whether it can be used: the first step of most operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import errors

if TYPE_CHECKING:
    from engine.model import Store
    from engine.ports import Rows


def store(rows: Rows, store_id: str, now: int) -> Store:
    """The store, expired or not. NotFound."""
    found = rows.stores.get(store_id, now)
    if found is None:
        raise errors.no_store(store_id)
    return found


def live_store(rows: Rows, store_id: str, now: int) -> Store:
    """The store, if it can still be used. NotFound, InvalidRequest."""
    found = store(rows, store_id, now)
    if found.expired:
        raise errors.store_expired(store_id)
    return found
