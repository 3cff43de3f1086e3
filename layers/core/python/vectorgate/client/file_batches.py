"""`vector_stores.file_batches`: many files attached in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from vectorgate.client.calls import Parameters
from vectorgate.client.files import upload_parameters
from vectorgate.client.flow import Concurrently
from vectorgate.client.group import Group
from vectorgate.client.options import CallOptions, without_none
from vectorgate.client.resources import FileObject, VectorStoreFile, VectorStoreFileBatch
from vectorgate.client.sync_async import async_, async_pages, sync, sync_pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vectorgate.client.file_inputs import FileInput
    from vectorgate.client.flow import Flow
    from vectorgate.client.pages import RawPage

MAX_CONCURRENCY = 5  # as in openai's SDK


class FileBatches(Group):
    """Each method `name` has an awaited form `aname` with the same parameters."""

    def _create(
        self,
        vector_store_id: str,
        *,
        file_ids: Sequence[str] | None = None,
        files: Sequence[Mapping[str, Any]] | None = None,
        attributes: Mapping[str, Any] | None = None,
        chunking_strategy: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStoreFileBatch]:
        """Attach many files: `file_ids` with the same attributes for all, or `files` with their own."""
        body = without_none(file_ids=file_ids, files=files, attributes=attributes, chunking_strategy=chunking_strategy)
        return self._perform(
            VectorStoreFileBatch, _parameters("create", {"vector_store_id": vector_store_id}, body), options
        )

    def _retrieve(
        self, batch_id: str, *, vector_store_id: str, **options: Unpack[CallOptions]
    ) -> Flow[VectorStoreFileBatch]:
        """Retrieve a batch, with the counts of its files by status."""
        return self._perform(VectorStoreFileBatch, _parameters("retrieve", _ids(batch_id, vector_store_id)), options)

    def _cancel(
        self, batch_id: str, *, vector_store_id: str, **options: Unpack[CallOptions]
    ) -> Flow[VectorStoreFileBatch]:
        """Cancel the indexing of the files that are still in progress."""
        return self._perform(VectorStoreFileBatch, _parameters("cancel", _ids(batch_id, vector_store_id)), options)

    def _list_files(
        self,
        batch_id: str,
        *,
        vector_store_id: str,
        after: str | None = None,
        before: str | None = None,
        filter: str | None = None,  # noqa: A002 - the API's own name
        limit: int | None = None,
        order: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[RawPage[VectorStoreFile]]:
        """List a batch's files. `filter`: in_progress, completed, failed or cancelled."""
        query = without_none(after=after, before=before, filter=filter, limit=limit, order=order)
        ids = _ids(batch_id, vector_store_id)
        return self._page(VectorStoreFile, "vector_stores.file_batches.list_files", query, options, ids)

    def _poll_batch(
        self,
        batch_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: float | None = None,
        max_wait_seconds: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStoreFileBatch]:
        """Poll until no file is in progress; some may have failed (`file_counts`)."""
        return self._poll(
            lambda: self._retrieve(batch_id, vector_store_id=vector_store_id, **options),
            lambda batch: not batch.file_counts.in_progress,
            poll_interval_ms,
            max_wait_seconds,
        )

    def _create_and_poll(
        self,
        vector_store_id: str,
        *,
        file_ids: Sequence[str] | None = None,
        files: Sequence[Mapping[str, Any]] | None = None,
        attributes: Mapping[str, Any] | None = None,
        chunking_strategy: Mapping[str, Any] | None = None,
        poll_interval_ms: float | None = None,
        max_wait_seconds: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStoreFileBatch]:
        """Attach many files, and poll until none is in progress."""
        created = yield from self._create(
            vector_store_id,
            file_ids=file_ids,
            files=files,
            attributes=attributes,
            chunking_strategy=chunking_strategy,
            **options,
        )
        return (
            yield from self._poll_batch(
                created.id,
                vector_store_id=vector_store_id,
                poll_interval_ms=poll_interval_ms,
                max_wait_seconds=max_wait_seconds,
                **options,
            )
        )

    def _upload_and_poll(
        self,
        vector_store_id: str,
        *,
        files: Iterable[FileInput],
        file_ids: Sequence[str] = (),
        max_concurrency: int = MAX_CONCURRENCY,
        chunking_strategy: Mapping[str, Any] | None = None,
        poll_interval_ms: float | None = None,
        max_wait_seconds: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStoreFileBatch]:
        """Upload files (`max_concurrency` at a time when awaited, else one by one), attach them, and poll."""
        flows = [self._perform(FileObject, upload_parameters(file), options) for file in files]
        uploaded: list[FileObject] = yield Concurrently(flows, max_concurrency)
        return (
            yield from self._create_and_poll(
                vector_store_id,
                file_ids=[*file_ids, *(file.id for file in uploaded)],
                chunking_strategy=chunking_strategy,
                poll_interval_ms=poll_interval_ms,
                max_wait_seconds=max_wait_seconds,
                **options,
            )
        )

    create, acreate = sync(_create), async_(_create)
    retrieve, aretrieve = sync(_retrieve), async_(_retrieve)
    cancel, acancel = sync(_cancel), async_(_cancel)
    poll, apoll = sync(_poll_batch), async_(_poll_batch)
    create_and_poll, acreate_and_poll = sync(_create_and_poll), async_(_create_and_poll)
    upload_and_poll, aupload_and_poll = sync(_upload_and_poll), async_(_upload_and_poll)
    list_files, alist_files = sync_pages(_list_files), async_pages(_list_files)


def _ids(batch_id: str, vector_store_id: str) -> dict[str, str]:
    return {"vector_store_id": vector_store_id, "batch_id": batch_id}


def _parameters(verb: str, ids: Mapping[str, str], body: Mapping[str, object] | None = None) -> Parameters:
    return Parameters(operation=f"vector_stores.file_batches.{verb}", ids=ids, body=body)
