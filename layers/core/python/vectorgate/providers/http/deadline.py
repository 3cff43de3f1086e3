"""Connections whose every wait ends with the time of the exchange that uses them. Both egresses stand on it.

httpcore's timeouts are per read and per write, so that a server that sends, or takes, a byte a second could hold its
caller for ever. Whoever sends sets `ends_at`, and what is left until then bounds each connect, read and write.
"""

from __future__ import annotations

import ssl
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import httpcore

from vectorgate.providers.http.dns import addresses_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CONNECT_SECONDS: Final = 5.0  # as in openai's SDK
IDLE_SECONDS: Final = 4.0  # below the 5 s after which common servers close an idle connection: a reused one is alive
WRITE_PIECE: Final = 16 * 1024  # a TLS record; below what a fresh connection takes at once

ends_at: Final[ContextVar[float]] = ContextVar("ends_at")  # the second, of the backend's own clock


@cache
def tls_context(certificates: str | None) -> ssl.SSLContext:
    """One context a set of certificates (None: certifi's): making one costs 30 ms."""
    import certifi  # noqa: PLC0415 - only a process that talks TLS reads them

    return ssl.create_default_context(cafile=certificates or certifi.where())


def timeouts(seconds: float) -> dict[str, dict[str, float]]:
    """The limits of httpcore itself for an exchange of so many seconds, as a request's extensions."""
    limits = {"connect": min(CONNECT_SECONDS, seconds), "pool": seconds, "read": seconds, "write": seconds}
    return {"timeout": limits}


def headers_of(response: httpcore.Response) -> dict[str, str]:
    """The answer's headers, their names in lower case."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}


def has_surplus(response: httpcore.Response) -> bool:
    """Whether its connection holds more than the answer, which was read to its end. Then it must be closed.

    Whoever had it next would be given the surplus for an answer to himself. What arrives later makes the idle socket
    readable, and httpcore closes such a one instead of using it again; what arrived already is in h11's buffer, which
    httpcore neither asks nor shows, or in front of TLS that is fed from memory, as an event loop's is.
    """
    connection = cast("Any", response.stream)._stream._connection  # noqa: SLF001 - the only way to h11's buffer
    surplus, _closed = connection._h11_state.trailing_data  # noqa: SLF001
    tls = response.extensions["network_stream"].get_extra_info("ssl_object")
    return bool(surplus) or (isinstance(tls, ssl.SSLObject) and _holds_more(tls))


def _holds_more(tls: ssl.SSLObject) -> bool:
    """Whether it was given more than was read from it. Reading does not wait: there is no socket below."""
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:  # the end, or garbage
        return True
    return True


def _left(monotonic: Callable[[], float], timeout: float | None, over: type[httpcore.TimeoutException]) -> float:
    left = ends_at.get() - monotonic()
    if left <= 0:
        raise over
    return left if timeout is None else min(timeout, left)


class TimedBackend(httpcore.NetworkBackend):
    """Opens timed connections. `monotonic`: the clock that `ends_at` is in, in seconds."""

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
        """A connection to the first of the host's addresses that answers. ConnectTimeout or ConnectError.

        `timeout` is for each of them, and all of them, with looking them up, end with the exchange.
        """
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses(host, port):
            left = _left(self._monotonic, timeout, httpcore.ConnectTimeout)
            try:
                stream = self._backend.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectTimeout, httpcore.ConnectError) as error:
                failure = error
            else:
                return TimedStream(stream, self._monotonic)
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        left = _left(self._monotonic, None, httpcore.ConnectTimeout)
        try:
            return addresses_of(host, port, left)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error


class TimedStream(httpcore.NetworkStream):
    """One connection. Nothing is begun on it when the time is over, whatever has already arrived."""

    def __init__(self, stream: httpcore.NetworkStream, monotonic: Callable[[], float]) -> None:
        self._stream = stream
        self._monotonic = monotonic

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has arrived, as soon as something has. ReadTimeout or ReadError."""
        return self._stream.read(max_bytes, _left(self._monotonic, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it, in pieces: the stream below grants its timeout anew to each bit that a slow reader takes.

        WriteTimeout or WriteError.
        """
        for start in range(0, len(buffer), WRITE_PIECE):
            left = _left(self._monotonic, timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + WRITE_PIECE], left)

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
