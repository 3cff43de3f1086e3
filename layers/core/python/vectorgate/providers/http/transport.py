"""The only egress: one request over a pooled connection, within one total time.

It stands on httpcore, the engine below httpx, because what httpx adds is what must not happen here: a cookie jar that
tenants would share, redirects, and proxies out of the environment. What it lacks is a limit on the whole exchange (its
timeouts are per read, so that an upstream that sends a byte a second could hold a Lambda for ever) is `timed`'s part.
"""

from __future__ import annotations

import os
import tempfile
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import httpcore

from vectorgate.api.http import Body, FileUpload
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http.deadline import (
    IDLE_SECONDS,
    TimedBackend,
    ends_at,
    has_surplus,
    headers_of,
    timeouts,
    tls_context,
)
from vectorgate.providers.http.outcome import BrokenAnswer, NotSent, Outcome, Replied, ResponseLost, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vectorgate.clock import Clock
    from vectorgate.providers.base import UpstreamRequest
    from vectorgate.providers.http.multipart import Form

MAX_CONNECTIONS: Final = 100
IN_MEMORY: Final = 1024 * 1024  # an answer beyond this goes to a temporary file
MAX_DOCUMENT: Final = 32 * 1024 * 1024  # of whatever is parsed: a page of 50 search results is a few hundred KB
MAX_CONTENT: Final = 600 * 1024 * 1024  # a 512 MB file, and what surrounds it


class _Oversized(Exception):
    """More than the answer may be."""


class PooledTransport:
    """Sends over kept-alive connections. Safe to use from many threads.

    `most_content`: how many bytes of a file's content the deployment can hand on; more is not even read. `entropy(n)`:
    n random bytes, for a form's boundary.
    """

    def __init__(
        self, clock: Clock, *, most_content: int = MAX_CONTENT, entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._clock = clock
        self._most_content = most_content
        self._entropy = entropy
        self._pools: dict[str, httpcore.ConnectionPool] = {}

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """See `outcome.Transport`: what cannot have reached the provider is NotSent, all other failure is Lost."""
        if seconds <= 0:
            return NotSent(timed_out=True)
        token = ends_at.set(self._clock.monotonic() + seconds)
        try:
            return self._exchange(request, seconds)
        except (httpcore.ConnectTimeout, httpcore.PoolTimeout):
            return NotSent(timed_out=True)
        except (httpcore.ConnectError, httpcore.UnsupportedProtocol):
            return NotSent(timed_out=False)
        except httpcore.TimeoutException:
            return ResponseLost(timed_out=True)
        except (httpcore.NetworkError, httpcore.ProtocolError, BrokenAnswer):
            return ResponseLost(timed_out=False)
        finally:
            ends_at.reset(token)

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.close()

    def _exchange(self, request: UpstreamRequest, seconds: float) -> Outcome:
        headers, content = self._encoded(request)
        with self._connections(request.url).stream(
            request.method, request.url, headers=headers, content=content, extensions=timeouts(seconds)
        ) as response:
            succeeded = 200 <= response.status < 300  # noqa: PLR2004 - the class of successes
            return self._received(response, content=request.binary and succeeded)

    def _encoded(self, request: UpstreamRequest) -> tuple[list[tuple[bytes, bytes]], bytes | Iterator[bytes] | None]:
        headers = dict(request.headers)
        content: bytes | Iterator[bytes] | None
        if isinstance(request.content, FileUpload):
            form = _form(request.content, boundary=self._entropy(16).hex())  # not to be foreseen by the file's writer
            headers |= {"content-type": form.content_type, "content-length": str(form.size)}
            content = form.pieces()
        else:
            content = request.content
            if content is not None or request.method not in {"GET", "DELETE"}:
                headers["content-length"] = str(len(content or b""))
        headers["accept-encoding"] = "identity"
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()], content

    def _received(self, response: httpcore.Response, *, content: bool) -> Outcome:
        """The whole answer. `content`: it is a file's, and may be as large as that."""
        headers, chunks = headers_of(response), _to_the_end(response)
        if "content-encoding" in headers:
            headers, chunks = _decoded(response, headers, chunks)
        most = self._most_content if content else MAX_DOCUMENT
        try:
            body = _spooled(_at_most(most, int(headers.get("content-length", 0)), chunks))
        except _Oversized:
            return TooLarge() if content else ResponseLost(timed_out=False)
        return Replied(UpstreamResponse(status=response.status, headers=headers, body=body))

    def _connections(self, url: str) -> httpcore.ConnectionPool:
        scheme = url.partition(":")[0]
        if scheme not in self._pools:
            pool = httpcore.ConnectionPool(
                ssl_context=tls_context(None) if scheme == "https" else None,
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=TimedBackend(self._clock.monotonic),
            )
            self._pools.setdefault(scheme, pool)  # two threads may both have made one: the first stays
        return self._pools[scheme]


def _form(upload: FileUpload, *, boundary: str) -> Form:
    """The upload as it goes over the wire: in pieces, with its length known beforehand."""
    from vectorgate.providers.http import multipart  # noqa: PLC0415 - a cold start that uploads nothing does not pay for it

    content = upload.content  # its owner closes it
    file = multipart.Upload(upload.filename, upload.content_type, content.size, content.open, owned=False)
    return multipart.Form(upload.fields, file, boundary, upload.name)


def _to_the_end(response: httpcore.Response) -> Iterator[bytes]:
    """The answer's bytes. A connection that holds more than that ends with them."""
    yield from response.iter_stream()
    if has_surplus(response):
        response.extensions["network_stream"].close()


def _decoded(
    response: httpcore.Response, headers: dict[str, str], chunks: Iterator[bytes]
) -> tuple[dict[str, str], Iterator[bytes]]:
    """Headers and content without the coding, which was not asked for."""
    from vectorgate.providers.http.content_encoding import decoded  # noqa: PLC0415 - for an upstream that does not listen

    named = [value.decode("latin-1") for name, value in response.headers if name.lower() == b"content-encoding"]
    kept = {name: value for name, value in headers.items() if name not in {"content-encoding", "content-length"}}
    return kept, decoded(", ".join(named), chunks)


def _at_most(most: int, announced: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks up to `most` bytes in all, or _Oversized; none is read when more are announced."""
    if announced > most:
        raise _Oversized
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise _Oversized
        yield chunk


def _spooled(chunks: Iterator[bytes]) -> Body:
    """The answer in memory, or from IN_MEMORY on in a file, which the answer's reader closes.

    BrokenAnswer where the disk does not take it.
    """
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
    except OSError as error:  # the disk's: what the network raises is httpcore's
        raise BrokenAnswer("there is no room for it") from error


def _in_file(chunks: Iterator[bytes]) -> Body:
    file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - it outlives this function
    try:
        size = sum(map(file.write, chunks))
        file.flush()
    except BaseException:
        file.close()
        raise
    return Body(size, file)
