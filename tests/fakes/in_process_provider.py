"""A provider of OpenAI's kind behind a `Transport`, without a socket: for thousands of requests a second."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from tests.fakes.openai import FakeOpenAI
from tests.fakes.upstream import Received
from vectorgate.api.http import Body, FileUpload
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http.outcome import Outcome, Replied

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from vectorgate.providers.base import UpstreamRequest


class _Answer:
    """Stands for the connection, and keeps what is sent."""

    def __init__(self) -> None:
        self.sent = bytearray()

    def sendall(self, content: bytes) -> None:
        self.sent += content


@dataclass
class InProcessProvider:
    """A `Transport` of `openai`. `calls`: the requests that it got."""

    openai: FakeOpenAI = field(default_factory=FakeOpenAI)
    calls: int = 0

    def close(self) -> None:
        """There is no connection."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Return the provider's answer."""
        del seconds
        self.calls += 1
        place, connection = urlsplit(request.url), _Answer()
        path = place.path + (f"?{place.query}" if place.query else "")
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(request.method, path, headers, _content(request), threading.Event())
        self.openai.act(cast("socket.socket", connection), received)
        head, _, body = bytes(connection.sent).partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = _whole(body) if fields.get("transfer-encoding") == "chunked" else body
        if request.stream and fields.get("content-type") == "text/event-stream":
            return Replied(UpstreamResponse(status=int(status.split()[1]), headers=fields, events=_Events(body)))
        return Replied(UpstreamResponse(status=int(status.split()[1]), headers=fields, body=Body.of(body)))


class _Events:
    """A stream, in one piece."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content

    def close(self) -> None:
        """Nothing is open."""


def _whole(chunked: bytes) -> bytes:
    """The chunks of a body, put together."""
    content = b""
    while (size := int(chunked.partition(b"\r\n")[0] or b"0", 16)) > 0:
        rest = chunked.partition(b"\r\n")[2]
        content, chunked = content + rest[:size], rest[size + 2 :]
    return content


def _content(request: UpstreamRequest) -> bytes:
    content = request.content
    return content.content.read() if isinstance(content, FileUpload) else content or b""
