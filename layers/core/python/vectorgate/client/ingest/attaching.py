"""Attach uploaded files in batches, follow their indexing, and remove the versions that they replace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import anyio

from vectorgate.client.errors import BadRequestError
from vectorgate.client.group import server_interval_ms
from vectorgate.client.ingest.processing import strategy
from vectorgate.client.ingest.session import RETRIES

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream

    from vectorgate.client.ingest.journal import FileRecord
    from vectorgate.client.ingest.session import Session
    from vectorgate.client.resources import VectorStoreFile, VectorStoreFileBatch

BATCH: Final = 100  # files; the API takes 2,000, and a smaller batch shows failures sooner
GATHER_SECONDS: Final = 0.5  # how long a batch waits for more files
_FAILED_STATUSES: Final = frozenset({"failed", "cancelled"})
PERMANENT: Final = frozenset({"unsupported_file", "invalid_file"})  # the codes of faults of the file itself


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file was not indexed. `permanent`: the same content would fail again."""

    reason: str
    permanent: bool


@dataclass
class Attaching:
    """The attaching half of a run, beside the uploads."""

    session: Session
    one_by_one: bool = False  # from the first refusal of a batch on

    async def attach_all(self, uploaded: MemoryObjectReceiveStream[FileRecord]) -> None:
        """Attach what is uploaded, until the last upload. Stopped."""
        async with uploaded:
            while batch := await _gathered(uploaded):
                await self.session.attempt([record.path for record in batch], lambda: self._attach(batch))

    async def _attach(self, batch: list[FileRecord]) -> None:
        if not self.one_by_one:
            try:
                return await self._attach_batch(batch)
            except BadRequestError as error:
                if (error.param, error.code) != ("files", "unsupported_parameter"):
                    raise
                self.one_by_one = True
        return await self.session.each(batch, lambda record: record.path, self._attach_one)

    async def _attach_one(self, record: FileRecord) -> None:
        """Attach a file by itself: Azure has no batch whose files differ in their attributes."""
        file = await self.session.client.vector_stores.files.acreate_and_poll(
            vector_store_id=self.session.store_id, max_retries=RETRIES, **self._described(record)
        )
        await self._conclude(record, _failure(file) if file.status in _FAILED_STATUSES else None)

    async def _attach_batch(self, records: list[FileRecord]) -> None:
        batches = self.session.client.vector_stores.file_batches
        files = [self._described(record) for record in records]
        batch = await self._indexed(await batches.acreate(self.session.store_id, files=files, max_retries=RETRIES))
        failures: dict[str, Failure] = {}
        if batch.file_counts.completed != batch.file_counts.total:
            failures = await self._failures(batch.id)
        for record in records:
            await self._conclude(record, failures.get(record.file_id))

    def _described(self, record: FileRecord) -> dict[str, Any]:
        """A file as the API takes it."""
        described: dict[str, Any] = {
            "file_id": record.file_id,
            "attributes": self.session.asked.attributes_of(record),
        }
        chunking = strategy(record.chunking)
        return described if chunking is None else {**described, "chunking_strategy": chunking}

    async def _indexed(self, batch: VectorStoreFileBatch) -> VectorStoreFileBatch:
        """The batch once no file of it is in progress. Shows how many are indexed."""
        store_id = self.session.store_id
        while batch.file_counts.in_progress:
            self.session.watch.success()
            self.session.progress.index(batch.file_counts.completed)
            await anyio.sleep(server_interval_ms(batch) / 1000)
            batches = self.session.client.vector_stores.file_batches
            batch = await batches.aretrieve(batch.id, vector_store_id=store_id, max_retries=RETRIES)
        self.session.progress.index(batch.file_counts.completed)
        return batch

    async def _failures(self, batch_id: str) -> dict[str, Failure]:
        listed = self.session.client.vector_stores.file_batches.alist_files(
            batch_id, vector_store_id=self.session.store_id, limit=100, max_retries=RETRIES
        )
        return {file.id: _failure(file) async for file in listed if file.status in _FAILED_STATUSES}

    async def _conclude(self, record: FileRecord, failure: Failure | None) -> None:
        if failure is None:
            await self._finish(record)
            return
        self.session.fail(record.path, failure.reason)
        await self.session.attempt([record.path], lambda: self._discard(record, failure))

    async def _finish(self, record: FileRecord) -> None:
        """Record a file as indexed, and remove its older versions."""
        self.session.journal.note(replace(record, state="done"))
        self.session.summary.attached += 1
        self.session.progress.conclude()
        if record.replaces:
            self.session.summary.replaced += 1
            await self.session.attempt([record.path], lambda: self._remove_replaced(record))

    async def _remove_replaced(self, record: FileRecord) -> None:
        for file_id in record.replaces:
            await self.session.remove(file_id)
        self.session.journal.note(replace(record, state="done", replaces=()))

    async def _discard(self, record: FileRecord, failure: Failure) -> None:
        """Remove the upload of a file that cannot be indexed; the version before it is kept."""
        await self.session.remove(record.file_id)
        if failure.permanent:
            self.session.journal.note(replace(record, state="refused", reason=failure.reason))
        else:
            self.session.journal.note(replace(record, state="failed"))


async def _gathered(uploaded: MemoryObjectReceiveStream[FileRecord]) -> list[FileRecord]:
    """Up to BATCH records, as they are sent; none after the last one."""
    batch: list[FileRecord] = []
    try:
        batch.append(await uploaded.receive())
        with anyio.move_on_after(GATHER_SECONDS):
            while len(batch) < BATCH:
                batch.append(await uploaded.receive())
    except anyio.EndOfStream:
        pass
    return batch


def _failure(file: VectorStoreFile) -> Failure:
    if file.last_error is None:
        return Failure(file.status, permanent=False)
    return Failure(file.last_error.message, permanent=file.last_error.code in PERMANENT)
