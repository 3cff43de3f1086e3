"""Streams of responses: each event as it arrives, the row from the last one, and what becomes of a broken stream."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest

from tests.fakes.openai_responses import TEXT, events_of
from tests.fakes.upstream import refusal
from tests.helpers.waiting import within
from vectorgate.bootstrap import build_meter
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    from openai import OpenAI

    from tests.harnesses.gateway import GatewayHarness, GatewayServer
    from vectorgate.ledger.entry import LedgerEntry

MODEL = "gpt-5-mini"
RED = "sk-red-responses"  # the key of `red`
EVENTS = 14  # of one stream of the fake


def created(harness: GatewayHarness) -> LedgerEntry:
    return [row for row in harness.rows() if row.operation == "responses.create"][-1]


def swept(harness: GatewayHarness) -> dict[str, int]:
    harness.time.skip(1_000)
    return dict(build_meter(harness.settings, harness.deps).reconciler.sweep())


def test_a_stream_has_the_providers_events_and_its_row_the_usage_of_the_last(
    harness: GatewayHarness, red: OpenAI, store: str
) -> None:
    tools: list[Any] = [{"type": "file_search", "vector_store_ids": [store]}]
    with red.responses.stream(model=MODEL, input="When?", tools=tools) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == TEXT
    counted = harness.openai.model.counted[-1]
    assert len(kinds) >= len(events_of(counted))
    row = created(harness)
    assert (row.state, row.response_id, row.input_tokens, row.output_tokens) == (
        State.ANSWERED,
        final.id,
        counted["usage"]["input_tokens"],
        counted["usage"]["output_tokens"],
    )
    assert (row.tool_calls, row.searched_stores) == (("file_search=1",), (store,))
    assert red.responses.retrieve(final.id).id == final.id


def test_the_bytes_of_each_event_are_the_providers(harness: GatewayHarness, red: OpenAI) -> None:
    with red.responses.with_streaming_response.create(model=MODEL, input="hi", stream=True) as answer:
        content = b"".join(answer.iter_bytes())
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-litellm-call-id"] == created(harness).id
    sent = events_of(harness.openai.model.counted[-1])
    assert [json.loads(line[6:]) for line in content.decode().splitlines() if line.startswith("data: ")] == sent


def test_an_event_arrives_before_the_provider_sends_the_next(harness: GatewayHarness, red: OpenAI) -> None:
    harness.openai.model.pause = pause = threading.Event()
    stream = red.responses.create(model=MODEL, input="hi", stream=True)
    try:
        first = next(iter(stream))
        assert first.type == "response.created"
        row = created(harness)  # its owner is known before the client sees the id
        assert (row.state, row.response_id) == (State.UNCERTAIN, first.response.id)
        assert red.responses.retrieve(first.response.id).status == "completed"
    finally:
        pause.set()
    assert [event.type for event in stream][-1] == "response.completed"


@pytest.mark.parametrize("cut_after", range(EVENTS))
def test_a_stream_that_is_cut_after_any_event_is_found_out_and_charged(
    harness: GatewayHarness, red: OpenAI, cut_after: int
) -> None:
    harness.openai.model.cut_after = cut_after
    with pytest.raises(openai.APIError):
        for _ in red.responses.create(model=MODEL, input="hi", stream=True):
            pass
    row, counted = created(harness), harness.openai.model.counted[-1]
    assert (row.state, row.error_code) == (State.UNCERTAIN, "provider_connection_lost")
    if cut_after == 0:  # nothing of it is known, not even its id
        assert swept(harness) == {"ceiling": 1}
        assert created(harness).quarantined == ("usage",)
        return
    assert swept(harness) == {"done": 1}
    row = created(harness)
    usage = counted["usage"]
    assert (row.state, row.input_tokens, row.output_tokens) == (
        State.ANSWERED,
        usage["input_tokens"],
        usage["output_tokens"],
    )
    assert row.quarantined == ()


def test_a_broken_stream_of_what_is_not_stored_is_charged_by_what_was_passed_on(
    harness: GatewayHarness, red: OpenAI
) -> None:
    harness.openai.model.cut_after = 7
    with pytest.raises(openai.APIError):
        for _ in red.responses.create(model=MODEL, input="hi", stream=True, store=False):
            pass
    assert swept(harness) == {"done": 1}
    row = created(harness)
    assert (row.state, row.output_tokens, row.quarantined, row.found_by) == (State.ANSWERED, 3, ("usage",), "estimate")
    harness.settle()
    assert created(harness).spend


def test_a_client_that_goes_away_ends_the_providers_call(
    harness: GatewayHarness, gateway_server: GatewayServer, red: OpenAI
) -> None:
    del red  # which adds the key
    harness.openai.model.pause = pause = threading.Event()
    body = {"model": MODEL, "input": "hi", "stream": True}
    headers = {"authorization": f"Bearer {RED}"}
    with (
        httpx2.Client() as client,
        client.stream("POST", f"{gateway_server.url}/v1/responses", json=body, headers=headers) as answer,
    ):
        assert b"response.created" in next(answer.iter_raw())
    within(30, lambda: created(harness).error_code == "client_disconnected")
    pause.set()
    assert harness.openai.model.closed_streams.acquire(timeout=30)
    assert created(harness).state is State.UNCERTAIN
    assert swept(harness) == {"done": 1}


def test_a_refused_stream_is_an_ordinary_error(harness: GatewayHarness, red: OpenAI) -> None:
    harness.upstream.will(refusal(400, "model_not_found"))
    with pytest.raises(openai.BadRequestError) as caught:
        red.responses.create(model=MODEL, input="hi", stream=True)
    assert caught.value.code == "model_not_found"
    assert created(harness).state is State.VOIDED


def test_a_repeated_stream_is_answered_with_the_first_ones_response(harness: GatewayHarness, red: OpenAI) -> None:
    headers = {"Idempotency-Key": "once"}
    texts = []
    for _ in range(2):
        with red.responses.stream(model=MODEL, input="hi", extra_headers=headers) as stream:
            texts.append(stream.get_final_response().id)
    assert texts[0] == texts[1]
    assert len(harness.openai.model.counted) == 1


def test_a_stored_response_is_streamed_to_its_tenant_alone(harness: GatewayHarness, red: OpenAI, blue: OpenAI) -> None:
    made = red.responses.create(model=MODEL, input="hi")
    kinds = [event.type for event in red.responses.retrieve(made.id, stream=True, starting_after=0)]
    assert kinds[-1] == "response.completed"
    calls = harness.upstream.calls
    with pytest.raises(openai.NotFoundError):
        blue.responses.retrieve(made.id, stream=True)
    assert harness.upstream.calls == calls


def test_streams_one_after_the_other_all_come_to_their_end(harness: GatewayHarness, red: OpenAI) -> None:
    began = time.monotonic()
    for _ in range(20):
        assert len(list(red.responses.create(model=MODEL, input="hi", stream=True))) == EVENTS
    assert time.monotonic() - began < 20
    assert harness.openai.model.ended_streams == 20
