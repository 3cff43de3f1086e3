"""An SDK over clients of httpx that a test gives it, in both forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.factories.sdk_calls import acall, call
from tests.integration.client.conftest import STORE
from vectorgate.client.client import Client

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    Handler = Callable[[httpx.Request], httpx.Response]
    Over = Callable[..., "Both"]

BASE: Final = "http://gateway.example/v1"
RETRIEVE: Final = "vector_stores.retrieve"


def stored(request: httpx.Request) -> httpx.Response:
    """Answer with a store, whose name is the request's path."""
    return httpx.Response(200, json={**STORE, "name": request.url.path})


class Both:
    """A client of each form over the same options, and calls in the form that a test names."""

    def __init__(
        self, runner: asyncio.Runner, base_url: str = BASE, handler: Handler | None = None, **options: Any
    ) -> None:
        transport: dict[str, Any] = {"transport": httpx.MockTransport(handler)} if handler is not None else {}
        self.base_url = base_url
        self.runner = runner
        self.sync = httpx.Client(**transport, **options)
        self.awaited = httpx.AsyncClient(**transport, **options)

    def client(self, **options: Any) -> Client:
        given: dict[str, Any] = {"http_client": self.sync, "async_http_client": self.awaited, "base_url": self.base_url}
        return Client(**{"api_key": "sk-gate", "max_retries": 0, **given, **options})

    def call(self, form: str, operation: str, client: Client | None = None, **options: Any) -> Any:
        client = client or self.client()
        if form == "sync":
            return call(client, operation, **options)
        return self.runner.run(acall(client, operation, **options))

    def retrieve(self, form: str, client: Client | None = None, **options: Any) -> Any:
        return self.call(form, RETRIEVE, client, **options)

    def close(self) -> None:
        self.sync.close()
        self.runner.run(self.awaited.aclose())
