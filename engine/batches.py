"""File batches: many files attached in one call, watched and cancelled together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import attachments, errors, ids, lookup
from engine.listing import envelope, page_query
from engine.model import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.engine import Engine
    from engine.model import Json, NewAttachment
    from engine.ports import Rows
    from vectorgate.api.schemas import CreateFileBatch, ListStoreFilesQuery


def create(engine: Engine, store_id: str, body: CreateFileBatch) -> Json:
    """Queue a batch."""
    now = engine.now()
    # The last entry for a file counts, as it would if they were attached one by one.
    files = list({file.file_id: file for file in members(body)}.values())
    batch = Batch(ids.batch_id(engine.random), store_id, now)
    with engine.catalogue.write() as rows:
        lookup.live_store(rows, store_id, now)
        attachments.attach_all(rows, store_id, files, now)
        rows.batches.add(batch, [file.file_id for file in files])
        rows.stores.touch(store_id, now)
        result = render(rows, batch)
    engine.queue.notify()
    return result


def members(body: CreateFileBatch) -> list[NewAttachment]:
    """The files of a batch, whichever form was used: `files` with their own settings, `file_ids` with shared ones."""
    if body.files:
        return [attachments.own(file) for file in body.files]
    return attachments.sharing(body.file_ids, body.chunking_strategy, body.attributes)


def get(rows: Rows, store_id: str, batch_id: str) -> Batch:
    """The batch. NotFound."""
    found = rows.batches.get(store_id, batch_id)
    if found is None:
        raise errors.no_batch(store_id, batch_id)
    return found


def retrieve(engine: Engine, store_id: str, batch_id: str) -> Json:
    """One batch."""
    with engine.catalogue.read() as rows:
        lookup.store(rows, store_id, engine.now())
        return render(rows, get(rows, store_id, batch_id))


def cancel(engine: Engine, store_id: str, batch_id: str) -> Json:
    """Cancel what is still in progress. A batch that has ended stays as it is."""
    with engine.catalogue.write() as rows:
        lookup.live_store(rows, store_id, engine.now())
        rows.batches.cancel(get(rows, store_id, batch_id))
        return render(rows, get(rows, store_id, batch_id))


def listing(engine: Engine, store_id: str, batch_id: str, query: ListStoreFilesQuery) -> Json:
    """A page of a batch's files."""
    page = page_query(query)
    with engine.catalogue.read() as rows:
        lookup.store(rows, store_id, engine.now())
        batch = get(rows, store_id, batch_id)
        return envelope(
            lambda: rows.batches.page(batch, page, query.filter),
            render=attachments.render,
            absent=lambda file_id: errors.not_attached(store_id, file_id),
        )


def render(rows: Rows, batch: Batch) -> Json:
    """The VectorStoreFileBatch object, with the name of OpenAI's schema; SDKs take `vector_store.file_batch` too."""
    counts = attachments.tally(rows.batches.counts(batch))
    return {
        "id": batch.id,
        "object": "vector_store.file_batch",
        "created_at": batch.created_at,
        "vector_store_id": batch.store_id,
        "status": status(counts, cancelled=batch.cancelled),
        "file_counts": counts,
    }


def status(counts: Mapping[str, int], *, cancelled: bool) -> str:
    """The status of a batch, which fails only when every file of it did."""
    if cancelled:
        return "cancelled"
    if counts["in_progress"]:
        return "in_progress"
    return "failed" if counts["total"] and counts["failed"] == counts["total"] else "completed"
