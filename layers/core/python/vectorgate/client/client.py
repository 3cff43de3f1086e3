"""A client: settings, connections, and the groups of operations. `vectorgate.vector_stores` is the default one's."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self, TypeVar

from vectorgate.client import settings as environment
from vectorgate.client.calls import Timing
from vectorgate.client.destinations import Azure, Direct, Function, Gateway, checked_base
from vectorgate.client.errors import SettingsError
from vectorgate.client.exchange import adrive, drive
from vectorgate.client.files import Files
from vectorgate.client.options import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT
from vectorgate.client.uploads import Uploads
from vectorgate.client.vector_stores import VectorStores

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from vectorgate.client.destinations import Destination, Signer
    from vectorgate.client.exchange import Flow
    from vectorgate.client.http import AsyncHttp, Http
    from vectorgate.client.options import Options
    from vectorgate.client.settings import ClientSettings

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
    environment, as `api_key` does. `timeout` and `max_retries` are for calls that name none.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        function: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        settings: ClientSettings | None = None,
        timing: Timing = TIMING,
    ) -> None:
        self.timeout = timeout
        self.max_retries = max_retries
        self.timing = timing
        self._own = (base_url, function) if base_url or function else None
        self._api_key = api_key
        self._fixed = settings
        self.vector_stores = VectorStores(self)
        self.files = Files(self)
        self.uploads = Uploads(self)

    def run(self, flow: Flow[T]) -> T:
        """Take a flow to its end in this thread."""
        return drive(flow, lambda: self._transport, self.timing.sleep)

    async def arun(self, flow: Flow[T]) -> T:
        """Take a flow to its end in this task."""
        return await adrive(flow, lambda: self._async_transport)

    def destination(self, options: Options) -> Destination:
        """Where a call with these options goes."""
        return chosen(options, self._settings(), lambda: self._signer)

    def close(self) -> None:
        """Close the connections that wait; a later call opens new ones."""
        if "_transport" in self.__dict__:
            self._transport.close()

    async def aclose(self) -> None:
        """Close this event loop's connections, and those that wait."""
        if "_async_transport" in self.__dict__:
            await self._async_transport.aclose()
        self.close()

    def _settings(self) -> ClientSettings:
        settings = self._fixed if self._fixed is not None else environment.from_environment()
        if self._own:
            settings = replace(settings, base_url=self._own[0], function=self._own[1])
        return settings if self._api_key is None else replace(settings, api_key=self._api_key)

    @cached_property
    def _transport(self) -> Http:
        from vectorgate.client.http import Http  # noqa: PLC0415 - importing the SDK must not cost a network stack

        return Http(self._settings().certificates, self.timing.monotonic)

    @cached_property
    def _async_transport(self) -> AsyncHttp:
        from vectorgate.client.http import AsyncHttp  # noqa: PLC0415 - the same

        return AsyncHttp(self._settings().certificates)

    @cached_property
    def _signer(self) -> Signer:
        from vectorgate.client.function import LambdaSigner  # noqa: PLC0415 - the same, and it knows boto3

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


def chosen(options: Options, settings: ClientSettings, signer: Callable[[], Signer]) -> Destination:
    """See the table in `destinations`. SettingsError for contradictions, and for a key that is missing."""
    if options.api_base is None and (settings.base_url or settings.function):
        return _gateway(options, settings, signer)
    if options.custom_llm_provider in {None, "openai"}:
        return _openai(options, settings)
    if options.custom_llm_provider == "azure":
        return _azure(options, settings)
    raise SettingsError(
        f"custom_llm_provider={options.custom_llm_provider!r} needs a gateway (VECTORGATE_BASE_URL); "
        "without one there are 'openai' and 'azure'"
    )


def _gateway(options: Options, settings: ClientSettings, signer: Callable[[], Signer]) -> Destination:
    if settings.base_url and settings.function:
        raise SettingsError("VECTORGATE_BASE_URL and VECTORGATE_FUNCTION are both set: which of them is meant?")
    if options.api_version is not None:
        raise SettingsError("api_version is the gateway's own setting; it does not take one from clients")
    key = _key(options.api_key or settings.api_key, "VECTORGATE_API_KEY")
    if settings.function:
        return Function(name=settings.function, api_key=key, signer=signer())
    return Gateway(api_base=checked_base(str(settings.base_url)), api_key=key)


def _openai(options: Options, settings: ClientSettings) -> Destination:
    said = {"openai-organization": settings.openai_organization, "openai-project": settings.openai_project}
    return Direct(
        api_base=checked_base(options.api_base or settings.openai_url),
        api_key=_key(options.api_key or settings.openai_key, "OPENAI_API_KEY"),
        extra={name: value for name, value in said.items() if value is not None},
    )


def _azure(options: Options, settings: ClientSettings) -> Destination:
    base = options.api_base or settings.azure_url
    if base is None:
        raise SettingsError("no Azure resource: pass api_base, or set AZURE_API_BASE")
    key = _key(options.api_key or settings.azure_key, "AZURE_API_KEY")
    return Azure(api_base=checked_base(base), api_key=key, version=options.api_version or settings.azure_version)


def _key(key: str | None, variable: str) -> str:
    """The key without the line's end that files and shells add. SettingsError when there is none."""
    if key is None or not key.strip():
        raise SettingsError(f"no key: pass api_key, or set {variable}")
    return key.strip()
