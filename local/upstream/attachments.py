"""Files in a store: attach, list, retrieve, attributes, detach, parsed content."""

import json
from collections.abc import Iterable

from local.upstream import errors, lookup, pages
from local.upstream.db import Connection, Row
from local.upstream.engine import Engine, Json
from local.upstream.ids import is_id
from local.upstream.wire import DEFAULT_SIZES, AttachFile, AttachmentQuery, SetAttributes

COUNTS = ("in_progress", "completed", "failed", "cancelled", "total")
SELECT = "SELECT * FROM attachments WHERE store_id = :store_id"
FILTER = " AND (:status IS NULL OR status = :status)"


def attach(engine: Engine, store_id: str, body: AttachFile) -> Json:
    """Queue one file."""
    now = engine.now()
    with engine.db.write() as db:
        lookup.live_store(db, store_id, now)
        attach_all(db, store_id, [body], now)
        lookup.touch(db, store_id, now)
        result = render(get(db, store_id, body.file_id))
    engine.work.set()
    return result


def attach_all(db: Connection, store_id: str, files: list[AttachFile], now: int) -> None:
    """Queue files, all or none. A file already attached is processed anew, under its new settings."""
    absent = [file.file_id for file in files if not exists(db, file.file_id, now)]
    if absent:
        raise errors.files_not_found(absent)
    for file in files:
        sizes = file.chunking_strategy.static if file.chunking_strategy else DEFAULT_SIZES
        attributes = None if file.attributes is None else json.dumps(file.attributes)
        db.execute("DELETE FROM attachments WHERE store_id = ? AND file_id = ?", (store_id, file.file_id))
        db.execute(
            "INSERT INTO attachments (store_id, file_id, created_at, status, attributes, max_tokens, overlap_tokens)"
            " VALUES (?, ?, ?, 'in_progress', ?, ?, ?)",
            (store_id, file.file_id, now, attributes, sizes.max_chunk_size_tokens, sizes.chunk_overlap_tokens),
        )


def exists(db: Connection, file_id: str, now: int) -> bool:
    """Whether a File can be attached."""
    if not is_id(file_id):
        raise errors.bad_id("file_id", file_id)
    live = "SELECT 1 FROM files WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)"
    return db.execute(live, (file_id, now)).fetchone() is not None


def get(db: Connection, store_id: str, file_id: str) -> Row:
    """The attachment's row."""
    row: Row | None = db.execute(
        f"{SELECT} AND file_id = :file_id", {"store_id": store_id, "file_id": file_id}
    ).fetchone()
    if row is None:
        raise errors.not_attached(store_id, file_id)
    return row


def retrieve(engine: Engine, store_id: str, file_id: str) -> Json:
    """One file of a store."""
    with engine.db.read() as db:
        lookup.store(db, store_id, engine.now())
        return render(get(db, store_id, file_id))


def listing(engine: Engine, store_id: str, query: AttachmentQuery) -> Json:
    """A page of a store's files. Its cursors are File ids."""
    with engine.db.read() as db:
        lookup.store(db, store_id, engine.now())
        files = pages.Listing(
            select=SELECT + FILTER,
            params={"store_id": store_id, "status": query.filter},
            columns=("created_at", "seq"),
            position=lambda file_id: position(db, store_id, file_id),
            absent=lambda file_id: errors.not_attached(store_id, file_id),
        )
        return pages.page(db, files, query, render)


def position(db: Connection, store_id: str, file_id: str) -> pages.Position | None:
    """Where a file stands in its store's list."""
    row = db.execute(
        "SELECT created_at, seq FROM attachments WHERE store_id = ? AND file_id = ?", (store_id, file_id)
    ).fetchone()
    return pages.Position(*row) if row else None


def set_attributes(engine: Engine, store_id: str, file_id: str, body: SetAttributes) -> Json:
    """Replace a file's attributes; searches see them at once."""
    now = engine.now()
    with engine.db.write() as db:
        lookup.live_store(db, store_id, now)
        row = get(db, store_id, file_id)
        attributes = None if body.attributes is None else json.dumps(body.attributes)
        db.execute("UPDATE attachments SET attributes = ? WHERE seq = ?", (attributes, row["seq"]))
        lookup.touch(db, store_id, now)
        return render(get(db, store_id, file_id))


def detach(engine: Engine, store_id: str, file_id: str) -> Json:
    """Take a file out of the store; the File itself survives."""
    now = engine.now()
    with engine.db.write() as db:
        lookup.live_store(db, store_id, now)
        row = get(db, store_id, file_id)
        db.execute("DELETE FROM attachments WHERE seq = ?", (row["seq"],))
        lookup.touch(db, store_id, now)
    engine.work.set()
    return {"id": file_id, "object": "vector_store.file.deleted", "deleted": True}


def content(engine: Engine, store_id: str, file_id: str) -> Json:
    """The parsed text, chunk by chunk, as it was indexed."""
    with engine.db.read() as db:
        lookup.store(db, store_id, engine.now())
        row = get(db, store_id, file_id)
    texts = engine.indexes.open(store_id).texts(row["seq"]) if row["status"] == "completed" else []
    return {
        "object": "vector_store.file_content.page",
        "data": [{"type": "text", "text": text} for text in texts],
        "has_more": False,
        "next_page": None,
    }


def usage_bytes(db: Connection, store_id: str) -> int:
    """What the store's chunks and embeddings take; see :func:`local.upstream.index.size_of`."""
    total = "SELECT coalesce(sum(usage_bytes), 0) FROM attachments WHERE store_id = ?"
    return int(db.execute(total, (store_id,)).fetchone()[0])


def tally(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    """A file_counts object from (status, count) rows."""
    counts = dict.fromkeys(COUNTS, 0)
    for status, count in rows:
        counts[status] += count
        counts["total"] += count
    return counts


def render(row: Row) -> Json:
    """The VectorStoreFile object."""
    code = row["error_code"]
    return {
        "id": row["file_id"],
        "object": "vector_store.file",
        "usage_bytes": row["usage_bytes"],
        "created_at": row["created_at"],
        "vector_store_id": row["store_id"],
        "status": row["status"],
        "last_error": {"code": code, "message": row["error_message"]} if code else None,
        "chunking_strategy": {
            "type": "static",
            "static": {"max_chunk_size_tokens": row["max_tokens"], "chunk_overlap_tokens": row["overlap_tokens"]},
        },
        "attributes": None if row["attributes"] is None else json.loads(row["attributes"]),
    }
