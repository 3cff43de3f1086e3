"""One run: upload what is new, attach it in batches, remove what it replaces, and say what came of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import anyio

from vectorgate.client.errors import APIError, BadRequestError, NotFoundError, SettingsError
from vectorgate.client.ingest.journal import Known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from vectorgate.client.client import Client
    from vectorgate.client.ingest.journal import Journal
    from vectorgate.client.ingest.progress import Progress
    from vectorgate.client.ingest.scan import Found
    from vectorgate.client.resources import VectorStore, VectorStoreFile

BATCH: Final = 100  # the API takes 2,000; a smaller one says sooner what failed
GATHER_SECONDS: Final = 0.5  # how long a batch waits for company
RETRIES: Final = 5
ATTRIBUTE_MAX: Final = 512
_ENDED_BADLY: Final = frozenset({"failed", "cancelled"})
FOR_GOOD: Final = frozenset({"unsupported_file", "invalid_file"})  # the codes of what is wrong with the file itself


@dataclass
class Summary:
    """What a run did. `failed`: path and reason."""

    uploaded: int = 0
    uploaded_bytes: int = 0
    attached: int = 0
    replaced: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


async def find_store(client: Client, name: str) -> VectorStore:
    """The store of that id or name; a new one when there is none. SettingsError when several have the name."""
    if name.startswith("vs_"):
        return await client.vector_stores.aretrieve(name, max_retries=RETRIES)
    found = [store async for store in client.vector_stores.alist(limit=100, max_retries=RETRIES) if store.name == name]
    if len(found) > 1:
        ids = ", ".join(store.id for store in found[:5])
        raise SettingsError(f"{len(found)} stores are named {name!r}: say which by its id ({ids})")
    return found[0] if found else await client.vector_stores.acreate(name=name, max_retries=RETRIES)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file was not indexed, and whether the same content would fail again."""

    reason: str
    for_good: bool


@dataclass
class Run:
    """`work`: what was scanned and is not up to date."""

    client: Client
    store_id: str
    journal: Journal
    progress: Progress
    summary: Summary
    concurrency: int
    singly: bool = False  # known from the first refusal on

    async def take(self, work: Sequence[Found]) -> None:
        """All of it. Failures of single files are in the summary; anything else ends the run."""
        uploaded, to_attach = anyio.create_memory_object_stream[Known](BATCH)
        async with anyio.create_task_group() as group:
            group.start_soon(self._attach_all, to_attach)
            await self._upload_all(list(reversed(work)), uploaded)

    async def _upload_all(self, waiting: list[Found], uploaded: MemoryObjectSendStream[Known]) -> None:
        async with uploaded, anyio.create_task_group() as workers:
            for _ in range(min(self.concurrency, len(waiting))):
                workers.start_soon(self._work, waiting, uploaded)

    async def _work(self, waiting: list[Found], uploaded: MemoryObjectSendStream[Known]) -> None:
        while waiting:
            found = waiting.pop()
            known = await self._attempt(found.path, lambda found=found: self._upload(found))  # type: ignore[misc]
            self.progress.advance(found.size)
            if known is not None:
                await uploaded.send(known)

    async def _upload(self, found: Found) -> Known:
        before = self.journal.known.get(found.path)
        if before is not None and before.sha256 == found.sha256 and before.state == "uploaded":
            return before
        file = await self.client.files.acreate(
            file=(found.path, found.where), purpose="assistants", max_retries=RETRIES
        )
        older = _older(before)
        known = Known(path=found.path, sha256=found.sha256, file_id=file.id, state="uploaded", replaces=older)
        self.journal.note(known)
        self.summary.uploaded += 1
        self.summary.uploaded_bytes += found.size
        return known

    async def _attach_all(self, uploaded: MemoryObjectReceiveStream[Known]) -> None:
        async with uploaded:
            while batch := await _gathered(uploaded):
                try:
                    await self._attach(batch)
                except APIError as error:
                    self.summary.failed += [(known.path, reason_of(error)) for known in batch]

    async def _attach(self, batch: list[Known]) -> None:
        if not self.singly:
            try:
                return await self._attach_batch(batch)
            except BadRequestError as error:
                if (error.param, error.code) != ("files", "unsupported_parameter"):
                    raise
                self.singly = True
        async with anyio.create_task_group() as workers:
            waiting = list(reversed(batch))
            for _ in range(min(self.concurrency, len(waiting))):
                workers.start_soon(self._attach_waiting, waiting)
        return None

    async def _attach_waiting(self, waiting: list[Known]) -> None:
        while waiting:
            known = waiting.pop()
            await self._attempt(known.path, lambda known=known: self._attach_one(known))  # type: ignore[misc]

    async def _attach_one(self, known: Known) -> None:
        """By itself: Azure has no batch whose files differ in their attributes."""
        file = await self.client.vector_stores.files.acreate_and_poll(
            known.file_id, vector_store_id=self.store_id, attributes=_attributes(known), max_retries=RETRIES
        )
        await self._conclude(known, _failure(file) if file.status in _ENDED_BADLY else None)

    async def _attach_batch(self, batch: list[Known]) -> None:
        files = [{"file_id": known.file_id, "attributes": _attributes(known)} for known in batch]
        batches = self.client.vector_stores.file_batches
        made = await batches.acreate_and_poll(self.store_id, files=files, max_retries=RETRIES)
        failures: dict[str, Failure] = {}
        if made.file_counts.completed != made.file_counts.total:
            failures = await self._failures(made.id)
        for known in batch:
            await self._conclude(known, failures.get(known.file_id))

    async def _failures(self, batch_id: str) -> dict[str, Failure]:
        listed = self.client.vector_stores.file_batches.alist_files(
            batch_id, vector_store_id=self.store_id, limit=100, max_retries=RETRIES
        )
        return {file.id: _failure(file) async for file in listed if file.status in _ENDED_BADLY}

    async def _conclude(self, known: Known, failure: Failure | None) -> None:
        if failure is None:
            await self._finish(known)
            return
        self.summary.failed.append((known.path, failure.reason))
        await self._attempt(known.path, lambda: self._give_up(known, failure))

    async def _finish(self, known: Known) -> None:
        """It is indexed: now its older versions may go."""
        self.journal.note(replace(known, state="done"))
        self.summary.attached += 1
        if known.replaces:
            self.summary.replaced += 1
            await self._attempt(known.path, lambda: self._remove(known))

    async def _remove(self, known: Known) -> None:
        for file_id in known.replaces:
            await self._drop(file_id)
        self.journal.note(replace(known, state="done", replaces=()))

    async def _give_up(self, known: Known, failure: Failure) -> None:
        """It cannot be indexed: its upload goes, and the version before it stays."""
        await self._drop(known.file_id)
        if failure.for_good:
            self.journal.note(replace(known, state="refused", reason=failure.reason))
        else:
            self.journal.note(replace(known, state="failed"))

    async def _drop(self, file_id: str) -> None:
        # Not found: it was never attached, or an interrupted run had taken this step.
        with suppress(NotFoundError):
            await self.client.vector_stores.files.adelete(file_id, vector_store_id=self.store_id, max_retries=RETRIES)
        with suppress(NotFoundError):
            await self.client.files.adelete(file_id, max_retries=RETRIES)

    async def _attempt(self, path: str, act: Callable[[], Awaitable[Known | None]]) -> Known | None:
        try:
            return await act()
        except (APIError, OSError) as error:
            self.summary.failed.append((path, reason_of(error)))
            return None


async def _gathered(uploaded: MemoryObjectReceiveStream[Known]) -> list[Known]:
    """Up to BATCH of what comes; none when nothing will come any more."""
    batch: list[Known] = []
    try:
        batch.append(await uploaded.receive())
        with anyio.move_on_after(GATHER_SECONDS):
            while len(batch) < BATCH:
                batch.append(await uploaded.receive())
    except anyio.EndOfStream:
        pass
    return batch


def _older(before: Known | None) -> tuple[str, ...]:
    """What is to go once a new version is indexed; of a version that failed, nothing is left."""
    if before is None:
        return ()
    return before.replaces if before.state in {"failed", "refused"} else (*before.replaces, before.file_id)


def _failure(file: VectorStoreFile) -> Failure:
    if file.last_error is None:
        return Failure(file.status, for_good=False)
    return Failure(file.last_error.message, for_good=file.last_error.code in FOR_GOOD)


def _attributes(known: Known) -> dict[str, str]:
    """What a search can filter by, and what tells two versions apart."""
    return {"path": known.path[-ATTRIBUTE_MAX:], "sha256": known.sha256}


def reason_of(error: Exception) -> str:
    """One line."""
    if isinstance(error, APIError) and isinstance(error.body, dict):
        return str(error.body.get("message") or error)
    return str(error) or type(error).__name__
