"""A stream of ten minutes in little memory, and a hundred streams at once in local mode."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import httpx

from tests.fakes.openai import FakeOpenAI
from tests.fakes.openai_responses import STREAM_HEAD, event_bytes, events_of
from tests.fakes.upstream import FaultyUpstream
from tests.helpers.processes import run_module
from vectorgate.api.http import Body
from vectorgate.client.client import Client
from vectorgate.entrypoints.lambda_http import UNENCODED_BODY
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import RecordQuery
from vectorgate.persistence.sqlite import open_stores
from vectorgate.settings import MIB

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from openai import OpenAI

    from tests.fakes.upstream import Received
    from tests.harnesses.gateway import GatewayHarness

KEY = "sk-of-many-streams"
STREAMS = 100
HOUR_MS = 3_600_000
EVENTS = 30_000  # of ten minutes, 50 a second
BLOCK = 50  # events that arrive together
RESPONSE = {"id": "resp_long", "object": "response", "status": "in_progress", "model": "gpt-5-mini", "output": []}
USAGE = {"input_tokens": 10, "output_tokens": EVENTS, "total_tokens": EVENTS + 10}
EVENT = {
    "version": "2.0",
    "rawPath": "/v1/responses",
    "requestContext": {"http": {"method": "POST", "path": "/v1/responses"}},
    "body": json.dumps({"model": "gpt-5-mini", "input": "hi", "stream": True}),
    "isBase64Encoded": False,
    UNENCODED_BODY: Body,
}


def long_stream(connection: socket.socket, _: Received) -> bool:
    """An act: a response of EVENTS deltas."""
    delta = event_bytes({"type": "response.output_text.delta", "delta": "word " * 8, "item_id": "msg_1"})
    done = {**RESPONSE, "status": "completed", "usage": USAGE}
    connection.sendall(STREAM_HEAD + _chunk(event_bytes({"type": "response.created", "response": RESPONSE})))
    for _number in range(EVENTS // BLOCK):
        connection.sendall(_chunk(delta * BLOCK))
    connection.sendall(_chunk(event_bytes({"type": "response.completed", "response": done})) + _chunk(b""))
    return True


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def test_the_memory_of_a_stream_does_not_grow_with_it(harness: GatewayHarness, red: OpenAI) -> None:
    harness.upstream.will(long_stream)
    stream: Any = harness.api(EVENT | {"headers": {"authorization": f"Bearer {red.api_key}"}})["body"]
    peaks, taken = [], 0
    tracemalloc.start()
    try:
        for taken, _event in enumerate(stream, start=1):
            if taken % 5_000 == 0:
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.reset_peak()
    finally:
        tracemalloc.stop()
        stream.close()
    assert taken == EVENTS + 2
    assert len(peaks) == EVENTS // 5_000
    assert max(peaks) - min(peaks) < MIB / 4  # 5,000 events are 0.7 MiB
    assert harness.rows()[-1].output_tokens == EVENTS


def test_a_hundred_streams_at_once_are_all_answered_and_recorded(tmp_path: Path) -> None:
    provider = FakeOpenAI()
    provider.model.pause = pause = threading.Event()
    with FaultyUpstream(provider.act) as upstream:
        settings = {"PORT": "0", "VECTORGATE_HOME": str(tmp_path), "VECTORGATE_MASTER_KEY": KEY}
        settings |= {"OPENAI_API_KEY": "sk-provider", "OPENAI_BASE_URL": upstream.url}
        with run_module("local", settings) as ready:
            url = f"http://{ready.partition('http://')[2].partition(' ')[0]}"
            headers = {"authorization": f"Bearer {KEY}"}
            key = httpx.post(f"{url}/key/generate", json={"models": ["*"]}, headers=headers).json()["key"]
            began = time.monotonic()
            kinds = asyncio.run(_streamed(url, key, pause))
            assert time.monotonic() - began < 30
    (whole,) = {tuple(each) for each in kinds}
    assert list(whole) == [event["type"] for event in events_of(provider.model.counted[0])]
    assert (len(kinds), len(provider.model.counted), provider.model.ended_streams) == (STREAMS, STREAMS, STREAMS)
    assert _recorded(tmp_path) == sorted(each["usage"]["output_tokens"] for each in provider.model.counted)


async def _streamed(url: str, key: str, pause: threading.Event) -> list[list[str]]:
    """The types of the events of STREAMS streams. The provider goes on when all have begun, and a call beside them."""
    async with Client(base_url=url, api_key=key) as client:
        streams = await asyncio.gather(
            *(client.responses.acreate(model="gpt-5-mini", input="q", stream=True) for _ in range(STREAMS))
        )
        first = [await anext(stream) for stream in streams]
        assert (await client.models.alist()).data
        pause.set()
        rest = await asyncio.gather(*(_types(stream) for stream in streams))
    return [[event.type, *types] for event, types in zip(first, rest, strict=True)]


async def _types(stream: Any) -> list[str]:
    return [event.type async for event in stream]


def _recorded(home: Path) -> list[int]:
    """The output tokens of the responses in the ledger, least first. None is open."""
    stores = open_stores(str(home / "ledger.db"))
    try:
        now_ms = int(time.time() * 1000)
        query = RecordQuery(start_ms=now_ms - HOUR_MS, end_ms=now_ms + HOUR_MS, limit=1_000)
        rows = [row for row in stores.ledger.search(query) if row.operation == "responses.create"]
    finally:
        stores.close()
    assert {row.state for row in rows} <= {State.ANSWERED, State.SETTLED}
    return sorted(row.output_tokens or 0 for row in rows)
