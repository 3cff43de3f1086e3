"""Uploads: a file sent in parts of up to 64 MB, put together by ``complete``; unfinished, it is gone in an hour."""

import hashlib
import shutil
from typing import IO

from local.upstream import errors, files, ids
from local.upstream.db import Connection, Row
from local.upstream.engine import Engine, Json
from local.upstream.wire import CompleteUpload, CreateUpload

LIFE_SECONDS = 3600
MAX_PART_BYTES = 64 * 2**20
SETTLE = "UPDATE uploads SET status = ?, file_id = ? WHERE id = ? AND status = 'pending'"
DROP_PARTS = "DELETE FROM upload_parts WHERE upload_id IN (SELECT id FROM uploads WHERE status <> 'pending')"


def create(engine: Engine, body: CreateUpload) -> Json:
    """Announce a file."""
    upload_id, now = ids.upload_id(engine.random), engine.now()
    seconds = body.expires_after.seconds if body.expires_after else None
    with engine.db.write() as db:
        db.execute(
            "INSERT INTO uploads (id, filename, purpose, bytes, created_at, expires_at, file_seconds)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (upload_id, body.filename, body.purpose, body.bytes, now, now + LIFE_SECONDS, seconds),
        )
        return render(db, get(db, upload_id), now)


def get(db: Connection, upload_id: str) -> Row:
    """The upload's row."""
    row: Row | None = db.execute("SELECT * FROM uploads WHERE id = ?", (upload_id,)).fetchone()
    if row is None:
        raise errors.NotFound(f"No such Upload object: {upload_id}", param="upload_id")
    return row


def pending(db: Connection, upload_id: str, now: int) -> Row:
    """The upload's row, if it can still be added to."""
    row = get(db, upload_id)
    if status(row, now) != "pending":
        raise errors.Invalid(f"Upload {upload_id} is {status(row, now)}.", param="upload_id")
    return row


def status(row: Row, now: int) -> str:
    """An upload past its hour reads as expired at once; the sweep then releases its parts."""
    return "expired" if row["status"] == "pending" and row["expires_at"] <= now else str(row["status"])


def add_part(engine: Engine, upload_id: str, received: IO[bytes]) -> Json:
    """Keep a part whose bytes are already in ``received``."""
    part_id, now = ids.part_id(engine.random), engine.now()
    with engine.db.read() as db:
        pending(db, upload_id, now)
    if received.tell() > MAX_PART_BYTES:
        raise errors.bad_value("data", f"a part has at most {MAX_PART_BYTES} bytes.")
    size = engine.blobs.keep(received, part_id)
    with engine.db.write() as db:
        pending(db, upload_id, now)
        db.execute("INSERT INTO upload_parts (id, upload_id, bytes) VALUES (?, ?, ?)", (part_id, upload_id, size))
    return {"id": part_id, "object": "upload.part", "created_at": now, "upload_id": upload_id}


def complete(engine: Engine, upload_id: str, body: CompleteUpload) -> Json:
    """Put the parts together, in the order given, as a File."""
    now = engine.now()
    with engine.db.read() as db:
        upload = pending(db, upload_id, now)
        check_parts(db, upload, body.part_ids)
    file_id = ids.file_id(engine.random)
    with engine.blobs.receive() as target:
        join(engine, body, target)
        engine.blobs.keep(target, file_id)
    life = upload["file_seconds"]
    expires_at = now + life if life else files.default_expiry(upload["purpose"], now)
    with engine.db.write() as db:
        # Twice at once: the second finds it settled, and its copy is cleared at the next start.
        pending(db, upload_id, now)
        files.insert(db, (file_id, upload["filename"], upload["purpose"], upload["bytes"], now, expires_at))
        settle(db, "completed", file_id, upload_id)
        result = render(db, get(db, upload_id), now)
    engine.work.set()
    return result


def check_parts(db: Connection, upload: Row, part_ids: list[str]) -> None:
    """All parts must be this upload's, each once, and as long together as was announced."""
    sizes = dict(db.execute("SELECT id, bytes FROM upload_parts WHERE upload_id = ?", (upload["id"],)).fetchall())
    absent = [part_id for part_id in part_ids if part_id not in sizes]
    if absent or len(set(part_ids)) < len(part_ids):
        raise errors.bad_value("part_ids", "every part must belong to the upload, and be named once.")
    total = sum(sizes[part_id] for part_id in part_ids)
    if total != upload["bytes"]:
        raise errors.bad_value("part_ids", f"the parts have {total} bytes, but {upload['bytes']} were announced.")


def join(engine: Engine, body: CompleteUpload, target: IO[bytes]) -> None:
    """Copy the parts, a buffer at a time, and hold them against the checksum."""
    for part_id in body.part_ids:
        with engine.blobs.path(part_id).open("rb") as part:
            shutil.copyfileobj(part, target)
    if body.md5 is not None:
        target.flush()
        target.seek(0)
        if hashlib.file_digest(target, "md5").hexdigest() != body.md5.lower():  # type: ignore[arg-type]
            raise errors.bad_value("md5", "the parts do not have this checksum.")


def cancel(engine: Engine, upload_id: str) -> Json:
    """Give up an upload."""
    now = engine.now()
    with engine.db.write() as db:
        pending(db, upload_id, now)
        settle(db, "cancelled", None, upload_id)
        result = render(db, get(db, upload_id), now)
    engine.work.set()
    return result


def settle(db: Connection, outcome: str, file_id: str | None, upload_id: str) -> None:
    """End an upload; a trigger lets go of its parts' bytes."""
    db.execute(SETTLE, (outcome, file_id, upload_id))
    db.execute("DELETE FROM upload_parts WHERE upload_id = ?", (upload_id,))


def expire(db: Connection, now: int) -> int:
    """End the uploads whose hour is over; how many there were."""
    due = "UPDATE uploads SET status = 'expired' WHERE status = 'pending' AND expires_at <= ?"
    ended = db.execute(due, (now,)).rowcount
    if ended:
        db.execute(DROP_PARTS)
    return ended


def render(db: Connection, row: Row, now: int) -> Json:
    """The Upload object."""
    file = db.execute("SELECT * FROM files WHERE id = ?", (row["file_id"],)).fetchone()
    return {
        "id": row["id"],
        "object": "upload",
        "bytes": row["bytes"],
        "created_at": row["created_at"],
        "expires_at": row["expires_at"],
        "filename": row["filename"],
        "purpose": row["purpose"],
        "status": status(row, now),
        "file": files.render(file) if file else None,
    }
