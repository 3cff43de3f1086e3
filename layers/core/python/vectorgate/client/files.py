"""`files`: uploaded files, independent of any store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from vectorgate.client.calls import Parameters, perform
from vectorgate.client.group import Group
from vectorgate.client.options import CallOptions, Options, without_none
from vectorgate.client.resources import BinaryContent, Deleted, FileObject
from vectorgate.client.sync_async import async_, async_pages, sync, sync_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.client.file_inputs import FileInput
    from vectorgate.client.flow import Flow
    from vectorgate.client.pages import RawPage

_PROCESSED = frozenset({"processed", "error", "deleted"})


class Files(Group):
    """Each method `name` has an awaited form `aname` with the same parameters."""

    def _create(
        self,
        *,
        file: FileInput,
        purpose: str,
        expires_after: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[FileObject]:
        """Upload a file: bytes, a path, a binary stream, or `(filename, one of these[, content type])`."""
        return self._perform(FileObject, upload_parameters(file, purpose, expires_after), options)

    def _retrieve(self, file_id: str, **options: Unpack[CallOptions]) -> Flow[FileObject]:
        """Retrieve a file's description."""
        return self._perform(FileObject, Parameters(operation="files.retrieve", ids={"file_id": file_id}), options)

    def _delete(self, file_id: str, **options: Unpack[CallOptions]) -> Flow[Deleted]:
        """Delete a file, which detaches it from every store."""
        return self._perform(Deleted, Parameters(operation="files.delete", ids={"file_id": file_id}), options)

    def _content(self, file_id: str, **options: Unpack[CallOptions]) -> Flow[BinaryContent]:
        """Retrieve a file's own bytes."""
        parameters = Parameters(operation="files.content", ids={"file_id": file_id})
        success = yield from perform(self._client, parameters, Options(**options))
        return BinaryContent(success.content, success.info)

    def _wait_for_processing(
        self,
        id: str,  # noqa: A002 - openai's name
        *,
        poll_interval: float = 5.0,
        max_wait_seconds: float = 30 * 60.0,
    ) -> Flow[FileObject]:
        """Poll until the provider has processed the file. TimeoutError after `max_wait_seconds`."""
        return self._poll(
            lambda: self._retrieve(id), lambda file: file.status in _PROCESSED, poll_interval * 1000, max_wait_seconds
        )

    def _list(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        order: str | None = None,
        purpose: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[RawPage[FileObject]]:
        """List the files, newest first. Iterating continues with the pages that follow."""
        query = without_none(after=after, limit=limit, order=order, purpose=purpose)
        return self._page(FileObject, "files.list", query, options)

    create, acreate = sync(_create), async_(_create)
    retrieve, aretrieve = sync(_retrieve), async_(_retrieve)
    delete, adelete = sync(_delete), async_(_delete)
    content, acontent = sync(_content), async_(_content)
    wait_for_processing, await_for_processing = sync(_wait_for_processing), async_(_wait_for_processing)
    list, alist = sync_pages(_list), async_pages(_list)


def upload_parameters(
    file: FileInput, purpose: str = "assistants", expires_after: Mapping[str, Any] | None = None
) -> Parameters:
    """The parameters of `files.create`."""
    body = without_none(purpose=purpose, expires_after=expires_after)
    return Parameters(operation="files.create", body=body, file=file)
