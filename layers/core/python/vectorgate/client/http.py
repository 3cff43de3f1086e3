"""The SDK's egress: kept-alive connections over httpcore, the engine below httpx, in both forms.

httpx's timeouts are per read, and a call's `timeout` is for all of it. The waiting form gives every connect, read and
write what is left of the call's time; the awaited form has the event loop to end it. Proxies come from the environment
as Python's standard library reads it; redirects are not followed, for they would carry the key elsewhere.
"""

from __future__ import annotations

import atexit
import os
import ssl
from contextvars import ContextVar
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import httpcore
from anyio.lowlevel import RunVar

from vectorgate.client.errors import SettingsError
from vectorgate.client.exchange import HttpReply, Lost, NotSent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator

    from vectorgate.client.exchange import HttpRequest, Outcome
    from vectorgate.client.upload import Form

CONNECT_SECONDS: Final = 5.0  # as in openai's SDK
IDLE_SECONDS: Final = 4.0  # below the 5 s after which common servers close an idle connection
MAX_CONNECTIONS: Final = 1000
MAX_IDLE: Final = 100
LEAST_SECONDS: Final = 0.001

_deadline: ContextVar[float] = ContextVar("deadline")
_NOT_SENT: Final = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.ProxyError)


@cache
def tls_context(certificates: str | None) -> ssl.SSLContext:
    """One context a set of certificates: making one costs 30 ms."""
    import certifi  # noqa: PLC0415 - only a process that talks TLS reads them

    return ssl.create_default_context(cafile=certificates or certifi.where())


def _options(certificates: str | None) -> dict[str, Any]:
    return {
        "ssl_context": tls_context(certificates),
        "max_connections": MAX_CONNECTIONS,
        "max_keepalive_connections": MAX_IDLE,
        "keepalive_expiry": IDLE_SECONDS,
    }


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this URL."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return None
    if urlsplit(proxy).scheme not in {"http", "https"}:
        raise SettingsError(f"proxies of this kind are not supported: {urlsplit(proxy).scheme}")
    return proxy


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _wire(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    headers = {**request.headers, "accept-encoding": "identity"}
    if request.content is None and request.method not in {"GET", "DELETE"}:
        headers["content-length"] = "0"
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


def _timeouts(seconds: float) -> dict[str, Any]:
    limits = {"connect": min(CONNECT_SECONDS, seconds), "pool": seconds, "read": seconds, "write": seconds}
    return {"timeout": limits}


def _reply(response: httpcore.Response, content: bytes) -> HttpReply:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return HttpReply(response.status, headers, content)


class Http:
    """Waits. Safe to use from many threads, and after a fork."""

    def __init__(self, certificates: str | None = None) -> None:
        self._certificates = certificates
        self._pools: dict[tuple[int, str | None], httpcore.ConnectionPool] = {}
        self._routes: dict[str, str | None] = {}
        atexit.register(self.close)

    def send(self, request: HttpRequest, seconds: float) -> Outcome:
        """See `exchange.Transport`."""
        token = _deadline.set(monotonic() + seconds)
        try:
            return self._exchange(request, seconds)
        except _NOT_SENT as error:
            return NotSent(type(error).__name__)
        except httpcore.TimeoutException as error:
            return Lost(type(error).__name__, timed_out=True)
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Lost(type(error).__name__, timed_out=False)
        finally:
            _deadline.reset(token)

    def close(self) -> None:
        """Close the connections of this process; a later call opens new ones."""
        for key in [key for key in self._pools if key[0] == os.getpid()]:
            self._pools.pop(key).close()

    def _exchange(self, request: HttpRequest, seconds: float) -> HttpReply:
        content: bytes | Iterator[bytes] | None
        content = request.content.pieces() if _is_form(request.content) else request.content  # type: ignore[union-attr, assignment]
        with self._pool(request.url).stream(
            request.method, request.url, headers=_wire(request), content=content, extensions=_timeouts(seconds)
        ) as response:
            return _reply(response, b"".join(response.iter_stream()))

    def _pool(self, url: str) -> httpcore.ConnectionPool:
        origin = _origin(url)
        if origin not in self._routes:
            self._routes[origin] = _proxy_for(url)
        proxy = self._routes[origin]
        key = (os.getpid(), proxy)  # a connection that a child shares with its parent would mix up their answers
        if key not in self._pools:
            backend = _TimedBackend()
            options = {**_options(self._certificates), "network_backend": backend}
            self._pools.setdefault(
                key, httpcore.ConnectionPool(**options) if proxy is None else httpcore.HTTPProxy(proxy, **options)
            )
        return self._pools[key]


def _is_form(content: bytes | Form | None) -> bool:
    return content is not None and not isinstance(content, bytes)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends with the time of the call that uses it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def _left(self, timeout: float | None) -> float:
        left = _deadline.get() - monotonic()
        return max(LEAST_SECONDS, left if timeout is None else min(timeout, left))

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if _deadline.get() <= monotonic():  # an answer that trickles must not live on bytes that have arrived
            raise httpcore.ReadTimeout
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if _deadline.get() <= monotonic():
            raise httpcore.WriteTimeout
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, self._left(timeout)))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's own signature
        return self._stream.get_extra_info(info)


class _TimedBackend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._backend.connect_tcp(host, port, timeout, local_address, socket_options))


class AsyncHttp:
    """Awaits. Connections belong to the event loop that opened them, and are closed when it ends."""

    def __init__(self, certificates: str | None = None) -> None:
        self._certificates = certificates
        self._pools: RunVar[dict[str | None, httpcore.AsyncConnectionPool]] = RunVar("pools")
        self._keepers: RunVar[list[AsyncGenerator[None, None]]] = RunVar("keepers")
        self._routes: dict[str, str | None] = {}

    async def send(self, request: HttpRequest, seconds: float) -> Outcome:
        """See `exchange.AsyncTransport`."""
        try:
            with anyio.fail_after(seconds):
                return await self._exchange(request, seconds)
        except _NOT_SENT as error:
            return NotSent(type(error).__name__)
        except (httpcore.TimeoutException, TimeoutError) as error:
            return Lost(type(error).__name__, timed_out=True)
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Lost(type(error).__name__, timed_out=False)

    async def aclose(self) -> None:
        """Close the connections of this event loop; a later call opens new ones."""
        for keeper in self._keepers.get([]):
            await keeper.aclose()
        self._pools.set({})
        self._keepers.set([])

    async def _exchange(self, request: HttpRequest, seconds: float) -> HttpReply:
        content = _apieces(request.content) if _is_form(request.content) else request.content  # type: ignore[arg-type]
        pool = await self._pool(request.url)
        async with pool.stream(
            request.method,
            request.url,
            headers=_wire(request),
            content=content,  # type: ignore[arg-type]
            extensions=_timeouts(seconds),
        ) as response:
            return _reply(response, b"".join([piece async for piece in response.aiter_stream()]))

    async def _pool(self, url: str) -> httpcore.AsyncConnectionPool:
        origin = _origin(url)
        if origin not in self._routes:
            self._routes[origin] = _proxy_for(url)
        proxy = self._routes[origin]
        pools = self._pools.get({})
        if proxy not in pools:
            options = _options(self._certificates)
            pool = (
                httpcore.AsyncConnectionPool(**options) if proxy is None else httpcore.AsyncHTTPProxy(proxy, **options)
            )
            self._pools.set({**pools, proxy: pool})
            await self._keep(pool)
            return pool
        return pools[proxy]

    async def _keep(self, pool: httpcore.AsyncConnectionPool) -> None:
        """Have the event loop close the pool when it ends: it finalises the generators that are still suspended."""
        keeper = _kept(pool)
        await anext(keeper)
        self._keepers.set([*self._keepers.get([]), keeper])


async def _kept(pool: httpcore.AsyncConnectionPool) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await pool.aclose()


async def _apieces(form: Form) -> AsyncIterator[bytes]:
    for piece in form.pieces():
        yield piece
