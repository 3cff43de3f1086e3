"""What a client gets from local mode and from LiteLLM's proxy when a create is refused, and when its answer is lost."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.benchmarks import litellm_proxy
from tests.benchmarks.beside_litellm import KEY, THEIRS, started
from tests.fakes.listing_provider import ListingOpenAI
from tests.fakes.upstream import FaultyUpstream, refusal

if TYPE_CHECKING:
    import socket

    from tests.fakes.upstream import Act, Received


@dataclass
class Provider:
    """A provider that answers the next create by `next_create`; the gateways ask it for lists, too."""

    openai: ListingOpenAI = field(default_factory=lambda: ListingOpenAI(now=time.time))
    next_create: Act | None = None

    def act(self, connection: socket.socket, received: Received) -> bool:
        """Answer one request."""
        if received.method != "POST" or self.next_create is None:
            return self.openai.act(connection, received)
        act, self.next_create = self.next_create, None
        return act(connection, received)


def report() -> list[str]:
    """The lines to print: two for each gateway."""
    provider = Provider()
    with ExitStack() as running:
        upstream = running.enter_context(FaultyUpstream(provider.act))
        home = Path(running.enter_context(tempfile.TemporaryDirectory()))
        gateways = started(running, home, upstream.url)
        return [line for name, each in gateways.items() for line in _of(name, each.port, provider)]


def _of(name: str, port: int, provider: Provider) -> list[str]:
    title = f"{name} {litellm_proxy.version()}" if name == THEIRS else name
    before = len(provider.openai.stores)
    provider.next_create = refusal(429, "insufficient_quota", {"retry-after": "7"})
    refused = _create(port)
    code, retry_after = refused.json()["error"]["code"], refused.headers.get("retry-after")
    provider.next_create = provider.openai.unseen
    lost = _create(port)
    return [
        f"{title}: 429 insufficient_quota, retry-after 7: code {code}, retry-after {retry_after}",
        f"{title}: a create whose answer is lost: {lost.status_code}, stores: {len(provider.openai.stores) - before}",
    ]


def _create(port: int) -> httpx.Response:
    url, headers = f"http://127.0.0.1:{port}/v1/vector_stores", {"authorization": f"Bearer {KEY}"}
    return httpx.post(url, headers=headers, json={"name": "one"}, timeout=60, trust_env=False)
