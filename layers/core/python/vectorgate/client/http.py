"""The SDK's egress: kept-alive connections over httpcore, the engine below httpx, in both forms.

httpx's timeouts are per read, and a call's `timeout` is for all of it. In the waiting form connections are `timed`, as
the gateway's are; the awaited form has the event loop to end it. Proxies come from the environment
as Python's standard library reads it; redirects are not followed, for they would carry the key elsewhere.
"""

from __future__ import annotations

import atexit
import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import anyio
import httpcore
from anyio.lowlevel import RunVar

from vectorgate.client.errors import SettingsError
from vectorgate.client.exchange import HttpReply, NotSent, ResponseLost
from vectorgate.client.settings import proxy_for
from vectorgate.providers.http.deadline import (
    IDLE_SECONDS,
    TimedBackend,
    ends_at,
    has_surplus,
    headers_of,
    timeouts,
    tls_context,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

    from vectorgate.client.exchange import HttpRequest, Outcome
    from vectorgate.providers.http.multipart import Form

MAX_CONNECTIONS: Final = 1000
MAX_IDLE: Final = 100

_NOT_SENT: Final = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.ProxyError)


def _options(certificates: str | None) -> dict[str, Any]:
    return {
        "ssl_context": tls_context(certificates),
        "max_connections": MAX_CONNECTIONS,
        "max_keepalive_connections": MAX_IDLE,
        "keepalive_expiry": IDLE_SECONDS,
    }


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this URL. SettingsError for one of another kind than HTTP's."""
    proxy = proxy_for(url)
    if proxy is not None and urlsplit(proxy).scheme not in {"http", "https"}:
        raise SettingsError(f"proxies of this kind are not supported: {urlsplit(proxy).scheme}")
    return proxy


def _proxied(proxy: str) -> dict[str, Any]:
    """A proxy and who uses it, as httpcore takes them: it does not look for a name and a password in a URL."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return {"proxy_url": proxy}
    return {"proxy_url": proxy, "proxy_auth": (unquote(parts.username), unquote(parts.password or ""))}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _wire(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    headers = {**request.headers, "accept-encoding": "identity"}
    if request.content is None and request.method not in {"GET", "DELETE"}:
        headers["content-length"] = "0"
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


def _reply(response: httpcore.Response, content: bytes) -> HttpReply:
    return HttpReply(response.status, headers_of(response), content)


class Http:
    """Waits. Safe to use from many threads, and after a fork. `clock`: monotonic seconds."""

    def __init__(self, certificates: str | None, clock: Callable[[], float]) -> None:
        self._certificates = certificates
        self._clock = clock
        self._pools: dict[tuple[int, str | None], httpcore.ConnectionPool] = {}
        self._routes: dict[str, str | None] = {}
        atexit.register(self.close)

    def send(self, request: HttpRequest, seconds: float) -> Outcome:
        """See `exchange.Transport`."""
        token = ends_at.set(self._clock() + seconds)
        try:
            return self._exchange(request, seconds)
        except _NOT_SENT as error:
            return NotSent(type(error).__name__)
        except httpcore.TimeoutException as error:
            return ResponseLost(type(error).__name__, timed_out=True)
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return ResponseLost(type(error).__name__, timed_out=False)
        finally:
            ends_at.reset(token)

    def close(self) -> None:
        """Close the connections of this process; a later call opens new ones."""
        for key in [key for key in self._pools if key[0] == os.getpid()]:
            self._pools.pop(key).close()

    def _exchange(self, request: HttpRequest, seconds: float) -> HttpReply:
        content: bytes | Iterator[bytes] | None
        content = request.content.pieces() if _is_form(request.content) else request.content  # type: ignore[union-attr, assignment]
        with self._pool(request.url).stream(
            request.method, request.url, headers=_wire(request), content=content, extensions=timeouts(seconds)
        ) as response:
            received = b"".join(response.iter_stream())
            if has_surplus(response):
                response.extensions["network_stream"].close()
            return _reply(response, received)

    def _pool(self, url: str) -> httpcore.ConnectionPool:
        origin = _origin(url)
        if origin not in self._routes:
            self._routes[origin] = _proxy_for(url)
        proxy = self._routes[origin]
        key = (os.getpid(), proxy)  # a connection that a child shares with its parent would mix up their answers
        if key not in self._pools:
            options = {**_options(self._certificates), "network_backend": TimedBackend(self._clock)}
            self._pools.setdefault(
                key,
                httpcore.ConnectionPool(**options)
                if proxy is None
                else httpcore.HTTPProxy(**_proxied(proxy), **options),
            )
        return self._pools[key]


def _is_form(content: bytes | Form | None) -> bool:
    return content is not None and not isinstance(content, bytes)


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
            return ResponseLost(type(error).__name__, timed_out=True)
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return ResponseLost(type(error).__name__, timed_out=False)

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
            extensions=timeouts(seconds),
        ) as response:
            received = b"".join([piece async for piece in response.aiter_stream()])
            if has_surplus(response):
                await response.extensions["network_stream"].aclose()
            return _reply(response, received)

    async def _pool(self, url: str) -> httpcore.AsyncConnectionPool:
        origin = _origin(url)
        if origin not in self._routes:
            self._routes[origin] = _proxy_for(url)
        proxy = self._routes[origin]
        pools = self._pools.get({})
        if proxy not in pools:
            options = _options(self._certificates)
            pool = (
                httpcore.AsyncConnectionPool(**options)
                if proxy is None
                else httpcore.AsyncHTTPProxy(**_proxied(proxy), **options)
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
