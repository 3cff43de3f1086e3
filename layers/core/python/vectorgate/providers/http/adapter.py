"""httpx over httpcore, and what neither does: in this one module, so that a successor changes little else.

- Total time: a request's `read` timeout is for its whole exchange: lookup, connect, TLS, every write and read.
- A stream (the extension STREAM): that time is for its head, and again for each wait for a piece of its content.
- Connect: at most CONNECT_SECONDS for each of a host's addresses.
- Size: `content_of` reads so many bytes and no more, once they are decoded, and none if more are announced.
- Redirects and cookies: an answer has neither the `location` of a redirect nor `set-cookie`, so nothing acts on them.
- Surplus: a connection that holds more than its answer is closed, and not used again.
- Content encoding (`content_encoding.py`): an unknown one, or content that ends early or goes on, is a DecodingError.

httpcore's timeouts are per read and per write, so that a server that sends, or takes, a byte a second could hold its
caller forever. An exchange is therefore given its end in place of timeouts, a point in time on the clock: httpcore
hands the number on as it is, and `TimedBackend` and `TimedStream` wait for what is left until then. With an event loop
(`async_adapter`) its own timers end an exchange.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import httpcore
import httpx

from vectorgate.classes import dataclass
from vectorgate.providers.http.content_encoding import EncodedContent
from vectorgate.providers.http.dns import addresses_of
from vectorgate.providers.http.outcome import NotSent, ResponseLost
from vectorgate.providers.http.tls import tls_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping

CONNECT_SECONDS: Final = 5.0  # as in openai's SDK
IDLE_SECONDS: Final = 4.0  # below the 5 s after which common servers close an idle connection: a reused one is alive
MAX_CONNECTIONS: Final = 100
WRITE_PIECE: Final = 16 * 1024  # a TLS record; below what a fresh connection takes at once
STREAM: Final = "stream"  # the name of a request's extension

Request, ByteStream = httpx.Request, httpx.ByteStream  # for `transport`
FAILURES: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)
# The outcome of a request that ended in one of FAILURES: the first row that matches decides.
OUTCOMES: Final[tuple[tuple[tuple[type[Exception], ...], NotSent | ResponseLost], ...]] = (
    ((httpx.ConnectTimeout, httpx.PoolTimeout), NotSent(timed_out=True)),
    ((httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol, httpx.InvalidURL), NotSent(timed_out=False)),
    ((httpx.TimeoutException,), ResponseLost(timed_out=True)),
    (FAILURES, ResponseLost(timed_out=False)),
)
CORE_ERRORS: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class ContentTooLarge(httpx.TransportError):
    """The answer holds more content than may be read."""


@lru_cache(maxsize=256)
def url_of(text: str) -> httpx.URL:
    """The URL, parsed: which takes 40 microseconds, and most requests go to a few. InvalidURL."""
    return httpx.URL(text)


def content_of(response: httpx.Response, most: int) -> Iterator[bytes]:
    """The answer's content as it arrives. ContentTooLarge beyond `most` bytes, or one of FAILURES."""
    if int(response.headers.get("content-length", 0)) > most:
        raise ContentTooLarge("more content is announced than may be read")
    for piece in cast("Iterable[bytes]", response.stream):  # decoded already, which `iter_bytes` would do again
        most -= len(piece)
        if most < 0:
            raise ContentTooLarge("more content than may be read")
        yield piece


def outcome_of(failure: Exception) -> NotSent | ResponseLost:
    """What one of FAILURES says of its request: after NotSent, nothing was executed."""
    return next(outcome for classes, outcome in OUTCOMES if isinstance(failure, classes))


def translated(error: Exception) -> httpx.TransportError:
    """One of CORE_ERRORS as httpx's error of the same name."""
    return cast("httpx.TransportError", getattr(httpx, type(error).__name__)(str(error)))


@dataclass(frozen=True, slots=True)
class Pooling:
    """`certificates`: a file, or None for certifi's. `proxy`: an HTTP proxy's URL, with name and password if any."""

    certificates: str | None = None
    proxy: str | None = None
    max_connections: int = MAX_CONNECTIONS
    max_idle: int = MAX_CONNECTIONS

    def options(self, scheme: str) -> dict[str, Any]:
        """What httpcore's pools take, for URLs of this scheme."""
        proxy = None if self.proxy is None else httpx.Proxy(self.proxy)
        return {
            "ssl_context": tls_context(self.certificates) if scheme == "https" else None,
            "proxy": proxy and httpcore.Proxy(_core_url(proxy.url), auth=proxy.raw_auth),
            "max_connections": self.max_connections,
            "max_keepalive_connections": self.max_idle,
            "keepalive_expiry": IDLE_SECONDS,
        }


class StreamEnd:
    """The end of the present wait for a stream: a point in time that each wait for a piece extends."""

    def __init__(self, monotonic: Callable[[], float], seconds: float) -> None:
        self._monotonic = monotonic
        self._seconds = seconds
        self.put_off()

    def put_off(self) -> None:
        """Begin another wait."""
        self.at = self._monotonic() + self._seconds

    def pieces(self, raw: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces, with a wait for each."""
        each = iter(raw)
        while True:
            self.put_off()
            piece = next(each, None)
            if piece is None:
                return
            yield piece


class Transport(httpx.BaseTransport):
    """Kept-alive connections below an `httpx.Client`, for exchanges that end by this clock, in seconds.

    Safe to use from many threads, after `close`, and after a fork.
    """

    def __init__(self, monotonic: Callable[[], float], pooling: Pooling | None = None) -> None:
        self._monotonic = monotonic
        self._pooling = pooling or Pooling()
        self._pools: dict[tuple[int, str], httpcore.ConnectionPool] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and read the head of its answer. One of httpx's TransportErrors."""
        seconds = seconds_of(request)
        end = self._monotonic() + seconds
        stream = StreamEnd(self._monotonic, seconds) if request.extensions.get(STREAM) else None
        limits: dict[str, Any] = {"connect": end, "read": stream or end, "write": end, "pool": seconds}
        try:
            response = self._pool(request.url.scheme).handle_request(core_request(request, limits))
        except CORE_ERRORS as error:
            raise translated(error) from error
        headers, coding = readable(response)
        content = _Content(response, coding, stream)
        return httpx.Response(response.status, headers=headers, stream=content, extensions=response.extensions)

    def close(self) -> None:
        """Close the connections of this process; a later request opens new ones."""
        for key in [key for key in self._pools if key[0] == os.getpid()]:
            self._pools.pop(key).close()

    def _pool(self, scheme: str) -> httpcore.ConnectionPool:
        key = (os.getpid(), scheme)  # a connection that a child shares with its parent would mix up their answers
        if key not in self._pools:
            backend = TimedBackend(self._monotonic)
            pool = httpcore.ConnectionPool(network_backend=backend, **self._pooling.options(scheme))
            self._pools.setdefault(key, pool)  # two threads may both have made one: the first stays
        return self._pools[key]


class _Content(httpx.SyncByteStream):
    """An answer's content on its way to httpx's client, decoded."""

    def __init__(self, response: httpcore.Response, coding: bytes, end: StreamEnd | None) -> None:
        self._response = response
        self._coding = coding
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        raw = cast("Iterable[bytes]", self._response.stream)
        raw = raw if self._end is None else self._end.pieces(raw)
        try:
            yield from EncodedContent(self._coding, raw).decoded.iter_bytes() if self._coding else raw
        except CORE_ERRORS as error:
            raise translated(error) from error

    def close(self) -> None:
        """Give the connection back, or close it where it holds more than this answer."""
        if has_surplus(self._response):
            self._response.extensions["network_stream"].close()
        cast("Any", self._response.stream).close()


def seconds_of(request: httpx.Request) -> float:
    """How long its exchange may take, all phases together: a year where it does not say."""
    seconds: float | None = request.extensions.get("timeout", {}).get("read")
    return 365 * 86_400.0 if seconds is None else seconds


def core_request(request: httpx.Request, timeouts: Mapping[str, Any]) -> httpcore.Request:
    """The request as httpcore takes it."""
    content, extensions = cast("Any", request.stream), {**request.extensions, "timeout": timeouts}
    core = httpcore.Request(request.method, _core_url(request.url), content=content, extensions=extensions)
    core.headers = request.headers.raw  # set here, because the constructor looks at each name and value
    return core


def _core_url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def readable(response: httpcore.Response) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers that httpx may see, names in lower case, and the content's coding that it may not: b"" for none."""
    headers = [(name.lower(), value) for name, value in response.headers]
    codings = [value for name, value in headers if name == b"content-encoding"]
    dropped = [b"set-cookie", *([b"content-encoding", b"content-length"] if codings else [])]
    if 300 <= response.status < 400:  # noqa: PLR2004 - the class of redirects
        dropped.append(b"location")
    coding = b", ".join(codings).strip().lower()
    return [pair for pair in headers if pair[0] not in dropped], b"" if coding == b"identity" else coding


def has_surplus(response: httpcore.Response) -> bool:
    """Whether its connection holds more than the answer, which was read to its end. Then it must be closed.

    The next request would take the surplus for its answer. httpcore closes an idle connection where more arrives, but
    does not look at what arrived already. Without a connection, as where respx answers for httpcore, there is none.
    """
    if "network_stream" not in response.extensions:
        return False
    connection = cast("Any", response.stream)._stream._connection  # noqa: SLF001 - the only way to h11's buffer
    return bool(connection._h11_state.trailing_data[0])  # noqa: SLF001 - the same


class TimedBackend(httpcore.NetworkBackend):
    """Opens connections whose every wait has an end, a point in time, where httpcore says `timeout`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._backend = httpcore.SyncBackend()
        self._monotonic = monotonic

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first of the host's addresses that answers. ConnectTimeout or ConnectError."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses(host, port, timeout):
            seconds = min(CONNECT_SECONDS, _left(self._monotonic, timeout, httpcore.ConnectTimeout))
            try:
                stream = self._backend.connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore.ConnectTimeout, httpcore.ConnectError) as error:
                failure = error
            else:
                return TimedStream(stream, self._monotonic)
        raise failure

    def _addresses(self, host: str, port: int, end: float | None) -> list[str]:
        try:
            return addresses_of(host, port, _left(self._monotonic, end, httpcore.ConnectTimeout))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error


class TimedStream(httpcore.NetworkStream):
    """One connection. Nothing is begun on it when the time is over, whatever has already arrived."""

    def __init__(self, stream: httpcore.NetworkStream, monotonic: Callable[[], float]) -> None:
        self._stream = stream
        self._monotonic = monotonic
        self._held = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has arrived, as soon as something has. ReadTimeout or ReadError."""
        if self._held:
            with suppress(httpcore.WriteError):  # as httpcore does: an answer may have come before the request's end
                self._send(self._held, timeout)
            self._held = b""
        return self._stream.read(max_bytes, _left(self._monotonic, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """At once from WRITE_PIECE on, and at the next read what is less: a head goes with its body. WriteTimeout."""
        _left(self._monotonic, timeout, httpcore.WriteTimeout)
        self._held += buffer
        if len(self._held) >= WRITE_PIECE:
            held, self._held = self._held, b""
            self._send(held, timeout)

    def _send(self, content: bytes, end: float | None) -> None:
        """In pieces: the stream below grants its timeout again for each bit that a slow reader takes."""
        for start in range(0, len(content), WRITE_PIECE):
            left = _left(self._monotonic, end, httpcore.WriteTimeout)
            self._stream.write(content[start : start + WRITE_PIECE], left)

    def close(self) -> None:
        """Close it."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted. ConnectTimeout or ConnectError."""
        left = _left(self._monotonic, timeout, httpcore.ConnectTimeout)
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._monotonic)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's own signature
        """The stream's own."""
        return self._stream.get_extra_info(info)


def _left(
    monotonic: Callable[[], float], end: float | StreamEnd | None, over: type[httpcore.TimeoutException]
) -> float:
    at = end.at if isinstance(end, StreamEnd) else cast("float", end)
    left = at - monotonic()  # `Transport` gives every exchange an end
    if left <= 0:
        raise over
    return left
