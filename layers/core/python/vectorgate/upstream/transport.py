"""The only egress: one request over a pooled connection, within one total time.

It stands on httpcore, the engine below httpx, because what httpx adds is what must not happen here: a cookie jar that
tenants would share, redirects, and proxies out of the environment. What it lacks is a limit on the whole exchange (its
timeouts are per read, so that an upstream that sends a byte a second could hold a Lambda for ever): `_TimedStream`
gives every read and write what is left of the request's own time.
"""

from __future__ import annotations

import ssl
import tempfile
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import httpcore

from vectorgate.messages import Body
from vectorgate.providers.base import Upload, UpstreamResponse
from vectorgate.upstream.outcome import Lost, NotSent, Outcome, Replied

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vectorgate.clock import Clock
    from vectorgate.providers.base import UpstreamRequest

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 4.0  # below the 5 s after which common servers close an idle connection: a reused one should be alive
MAX_CONNECTIONS = 100
WRITE_PIECE = 64 * 1024
IN_MEMORY = 1024 * 1024  # an answer beyond this goes to a temporary file
MAX_ANSWER = 600 * 1024 * 1024  # a 512 MB file, and what surrounds it

_deadline: ContextVar[float] = ContextVar("deadline")


class AnswerTooLarge(Exception):
    """The upstream sent more than any operation returns."""


@cache
def tls_context() -> ssl.SSLContext:
    """One context for every pool: making one costs 30 ms, and reads the root certificates."""
    import certifi  # noqa: PLC0415 - only a process that talks TLS reads them

    return ssl.create_default_context(cafile=certifi.where())


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline of the request that uses it."""

    def __init__(self, stream: httpcore.NetworkStream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def _left(self, timeout: float | None) -> float:
        left = _deadline.get() - self._clock.monotonic()
        return max(0.001, left if timeout is None else min(timeout, left))

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._left(None) <= 0.001:  # noqa: PLR2004 - an answer that trickles must not live on arrived bytes
            raise httpcore.ReadTimeout
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces: the stream grants its timeout anew to each bit that a slow reader takes.
        for start in range(0, len(buffer), WRITE_PIECE):
            if self._left(None) <= 0.001:  # noqa: PLR2004 - the same for a request that trickles away
                raise httpcore.WriteTimeout
            self._stream.write(buffer[start : start + WRITE_PIECE], self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._left(timeout))
        return _TimedStream(stream, self._clock)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's own signature
        return self._stream.get_extra_info(info)


class _TimedBackend(httpcore.NetworkBackend):
    def __init__(self, clock: Clock) -> None:
        self._backend = httpcore.SyncBackend()
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _TimedStream(stream, self._clock)


class PooledTransport:
    """Sends over kept-alive connections. Safe to use from many threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pools: dict[str, httpcore.ConnectionPool] = {}

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """See `outcome.Transport`: what cannot have reached the provider is NotSent, all other failure is Lost."""
        token = _deadline.set(self._clock.monotonic() + seconds)
        try:
            return Replied(self._exchange(request, seconds))
        except (httpcore.ConnectTimeout, httpcore.PoolTimeout):
            return NotSent(timed_out=True)
        except (httpcore.ConnectError, httpcore.UnsupportedProtocol):
            return NotSent(timed_out=False)
        except httpcore.TimeoutException:
            return Lost(timed_out=True)
        except (httpcore.NetworkError, httpcore.ProtocolError, AnswerTooLarge):
            return Lost(timed_out=False)
        finally:
            _deadline.reset(token)

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.close()

    def _exchange(self, request: UpstreamRequest, seconds: float) -> UpstreamResponse:
        headers, content = _encoded(request)
        timeouts = {"connect": min(CONNECT_SECONDS, seconds), "pool": seconds, "read": seconds, "write": seconds}
        with self._connections(request.url).stream(
            request.method, request.url, headers=headers, content=content, extensions={"timeout": timeouts}
        ) as response:
            received = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return UpstreamResponse(status=response.status, headers=received, body=_spooled(response.iter_stream()))

    def _connections(self, url: str) -> httpcore.ConnectionPool:
        scheme = url.partition(":")[0]
        if scheme not in self._pools:
            pool = httpcore.ConnectionPool(
                ssl_context=tls_context() if scheme == "https" else None,
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=_TimedBackend(self._clock),
            )
            self._pools.setdefault(scheme, pool)  # two threads may both have made one: the first stays
        return self._pools[scheme]


def _encoded(request: UpstreamRequest) -> tuple[list[tuple[bytes, bytes]], bytes | Iterator[bytes] | None]:
    headers = dict(request.headers)
    content: bytes | Iterator[bytes] | None
    if isinstance(request.content, Upload):
        content_headers, content = _multipart(request.content)
        headers.update(content_headers)
    else:
        content = request.content
        if content is not None or request.method not in {"GET", "DELETE"}:
            headers["content-length"] = str(len(content or b""))
    headers["accept-encoding"] = "identity"
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()], content


def _multipart(upload: Upload) -> tuple[dict[str, str], Iterator[bytes]]:
    """The form as httpx encodes it: streamed, with its length known beforehand."""
    import httpx  # noqa: PLC0415 - a cold start that uploads nothing does not pay for it

    form = httpx.Request(
        "POST",
        "http://multipart.invalid",
        data=dict(upload.fields),
        files={upload.name: (upload.filename, upload.content.open(), upload.content_type)},
    )
    headers = {name: form.headers[name] for name in ("content-type", "content-length")}
    return headers, iter(cast("Iterable[bytes]", form.stream))


def _spooled(chunks: Iterator[bytes]) -> Body:
    """The answer in memory, or from IN_MEMORY on in a file, which the answer's reader closes."""
    start = bytearray()
    for chunk in chunks:
        start += chunk
        if len(start) > IN_MEMORY:
            return _in_file(start, chunks)
    return Body.of(bytes(start))


def _in_file(start: bytes | bytearray, chunks: Iterator[bytes]) -> Body:
    file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - it outlives this function
    try:
        size = file.write(start)
        for chunk in chunks:
            size += file.write(chunk)
            _check_size(size)
    except BaseException:
        file.close()
        raise
    return Body(size, file)


def _check_size(size: int) -> None:
    if size > MAX_ANSWER:
        raise AnswerTooLarge
