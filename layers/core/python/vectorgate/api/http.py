"""A request and an answer as the gateway sees them, whatever carried them. No I/O but reading what was spooled."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"
# Lambda returns 6 MB, and loses an answer that is larger in an error of its own. The rest is for the headers.
MAX_LAMBDA_RESPONSE: Final = 6 * 1024 * 1024 - 64 * 1024
# Made once: `json.dumps` makes an encoder at each call that tells it anything.
_COMPACT = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes that may be large: in memory, or in a file that the transport spooled. `size` in bytes."""

    size: int
    source: bytes | BinaryIO

    @classmethod
    def of(cls, content: bytes) -> Body:
        """A body that is in memory already."""
        return cls(len(content), content)

    def read(self) -> bytes:
        """All of it; only for bodies whose size was checked."""
        if isinstance(self.source, bytes):
            return self.source
        self.source.seek(0)
        return self.source.read()

    def close(self) -> None:
        """Let go of the file, if there is one. Nothing reads it afterwards."""
        if not isinstance(self.source, bytes):
            self.source.close()

    def open(self) -> BinaryIO:
        """A stream positioned at the beginning."""
        if isinstance(self.source, bytes):
            return BytesIO(self.source)
        self.source.seek(0)
        return self.source


EMPTY = Body.of(b"")


@dataclass(frozen=True, slots=True)
class FileUpload:
    """A file to be sent as multipart: the form's plain fields, then the file, whose field is called `name`."""

    fields: Mapping[str, str]
    filename: str
    content_type: str
    content: Body
    name: str = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`path` is decoded, once; header names are lower-case; the last of a repeated query parameter counts."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = EMPTY

    def header(self, *names: str) -> str | None:
        """The first of these headers that is there and not blank."""
        for name in names:
            value = self.headers.get(name, "").strip()
            if value:
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What goes back to the client. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = EMPTY

    @classmethod
    def of_json(cls, status: int, content: object, headers: Mapping[str, str]) -> Response:
        """A JSON answer. Its content type carries no charset: that is what OpenAI sends."""
        return cls(status=status, headers={"content-type": JSON, **headers}, body=Body.of(encode_json(content)))


def encode_json(content: object) -> bytes:
    """Compact JSON in ASCII, so that whatever a client named, the bytes are valid."""
    return _COMPACT(content).encode("ascii")
