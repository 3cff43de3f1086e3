"""The SDK's own HTTP client: httpx's, over connections whose every wait ends with the call that uses them.

httpx's timeouts are per read, and a call's `timeout` is for all of it: the synchronous form's connections know when the
call ends (`deadline.py`), and the awaited form is ended by the event loop (`sender.py`). A connection that holds more
than its response is closed, so that the surplus is no part of the next one. Proxies come from the environment as
Python's standard library reads it. Redirects are not followed, because they would carry the key elsewhere, and cookies
are not kept.
"""

from __future__ import annotations

import os
import weakref
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote, urlsplit

import httpcore
import httpx
from anyio.lowlevel import RunVar

from vectorgate.client.errors import SettingsError
from vectorgate.client.settings import proxy_for
from vectorgate.providers.http.deadline import CONNECT_SECONDS, IDLE_SECONDS, TimedBackend, has_surplus, tls_context

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

MAX_CONNECTIONS: Final = 1000  # with MAX_IDLE, openai's SDK's own limits
MAX_IDLE: Final = 100
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def own_client(transport: SyncTransport) -> httpx.Client:
    """A client over these connections that sends what it is given and nothing else."""
    client = httpx.Client(transport=transport, **_client_options())
    del client.headers["connection"]  # keep-alive, which HTTP/1.1 means anyway
    return client


def own_async_client(transport: AsyncTransport) -> httpx.AsyncClient:
    """The awaited form of own_client."""
    client = httpx.AsyncClient(transport=transport, **_client_options())
    del client.headers["connection"]
    return client


def _client_options() -> dict[str, Any]:
    return {
        "trust_env": False,
        "follow_redirects": False,
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=())),
        "headers": {"accept-encoding": "identity"},
        "timeout": httpx.Timeout(None, connect=CONNECT_SECONDS),
    }


class SyncTransport(httpx.BaseTransport):
    """Blocks. Safe to use from many threads, and after a fork. `monotonic`: the clock of `deadline.ends_at`."""

    def __init__(self, certificates: str | None, monotonic: Callable[[], float]) -> None:
        self._certificates = certificates
        self._monotonic = monotonic
        self._proxies = _Proxies()
        # A connection that a child process shares with its parent would mix up their responses: hence the process id.
        self._by_proxy: dict[tuple[int, str | None], _PoolTransport] = {}
        weakref.finalize(self, _close_own, self._by_proxy)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send over a pooled connection. httpx's exceptions; SettingsError for a proxy of an unsupported kind."""
        return self._transport(self._proxies.of(request.url)).handle_request(request)

    def close(self) -> None:
        """Close the connections of this process; a later request opens new ones."""
        _close_own(self._by_proxy)

    def _transport(self, proxy: str | None) -> _PoolTransport:
        key = (os.getpid(), proxy)
        if key not in self._by_proxy:
            options = {**_pool_options(self._certificates, proxy), "network_backend": TimedBackend(self._monotonic)}
            self._by_proxy.setdefault(key, _PoolTransport(_Pool(**options)))  # of two threads' pools, the first stays
        return self._by_proxy[key]


class AsyncTransport(httpx.AsyncBaseTransport):
    """Awaits. Connections belong to the event loop that opened them, and are closed when it ends."""

    def __init__(self, certificates: str | None) -> None:
        self._certificates = certificates
        self._proxies = _Proxies()
        self._by_proxy: RunVar[dict[str | None, _AsyncPoolTransport]] = RunVar("transports")
        self._closers: RunVar[list[AsyncGenerator[None, None]]] = RunVar("closers")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send over a pooled connection. httpx's exceptions; SettingsError for a proxy of an unsupported kind."""
        transport = await self._transport(self._proxies.of(request.url))
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections of this event loop; a later request opens new ones."""
        for closer in self._closers.get([]):
            await closer.aclose()
        self._by_proxy.set({})
        self._closers.set([])

    async def _transport(self, proxy: str | None) -> _AsyncPoolTransport:
        transports = self._by_proxy.get({})
        if proxy in transports:
            return transports[proxy]
        transport = _AsyncPoolTransport(_AsyncPool(**_pool_options(self._certificates, proxy)))
        self._by_proxy.set({**transports, proxy: transport})
        await self._close_with_the_loop(transport)
        return transport

    async def _close_with_the_loop(self, transport: _AsyncPoolTransport) -> None:
        """An event loop that ends finalises the generators that are still suspended."""
        closer = _closer(transport)
        await anext(closer)
        self._closers.set([*self._closers.get([]), closer])


async def _closer(transport: _AsyncPoolTransport) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await transport.aclose()


def _close_own(transports: dict[tuple[int, str | None], _PoolTransport]) -> None:
    for key in [key for key in transports if key[0] == os.getpid()]:
        transports.pop(key).close()


class _Proxies:
    """The proxy of each origin, looked up once."""

    def __init__(self) -> None:
        self._by_origin: dict[str, str | None] = {}

    def of(self, url: httpx.URL) -> str | None:
        """The URL of the proxy that the environment names. SettingsError for one that is not HTTP's."""
        origin = f"{url.scheme}://{url.raw_host.decode('ascii')}:{url.port or DEFAULT_PORTS.get(url.scheme, 0)}"
        if origin not in self._by_origin:
            self._by_origin[origin] = _supported(proxy_for(origin))
        return self._by_origin[origin]


def _supported(proxy: str | None) -> str | None:
    if proxy is not None and urlsplit(proxy).scheme not in {"http", "https"}:
        raise SettingsError(f"proxies of this kind are not supported: {urlsplit(proxy).scheme}")
    return proxy


def _pool_options(certificates: str | None, proxy: str | None) -> dict[str, Any]:
    return {
        "ssl_context": tls_context(certificates),
        "proxy": _httpcore_proxy(proxy) if proxy is not None else None,
        "max_connections": MAX_CONNECTIONS,
        "max_keepalive_connections": MAX_IDLE,
        "keepalive_expiry": IDLE_SECONDS,
    }


def _httpcore_proxy(proxy: str) -> httpcore.Proxy:
    """A proxy and its credentials, which httpcore does not look for in a URL."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return httpcore.Proxy(proxy)
    return httpcore.Proxy(proxy, auth=(unquote(parts.username), unquote(parts.password or "")))


class _PoolTransport(httpx.HTTPTransport):
    """httpx's own transport over one of our pools, so that OpenTelemetry's instrumentation sees each request."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:  # httpx's own would make a second pool, with its TLS
        self._pool = pool


class _AsyncPoolTransport(httpx.AsyncHTTPTransport):
    """The awaited form of _PoolTransport."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool


class _Pool(httpcore.ConnectionPool):
    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        response = super().handle_request(request)
        if "network_stream" not in response.extensions:  # a mock's, which patches httpcore
            return response
        return httpcore.Response(
            response.status, headers=response.headers, content=_Checked(response), extensions=response.extensions
        )


class _AsyncPool(httpcore.AsyncConnectionPool):
    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        response = await super().handle_async_request(request)
        if "network_stream" not in response.extensions:
            return response
        return httpcore.Response(
            response.status, headers=response.headers, content=_AsyncChecked(response), extensions=response.extensions
        )


class _Checked:
    """A response's content. At its end, a connection that holds more than it is closed."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from cast("Iterator[bytes]", self._response.stream)
        if has_surplus(self._response):
            self._response.extensions["network_stream"].close()

    def close(self) -> None:
        """Give the connection back to its pool."""
        self._response.close()


class _AsyncChecked:
    """The awaited form of _Checked."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in cast("AsyncIterator[bytes]", self._response.stream):
            yield piece
        if has_surplus(self._response):
            await self._response.extensions["network_stream"].aclose()

    async def aclose(self) -> None:
        """Give the connection back to its pool."""
        await self._response.aclose()
