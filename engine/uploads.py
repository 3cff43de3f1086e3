"""Uploads: a file sent in parts of up to 64 MB, joined by `complete`; one that is not completed expires in an hour."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final

from engine import errors, files, ids
from engine.model import File, Upload
from vectorgate.api.schemas import error_messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.engine import Engine
    from engine.model import Json, UploadStatus
    from engine.ports import BlobStore, Rows
    from vectorgate.api.schemas import CompleteUpload, CreateUpload

LIFE_SECONDS: Final = 3600
MAX_PART_BYTES: Final = 64 * 2**20
PIECE: Final = 2**18


def create(engine: Engine, body: CreateUpload) -> Json:
    """Announce a file."""
    now = engine.now()
    upload = Upload(
        id=ids.upload_id(engine.random),
        filename=body.filename,
        purpose=body.purpose,
        size=body.bytes,
        created_at=now,
        expires_at=now + LIFE_SECONDS,
        file_seconds=body.expires_after.seconds if body.expires_after else None,
    )
    with engine.catalogue.write() as rows:
        rows.uploads.add(upload)
        return render(rows, upload, now)


def get(rows: Rows, upload_id: str) -> Upload:
    """The upload. NotFound."""
    found = rows.uploads.get(upload_id)
    if found is None:
        raise errors.no_upload(upload_id)
    return found


def pending(rows: Rows, upload_id: str, now: int) -> Upload:
    """The upload, if it can still be added to. NotFound, InvalidRequest."""
    upload = get(rows, upload_id)
    if status(upload, now) != "pending":
        raise errors.upload_ended(upload_id, status(upload, now))
    return upload


def status(upload: Upload, now: int) -> UploadStatus:
    """The status of an upload, which is expired from the second at which it expires; the sweep deletes its parts."""
    return "expired" if upload.status == "pending" and upload.expires_at <= now else upload.status


def add_part(engine: Engine, upload_id: str, size: int, content: Iterable[bytes]) -> Json:
    """Store a part of `size` bytes."""
    part_id, now = ids.part_id(engine.random), engine.now()
    with engine.catalogue.read() as rows:
        pending(rows, upload_id, now)
    if size > MAX_PART_BYTES:
        raise error_messages.invalid_value("data", f"a part has at most {MAX_PART_BYTES} bytes.")
    stored = engine.blobs.put(part_id, content)
    with engine.catalogue.write() as rows:
        pending(rows, upload_id, now)
        rows.uploads.add_part(upload_id, part_id, stored)
    return {"id": part_id, "object": "upload.part", "created_at": now, "upload_id": upload_id}


def complete(engine: Engine, upload_id: str, body: CompleteUpload) -> Json:
    """Join the parts, in the order given, to a file."""
    now = engine.now()
    with engine.catalogue.read() as rows:
        upload = pending(rows, upload_id, now)
        check_parts(rows, upload, body.part_ids)
    file_id = join(engine, body)
    life = upload.file_seconds
    expires_at = now + life if life else files.default_expiry(upload.purpose, now)
    with engine.catalogue.write() as rows:
        # Of two that complete it at once the second finds it settled; its copy is cleared at the next start.
        pending(rows, upload_id, now)
        rows.files.add(File(file_id, upload.filename, upload.purpose, upload.size, now, expires_at))
        rows.uploads.settle(upload_id, "completed", file_id)
        result = render(rows, get(rows, upload_id), now)
    engine.queue.notify()
    return result


def check_parts(rows: Rows, upload: Upload, part_ids: Sequence[str]) -> None:
    """All parts must be this upload's, each once, and as long together as was announced. InvalidRequest."""
    sizes = rows.uploads.part_sizes(upload.id)
    if not set(part_ids) <= set(sizes) or len(set(part_ids)) < len(part_ids):
        raise error_messages.invalid_value("part_ids", "every part must belong to the upload, and be named once.")
    total = sum(sizes[part_id] for part_id in part_ids)
    if total != upload.size:
        raise error_messages.invalid_value(
            "part_ids", f"the parts have {total} bytes, but {upload.size} were announced."
        )


def join(engine: Engine, body: CompleteUpload) -> str:
    """Store the parts as one blob, and compare its checksum; the blob's id."""
    file_id = ids.file_id(engine.random)
    digest = hashlib.md5(usedforsecurity=False)  # the API's checksum
    engine.blobs.put(file_id, _pieces(engine.blobs, body.part_ids, digest))
    if body.md5 is not None and digest.hexdigest() != body.md5.lower():
        engine.blobs.discard(file_id)
        raise error_messages.invalid_value("md5", "the parts do not have this checksum.")
    return file_id


def _pieces(blobs: BlobStore, part_ids: Sequence[str], digest: hashlib._Hash) -> Iterator[bytes]:
    for part_id in part_ids:
        with blobs.open(part_id) as part:
            for piece in iter(partial(part.read, PIECE), b""):
                digest.update(piece)
                yield piece


def cancel(engine: Engine, upload_id: str) -> Json:
    """Give up an upload."""
    now = engine.now()
    with engine.catalogue.write() as rows:
        pending(rows, upload_id, now)
        rows.uploads.settle(upload_id, "cancelled")
        result = render(rows, get(rows, upload_id), now)
    engine.queue.notify()
    return result


def render(rows: Rows, upload: Upload, now: int) -> Json:
    """The Upload object."""
    file = rows.files.find(upload.file_id) if upload.file_id else None
    return {
        "id": upload.id,
        "object": "upload",
        "bytes": upload.size,
        "created_at": upload.created_at,
        "expires_at": upload.expires_at,
        "filename": upload.filename,
        "purpose": upload.purpose,
        "status": status(upload, now),
        "file": files.render(file) if file else None,
    }
