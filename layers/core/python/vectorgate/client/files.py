"""`files`: uploads, whatever store they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from vectorgate.client.calls import Asked, ask
from vectorgate.client.faces import apages, awaits, pages, waits
from vectorgate.client.group import Group
from vectorgate.client.options import CallOptions, Options, given
from vectorgate.client.resources import BinaryContent, Deleted, FileObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.client.exchange import Flow
    from vectorgate.client.faces import Leaf
    from vectorgate.providers.http.multipart import FileInput

_PROCESSED = frozenset({"processed", "error", "deleted"})


class Files(Group):
    """Each method has an awaited form of the same parameters, with an `a` in front of its name."""

    def _create(
        self,
        *,
        file: FileInput,
        purpose: str,
        expires_after: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[FileObject]:
        """Upload a file: bytes, a path, a binary stream, or `(filename, one of these[, content type])`."""
        return self._ask(FileObject, uploading(file, purpose, expires_after), options)

    def _retrieve(self, file_id: str, **options: Unpack[CallOptions]) -> Flow[FileObject]:
        """One file's description."""
        return self._ask(FileObject, Asked(operation="files.retrieve", ids={"file_id": file_id}), options)

    def _delete(self, file_id: str, **options: Unpack[CallOptions]) -> Flow[Deleted]:
        """Delete a file, and take it out of every store."""
        return self._ask(Deleted, Asked(operation="files.delete", ids={"file_id": file_id}), options)

    def _content(self, file_id: str, **options: Unpack[CallOptions]) -> Flow[BinaryContent]:
        """A file's own bytes."""
        asked = Asked(operation="files.content", ids={"file_id": file_id})
        received = yield from ask(self._client, asked, Options(**options))
        return BinaryContent(received.content, received.info)

    def _wait_for_processing(
        self,
        id: str,  # noqa: A002 - openai's name
        *,
        poll_interval: float = 5.0,
        max_wait_seconds: float = 30 * 60.0,
    ) -> Flow[FileObject]:
        """Look until the provider has processed the file. TimeoutError after `max_wait_seconds`."""
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
    ) -> Flow[Leaf[FileObject]]:
        """The files, newest first. Iterating goes on to the pages that follow."""
        query = given(after=after, limit=limit, order=order, purpose=purpose)
        return self._page(FileObject, "files.list", query, options)

    create, acreate = waits(_create), awaits(_create)
    retrieve, aretrieve = waits(_retrieve), awaits(_retrieve)
    delete, adelete = waits(_delete), awaits(_delete)
    content, acontent = waits(_content), awaits(_content)
    wait_for_processing, await_for_processing = waits(_wait_for_processing), awaits(_wait_for_processing)
    list, alist = pages(_list), apages(_list)


def uploading(file: FileInput, purpose: str = "assistants", expires_after: Mapping[str, Any] | None = None) -> Asked:
    """An upload's parameters."""
    return Asked(operation="files.create", body=given(purpose=purpose, expires_after=expires_after), file=file)
