"""The SDK's own HTTP client: httpx's, over the egress adapter's connections, by way of the environment's proxies.

Proxies are read as Python's standard library reads them. Redirects are not followed, because they would carry the key
elsewhere, and cookies are not kept (`providers/http/adapter.py`).
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import httpx
from anyio.lowlevel import RunVar

from vectorgate.client.errors import SettingsError
from vectorgate.client.settings import proxy_for
from vectorgate.providers.http import adapter, async_adapter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from vectorgate.client.authorizers import Prepare

MAX_CONNECTIONS: Final = 1000  # with MAX_IDLE, openai's SDK's own limits
MAX_IDLE: Final = 100
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_OPTIONS: Final[Mapping[str, Any]] = {
    "trust_env": False,
    "follow_redirects": False,
    "headers": {"accept-encoding": "identity"},
    "timeout": None,
}


def own_client(transport: SyncTransport, auth: Prepare | None = None) -> httpx.Client:
    """A client over these connections that adds nothing to what it is given but what `auth` does."""
    client = httpx.Client(transport=transport, auth=auth, **_OPTIONS)
    _keep_bare(client)
    return client


def own_async_client(transport: AsyncTransport, auth: Prepare | None = None) -> httpx.AsyncClient:
    """The awaited form of own_client."""
    client = httpx.AsyncClient(transport=transport, auth=auth, **_OPTIONS)
    _keep_bare(client)
    return client


def _keep_bare(client: httpx.Client | httpx.AsyncClient) -> None:
    del client.headers["connection"]  # keep-alive, which HTTP/1.1 means anyway
    cast("Any", client.cookies).extract_cookies = lambda _: None  # the adapter lets none through; looking takes 60 us


class SyncTransport(httpx.BaseTransport):
    """Blocks. Safe to use from many threads, and after a fork. `monotonic`: seconds."""

    def __init__(self, certificates: str | None, monotonic: Callable[[], float]) -> None:
        self._certificates = certificates
        self._monotonic = monotonic
        self._proxies = _Proxies()
        self._by_proxy: dict[str | None, adapter.Transport] = {}
        weakref.finalize(self, _close_all, self._by_proxy)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send over a pooled connection. httpx's exceptions; SettingsError for a proxy of an unsupported kind."""
        proxy = self._proxies.of(request.url)
        if proxy not in self._by_proxy:
            transport = adapter.Transport(self._monotonic, _pooling(self._certificates, proxy))
            self._by_proxy.setdefault(proxy, transport)  # of two threads' transports, the first stays
        return self._by_proxy[proxy].handle_request(request)

    def close(self) -> None:
        """Close the connections of this process; a later request opens new ones."""
        _close_all(self._by_proxy)


def _close_all(transports: dict[str | None, adapter.Transport]) -> None:
    for transport in list(transports.values()):
        transport.close()


class AsyncTransport(httpx.AsyncBaseTransport):
    """Awaits. Connections belong to the event loop that opened them, and are closed when it ends."""

    def __init__(self, certificates: str | None) -> None:
        self._certificates = certificates
        self._proxies = _Proxies()
        self._by_proxy: RunVar[dict[str | None, async_adapter.AsyncTransport]] = RunVar("transports")
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

    async def _transport(self, proxy: str | None) -> async_adapter.AsyncTransport:
        transports = self._by_proxy.get({})
        if proxy in transports:
            return transports[proxy]
        transport = async_adapter.AsyncTransport(_pooling(self._certificates, proxy))
        self._by_proxy.set({**transports, proxy: transport})
        await self._close_with_the_loop(transport)
        return transport

    async def _close_with_the_loop(self, transport: async_adapter.AsyncTransport) -> None:
        """An event loop that ends finalises the generators that are still suspended."""
        closer = _closer(transport)
        await anext(closer)
        self._closers.set([*self._closers.get([]), closer])


async def _closer(transport: async_adapter.AsyncTransport) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await transport.aclose()


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


def _pooling(certificates: str | None, proxy: str | None) -> adapter.Pooling:
    return adapter.Pooling(certificates, proxy, MAX_CONNECTIONS, MAX_IDLE)
