"""File batches: many files attached in one call, watched and cancelled together."""

from local.upstream import attachments, errors, ids, lookup, pages
from local.upstream.db import Connection, Row
from local.upstream.engine import Engine, Json
from local.upstream.wire import AttachmentQuery, CreateBatch

MEMBERS = (
    "SELECT a.* FROM batch_files b JOIN attachments a ON a.file_id = b.file_id AND a.store_id = :store_id"
    " WHERE b.batch_id = :batch_id"
)
FILTER = " AND (:status IS NULL OR a.status = :status)"
COUNT = (
    "SELECT a.status, count(*) FROM batch_files b JOIN attachments a ON a.file_id = b.file_id AND a.store_id = ?"
    " WHERE b.batch_id = ? GROUP BY a.status"
)
CANCEL = (
    "UPDATE attachments SET status = 'cancelled' WHERE status = 'in_progress' AND store_id = ?"
    " AND file_id IN (SELECT file_id FROM batch_files WHERE batch_id = ?)"
)


def create(engine: Engine, store_id: str, body: CreateBatch) -> Json:
    """Queue a batch."""
    # The last entry for a file wins, as it would if they were attached one by one.
    files = list({file.file_id: file for file in body.members()}.values())
    batch_id = ids.batch_id(engine.random)
    now = engine.now()
    with engine.db.write() as db:
        lookup.live_store(db, store_id, now)
        db.execute("INSERT INTO batches (id, store_id, created_at) VALUES (?, ?, ?)", (batch_id, store_id, now))
        attachments.attach_all(db, store_id, files, now)
        db.executemany(
            "INSERT INTO batch_files (batch_id, file_id) VALUES (?, ?)", [(batch_id, file.file_id) for file in files]
        )
        lookup.touch(db, store_id, now)
        result = render(db, get(db, store_id, batch_id))
    engine.work.set()
    return result


def get(db: Connection, store_id: str, batch_id: str) -> Row:
    """The batch's row."""
    row: Row | None = db.execute("SELECT * FROM batches WHERE id = ? AND store_id = ?", (batch_id, store_id)).fetchone()
    if row is None:
        raise errors.no_batch(store_id, batch_id)
    return row


def retrieve(engine: Engine, store_id: str, batch_id: str) -> Json:
    """One batch."""
    with engine.db.read() as db:
        lookup.store(db, store_id, engine.now())
        return render(db, get(db, store_id, batch_id))


def cancel(engine: Engine, store_id: str, batch_id: str) -> Json:
    """Cancel what is still in progress; what is done stays. A batch that has finished is left as it is."""
    with engine.db.write() as db:
        lookup.live_store(db, store_id, engine.now())
        get(db, store_id, batch_id)
        if db.execute(CANCEL, (store_id, batch_id)).rowcount > 0:
            db.execute("UPDATE batches SET cancelled = 1 WHERE id = ?", (batch_id,))
        return render(db, get(db, store_id, batch_id))


def listing(engine: Engine, store_id: str, batch_id: str, query: AttachmentQuery) -> Json:
    """A page of a batch's files."""
    with engine.db.read() as db:
        lookup.store(db, store_id, engine.now())
        get(db, store_id, batch_id)
        files = pages.Listing(
            select=MEMBERS + FILTER,
            params={"store_id": store_id, "batch_id": batch_id, "status": query.filter},
            columns=("a.created_at", "a.seq"),
            position=lambda file_id: attachments.position(db, store_id, file_id),
            absent=lambda file_id: errors.not_attached(store_id, file_id),
        )
        return pages.page(db, files, query, attachments.render)


def render(db: Connection, row: Row) -> Json:
    """The VectorStoreFileBatch object. Its name is the schema's; SDKs accept the wire's older one too."""
    counts = attachments.tally(db.execute(COUNT, (row["store_id"], row["id"])))
    return {
        "id": row["id"],
        "object": "vector_store.files_batch",
        "created_at": row["created_at"],
        "vector_store_id": row["store_id"],
        "status": status(counts, cancelled=bool(row["cancelled"])),
        "file_counts": counts,
    }


def status(counts: dict[str, int], *, cancelled: bool) -> str:
    """A batch fails only when every file of it did."""
    if cancelled:
        return "cancelled"
    if counts["in_progress"]:
        return "in_progress"
    return "failed" if counts["total"] and counts["failed"] == counts["total"] else "completed"
