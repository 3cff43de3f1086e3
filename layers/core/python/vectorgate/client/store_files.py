"""`vector_stores.files`: the files of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from vectorgate.client.calls import Parameters
from vectorgate.client.files import upload_parameters
from vectorgate.client.group import Group
from vectorgate.client.options import CallOptions, without_none
from vectorgate.client.resources import Deleted, FileObject, StoreFileContent, VectorStoreFile
from vectorgate.client.sync_async import async_, async_pages, sync, sync_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.client.file_inputs import FileInput
    from vectorgate.client.flow import Flow
    from vectorgate.client.pages import RawPage


class StoreFiles(Group):
    """Each method `name` has an awaited form `aname` with the same parameters."""

    def _create(
        self,
        vector_store_id: str,
        *,
        file_id: str,
        attributes: Mapping[str, Any] | None = None,
        chunking_strategy: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStoreFile]:
        """Attach an uploaded file; it is indexed afterwards."""
        body = without_none(file_id=file_id, attributes=attributes, chunking_strategy=chunking_strategy)
        return self._perform(
            VectorStoreFile, _parameters("create", {"vector_store_id": vector_store_id}, body), options
        )

    def _retrieve(self, file_id: str, *, vector_store_id: str, **options: Unpack[CallOptions]) -> Flow[VectorStoreFile]:
        """Retrieve a file's description, with its `status`."""
        return self._perform(VectorStoreFile, _parameters("retrieve", _ids(file_id, vector_store_id)), options)

    def _update(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        attributes: Mapping[str, Any] | None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStoreFile]:
        """Replace all attributes; None removes them."""
        parameters = _parameters("update", _ids(file_id, vector_store_id), {"attributes": attributes})
        return self._perform(VectorStoreFile, parameters, options)

    def _delete(self, file_id: str, *, vector_store_id: str, **options: Unpack[CallOptions]) -> Flow[Deleted]:
        """Detach a file. The uploaded file itself is kept."""
        return self._perform(Deleted, _parameters("delete", _ids(file_id, vector_store_id)), options)

    def _content(self, file_id: str, *, vector_store_id: str, **options: Unpack[CallOptions]) -> Flow[StoreFileContent]:
        """Retrieve the text that was extracted from a file."""
        return self._perform(StoreFileContent, _parameters("content", _ids(file_id, vector_store_id)), options)

    def _list(
        self,
        vector_store_id: str,
        *,
        after: str | None = None,
        before: str | None = None,
        filter: str | None = None,  # noqa: A002 - the API's own name
        limit: int | None = None,
        order: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[RawPage[VectorStoreFile]]:
        """List a store's files. `filter`: in_progress, completed, failed or cancelled."""
        query = without_none(after=after, before=before, filter=filter, limit=limit, order=order)
        return self._page(
            VectorStoreFile, "vector_stores.files.list", query, options, {"vector_store_id": vector_store_id}
        )

    def _poll_file(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: float | None = None,
        max_wait_seconds: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStoreFile]:
        """Poll until the file is indexed or has failed: see its `status` and `last_error`."""
        return self._poll(
            lambda: self._retrieve(file_id, vector_store_id=vector_store_id, **options),
            lambda file: file.status != "in_progress",
            poll_interval_ms,
            max_wait_seconds,
        )

    def _create_and_poll(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        attributes: Mapping[str, Any] | None = None,
        chunking_strategy: Mapping[str, Any] | None = None,
        poll_interval_ms: float | None = None,
        max_wait_seconds: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStoreFile]:
        """Attach a file, and poll until it is indexed."""
        created = yield from self._create(
            vector_store_id, file_id=file_id, attributes=attributes, chunking_strategy=chunking_strategy, **options
        )
        if created.status != "in_progress":
            return created
        return (
            yield from self._poll_file(
                file_id,
                vector_store_id=vector_store_id,
                poll_interval_ms=poll_interval_ms,
                max_wait_seconds=max_wait_seconds,
                **options,
            )
        )

    def _upload(
        self,
        vector_store_id: str,
        *,
        file: FileInput,
        attributes: Mapping[str, Any] | None = None,
        chunking_strategy: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStoreFile]:
        """Upload a file and attach it."""
        uploaded = yield from self._perform(FileObject, upload_parameters(file), options)
        return (
            yield from self._create(
                vector_store_id,
                file_id=uploaded.id,
                attributes=attributes,
                chunking_strategy=chunking_strategy,
                **options,
            )
        )

    def _upload_and_poll(
        self,
        vector_store_id: str,
        *,
        file: FileInput,
        attributes: Mapping[str, Any] | None = None,
        chunking_strategy: Mapping[str, Any] | None = None,
        poll_interval_ms: float | None = None,
        max_wait_seconds: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStoreFile]:
        """Upload a file, attach it, and poll until it is indexed."""
        uploaded = yield from self._perform(FileObject, upload_parameters(file), options)
        return (
            yield from self._create_and_poll(
                uploaded.id,
                vector_store_id=vector_store_id,
                attributes=attributes,
                chunking_strategy=chunking_strategy,
                poll_interval_ms=poll_interval_ms,
                max_wait_seconds=max_wait_seconds,
                **options,
            )
        )

    create, acreate = sync(_create), async_(_create)
    retrieve, aretrieve = sync(_retrieve), async_(_retrieve)
    update, aupdate = sync(_update), async_(_update)
    delete, adelete = sync(_delete), async_(_delete)
    content, acontent = sync(_content), async_(_content)
    poll, apoll = sync(_poll_file), async_(_poll_file)
    create_and_poll, acreate_and_poll = sync(_create_and_poll), async_(_create_and_poll)
    upload, aupload = sync(_upload), async_(_upload)
    upload_and_poll, aupload_and_poll = sync(_upload_and_poll), async_(_upload_and_poll)
    list, alist = sync_pages(_list), async_pages(_list)


def _ids(file_id: str, vector_store_id: str) -> dict[str, str]:
    return {"vector_store_id": vector_store_id, "file_id": file_id}


def _parameters(verb: str, ids: Mapping[str, str], body: Mapping[str, object] | None = None) -> Parameters:
    return Parameters(operation=f"vector_stores.files.{verb}", ids=ids, body=body)
