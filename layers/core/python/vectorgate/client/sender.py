"""One attempt over an httpx client, the SDK's own or the caller's: a request in, an Outcome out.

The limit is for the whole attempt. In the awaited form the event loop keeps it, whatever the client's transport does.
In the synchronous form the SDK's own connections keep it; over a client of the caller's it is checked after each
piece of the response, and no single wait is longer than it. Of a stream, the limit is for its head, and after that for
each wait.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx

from vectorgate.client.errors import SettingsError
from vectorgate.client.file_inputs import Form
from vectorgate.client.messages import HttpResponse, NotSent, ResponseLost, StreamLost
from vectorgate.providers.http.adapter import CONNECT_SECONDS, STREAM, url_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from vectorgate.client.flow import TimeLimit
    from vectorgate.client.messages import HttpRequest, Outcome

_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_HTTPX_DEFAULT: Final = httpx.Timeout(5.0)  # of a client that was given no timeout
_NO_AUTH: Final = httpx.Auth()
_OVER: Final = "The call's total time is over."


class SyncSender:
    """Sends over an httpx.Client. `monotonic`: seconds. TypeError for a client of the other form."""

    def __init__(self, client: httpx.Client | httpx.AsyncClient, monotonic: Callable[[], float]) -> None:
        if not isinstance(client, httpx.Client):
            raise TypeError(f"a synchronous call needs an httpx.Client, not {type(client).__name__}")
        self._client = client
        self._monotonic = monotonic

    def send(self, request: HttpRequest, limit: TimeLimit, *, streams: bool = False) -> Outcome:
        """See `drivers.Sender`. What the client's hooks and its authentication raise is raised as it is."""
        try:
            return self._exchange(request, limit, ends=self._monotonic() + limit.seconds, streams=streams)
        except httpx.RequestError as error:
            return _unanswered(error)

    def _exchange(self, request: HttpRequest, limit: TimeLimit, *, ends: float, streams: bool) -> HttpResponse:
        with _built(self._client, request, limit, streams=streams) as built:
            response = self._client.send(built, stream=True, auth=_auth(self._client))
            if streams and _has_events(response):
                return replace(_whole(response, b""), pieces=_Arriving(response))
            try:
                return _whole(response, b"".join(self._pieces(response, ends)))
            finally:
                response.close()

    def _pieces(self, response: httpx.Response, ends: float) -> Iterator[bytes]:
        for piece in response.iter_bytes():
            yield piece
            if self._monotonic() >= ends:
                raise httpx.ReadTimeout(_OVER)


class AsyncSender:
    """Sends over an httpx.AsyncClient. TypeError for a client of the other form."""

    def __init__(self, client: httpx.Client | httpx.AsyncClient) -> None:
        if not isinstance(client, httpx.AsyncClient):
            raise TypeError(f"an awaited call needs an httpx.AsyncClient, not {type(client).__name__}")
        self._client = client

    async def send(self, request: HttpRequest, limit: TimeLimit, *, streams: bool = False) -> Outcome:
        """See `drivers.AsyncSender`. What the client's hooks and its authentication raise is raised as it is."""
        try:
            with anyio.move_on_after(limit.seconds):
                return await self._exchange(request, limit, streams=streams)
        except httpx.RequestError as error:
            return _unanswered(error)
        return ResponseLost(timed_out=True, cause=httpx.ReadTimeout(_OVER))

    async def _exchange(self, request: HttpRequest, limit: TimeLimit, *, streams: bool) -> HttpResponse:
        with _built(self._client, request, limit, streams=streams) as built:
            response = await self._client.send(built, stream=True, auth=_auth(self._client))
            if streams and _has_events(response):
                return replace(_whole(response, b""), pieces=_Arriving(response))
            try:
                return _whole(response, b"".join([piece async for piece in response.aiter_bytes()]))
            finally:
                await response.aclose()


class _Arriving:
    """`messages.Pieces` of an httpx response, in the form of the client that sent it."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_bytes()
        except (httpx.RequestError, httpx.StreamError) as error:
            raise StreamLost(timed_out=isinstance(error, httpx.TimeoutException)) from error

    def close(self) -> None:
        self._response.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.aiter_bytes():
                yield piece
        except (httpx.RequestError, httpx.StreamError) as error:
            raise StreamLost(timed_out=isinstance(error, httpx.TimeoutException)) from error

    async def aclose(self) -> None:
        await self._response.aclose()


def _has_events(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.is_success and kind == "text/event-stream"


@contextmanager
def _built(
    client: httpx.Client | httpx.AsyncClient, request: HttpRequest, limit: TimeLimit, *, streams: bool
) -> Iterator[httpx.Request]:
    """The request with what the client adds to each, while its file is open. SettingsError for an impossible URL."""
    with _body(request.content) as body:
        try:
            built = client.build_request(
                request.method,
                url_of(request.url),
                headers={name.encode("ascii"): value.encode("utf-8") for name, value in request.headers.items()},
                params=_params(client, request),
                timeout=_phases(client.timeout, limit),
                extensions={STREAM: True} if streams else None,
                **body,
            )
        except httpx.InvalidURL as error:
            raise SettingsError(f"the URL cannot be called: {error}") from error
        yield built


@contextmanager
def _body(content: bytes | Form | None) -> Iterator[dict[str, Any]]:
    if isinstance(content, Form):
        with content.file.open() as stream:
            file = (content.file.filename, stream, content.file.content_type)
            yield {"data": content.fields, "files": {content.file_field: file}}
    else:
        yield {} if content is None else {"content": content}


def _params(client: httpx.Client | httpx.AsyncClient, request: HttpRequest) -> httpx.QueryParams | None:
    """The request's query where the client has parameters of its own, which would otherwise take its place."""
    return url_of(request.url).params if client.params else None


def _phases(own: httpx.Timeout, limit: TimeLimit) -> httpx.Timeout:
    """Limits for each wait: the client's own unless the caller named one of ours; never longer than the attempt's."""
    seconds = limit.seconds
    if limit.explicit or own == _HTTPX_DEFAULT:
        own = httpx.Timeout(None, connect=CONNECT_SECONDS)
    bounded = {name: min(seconds, each) if each is not None else seconds for name, each in own.as_dict().items()}
    return httpx.Timeout(**bounded)


def _auth(client: httpx.Client | httpx.AsyncClient) -> httpx.Auth:
    """The client's own. Without one, none: httpx would let a user name in the URL displace the API key."""
    return client.auth if client.auth is not None else _NO_AUTH


def _whole(response: httpx.Response, content: bytes) -> HttpResponse:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}
    return HttpResponse(response.status_code, headers, content)


def _unanswered(error: httpx.RequestError) -> NotSent | ResponseLost:
    timed_out = isinstance(error, httpx.TimeoutException)
    if isinstance(error, _NOT_SENT):
        return NotSent(timed_out=timed_out, cause=error)
    return ResponseLost(timed_out=timed_out, cause=error)
