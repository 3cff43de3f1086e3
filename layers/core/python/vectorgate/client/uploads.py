"""`uploads`: a file in parts, where one request is too small for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from vectorgate.api.operations import PORTABLE_PART_SIZE
from vectorgate.client.calls import Asked
from vectorgate.client.faces import awaits, waits
from vectorgate.client.group import Group
from vectorgate.client.options import CallOptions, given
from vectorgate.client.resources import Upload, UploadPart
from vectorgate.providers.http.multipart import upload_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO

    from vectorgate.client.client import Client
    from vectorgate.client.exchange import Flow
    from vectorgate.providers.http.multipart import FileInput


class UploadParts(Group):
    """Each method has an awaited form of the same parameters, with an `a` in front of its name."""

    def _create(self, upload_id: str, *, data: FileInput, **options: Unpack[CallOptions]) -> Flow[UploadPart]:
        """Add a part. Parts may be sent in any order, and several at a time: `complete` says how they belong."""
        asked = Asked(operation="uploads.parts.create", ids={"upload_id": upload_id}, file=data)
        return self._ask(UploadPart, asked, options)

    create, acreate = waits(_create), awaits(_create)


class Uploads(Group):
    """Each method has an awaited form of the same parameters, with an `a` in front of its name."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.parts = UploadParts(client)

    def _create(
        self,
        *,
        bytes: int,  # noqa: A002 - openai's name
        filename: str,
        mime_type: str,
        purpose: str,
        expires_after: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[Upload]:
        """Announce a file of so many bytes. What is not completed within the hour is gone."""
        body = given(bytes=bytes, filename=filename, mime_type=mime_type, purpose=purpose, expires_after=expires_after)
        return self._ask(Upload, Asked(operation="uploads.create", body=body), options)

    def _complete(
        self, upload_id: str, *, part_ids: Sequence[str], md5: str | None = None, **options: Unpack[CallOptions]
    ) -> Flow[Upload]:
        """Put the parts together, in this order. The answer's `file` is the file that they make."""
        body = given(part_ids=list(part_ids), md5=md5)
        asked = Asked(operation="uploads.complete", ids={"upload_id": upload_id}, body=body)
        return self._ask(Upload, asked, options)

    def _cancel(self, upload_id: str, **options: Unpack[CallOptions]) -> Flow[Upload]:
        """Give an upload up."""
        return self._ask(Upload, Asked(operation="uploads.cancel", ids={"upload_id": upload_id}), options)

    def _upload_file_chunked(
        self,
        *,
        file: FileInput,
        mime_type: str,
        purpose: str,
        filename: str | None = None,
        bytes: int | None = None,  # noqa: A002 - openai's name
        part_size: int | None = None,
        md5: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[Upload]:
        """Announce, send one part after the other, complete. The parts' size passes through every gateway's door."""
        if part_size is not None and part_size < 1:
            raise ValueError(f"a part has at least one byte, not {part_size}")
        whole = upload_of(file)
        size = whole.size if bytes is None else bytes
        name = filename or whole.filename
        created = yield from self._create(bytes=size, filename=name, mime_type=mime_type, purpose=purpose, **options)
        stream, parts = whole.open(), []
        try:
            for data in _pieces(stream, part_size or PORTABLE_PART_SIZE):
                part = yield from self.parts._create(created.id, data=data, **options)  # noqa: SLF001 - a flow of ours
                parts.append(part.id)
        finally:
            if whole.owned:
                stream.close()
        return (yield from self._complete(created.id, part_ids=parts, md5=md5, **options))

    create, acreate = waits(_create), awaits(_create)
    complete, acomplete = waits(_complete), awaits(_complete)
    cancel, acancel = waits(_cancel), awaits(_cancel)
    upload_file_chunked, aupload_file_chunked = waits(_upload_file_chunked), awaits(_upload_file_chunked)


def _pieces(stream: IO[bytes], size: int) -> Iterator[bytes]:
    while piece := stream.read(size):
        yield piece
