"""One run: upload new and changed files while the uploaded ones are attached, then what is left of the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from vectorgate.client.ingest.attaching import BATCH, Attaching
from vectorgate.client.ingest.journal import FileRecord
from vectorgate.client.ingest.session import RETRIES, Session
from vectorgate.client.ingest.watch import Stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyio.streams.memory import MemoryObjectSendStream

    from vectorgate.client.ingest.plan import Plan
    from vectorgate.client.ingest.scan import ScannedFile


async def carry_out(session: Session, steps: Plan) -> None:
    """Do the steps. Failures of single files are in the summary; Stopped when no further call would succeed."""
    try:
        async with anyio.create_task_group() as watching:
            watching.start_soon(session.watch.keep)
            await _ingest(session, steps.upload)
            await session.each(steps.describe, lambda record: record.path, lambda record: _describe(session, record))
            await session.each(steps.delete, lambda record: record.path, lambda record: _delete(session, record))
            watching.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        stopped = group.subgroup(Stopped)
        if stopped is None or group.split(Stopped)[1] is not None:
            raise
        raise _first(stopped) from None


def _first(group: BaseExceptionGroup[Stopped]) -> Stopped:
    """The first of several calls that failed alike."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _ingest(session: Session, files: Sequence[ScannedFile]) -> None:
    uploaded, to_attach = anyio.create_memory_object_stream[FileRecord](BATCH)
    async with anyio.create_task_group() as group:
        group.start_soon(Attaching(session).attach_all, to_attach)
        async with uploaded:
            await session.each(files, lambda found: found.path, lambda found: _send_on(session, found, uploaded))


async def _send_on(session: Session, found: ScannedFile, uploaded: MemoryObjectSendStream[FileRecord]) -> None:
    record = await _upload(session, found)
    session.progress.upload(found.size)
    await uploaded.send(record)


async def _upload(session: Session, found: ScannedFile) -> FileRecord:
    before = session.journal.records.get(found.path)
    attributes, chunking = session.asked.attributes_for(before), session.asked.chunking_for(before)
    if before is not None and before.sha256 == found.sha256 and before.state == "uploaded":
        return replace(before, attributes=attributes, chunking=chunking)
    file = await session.client.files.acreate(file=(found.path, found.where), purpose="assistants", max_retries=RETRIES)
    record = FileRecord(
        path=found.path,
        sha256=found.sha256,
        file_id=file.id,
        state="uploaded",
        replaces=before.older() if before is not None else (),
        attributes=attributes,
        chunking=chunking,
    )
    session.journal.note(record)
    session.summary.uploaded += 1
    session.summary.uploaded_bytes += found.size
    return record


async def _describe(session: Session, record: FileRecord) -> None:
    """Replace the attributes of a file that has not changed."""
    described = replace(record, attributes=session.asked.attributes_for(record))
    await session.client.vector_stores.files.aupdate(
        record.file_id,
        vector_store_id=session.store_id,
        attributes=session.asked.attributes_of(described),
        max_retries=RETRIES,
    )
    session.journal.note(described)
    session.summary.described += 1


async def _delete(session: Session, record: FileRecord) -> None:
    """Remove a file that is no longer in the folder, and what it replaced."""
    for file_id in record.older():
        await session.remove(file_id)
    session.journal.note(replace(record, state="deleted", replaces=()))
    session.summary.deleted += 1
