"""Files in a store: attach, list, retrieve, attributes, detach, parsed content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine import errors, lookup
from engine.listing import envelope, page_query
from engine.model import ChunkSizes, NewAttachment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.engine import Engine
    from engine.model import Attachment, AttributeValue, Json, Status
    from engine.ports import Rows
    from vectorgate.api.schemas import CreateVectorStoreFile, ListStoreFilesQuery, UpdateAttributes
    from vectorgate.api.schemas.models import ChunkingStrategy

STATUSES: Final[tuple[Status, ...]] = ("in_progress", "completed", "failed", "cancelled")
DEFAULT_SIZES: Final = ChunkSizes(max_tokens=800, overlap_tokens=400)


def attach(engine: Engine, store_id: str, body: CreateVectorStoreFile) -> Json:
    """Queue one file."""
    now = engine.now()
    with engine.catalogue.write() as rows:
        lookup.live_store(rows, store_id, now)
        attach_all(rows, store_id, [own(body)], now)
        rows.stores.touch(store_id, now)
        result = render(get(rows, store_id, body.file_id))
    engine.queue.notify()
    return result


def own(body: CreateVectorStoreFile) -> NewAttachment:
    """A file with settings of its own."""
    return NewAttachment(body.file_id, body.attributes, sizes(body.chunking_strategy))


def sharing(
    file_ids: Sequence[str],
    strategy: ChunkingStrategy | None,
    attributes: Mapping[str, AttributeValue] | None,
) -> list[NewAttachment]:
    """Files that share their settings."""
    return [NewAttachment(file_id, attributes, sizes(strategy)) for file_id in file_ids]


def sizes(strategy: ChunkingStrategy | None) -> ChunkSizes:
    """The sizes of a strategy: those of `auto`, and of none, are OpenAI's default."""
    if strategy is None or strategy.type == "auto":
        return DEFAULT_SIZES
    return ChunkSizes(strategy.static.max_chunk_size_tokens, strategy.static.chunk_overlap_tokens)


def attach_all(rows: Rows, store_id: str, files: Sequence[NewAttachment], now: int) -> None:
    """Queue files, all or none. A file that is attached already is processed again, under its new settings."""
    absent = rows.files.absent([file.file_id for file in files], now)
    if absent:
        raise errors.files_not_found(absent)
    rows.attachments.put(store_id, files, now)


def get(rows: Rows, store_id: str, file_id: str) -> Attachment:
    """One file of a store. NotFound."""
    found = rows.attachments.get(store_id, file_id)
    if found is None:
        raise errors.not_attached(store_id, file_id)
    return found


def retrieve(engine: Engine, store_id: str, file_id: str) -> Json:
    """One file of a store."""
    with engine.catalogue.read() as rows:
        lookup.store(rows, store_id, engine.now())
        return render(get(rows, store_id, file_id))


def listing(engine: Engine, store_id: str, query: ListStoreFilesQuery) -> Json:
    """A page of a store's files. Its cursors are file ids."""
    page = page_query(query)
    with engine.catalogue.read() as rows:
        lookup.store(rows, store_id, engine.now())
        return envelope(
            lambda: rows.attachments.page(store_id, page, query.filter),
            render=render,
            absent=lambda file_id: errors.not_attached(store_id, file_id),
        )


def set_attributes(engine: Engine, store_id: str, file_id: str, body: UpdateAttributes) -> Json:
    """Replace a file's attributes; searches see them at once."""
    now = engine.now()
    with engine.catalogue.write() as rows:
        lookup.live_store(rows, store_id, now)
        rows.attachments.set_attributes(get(rows, store_id, file_id).number, body.attributes)
        rows.stores.touch(store_id, now)
        return render(get(rows, store_id, file_id))


def detach(engine: Engine, store_id: str, file_id: str) -> Json:
    """Remove a file from the store; the File itself survives."""
    now = engine.now()
    with engine.catalogue.write() as rows:
        lookup.live_store(rows, store_id, now)
        rows.attachments.delete(get(rows, store_id, file_id).number)
        rows.stores.touch(store_id, now)
    engine.queue.notify()
    return {"id": file_id, "object": "vector_store.file.deleted", "deleted": True}


def content(engine: Engine, store_id: str, file_id: str) -> Json:
    """The parsed text, chunk by chunk, as it was indexed."""
    with engine.catalogue.read() as rows:
        lookup.store(rows, store_id, engine.now())
        found = get(rows, store_id, file_id)
    texts = engine.index.texts(store_id, found.number) if found.status == "completed" else []
    return {
        "object": "vector_store.file_content.page",
        "data": [{"type": "text", "text": text} for text in texts],
        "has_more": False,
        "next_page": None,
    }


def tally(counts: Mapping[Status, int]) -> dict[str, int]:
    """A `file_counts` object from the number of files of each status."""
    return {**{name: counts.get(name, 0) for name in STATUSES}, "total": sum(counts.values())}


def render(attachment: Attachment) -> Json:
    """The VectorStoreFile object."""
    failure, chunks = attachment.failure, attachment.sizes
    return {
        "id": attachment.file_id,
        "object": "vector_store.file",
        "usage_bytes": attachment.usage_bytes,
        "created_at": attachment.created_at,
        "vector_store_id": attachment.store_id,
        "status": attachment.status,
        "last_error": {"code": failure.code, "message": failure.message} if failure else None,
        "chunking_strategy": {
            "type": "static",
            "static": {"max_chunk_size_tokens": chunks.max_tokens, "chunk_overlap_tokens": chunks.overlap_tokens},
        },
        "attributes": attachment.attributes,
    }
