"""Files: upload, list, retrieve, delete, download."""

from pathlib import Path
from typing import IO

from local.upstream import errors, ids, pages
from local.upstream.db import Connection, Row
from local.upstream.engine import Engine, Json
from local.upstream.ids import is_id
from local.upstream.wire import FilesQuery, UploadForm, parse

# Files that a model reads cannot be downloaded again; outputs and inputs of other products can.
NOT_DOWNLOADABLE = frozenset({"assistants", "user_data"})
# A batch's input lives 30 days unless its uploader says otherwise, as at OpenAI.
BATCH_SECONDS = 30 * 86_400


def create(engine: Engine, form: Json, filename: str, received: IO[bytes]) -> Json:
    """Store an upload whose bytes are already in ``received``."""
    upload = parse(UploadForm, form)
    now = engine.now()
    expires_at = now + upload.expires_after.seconds if upload.expires_after else default_expiry(upload.purpose, now)
    file_id = ids.file_id(engine.random)
    size = engine.blobs.keep(received, file_id)
    with engine.db.write() as db:
        insert(db, (file_id, filename, upload.purpose, size, now, expires_at))
        return render(get(db, file_id, now))


def insert(db: Connection, row: tuple[str, str, str, int, int, int | None]) -> None:
    """Record a file whose bytes are in place."""
    db.execute(
        "INSERT INTO files (id, filename, purpose, bytes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)", row
    )


def default_expiry(purpose: str, now: int) -> int | None:
    """The life of a file nobody set an expiry for."""
    return now + BATCH_SECONDS if purpose == "batch" else None


def seed_file(engine: Engine, file_id: str, filename: str, content: bytes, purpose: str = "assistants") -> Json:
    """A file with an id of the caller's choosing. Idempotent: one that is there is left as it is."""
    if not is_id(file_id):
        raise ValueError(f"not an id: {file_id!r}")
    with engine.db.read() as db:
        present = db.execute("SELECT * FROM files WHERE id = ?", (file_id,)).fetchone()
    if present is not None:
        return render(present)
    with engine.blobs.receive() as target:
        target.write(content)
        size = engine.blobs.keep(target, file_id)
    with engine.db.write() as db:
        insert(db, (file_id, filename, purpose, size, engine.now(), None))
        return render(get(db, file_id, engine.now()))


def get(db: Connection, file_id: str, now: int) -> Row:
    """The file's row. A file past its expiry is gone, whether or not the sweep has been by."""
    row: Row | None = db.execute(
        "SELECT * FROM files WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)", (file_id, now)
    ).fetchone()
    if row is None:
        raise errors.no_file(file_id)
    return row


def retrieve(engine: Engine, file_id: str) -> Json:
    """One file."""
    with engine.db.read() as db:
        return render(get(db, file_id, engine.now()))


def listing(engine: Engine, query: FilesQuery) -> Json:
    """A page of files."""
    with engine.db.read() as db:
        files = pages.Listing(
            select=(
                "SELECT * FROM files WHERE (:purpose IS NULL OR purpose = :purpose)"
                " AND (expires_at IS NULL OR expires_at > :now)"
            ),
            params={"purpose": query.purpose, "now": engine.now()},
            columns=("created_at", "seq"),
            position=lambda file_id: position(db, file_id),
            absent=errors.no_file,
        )
        return pages.page(db, files, query, render)


def position(db: Connection, file_id: str) -> pages.Position | None:
    """Where a file stands in the list."""
    row = db.execute("SELECT created_at, seq FROM files WHERE id = ?", (file_id,)).fetchone()
    return pages.Position(*row) if row else None


def delete(engine: Engine, file_id: str) -> Json:
    """Delete a file and detach it from every store (the schema cascades; the worker releases the bytes)."""
    with engine.db.write() as db:
        get(db, file_id, engine.now())
        db.execute("DELETE FROM files WHERE id = ?", (file_id,))
    engine.work.set()
    return {"id": file_id, "object": "file", "deleted": True}


def content(engine: Engine, file_id: str) -> Path:
    """The file's bytes, where its purpose allows a download."""
    with engine.db.read() as db:
        row = get(db, file_id, engine.now())
    if row["purpose"] in NOT_DOWNLOADABLE:
        raise errors.Invalid(f"Not allowed to download files of purpose: {row['purpose']}")
    return engine.blobs.path(file_id)


def known(engine: Engine) -> frozenset[str]:
    """The names of all bytes there should be: files, parts of uploads, and what is still to be released."""
    with engine.db.read() as db:
        rows = db.execute(
            "SELECT id FROM files UNION SELECT id FROM upload_parts"
            " UNION SELECT object_id FROM garbage WHERE kind = 'blob'"
        )
        return frozenset(file_id for (file_id,) in rows)


def expire(db: Connection, now: int) -> int:
    """Delete the files whose time has come; how many there were."""
    return db.execute("DELETE FROM files WHERE expires_at <= ?", (now,)).rowcount


def render(row: Row) -> Json:
    """The File object."""
    return {
        "id": row["id"],
        "object": "file",
        "bytes": row["bytes"],
        "created_at": row["created_at"],
        "expires_at": row["expires_at"],
        "filename": row["filename"],
        "purpose": row["purpose"],
        "status": "processed",
        "status_details": None,
    }
