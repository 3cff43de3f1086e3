"""What a server sends behind an answer is nobody's, in both forms of the SDK."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from tests.client.conftest import STORE
from tests.support.upstream import raw
from vectorgate.client.client import Client

if TYPE_CHECKING:
    from tests.support.upstream import Act, FaultyUpstream


def two_at_once() -> Act:
    """A store, and another one that nobody asked for."""
    body = json.dumps(STORE).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    return raw(head + body + head + body.replace(b"vs_1", b"vs_9"), reusable=True)


def test_a_call_does_not_get_what_was_sent_behind_the_last_answer(gateway: Client, server: FaultyUpstream) -> None:
    server.will(two_at_once())
    assert [gateway.vector_stores.retrieve("vs_1").id for _ in range(2)] == ["vs_1", "vs_1"]
    assert (server.calls, server.connections) == (2, 2)


def test_an_awaited_call_does_not_either(server: FaultyUpstream) -> None:
    server.will(two_at_once())

    async def main() -> list[str]:
        async with Client(base_url=server.url, api_key="sk-gate") as client:
            return [(await client.vector_stores.aretrieve("vs_1")).id for _ in range(2)]

    assert asyncio.run(main()) == ["vs_1", "vs_1"]
    assert (server.calls, server.connections) == (2, 2)
