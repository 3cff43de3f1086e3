"""An object as a file at the provider: spooled to disk, never whole in memory, and uploaded once."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from vectorgate.api.form_data import MAX_IN_MEMORY, file_upload
from vectorgate.api.http import Body
from vectorgate.api.operations import BY_NAME
from vectorgate.classes import dataclass
from vectorgate.ingest.model import PermanentFailureError, RetryLaterError
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.ingest.team_client import RETRY_SECONDS, step_key

if TYPE_CHECKING:
    from vectorgate.ids import ObjectId
    from vectorgate.ingest.ports import StoredObject
    from vectorgate.ingest.team_client import TeamClient

MAX_OBJECT_BYTES: Final = 512 * 1024 * 1024  # OpenAI's largest file
OPERATION: Final = "files.create"
CHUNK_BYTES: Final = 64 * 1024
_DEFAULT_TYPE: Final = "application/octet-stream"
_MAX_TYPE: Final = 200


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads of one change. `first_key`: the idempotency key of the first."""

    client: TeamClient
    first_key: str

    def existing(self) -> tuple[ObjectId | None, str]:
        """The uploaded file, if there is one, and the idempotency key for the next upload.

        RetryLaterError while an upload is in flight or its outcome unknown. An upload whose answer was lost is matched
        by name and size, which two objects can have in common. Such a file is deleted, and the next key is used: the
        object is uploaded twice rather than confused with another.
        """
        key = self.first_key
        while (created := self.client.created(OPERATION, key)) is not None:
            if not created.weak:
                return created.id, key
            self.client.find("files.delete", file_id=created.id)
            key = step_key("instead of", key, created.id)
        return None, key

    def upload(self, filename: str, stored: StoredObject, *, seconds: float) -> ObjectId:
        """Upload the object within so many seconds; its file id. The caller closes `stored.stream`.

        RetryLaterError, PermanentFailureError or SourceUnavailable.
        """
        if stored.size > MAX_OBJECT_BYTES:
            raise PermanentFailureError(
                f"The object has {stored.size} bytes: a file has at most {MAX_OBJECT_BYTES}.", status=413
            )
        _, key = self.existing()
        content = _spool(stored)
        try:
            upload = file_upload(
                BY_NAME[OPERATION],
                {"purpose": "assistants"},
                filename=filename,
                content_type=_media_type(stored.content_type),
                content=content,
            )
            self.client.upload(upload, key=key, seconds=seconds)
        finally:
            content.close()
        file_id, _ = self.existing()
        if file_id is None:
            raise RetryLaterError(RETRY_SECONDS, "The file's record is not written yet.")
        return file_id


def _spool(stored: StoredObject) -> Body:
    """Copy the object's content, to be read once an attempt: in memory, or beyond MAX_IN_MEMORY bytes on disk.

    SourceUnavailable when its length is not `stored.size`.
    """
    file = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=MAX_IN_MEMORY))  # noqa: SIM115 - the Body closes it
    try:
        _copy(stored, file)
    except BaseException:
        file.close()
        raise
    return Body(stored.size, file)


def _copy(stored: StoredObject, file: BinaryIO) -> None:
    remaining = stored.size + 1  # one byte more than announced, to detect a longer object
    while remaining and (chunk := stored.stream.read(min(CHUNK_BYTES, remaining))):
        file.write(chunk)
        remaining -= len(chunk)
    if remaining != 1:
        raise SourceUnavailable("the object's length is not the announced one")


def _media_type(text: str | None) -> str:
    """The object's own media type, where it is fit for a header."""
    usable = text and len(text) <= _MAX_TYPE and text.isascii() and text.isprintable()
    return text if usable and text else _DEFAULT_TYPE
