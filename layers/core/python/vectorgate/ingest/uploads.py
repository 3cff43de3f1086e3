"""An object as a file of the provider's: spooled to disk, never held in memory, and sent once."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from vectorgate.api.form_data import MAX_IN_MEMORY, file_upload
from vectorgate.api.http import Body
from vectorgate.api.operations import BY_NAME
from vectorgate.ingest.model import Postponed, Rejected
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.ingest.team_client import AGAIN, step_key

if TYPE_CHECKING:
    from vectorgate.ids import ObjectId
    from vectorgate.ingest.ports import StoredObject
    from vectorgate.ingest.team_client import TeamClient

MAX_OBJECT: Final = 512 * 1024 * 1024  # OpenAI's largest file
OPERATION: Final = "files.create"
PIECE: Final = 64 * 1024
_DEFAULT_TYPE: Final = "application/octet-stream"
_MAX_TYPE: Final = 200


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads of one change, by its first key."""

    client: TeamClient
    first: str

    def found(self) -> tuple[ObjectId | None, str]:
        """The file, if there is one, and the key to upload it under otherwise. Postponed while one is open.

        A lost upload is found again by name and size, and two objects can have both in common. Such a file is deleted
        and the next key's turn has come: an object is sent twice rather than mistaken for another.
        """
        key = self.first
        while (made := self.client.created(OPERATION, key)) is not None:
            if not made.weak:
                return made.id, key
            self.client.find("files.delete", file_id=made.id)
            key = step_key("instead of", key, made.id)
        return None, key

    def send(self, filename: str, stored: StoredObject, *, seconds: float) -> ObjectId:
        """The file's id. Postponed, Rejected or SourceUnavailable. `stored` is read; its stream stays to be closed."""
        if stored.size > MAX_OBJECT:
            raise Rejected(f"The object has {stored.size} bytes: a file has at most {MAX_OBJECT}.", status=413)
        _, key = self.found()
        content = _spooled(stored)
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
        file_id, _ = self.found()
        if file_id is None:
            raise Postponed(AGAIN, "The file's record is not written yet.")
        return file_id


def _spooled(stored: StoredObject) -> Body:
    """The object's content, to be read as often as it is sent: in memory, or beyond MAX_IN_MEMORY on disk.

    SourceUnavailable when it is not as long as it was said to be.
    """
    file = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=MAX_IN_MEMORY))  # noqa: SIM115 - it outlives this
    try:
        left = stored.size + 1  # one more than there should be, to notice it
        while left and (piece := stored.stream.read(min(PIECE, left))):
            file.write(piece)
            left -= len(piece)
        if left != 1:
            raise SourceUnavailable("the object is not as long as it was said to be")
    except BaseException:
        file.close()
        raise
    return Body(stored.size, file)


def _media_type(text: str | None) -> str:
    """As the bucket has it, where that can stand in a header."""
    usable = text and len(text) <= _MAX_TYPE and text.isascii() and text.isprintable()
    return text if usable and text else _DEFAULT_TYPE
