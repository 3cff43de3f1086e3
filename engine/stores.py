"""Vector stores: create, list, retrieve, modify, delete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine import attachments, errors, ids, lookup
from engine.listing import envelope, page_query
from engine.model import Store

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.model import Json
    from engine.ports import Rows
    from vectorgate.api.schemas import CreateVectorStore, ListQuery, UpdateVectorStore


def create(engine: Engine, body: CreateVectorStore) -> Json:
    """Create a store and queue its files."""
    now = engine.now()
    store = Store(
        id=ids.store_id(engine.random),
        name=body.name,
        description=body.description if "description" in body.model_fields_set else None,
        metadata=body.metadata or {},
        created_at=now,
        last_active_at=now,
        expires_days=body.expires_after.days if body.expires_after else None,
    )
    files = attachments.sharing(body.file_ids, body.chunking_strategy, None)
    with engine.catalogue.write() as rows:
        rows.stores.add(store)
        attachments.attach_all(rows, store.id, files, now)
        result = render(rows, store)
    engine.queue.notify()
    return result


def retrieve(engine: Engine, store_id: str) -> Json:
    """One store."""
    with engine.catalogue.read() as rows:
        return render(rows, lookup.store(rows, store_id, engine.now()))


def listing(engine: Engine, query: ListQuery) -> Json:
    """A page of stores."""
    page, now = page_query(query), engine.now()
    with engine.catalogue.read() as rows:
        return envelope(
            lambda: rows.stores.page(page, now), render=lambda store: render(rows, store), absent=errors.no_store
        )


def modify(engine: Engine, store_id: str, body: UpdateVectorStore) -> Json:
    """Replace what the body names; null clears."""
    now, given = engine.now(), body.model_fields_set
    with engine.catalogue.write() as rows:
        store = replace(lookup.live_store(rows, store_id, now), last_active_at=now)
        if "name" in given:
            store = replace(store, name=body.name or "")
        if "metadata" in given:
            store = replace(store, metadata=body.metadata or {})
        if "expires_after" in given:
            store = replace(store, expires_days=body.expires_after.days if body.expires_after else None)
        rows.stores.update(store)
        return render(rows, store)


def delete(engine: Engine, store_id: str) -> Json:
    """Delete a store; its files survive."""
    with engine.catalogue.write() as rows:
        if not rows.stores.delete(store_id):
            raise errors.no_store(store_id)
    engine.queue.notify()
    return {"id": store_id, "object": "vector_store.deleted", "deleted": True}


def render(rows: Rows, store: Store) -> Json:
    """The VectorStore object. `usage_bytes` is the schema's name and `bytes` LiteLLM's: both are sent."""
    # An expired store has no files, whether or not the sweep has run.
    usage = 0 if store.expired else rows.attachments.usage_bytes(store.id)
    counts = attachments.tally({} if store.expired else rows.attachments.counts(store.id))
    return {
        "id": store.id,
        "object": "vector_store",
        "created_at": store.created_at,
        "name": store.name,
        "description": store.description,
        "usage_bytes": usage,
        "bytes": usage,
        "file_counts": counts,
        "status": "expired" if store.expired else "in_progress" if counts["in_progress"] else "completed",
        "expires_after": {"anchor": "last_active_at", "days": store.expires_days} if store.expires_days else None,
        "expires_at": store.expires_at,
        "last_active_at": store.last_active_at,
        "metadata": store.metadata,
    }
