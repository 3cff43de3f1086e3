"""`StoreRows` on SQLite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.adapters.sqlite.paging import Listing, page
from engine.model import DAY, Store

if TYPE_CHECKING:
    from engine.adapters.sqlite.connections import Connection, Row
    from engine.model import Page, PageQuery

_INSERT = (
    "INSERT INTO stores (id, name, description, metadata, created_at, last_active_at, expires_days)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
# A store is expired at its time; the sweep then marks it and releases what it holds.
_STORES = "SELECT *, (expired OR coalesce(last_active_at + expires_days * 86400 <= :now, 0)) AS is_expired FROM stores"
_GET = f"{_STORES} WHERE id = :id"
_LIST = f"{_STORES} WHERE true"
_CURSOR = "SELECT created_at, seq FROM stores WHERE id = :cursor"
_UPDATE = "UPDATE stores SET name = ?, metadata = ?, expires_days = ?, last_active_at = ? WHERE id = ?"
_TOUCH = "UPDATE stores SET last_active_at = ? WHERE id = ?"
_EXPIRE = "UPDATE stores SET expired = 1 WHERE NOT expired AND last_active_at + expires_days * ? <= ?"
_HAS_INDEX = "SELECT 1 FROM stores WHERE id = ? AND NOT expired"


class SqliteStores:
    """Rows of vector stores. Deleting one deletes its attachments and batches: the schema cascades."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, store: Store) -> None:
        """Record a new store."""
        self._db.execute(
            _INSERT,
            (
                store.id,
                store.name,
                store.description,
                json.dumps(store.metadata),
                store.created_at,
                store.last_active_at,
                store.expires_days,
            ),
        )

    def get(self, store_id: str, now: int) -> Store | None:
        """The store, expired or not."""
        row = self._db.execute(_GET, {"id": store_id, "now": now}).fetchone()
        return _store(row) if row else None

    def page(self, query: PageQuery, now: int) -> Page[Store]:
        """Part of the list, by time of creation. UnknownCursor."""
        return page(self._db, Listing(_LIST, _CURSOR, {"now": now}), query, _store)

    def update(self, store: Store) -> None:
        """Replace name, metadata, expiry policy and time of last activity."""
        values = (store.name, json.dumps(store.metadata), store.expires_days, store.last_active_at, store.id)
        self._db.execute(_UPDATE, values)

    def touch(self, store_id: str, now: int) -> None:
        """Record activity, which postpones the expiry."""
        self._db.execute(_TOUCH, (now, store_id))

    def delete(self, store_id: str) -> bool:
        """Delete the store; whether it was there."""
        return self._db.execute("DELETE FROM stores WHERE id = ?", (store_id,)).rowcount > 0

    def expire(self, now: int) -> None:
        """Mark the stores that are past their expiry; a trigger deletes their attachments."""
        self._db.execute(_EXPIRE, (DAY, now))

    def has_index(self, store_id: str) -> bool:
        """Whether the store is there, and `expire` has not marked it."""
        return self._db.execute(_HAS_INDEX, (store_id,)).fetchone() is not None


def _store(row: Row) -> Store:
    return Store(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        metadata=json.loads(row["metadata"]),
        created_at=row["created_at"],
        last_active_at=row["last_active_at"],
        expires_days=row["expires_days"],
        expired=bool(row["is_expired"]),
    )
