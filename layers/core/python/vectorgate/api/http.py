"""HTTP requests and responses, independent of the server. No I/O but reading spooled files."""

from __future__ import annotations

import json
import math
from dataclasses import field
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

JSON = "application/json"
EVENT_STREAM: Final = "text/event-stream"
# Lambda returns at most 6 MB, and replaces a larger result by an error of its own. 64 KiB are left for the headers.
MAX_LAMBDA_RESPONSE: Final = 6 * 1024 * 1024 - 64 * 1024
MAX_WAIT_SECONDS: Final = 60.0
MAX_LAMBDA_STREAM: Final = 200 * 1000 * 1000  # of a response that is streamed
CHUNK_SIZE: Final = 64 * 1024  # in which a spooled file is read
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


class ByteStream(Protocol):
    """A response's body that is produced while it is sent, such as server-sent events. It is iterated once.

    The server iterates in one thread, sends each piece at once, and calls `close` once, whether or not the iteration
    was completed. When the client disconnects, it calls `close` from another thread, also while the next piece is
    awaited: `close` then ends that wait soon (the iteration ends or raises; either is ignored) and frees what it
    holds. Any other exception of the iteration is a defect: the client's connection is closed.
    """

    def __iter__(self) -> Iterator[bytes]:
        """The pieces. None of them needs to be of any particular size; empty ones are not sent."""
        ...

    def close(self) -> None:
        """Release what produces the pieces."""
        ...


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
    """An HTTP request. `path` is percent-decoded once; header names are lower-case; each parameter has one value.

    `received_ms`: the Unix milliseconds at which API Gateway received it, if it says so. `left_seconds`: what Lambda
    leaves to the function.
    `raw_query`: the query as it came, which has all values of a parameter; empty where it did not come as text.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = EMPTY
    received_ms: int | None = None
    left_seconds: float = math.inf
    raw_query: str = ""

    def waited(self, now_ms: int) -> float:
        """Seconds since API Gateway received it: for a cold start, or a free environment.

        0 where that is not known, or over a minute: API Gateway waits half of that, so one of the clocks is wrong.
        """
        waited = (now_ms - self.received_ms) / 1_000 if self.received_ms is not None else 0.0
        return waited if 0 < waited < MAX_WAIT_SECONDS else 0.0

    def header(self, *names: str) -> str | None:
        """The first of these headers that is present and not blank, stripped."""
        for name in names:
            value = self.headers.get(name, "").strip()
            if value:
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response. Header names are lower-case. A body that is a `ByteStream` is sent piece by piece."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | ByteStream = EMPTY

    @classmethod
    def of_json(cls, status: int, content: object, headers: Mapping[str, str]) -> Response:
        """A JSON response. Like OpenAI's, its content type has no charset."""
        return cls(status=status, headers={"content-type": JSON, **headers}, body=Body.of(encode_json(content)))

    def read_body(self) -> bytes:
        """Read the whole body, and close it. Check its size before."""
        try:
            return self.body.read() if isinstance(self.body, Body) else b"".join(self.body)
        finally:
            self.body.close()


def buffered(body: Body | ByteStream, most: int) -> Body | None:
    """The whole body, for a caller that cannot stream; None for more than `most` bytes, and the body is then closed."""
    if not isinstance(body, Body):
        return _collected(body, most)
    if body.size <= most:
        return body
    body.close()
    return None


def _collected(stream: ByteStream, most: int) -> Body | None:
    content = bytearray()
    try:
        for piece in stream:
            content += piece
            if len(content) > most:
                return None
    finally:
        stream.close()
    return Body.of(bytes(content))


def encode_json(content: object) -> bytes:
    """Encode as compact JSON in ASCII, which is valid also for text with lone surrogates."""
    return _COMPACT(content).encode("ascii")
