"""One run: upload new and changed files, attach them in batches, and remove the versions that they replace."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import anyio

from vectorgate.client.errors import APIError, BadRequestError, NotFoundError, SettingsError
from vectorgate.client.ingest.journal import FileRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from vectorgate.client.client import Client
    from vectorgate.client.ingest.journal import Journal
    from vectorgate.client.ingest.progress import Progress
    from vectorgate.client.ingest.scan import ScannedFile
    from vectorgate.client.resources import VectorStore, VectorStoreFile

BATCH: Final = 100  # files; the API takes 2,000, and a smaller batch shows failures sooner
GATHER_SECONDS: Final = 0.5  # how long a batch waits for more files
RETRIES: Final = 5
ATTRIBUTE_MAX: Final = 512  # characters
_FAILED_STATUSES: Final = frozenset({"failed", "cancelled"})
PERMANENT: Final = frozenset({"unsupported_file", "invalid_file"})  # the codes of faults of the file itself


@dataclass
class Summary:
    """The counts of a run. `failed`: path and reason."""

    uploaded: int = 0
    uploaded_bytes: int = 0
    attached: int = 0
    replaced: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


async def find_store(client: Client, name: str) -> VectorStore:
    """The store of that id or name, created when there is none. SettingsError when several have the name."""
    if name.startswith("vs_"):
        return await client.vector_stores.aretrieve(name, max_retries=RETRIES)
    found = [store async for store in client.vector_stores.alist(limit=100, max_retries=RETRIES) if store.name == name]
    if len(found) > 1:
        ids = ", ".join(store.id for store in found[:5])
        raise SettingsError(f"{len(found)} stores are named {name!r}: say which by its id ({ids})")
    return found[0] if found else await client.vector_stores.acreate(name=name, max_retries=RETRIES)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file was not indexed. `permanent`: the same content would fail again."""

    reason: str
    permanent: bool


@dataclass
class Run:
    """A run over one store. `concurrency`: uploads at a time."""

    client: Client
    store_id: str
    journal: Journal
    progress: Progress
    summary: Summary
    concurrency: int
    one_by_one: bool = False  # from the first refusal of a batch on

    async def ingest(self, files: Sequence[ScannedFile]) -> None:
        """Ingest new and changed files. Failures of single files are in the summary; anything else ends the run."""
        uploaded, to_attach = anyio.create_memory_object_stream[FileRecord](BATCH)
        async with anyio.create_task_group() as group:
            group.start_soon(self._attach_all, to_attach)
            await self._upload_all(list(reversed(files)), uploaded)

    async def _upload_all(self, waiting: list[ScannedFile], uploaded: MemoryObjectSendStream[FileRecord]) -> None:
        async with uploaded, anyio.create_task_group() as workers:
            for _ in range(min(self.concurrency, len(waiting))):
                workers.start_soon(self._upload_waiting, waiting, uploaded)

    async def _upload_waiting(self, waiting: list[ScannedFile], uploaded: MemoryObjectSendStream[FileRecord]) -> None:
        while waiting:
            found = waiting.pop()
            record = await self._attempt(found.path, lambda found=found: self._upload(found))  # type: ignore[misc]
            self.progress.advance(found.size)
            if record is not None:
                await uploaded.send(record)

    async def _upload(self, found: ScannedFile) -> FileRecord:
        before = self.journal.records.get(found.path)
        if before is not None and before.sha256 == found.sha256 and before.state == "uploaded":
            return before
        file = await self.client.files.acreate(
            file=(found.path, found.where), purpose="assistants", max_retries=RETRIES
        )
        older = _older(before)
        record = FileRecord(path=found.path, sha256=found.sha256, file_id=file.id, state="uploaded", replaces=older)
        self.journal.note(record)
        self.summary.uploaded += 1
        self.summary.uploaded_bytes += found.size
        return record

    async def _attach_all(self, uploaded: MemoryObjectReceiveStream[FileRecord]) -> None:
        async with uploaded:
            while batch := await _gathered(uploaded):
                try:
                    await self._attach(batch)
                except APIError as error:
                    self.summary.failed += [(record.path, reason_of(error)) for record in batch]

    async def _attach(self, batch: list[FileRecord]) -> None:
        if not self.one_by_one:
            try:
                return await self._attach_batch(batch)
            except BadRequestError as error:
                if (error.param, error.code) != ("files", "unsupported_parameter"):
                    raise
                self.one_by_one = True
        async with anyio.create_task_group() as workers:
            waiting = list(reversed(batch))
            for _ in range(min(self.concurrency, len(waiting))):
                workers.start_soon(self._attach_waiting, waiting)
        return None

    async def _attach_waiting(self, waiting: list[FileRecord]) -> None:
        while waiting:
            record = waiting.pop()
            await self._attempt(record.path, lambda record=record: self._attach_one(record))  # type: ignore[misc]

    async def _attach_one(self, record: FileRecord) -> None:
        """Attach a file by itself: Azure has no batch whose files differ in their attributes."""
        file = await self.client.vector_stores.files.acreate_and_poll(
            record.file_id, vector_store_id=self.store_id, attributes=_attributes(record), max_retries=RETRIES
        )
        await self._conclude(record, _failure(file) if file.status in _FAILED_STATUSES else None)

    async def _attach_batch(self, records: list[FileRecord]) -> None:
        files = [{"file_id": record.file_id, "attributes": _attributes(record)} for record in records]
        batches = self.client.vector_stores.file_batches
        batch = await batches.acreate_and_poll(self.store_id, files=files, max_retries=RETRIES)
        failures: dict[str, Failure] = {}
        if batch.file_counts.completed != batch.file_counts.total:
            failures = await self._failures(batch.id)
        for record in records:
            await self._conclude(record, failures.get(record.file_id))

    async def _failures(self, batch_id: str) -> dict[str, Failure]:
        listed = self.client.vector_stores.file_batches.alist_files(
            batch_id, vector_store_id=self.store_id, limit=100, max_retries=RETRIES
        )
        return {file.id: _failure(file) async for file in listed if file.status in _FAILED_STATUSES}

    async def _conclude(self, record: FileRecord, failure: Failure | None) -> None:
        if failure is None:
            await self._finish(record)
            return
        self.summary.failed.append((record.path, failure.reason))
        await self._attempt(record.path, lambda: self._discard(record, failure))

    async def _finish(self, record: FileRecord) -> None:
        """Record a file as indexed, and remove its older versions."""
        self.journal.note(replace(record, state="done"))
        self.summary.attached += 1
        if record.replaces:
            self.summary.replaced += 1
            await self._attempt(record.path, lambda: self._remove_replaced(record))

    async def _remove_replaced(self, record: FileRecord) -> None:
        for file_id in record.replaces:
            await self._delete(file_id)
        self.journal.note(replace(record, state="done", replaces=()))

    async def _discard(self, record: FileRecord, failure: Failure) -> None:
        """Remove the upload of a file that cannot be indexed; the version before it is kept."""
        await self._delete(record.file_id)
        if failure.permanent:
            self.journal.note(replace(record, state="refused", reason=failure.reason))
        else:
            self.journal.note(replace(record, state="failed"))

    async def _delete(self, file_id: str) -> None:
        # Not found: it was never attached, or an interrupted run has taken this step.
        with suppress(NotFoundError):
            await self.client.vector_stores.files.adelete(file_id, vector_store_id=self.store_id, max_retries=RETRIES)
        with suppress(NotFoundError):
            await self.client.files.adelete(file_id, max_retries=RETRIES)

    async def _attempt(self, path: str, act: Callable[[], Awaitable[FileRecord | None]]) -> FileRecord | None:
        try:
            return await act()
        except (APIError, OSError) as error:
            self.summary.failed.append((path, reason_of(error)))
            return None


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


def _older(before: FileRecord | None) -> tuple[str, ...]:
    """The uploads to remove once a new version is indexed. A version that failed has none left."""
    if before is None:
        return ()
    return before.replaces if before.state in {"failed", "refused"} else (*before.replaces, before.file_id)


def _failure(file: VectorStoreFile) -> Failure:
    if file.last_error is None:
        return Failure(file.status, permanent=False)
    return Failure(file.last_error.message, permanent=file.last_error.code in PERMANENT)


def _attributes(record: FileRecord) -> dict[str, str]:
    """The attributes that a search can filter by, and that distinguish two versions."""
    return {"path": record.path[-ATTRIBUTE_MAX:], "sha256": record.sha256}


def reason_of(error: Exception) -> str:
    """The error's reason in one line."""
    if isinstance(error, APIError) and isinstance(error.body, dict):
        return str(error.body.get("message") or error)
    return str(error) or type(error).__name__
