"""`adapter` for event loops, asyncio's and trio's alike: the same rules, and the loop's own timers end an exchange."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpcore
import httpx

from vectorgate.providers.http.adapter import (
    CONNECT_SECONDS,
    CORE_ERRORS,
    STREAM,
    Pooling,
    core_request,
    has_surplus,
    readable,
    seconds_of,
    translated,
)
from vectorgate.providers.http.content_encoding import EncodedContent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class AsyncTransport(httpx.AsyncBaseTransport):
    """Kept-alive connections below an `httpx.AsyncClient`, of one event loop. They can be used after `aclose`."""

    def __init__(self, pooling: Pooling | None = None) -> None:
        self._pooling = pooling or Pooling()
        self._pools: dict[str, httpcore.AsyncConnectionPool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and read the head of its answer. One of httpx's TransportErrors."""
        seconds = seconds_of(request)
        end = anyio.current_time() + seconds
        limits = {"connect": min(CONNECT_SECONDS, seconds), "read": seconds, "write": seconds, "pool": seconds}
        with _ending(end):
            response = await self._pool(request.url.scheme).handle_async_request(core_request(request, limits))
        headers, coding = readable(response)
        content = _AsyncContent(response, coding, end, seconds if request.extensions.get(STREAM) else None)
        return httpx.Response(response.status, headers=headers, stream=content, extensions=response.extensions)

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        while self._pools:
            await self._pools.popitem()[1].aclose()

    def _pool(self, scheme: str) -> httpcore.AsyncConnectionPool:
        if scheme not in self._pools:
            self._pools[scheme] = httpcore.AsyncConnectionPool(**self._pooling.options(scheme))
        return self._pools[scheme]


@contextmanager
def _ending(end: float) -> Iterator[None]:
    """Wait no longer than until `end`, by the loop's clock, and raise httpx's errors."""
    try:
        with anyio.fail_after(end - anyio.current_time()):
            yield
    except TimeoutError as error:
        raise httpx.ReadTimeout("the time for the exchange is over") from error
    except CORE_ERRORS as error:
        raise translated(error) from error


class _AsyncContent(httpx.AsyncByteStream):
    """An answer's content on its way to httpx's client, decoded. `each_wait`: seconds for each piece of a stream."""

    def __init__(self, response: httpcore.Response, coding: bytes, end: float, each_wait: float | None) -> None:
        self._response = response
        self._coding = coding
        self._end = end
        self._each_wait = each_wait

    async def __aiter__(self) -> AsyncIterator[bytes]:
        raw = self._raw()
        async for piece in _AsyncEncodedContent(self._coding, raw).decoded.aiter_bytes() if self._coding else raw:
            yield piece

    async def _raw(self) -> AsyncIterator[bytes]:
        pieces = aiter(cast("AsyncIterator[bytes]", self._response.stream))
        while True:
            with _ending(self._end if self._each_wait is None else anyio.current_time() + self._each_wait):
                piece = await anext(pieces, None)
            if piece is None:
                return
            yield piece

    async def aclose(self) -> None:
        """Give the connection back, or close it where it holds more than this answer."""
        stream = self._response.extensions.get("network_stream")
        if stream and (has_surplus(self._response) or _holds_more(stream.get_extra_info("ssl_object"))):
            await stream.aclose()
        await cast("Any", self._response.stream).aclose()


class _AsyncEncodedContent(EncodedContent, httpx.AsyncByteStream):
    """Encoded content that is awaited."""

    def __init__(self, coding: bytes, raw: AsyncIterator[bytes]) -> None:
        super().__init__(coding, ())
        self._awaited = raw

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._awaited:
            for piece in self.pieces(chunk):
                yield piece
        self.finish()


def _holds_more(tls: object) -> bool:
    """Whether TLS that is fed from memory was given more than was read from it. Reading it does not wait."""
    if not isinstance(tls, ssl.SSLObject):
        return False
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:  # the end, or garbage
        return True
    return True
