"""`vector_stores.files`: the files of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from vectorgate.client.calls import Asked
from vectorgate.client.faces import apages, awaits, pages, waits
from vectorgate.client.files import uploading
from vectorgate.client.group import Group
from vectorgate.client.options import CallOptions, given
from vectorgate.client.resources import Deleted, FileObject, StoreFileContent, VectorStoreFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.client.exchange import Flow
    from vectorgate.client.faces import Leaf
    from vectorgate.providers.http.multipart import FileInput


class StoreFiles(Group):
    """Each method has an awaited form of the same parameters, with an `a` in front of its name."""

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
        body = given(file_id=file_id, attributes=attributes, chunking_strategy=chunking_strategy)
        return self._ask(VectorStoreFile, _of("create", {"vector_store_id": vector_store_id}, body), options)

    def _retrieve(self, file_id: str, *, vector_store_id: str, **options: Unpack[CallOptions]) -> Flow[VectorStoreFile]:
        """One file, and how far it is."""
        return self._ask(VectorStoreFile, _of("retrieve", _both(file_id, vector_store_id)), options)

    def _update(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        attributes: Mapping[str, Any] | None,
        **options: Unpack[CallOptions],
    ) -> Flow[VectorStoreFile]:
        """Replace all attributes; None takes them away."""
        asked = _of("update", _both(file_id, vector_store_id), {"attributes": attributes})
        return self._ask(VectorStoreFile, asked, options)

    def _delete(self, file_id: str, *, vector_store_id: str, **options: Unpack[CallOptions]) -> Flow[Deleted]:
        """Detach a file. The file itself stays."""
        return self._ask(Deleted, _of("delete", _both(file_id, vector_store_id)), options)

    def _content(self, file_id: str, *, vector_store_id: str, **options: Unpack[CallOptions]) -> Flow[StoreFileContent]:
        """The text that was found in a file."""
        return self._ask(StoreFileContent, _of("content", _both(file_id, vector_store_id)), options)

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
    ) -> Flow[Leaf[VectorStoreFile]]:
        """A store's files. `filter`: in_progress, completed, failed or cancelled."""
        query = given(after=after, before=before, filter=filter, limit=limit, order=order)
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
        """Look until the file is indexed, or is not going to be: see its `status` and `last_error`."""
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
        """Attach a file, and look until it is indexed."""
        made = yield from self._create(
            vector_store_id, file_id=file_id, attributes=attributes, chunking_strategy=chunking_strategy, **options
        )
        if made.status != "in_progress":
            return made
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
        uploaded = yield from self._ask(FileObject, uploading(file), options)
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
        """Upload a file, attach it, and look until it is indexed."""
        uploaded = yield from self._ask(FileObject, uploading(file), options)
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

    create, acreate = waits(_create), awaits(_create)
    retrieve, aretrieve = waits(_retrieve), awaits(_retrieve)
    update, aupdate = waits(_update), awaits(_update)
    delete, adelete = waits(_delete), awaits(_delete)
    content, acontent = waits(_content), awaits(_content)
    poll, apoll = waits(_poll_file), awaits(_poll_file)
    create_and_poll, acreate_and_poll = waits(_create_and_poll), awaits(_create_and_poll)
    upload, aupload = waits(_upload), awaits(_upload)
    upload_and_poll, aupload_and_poll = waits(_upload_and_poll), awaits(_upload_and_poll)
    list, alist = pages(_list), apages(_list)


def _both(file_id: str, vector_store_id: str) -> dict[str, str]:
    return {"vector_store_id": vector_store_id, "file_id": file_id}


def _of(verb: str, ids: Mapping[str, str], body: Mapping[str, object] | None = None) -> Asked:
    return Asked(operation=f"vector_stores.files.{verb}", ids=ids, body=body)
