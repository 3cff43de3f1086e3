"""An object on its way to the provider: streamed into the gateway's own form, never held in memory."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from vectorgate.api.http import Body, Request
from vectorgate.ingest.calls import AGAIN, step_key
from vectorgate.ingest.model import Postponed, Rejected
from vectorgate.ingest.ports import SourceUnavailable

if TYPE_CHECKING:
    from vectorgate.ids import ObjectId
    from vectorgate.ingest.calls import Caller
    from vectorgate.ingest.ports import StoredObject

MAX_OBJECT: Final = 512 * 1024 * 1024  # OpenAI's largest file
OPERATION: Final = "files.create"
PIECE: Final = 64 * 1024
_DEFAULT_TYPE: Final = "application/octet-stream"
_MAX_TYPE: Final = 200


class FormStream(io.RawIOBase):
    """`head`, then `size` bytes of `content`, then `tail`: read once, from the beginning."""

    def __init__(self, head: bytes, content: BinaryIO, size: int, tail: bytes) -> None:
        self.length = len(head) + size + len(tail)
        self._head, self._content, self._left, self._tail = head, content, size, tail
        self._begun = False

    def readable(self) -> bool:
        """Once."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To the beginning, where it is until it is read."""
        if offset or whence != io.SEEK_SET or self._begun:
            raise io.UnsupportedOperation("this stream is read once")
        return 0

    def read(self, size: int = -1, /) -> bytes:
        """The next piece of at most 64 KiB (or the head, or the tail), whatever `size` says. SourceUnavailable."""
        del size
        self._begun = True
        if self._head:
            head, self._head = self._head, b""
            return head
        if self._left:
            piece = self._content.read(min(PIECE, self._left))
            self._left -= len(piece)
            if not piece or (not self._left and self._content.read(1)):
                raise SourceUnavailable("the object is not as long as it was said to be")
            return piece
        tail, self._tail = self._tail, b""
        return tail


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads of one change, by its first key."""

    caller: Caller
    first: str

    def found(self) -> tuple[ObjectId | None, str]:
        """The file, if there is one, and the key to upload it under otherwise. Postponed while one is open.

        A lost upload is found again by name and size, and two objects can have both in common. Such a file is deleted
        and the next key's turn has come: an object is sent twice rather than mistaken for another.
        """
        key = self.first
        while (made := self.caller.made(OPERATION, key)) is not None:
            if not made.weak:
                return made.id, key
            self.caller.found("DELETE", f"/files/{made.id}")
            key = step_key("instead of", key, made.id)
        return None, key

    def send(self, filename: str, stored: StoredObject, *, seconds: float) -> ObjectId:
        """The file's id. Postponed, Rejected or SourceUnavailable. `stored` is read; its stream stays to be closed."""
        if stored.size > MAX_OBJECT:
            raise Rejected(f"The object has {stored.size} bytes: a file has at most {MAX_OBJECT}.", status=413)
        _, key = self.found()
        boundary = format(self.caller.gateway.randomness.bits(128), "032x")  # not to be foreseen by the object's writer
        form = FormStream(_head(boundary, filename, stored.content_type), stored.stream, stored.size, _tail(boundary))
        request = Request(
            method="POST",
            path="/v1/files",
            headers={"content-type": f"multipart/form-data; boundary={boundary}"},
            body=Body(form.length, cast("BinaryIO", form)),
        )
        self.caller.send(request, key=key, seconds=seconds)
        file_id, _ = self.found()
        if file_id is None:
            raise Postponed(AGAIN, "The file's record is not written yet.")
        return file_id


def _head(boundary: str, filename: str, content_type: str | None) -> bytes:
    kind = content_type if content_type and _is_type(content_type) else _DEFAULT_TYPE
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    name = filename.replace('"', '\\"')  # a judged name has no backslash and no line break
    return (
        f'{part}"purpose"\r\n\r\nassistants\r\n{part}"file"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
    ).encode()


def _tail(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode("ascii")


def _is_type(text: str) -> bool:
    return len(text) <= _MAX_TYPE and text.isascii() and text.isprintable()
