"""The only egress: one request over a pooled connection, within one total time.

A provider's request in httpx's form, and its result as an `Outcome`. The rules that every exchange keeps are
`adapter`'s.
"""

from __future__ import annotations

import os
import tempfile
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from vectorgate.api.http import EVENT_STREAM, Body, FileUpload
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http import adapter
from vectorgate.providers.http.outcome import NotSent, Outcome, Replied, ResponseLost, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from vectorgate.clock import Clock
    from vectorgate.providers.base import UpstreamRequest

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
            response = self._connections.handle_request(self._encoded(request, seconds))
            if request.stream and response.is_success and _is_event_stream(response):
                return Replied(_streamed(response))
            try:
                return self._received(response, request)
            finally:
                response.close()
        except adapter.FAILURES as failure:
            return adapter.outcome_of(failure)

    def close(self) -> None:
        """See `outcome.Transport`."""
        self._connections.close()

    def _encoded(self, request: UpstreamRequest, seconds: float) -> httpx.Request:
        url, content = adapter.url_of(request.url), request.content
        headers = {**request.headers, "accept-encoding": "identity"}
        encoded: dict[str, Any]
        if isinstance(content, FileUpload):
            boundary = self._entropy(16).hex()  # not to be foreseen by the file's writer
            headers["content-type"] = f"multipart/form-data; boundary={boundary}"
            encoded = {"data": content.fields, "files": {content.name: _file(content)}}
        else:
            headers = {"host": url.netloc.decode(), **headers}  # and the length: httpx would take 30 microseconds
            if content is not None or request.method not in {"GET", "DELETE"}:
                headers["content-length"] = str(len(content or b""))
            encoded = {"stream": adapter.ByteStream(content or b"")}
        wire = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        timeout = {"timeout": {"read": seconds}}
        return adapter.Request(request.method, url, headers=wire, extensions=timeout, **encoded)

    def _received(self, response: httpx.Response, request: UpstreamRequest) -> Outcome:
        """The whole answer. That to a request for a file's content may be as large as a file."""
        content = request.binary and response.is_success
        try:
            body = _spooled(adapter.content_of(response, self._most_content if content else MAX_DOCUMENT))
        except adapter.ContentTooLarge:
            return TooLarge() if content else ResponseLost(timed_out=False)
        except _NoRoom:
            return ResponseLost(timed_out=False)
        return Replied(UpstreamResponse(status=response.status_code, headers=_headers(response), body=body))


def _is_event_stream(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).lower().startswith(EVENT_STREAM)


def _streamed(response: httpx.Response) -> UpstreamResponse:
    """The head of an answer whose content is read while it arrives."""
    from vectorgate.providers.http.streaming import ReceivedStream  # noqa: PLC0415 - of streams alone

    return UpstreamResponse(status=response.status_code, headers=_headers(response), events=ReceivedStream(response))


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers.raw}


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
