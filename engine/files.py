"""Files: upload, list, retrieve, delete, download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from engine import errors, ids
from engine.listing import envelope, files_page_query
from engine.model import DAY, File

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.engine import Engine
    from engine.model import Json
    from engine.ports import Rows
    from vectorgate.api.schemas import CreateFile, ListFilesQuery

# Files that a model reads cannot be downloaded; outputs, and inputs of other products, can.
NOT_DOWNLOADABLE: Final = frozenset({"assistants", "user_data"})
BATCH_SECONDS: Final = 30 * DAY  # the life of a batch's input unless its uploader sets another, as at OpenAI


@dataclass(frozen=True, slots=True)
class Download:
    """Bytes for a client, to be closed after they are sent."""

    size: int
    stream: BinaryIO


def create(engine: Engine, body: CreateFile, filename: str, content: Iterable[bytes]) -> Json:
    """Store an upload."""
    now = engine.now()
    expires_at = now + body.expires_after.seconds if body.expires_after else default_expiry(body.purpose, now)
    file_id = ids.file_id(engine.random)
    size = engine.blobs.put(file_id, content)
    file = File(file_id, filename, body.purpose, size, now, expires_at)
    with engine.catalogue.write() as rows:
        rows.files.add(file)
    return render(file)


def default_expiry(purpose: str, now: int) -> int | None:
    """When a file expires for which no expiry was set."""
    return now + BATCH_SECONDS if purpose == "batch" else None


def seed(engine: Engine, file_id: str, filename: str, content: bytes) -> Json:
    """Create a file with a given id. Idempotent: one that is there stays as it is. ValueError for what is no id."""
    with engine.catalogue.read() as rows:
        present = rows.files.find(file_id)
    if present is not None:
        return render(present)
    size = engine.blobs.put(file_id, [content])
    file = File(file_id, filename, "assistants", size, engine.now(), None)
    with engine.catalogue.write() as rows:
        rows.files.add(file)
    return render(file)


def get(rows: Rows, file_id: str, now: int) -> File:
    """The file. NotFound."""
    found = rows.files.get(file_id, now)
    if found is None:
        raise errors.no_file(file_id)
    return found


def retrieve(engine: Engine, file_id: str) -> Json:
    """One file."""
    with engine.catalogue.read() as rows:
        return render(get(rows, file_id, engine.now()))


def listing(engine: Engine, query: ListFilesQuery) -> Json:
    """A page of files."""
    page, now = files_page_query(query), engine.now()
    with engine.catalogue.read() as rows:
        return envelope(
            lambda: rows.files.page(page, purpose=query.purpose, now=now), render=render, absent=errors.no_file
        )


def delete(engine: Engine, file_id: str) -> Json:
    """Delete a file and detach it from every store; the worker releases what it held."""
    with engine.catalogue.write() as rows:
        get(rows, file_id, engine.now())
        rows.files.delete(file_id)
    engine.queue.notify()
    return {"id": file_id, "object": "file", "deleted": True}


def content(engine: Engine, file_id: str) -> Download:
    """The file's bytes, where its purpose allows a download."""
    with engine.catalogue.read() as rows:
        file = get(rows, file_id, engine.now())
    if file.purpose in NOT_DOWNLOADABLE:
        raise errors.not_downloadable(file.purpose)
    return Download(file.size, engine.blobs.open(file_id))


def render(file: File) -> Json:
    """The File object."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }
