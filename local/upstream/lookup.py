"""Finding a store, and whether it is still alive: the first step of most operations."""

from local.upstream import errors
from local.upstream.db import Connection, Row

DAY = 86_400
# A store past its day reads as expired at once; the sweep then releases what it holds.
STORES = "SELECT *, (expired OR coalesce(last_active_at + expires_days * 86400 <= :now, 0)) AS is_expired FROM stores"
STORE = f"{STORES} WHERE id = :id"


def store(db: Connection, store_id: str, now: int) -> Row:
    """The store's row, expired or not."""
    row: Row | None = db.execute(STORE, {"id": store_id, "now": now}).fetchone()
    if row is None:
        raise errors.no_store(store_id)
    return row


def live_store(db: Connection, store_id: str, now: int) -> Row:
    """The store's row, if it can still be used."""
    row = store(db, store_id, now)
    if row["is_expired"]:
        raise errors.store_expired(store_id)
    return row


def touch(db: Connection, store_id: str, now: int) -> None:
    """Record activity, which pushes the expiry away."""
    db.execute("UPDATE stores SET last_active_at = ? WHERE id = ?", (now, store_id))
