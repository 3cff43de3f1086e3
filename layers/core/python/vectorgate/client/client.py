"""A client: settings, connections, and the groups of operations. `vectorgate.vector_stores` is the default one's."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self, TypeVar

from vectorgate.client import settings as environment
from vectorgate.client.attempts import Timing
from vectorgate.client.drivers import adrive, drive
from vectorgate.client.files import Files
from vectorgate.client.options import DEFAULT_MAX_RETRIES
from vectorgate.client.responses import Models, Responses
from vectorgate.client.routing import destination_of
from vectorgate.client.uploads import Uploads
from vectorgate.client.vector_stores import VectorStores

if TYPE_CHECKING:
    from types import TracebackType

    import httpx

    from vectorgate.client.authorizers import Prepare
    from vectorgate.client.destinations import Destination
    from vectorgate.client.drivers import AsyncSender, Sender
    from vectorgate.client.flow import Flow, Send
    from vectorgate.client.lambda_function import Signer
    from vectorgate.client.options import Options
    from vectorgate.client.settings import ClientSettings
    from vectorgate.client.transport import AsyncTransport, SyncTransport

T = TypeVar("T")

TIMING: Final = Timing(
    monotonic=time.monotonic,
    wall=time.time,
    sleep=time.sleep,
    fraction=random.random,  # jitter, not a secret
)


class Client:
    """Both forms of every operation. Safe to use from many threads and event loops.

    `base_url` (a gateway) or `function` (the name or ARN of a gateway's invoke function) take precedence over the
    environment, as `api_key` does. `timeout` (seconds for a whole call) and `max_retries` are for calls that name none.
    `http_client` sends the synchronous calls and `async_http_client` the awaited ones; they stay open. A form without
    one makes its own client when it is first used, and has `auth` change each request (`authorizers.py`).
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        function: str | None = None,
        timeout: float | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
        http_client: httpx.Client | None = None,
        async_http_client: httpx.AsyncClient | None = None,
        auth: Prepare | None = None,
        settings: ClientSettings | None = None,
        timing: Timing = TIMING,
    ) -> None:
        self.timeout = timeout
        self.max_retries = max_retries
        self.timing = timing
        self._own = (base_url, function) if base_url or function else None
        self._api_key = api_key
        self._auth = auth
        self._fixed = settings
        self.vector_stores = VectorStores(self)
        self.files = Files(self)
        self.uploads = Uploads(self)
        self.responses = Responses(self)
        self.models = Models(self)
        if http_client is not None:
            self._sender = self._over(http_client)
        if async_http_client is not None:
            self._async_sender = self._async_over(async_http_client)

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end in this thread."""
        return drive(flow, self._sender_for, self.timing.sleep)

    async def arun(self, flow: Flow[T]) -> T:
        """Run a flow to its end in this task."""
        return await adrive(flow, self._async_sender_for)

    def destination(self, options: Options) -> Destination:
        """The destination of a call with these options."""
        return destination_of(options, self._settings(), lambda: self._signer)

    @property
    def gateway(self) -> str | None:
        """The base URL of the gateway that calls go to; None where they go to a function or a provider."""
        return self._settings().base_url

    def close(self) -> None:
        """Close the idle connections of the client's own; a later call opens new ones."""
        if "_transport" in self.__dict__:
            self._transport.close()

    async def aclose(self) -> None:
        """Close this event loop's own connections, and those that `close` closes."""
        if "_async_transport" in self.__dict__:
            await self._async_transport.aclose()
        self.close()

    def _settings(self) -> ClientSettings:
        settings = self._fixed if self._fixed is not None else environment.from_environment()
        if self._own:
            settings = replace(settings, base_url=self._own[0], function=self._own[1])
        return settings if self._api_key is None else replace(settings, api_key=self._api_key)

    def _sender_for(self, step: Send) -> Sender:
        return self._sender if step.http_client is None else self._over(step.http_client)

    def _async_sender_for(self, step: Send) -> AsyncSender:
        return self._async_sender if step.http_client is None else self._async_over(step.http_client)

    def _over(self, http_client: httpx.Client | httpx.AsyncClient) -> Sender:
        from vectorgate.client.sender import SyncSender  # noqa: PLC0415 - importing the SDK must not cost httpx

        return SyncSender(http_client, self.timing.monotonic)

    def _async_over(self, http_client: httpx.Client | httpx.AsyncClient) -> AsyncSender:
        from vectorgate.client.sender import AsyncSender as OverHttpx  # noqa: PLC0415 - see _over

        return OverHttpx(http_client)

    @cached_property
    def _sender(self) -> Sender:
        from vectorgate.client.transport import own_client  # noqa: PLC0415 - see _over

        return self._over(own_client(self._transport, self._auth))

    @cached_property
    def _async_sender(self) -> AsyncSender:
        from vectorgate.client.transport import own_async_client  # noqa: PLC0415 - see _over

        return self._async_over(own_async_client(self._async_transport, self._auth))

    @cached_property
    def _transport(self) -> SyncTransport:
        from vectorgate.client.transport import SyncTransport  # noqa: PLC0415 - see _over

        return SyncTransport(self._settings().certificates, self.timing.monotonic)

    @cached_property
    def _async_transport(self) -> AsyncTransport:
        from vectorgate.client.transport import AsyncTransport  # noqa: PLC0415 - see _over

        return AsyncTransport(self._settings().certificates)

    @cached_property
    def _signer(self) -> Signer:
        from vectorgate.client.lambda_signer import LambdaSigner  # noqa: PLC0415 - it knows boto3

        return LambdaSigner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()
