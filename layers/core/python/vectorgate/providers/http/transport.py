"""The only egress: one request over a pooled connection, within one total time.

A provider's request in httpx's form, and its result as an `Outcome`. The rules that every exchange keeps are
`adapter`'s.
"""

from __future__ import annotations

import os
import tempfile
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from vectorgate.api.http import EVENT_STREAM, Body, FileUpload
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http import adapter
from vectorgate.providers.http.outcome import NotSent, Outcome, Replied, ResponseLost, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpcore

    from vectorgate.clock import Clock
    from vectorgate.providers.base import UpstreamRequest
    from vectorgate.providers.http.adapter import Received

IN_MEMORY: Final = 1024 * 1024  # an answer beyond this goes to a temporary file
MAX_DOCUMENT: Final = 32 * 1024 * 1024  # of whatever is parsed: a page of 50 search results is a few hundred KB
MAX_CONTENT: Final = 600 * 1024 * 1024  # a 512 MB file, and what surrounds it


class PooledTransport:
    """Sends over kept-alive connections. Safe to use from many threads.

    `most_content`: how many bytes of a file's content the deployment can return; more is not read. `entropy(n)`:
    n random bytes, for a form's boundary. `most_connections`: how many exchanges there may be at once; others wait.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        most_content: int = MAX_CONTENT,
        entropy: Callable[[int], bytes] = os.urandom,
        most_connections: int = adapter.MAX_CONNECTIONS,
    ) -> None:
        self._most_content = most_content
        self._entropy = entropy
        pooling = adapter.Pooling(max_connections=most_connections)
        self._connections = adapter.Transport(clock.monotonic, pooling)

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """See `outcome.Transport`: what cannot have reached the provider is NotSent, all other failure ResponseLost."""
        if seconds <= 0:
            return NotSent(timed_out=True)
        try:
            received = self._connections.exchange(self._encoded(request), seconds, streams=request.stream)
            if request.stream and _is_success(received) and _is_event_stream(received):
                return Replied(_streamed(received))
            try:
                return self._whole(received, request)
            finally:
                received.content.close()
        except adapter.FAILURES as failure:
            return adapter.outcome_of(failure)

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    def _encoded(self, request: UpstreamRequest) -> httpcore.Request:
        content, headers = request.content, {**request.headers, "accept-encoding": "identity"}
        if isinstance(content, FileUpload):
            return self._form(request, content, headers)
        url, host = adapter.core_url_of(request.url)
        headers = {"host": host, **headers}
        if content is not None or request.method not in {"GET", "DELETE"}:
            headers["content-length"] = str(len(content or b""))
        return adapter.CoreRequest(request.method, url, headers=_wire(headers), content=content, extensions={})

    def _form(self, request: UpstreamRequest, upload: FileUpload, headers: dict[str, str]) -> httpcore.Request:
        """The request as httpx encodes its form."""
        boundary = self._entropy(16).hex()  # not to be foreseen by the file's writer
        headers["content-type"] = f"multipart/form-data; boundary={boundary}"
        url, files = adapter.url_of(request.url), {upload.name: _file(upload)}
        form = adapter.Request(request.method, url, headers=_wire(headers), data=upload.fields, files=files)
        return adapter.core_request(form, {})

    def _whole(self, received: Received, request: UpstreamRequest) -> Outcome:
        """The whole answer. That to a request for a file's content may be as large as a file."""
        content = request.binary and _is_success(received)
        try:
            body = _spooled(adapter.content_of(received, self._most_content if content else MAX_DOCUMENT))
        except adapter.ContentTooLarge:
            return TooLarge() if content else ResponseLost(timed_out=False)
        except _NoRoom:
            return ResponseLost(timed_out=False)
        return Replied(UpstreamResponse(status=received.status, headers=_headers(received), body=body))


def _wire(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _is_success(received: Received) -> bool:
    return 200 <= received.status < 300  # noqa: PLR2004 - the class of successes


def _is_event_stream(received: Received) -> bool:
    return _headers(received).get("content-type", "").lower().startswith(EVENT_STREAM)


def _streamed(received: Received) -> UpstreamResponse:
    """The head of an answer whose content is read while it arrives."""
    from vectorgate.providers.http.streaming import ReceivedStream  # noqa: PLC0415 - of streams alone

    return UpstreamResponse(status=received.status, headers=_headers(received), events=ReceivedStream(received))


def _headers(received: Received) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in received.headers}


class _NoRoom(Exception):
    """The disk does not take the answer."""


def _file(upload: FileUpload) -> tuple[str, BinaryIO | bytes, str]:
    """A file as httpx takes it: read from its beginning in pieces, and left open for its owner to close."""
    source = upload.content.source
    return upload.filename, source if isinstance(source, bytes) else upload.content.open(), upload.content_type


def _spooled(chunks: Iterator[bytes]) -> Body:
    """The answer in memory, or from IN_MEMORY on in a file, which the answer's reader closes. _NoRoom for it there."""
    start, size = [], 0
    for chunk in chunks:
        start.append(chunk)
        size += len(chunk)
        if size > IN_MEMORY:
            return _on_disk(chain(start, chunks))
    return Body.of(b"".join(start))  # of one chunk, as most answers are, the chunk itself


def _on_disk(chunks: Iterator[bytes]) -> Body:
    try:
        return _in_file(chunks)
    except OSError as error:  # the disk's: what the network raises is httpx's
        raise _NoRoom from error


def _in_file(chunks: Iterator[bytes]) -> Body:
    file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - it outlives this function
    try:
        size = sum(map(file.write, chunks))
        file.flush()
    except BaseException:
        file.close()
        raise
    return Body(size, file)
