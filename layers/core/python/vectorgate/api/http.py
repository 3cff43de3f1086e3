"""HTTP requests and responses, independent of the server. No I/O but reading spooled files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"
# Lambda returns at most 6 MB, and replaces a larger result by an error of its own. 64 KiB are left for the headers.
MAX_LAMBDA_RESPONSE: Final = 6 * 1024 * 1024 - 64 * 1024
# Created once: `json.dumps` creates an encoder at each call with arguments.
_COMPACT = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Body:
    """A body of `size` bytes, in memory or in a spooled file."""

    size: int
    source: bytes | BinaryIO

    @classmethod
    def of(cls, content: bytes) -> Body:
        """Wrap bytes in memory."""
        return cls(len(content), content)

    def read(self) -> bytes:
        """Read the whole body. Check its size before."""
        if isinstance(self.source, bytes):
            return self.source
        self.source.seek(0)
        return self.source.read()

    def close(self) -> None:
        """Close the file, if there is one. The body cannot be read afterwards."""
        if not isinstance(self.source, bytes):
            self.source.close()

    def open(self) -> BinaryIO:
        """Return a stream, positioned at the beginning."""
        if isinstance(self.source, bytes):
            return BytesIO(self.source)
        self.source.seek(0)
        return self.source


EMPTY = Body.of(b"")


@dataclass(frozen=True, slots=True)
class FileUpload:
    """A file with the other fields of its multipart form. `name` is the file's field."""

    fields: Mapping[str, str]
    filename: str
    content_type: str
    content: Body
    name: str = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request. `path` is percent-decoded once; header names are lower-case; each parameter has one value."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = EMPTY

    def header(self, *names: str) -> str | None:
        """The first of these headers that is present and not blank, stripped."""
        for name in names:
            value = self.headers.get(name, "").strip()
            if value:
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = EMPTY

    @classmethod
    def of_json(cls, status: int, content: object, headers: Mapping[str, str]) -> Response:
        """A JSON response. Like OpenAI's, its content type has no charset."""
        return cls(status=status, headers={"content-type": JSON, **headers}, body=Body.of(encode_json(content)))


def encode_json(content: object) -> bytes:
    """Encode as compact JSON in ASCII, which is valid also for text with lone surrogates."""
    return _COMPACT(content).encode("ascii")
