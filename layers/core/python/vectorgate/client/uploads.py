"""`uploads`: a file in parts, for files that are too large for one request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from vectorgate.api.operations import PORTABLE_PART_SIZE
from vectorgate.client.calls import Parameters
from vectorgate.client.file_inputs import file_source
from vectorgate.client.group import Group
from vectorgate.client.options import CallOptions, without_none
from vectorgate.client.resources import Upload, UploadPart
from vectorgate.client.sync_async import async_, sync

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO

    from vectorgate.client.file_inputs import FileInput
    from vectorgate.client.flow import Flow
    from vectorgate.client.group import GroupClient


class UploadParts(Group):
    """Each method `name` has an awaited form `aname` with the same parameters."""

    def _create(self, upload_id: str, *, data: FileInput, **options: Unpack[CallOptions]) -> Flow[UploadPart]:
        """Add a part. Parts may be sent in any order and concurrently: `complete` says their order."""
        parameters = Parameters(operation="uploads.parts.create", ids={"upload_id": upload_id}, file=data)
        return self._perform(UploadPart, parameters, options)

    create, acreate = sync(_create), async_(_create)


class Uploads(Group):
    """Each method `name` has an awaited form `aname` with the same parameters."""

    def __init__(self, client: GroupClient) -> None:
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
        """Create an upload of so many bytes. It expires an hour later unless it is completed."""
        body = without_none(
            bytes=bytes, filename=filename, mime_type=mime_type, purpose=purpose, expires_after=expires_after
        )
        return self._perform(Upload, Parameters(operation="uploads.create", body=body), options)

    def _complete(
        self, upload_id: str, *, part_ids: Sequence[str], md5: str | None = None, **options: Unpack[CallOptions]
    ) -> Flow[Upload]:
        """Join the parts, in this order. The result's `file` is the file that they make."""
        body = without_none(part_ids=list(part_ids), md5=md5)
        parameters = Parameters(operation="uploads.complete", ids={"upload_id": upload_id}, body=body)
        return self._perform(Upload, parameters, options)

    def _cancel(self, upload_id: str, **options: Unpack[CallOptions]) -> Flow[Upload]:
        """Cancel an upload."""
        return self._perform(Upload, Parameters(operation="uploads.cancel", ids={"upload_id": upload_id}), options)

    def _upload_file_chunked(
        self,
        *,
        file: FileInput | str,
        mime_type: str,
        purpose: str,
        filename: str | None = None,
        bytes: int | None = None,  # noqa: A002 - openai's name
        part_size: int | None = None,
        md5: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Flow[Upload]:
        """Create, send one part after the other, complete. Text is a path, as in openai's SDK.

        The default part fits every gateway's HTTP entry point.
        """
        if part_size is not None and part_size < 1:
            raise ValueError(f"a part has at least one byte, not {part_size}")
        source = file_source(Path(file) if isinstance(file, str) else file)
        size = source.size if bytes is None else bytes
        name = filename or source.filename
        created = yield from self._create(bytes=size, filename=name, mime_type=mime_type, purpose=purpose, **options)
        parts: list[str] = []
        with source.open() as stream:
            for data in _pieces(stream, part_size or PORTABLE_PART_SIZE):
                part = yield from self.parts._create(created.id, data=data, **options)  # noqa: SLF001 - our own flow
                parts.append(part.id)
        return (yield from self._complete(created.id, part_ids=parts, md5=md5, **options))

    create, acreate = sync(_create), async_(_create)
    complete, acomplete = sync(_complete), async_(_complete)
    cancel, acancel = sync(_cancel), async_(_cancel)
    upload_file_chunked, aupload_file_chunked = sync(_upload_file_chunked), async_(_upload_file_chunked)


def _pieces(stream: IO[bytes], size: int) -> Iterator[bytes]:
    while piece := stream.read(size):
        yield piece
