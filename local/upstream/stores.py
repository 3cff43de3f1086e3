"""Vector stores: create, list, retrieve, modify, delete, expire."""

import json

from local.upstream import attachments, errors, ids, lookup, pages
from local.upstream.db import Connection, Row
from local.upstream.engine import Engine, Json
from local.upstream.lookup import DAY
from local.upstream.wire import CreateStore, ExpiresAfter, ModifyStore, PageQuery, attach_each


def create(engine: Engine, body: CreateStore) -> Json:
    """Create a store and queue its files."""
    store_id = ids.store_id(engine.random)
    now = engine.now()
    files = attach_each(body.file_ids or [], body.chunking_strategy)
    with engine.db.write() as db:
        db.execute(
            "INSERT INTO stores (id, name, description, metadata, created_at, last_active_at, expires_days)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (store_id, body.name or "", body.description, dump(body.metadata), now, now, days(body.expires_after)),
        )
        attachments.attach_all(db, store_id, files, now)
        result = render(db, lookup.store(db, store_id, now))
    engine.work.set()
    return result


def dump(metadata: dict[str, str] | None) -> str:
    """Metadata as stored: unset and null are the empty map."""
    return json.dumps(metadata or {})


def days(expires_after: ExpiresAfter | None) -> int | None:
    """An expiry policy as stored."""
    return expires_after.days if expires_after else None


def retrieve(engine: Engine, store_id: str) -> Json:
    """One store."""
    with engine.db.read() as db:
        return render(db, lookup.store(db, store_id, engine.now()))


def listing(engine: Engine, query: PageQuery) -> Json:
    """A page of stores."""
    with engine.db.read() as db:
        stores = pages.Listing(
            select=f"{lookup.STORES} WHERE true",
            params={"now": engine.now()},
            columns=("created_at", "seq"),
            position=lambda store_id: position(db, store_id),
            absent=errors.no_store,
        )
        return pages.page(db, stores, query, lambda row: render(db, row))


def position(db: Connection, store_id: str) -> pages.Position | None:
    """Where a store stands in the list."""
    row = db.execute("SELECT created_at, seq FROM stores WHERE id = ?", (store_id,)).fetchone()
    return pages.Position(*row) if row else None


def modify(engine: Engine, store_id: str, body: ModifyStore) -> Json:
    """Replace what the body names; null clears."""
    now = engine.now()
    with engine.db.write() as db:
        lookup.live_store(db, store_id, now)
        given = body.model_fields_set
        if "name" in given:
            db.execute("UPDATE stores SET name = ? WHERE id = ?", (body.name or "", store_id))
        if "metadata" in given:
            db.execute("UPDATE stores SET metadata = ? WHERE id = ?", (dump(body.metadata), store_id))
        if "expires_after" in given:
            db.execute("UPDATE stores SET expires_days = ? WHERE id = ?", (days(body.expires_after), store_id))
        lookup.touch(db, store_id, now)
        return render(db, lookup.store(db, store_id, now))


def delete(engine: Engine, store_id: str) -> Json:
    """Delete a store; its files survive."""
    with engine.db.write() as db:
        if db.execute("DELETE FROM stores WHERE id = ?", (store_id,)).rowcount == 0:
            raise errors.no_store(store_id)
    engine.work.set()
    return {"id": store_id, "object": "vector_store.deleted", "deleted": True}


def expire(db: Connection, now: int) -> int:
    """Mark the stores whose day has come (a trigger lets go of what they hold); how many there were."""
    due = "UPDATE stores SET expired = 1 WHERE NOT expired AND last_active_at + expires_days * ? <= ?"
    return db.execute(due, (DAY, now)).rowcount


def render(db: Connection, row: Row) -> Json:
    """The VectorStore object. ``usage_bytes`` is the schema's name and ``bytes`` LiteLLM's: both are sent."""
    usage = 0 if row["is_expired"] else attachments.usage_bytes(db, row["id"])
    expires_days = row["expires_days"]
    return {
        "id": row["id"],
        "object": "vector_store",
        "created_at": row["created_at"],
        "name": row["name"],
        "description": row["description"],
        "usage_bytes": usage,
        "bytes": usage,
        "file_counts": (counts := file_counts(db, row)),
        "status": "expired" if row["is_expired"] else "in_progress" if counts["in_progress"] else "completed",
        "expires_after": {"anchor": "last_active_at", "days": expires_days} if expires_days else None,
        "expires_at": row["last_active_at"] + expires_days * DAY if expires_days else None,
        "last_active_at": row["last_active_at"],
        "metadata": json.loads(row["metadata"]),
    }


def file_counts(db: Connection, row: Row) -> dict[str, int]:
    """How many files stand where. An expired store has let go of all of them."""
    if row["is_expired"]:
        return attachments.tally([])
    by_status = "SELECT status, count(*) FROM attachments WHERE store_id = ? GROUP BY status"
    return attachments.tally(db.execute(by_status, (row["id"],)))
