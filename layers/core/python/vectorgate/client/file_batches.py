"""`vector_stores.file_batches`: many files attached in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from vectorgate.client.calls import Asked
from vectorgate.client.exchange import Together
from vectorgate.client.faces import apages, awaits, pages, waits
from vectorgate.client.files import uploading
from vectorgate.client.group import Group
from vectorgate.client.options import CallOptions, given
from vectorgate.client.resources import FileObject, VectorStoreFile, VectorStoreFileBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vectorgate.client.exchange import Flow
    from vectorgate.client.faces import Leaf
    from vectorgate.providers.http.multipart import FileInput

MAX_CONCURRENCY = 5  # as in openai's SDK


class FileBatches(Group):
    """Each method has an awaited form of the same parameters, with an `a` in front of its name."""

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
        body = given(file_ids=file_ids, files=files, attributes=attributes, chunking_strategy=chunking_strategy)
        return self._ask(VectorStoreFileBatch, _of("create", {"vector_store_id": vector_store_id}, body), options)

    def _retrieve(
        self, batch_id: str, *, vector_store_id: str, **options: Unpack[CallOptions]
    ) -> Flow[VectorStoreFileBatch]:
        """One batch, and how far it is."""
        return self._ask(VectorStoreFileBatch, _of("retrieve", _both(batch_id, vector_store_id)), options)

    def _cancel(
        self, batch_id: str, *, vector_store_id: str, **options: Unpack[CallOptions]
    ) -> Flow[VectorStoreFileBatch]:
        """Stop what has not been indexed yet."""
        return self._ask(VectorStoreFileBatch, _of("cancel", _both(batch_id, vector_store_id)), options)

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
    ) -> Flow[Leaf[VectorStoreFile]]:
        """A batch's files. `filter`: in_progress, completed, failed or cancelled."""
        query = given(after=after, before=before, filter=filter, limit=limit, order=order)
        ids = _both(batch_id, vector_store_id)
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
        """Look until no file is in progress; some may have failed (`file_counts`)."""
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
        """Attach many files, and look until they are indexed."""
        made = yield from self._create(
            vector_store_id,
            file_ids=file_ids,
            files=files,
            attributes=attributes,
            chunking_strategy=chunking_strategy,
            **options,
        )
        return (
            yield from self._poll_batch(
                made.id,
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
        """Upload files (several at a time when awaited, one after the other when not), and attach them all."""
        flows = [self._ask(FileObject, uploading(file), options) for file in files]
        uploaded: list[FileObject] = yield Together(flows, max_concurrency)
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

    create, acreate = waits(_create), awaits(_create)
    retrieve, aretrieve = waits(_retrieve), awaits(_retrieve)
    cancel, acancel = waits(_cancel), awaits(_cancel)
    poll, apoll = waits(_poll_batch), awaits(_poll_batch)
    create_and_poll, acreate_and_poll = waits(_create_and_poll), awaits(_create_and_poll)
    upload_and_poll, aupload_and_poll = waits(_upload_and_poll), awaits(_upload_and_poll)
    list_files, alist_files = pages(_list_files), apages(_list_files)


def _both(batch_id: str, vector_store_id: str) -> dict[str, str]:
    return {"vector_store_id": vector_store_id, "batch_id": batch_id}


def _of(verb: str, ids: Mapping[str, str], body: Mapping[str, object] | None = None) -> Asked:
    return Asked(operation=f"vector_stores.file_batches.{verb}", ids=ids, body=body)
