"""Responses that take minutes: streamed and whole in local mode and on AWS, and in the background everywhere."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from local.options import RESPONSE_SECONDS
from tests.harnesses.stream_function import request
from vectorgate.bootstrap import build_meter
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from openai import OpenAI

    from tests.fakes.lambda_runtime import Invocation
    from tests.fakes.upstream import Received
    from tests.harnesses.gateway import GatewayHarness
    from vectorgate.ledger.entry import LedgerEntry

MODEL = "gpt-5-mini"
ON_AWS = 885.0  # seconds of the stream function; a test of the template says that they fit into Lambda's
MINUTES = 600.0


class Steps(threading.Event):
    """A pause that lets one event through at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.permits = threading.Semaphore(0)

    def wait(self, timeout: float | None = None) -> bool:
        return self.permits.acquire(timeout=timeout)


def created(harness: GatewayHarness) -> LedgerEntry:
    return [row for row in harness.rows() if row.operation == "responses.create"][-1]


def took_minutes(row: LedgerEntry) -> bool:
    """Whether the row of a response says that the provider took so long."""
    return row.state is State.ANSWERED and (row.upstream_us or 0) >= MINUTES * 1_000_000


@pytest.fixture
def slow(harness: GatewayHarness) -> GatewayHarness:
    """A provider that takes minutes to answer what is not streamed."""

    def act(connection: socket.socket, received: Received) -> bool:
        harness.time.skip(MINUTES)
        return harness.openai.act(connection, received)

    harness.upstream.always(act)
    return harness


def test_a_stream_with_minutes_between_its_events_comes_whole_in_local_mode(
    harness: GatewayHarness, red: OpenAI
) -> None:
    harness.gateway = replace(harness.gateway, response_seconds=RESPONSE_SECONDS)
    harness.openai.model.pause = pause = threading.Event()
    stream = red.responses.create(model=MODEL, input="hi", stream=True)
    first = next(iter(stream))
    harness.time.skip(MINUTES)
    pause.set()
    assert (first.type, [event.type for event in stream][-1]) == ("response.created", "response.completed")
    assert took_minutes(created(harness))


def test_a_stream_with_minutes_between_its_events_comes_whole_on_aws(
    harness: GatewayHarness, invoke: Callable[..., Invocation]
) -> None:
    harness.gateway = replace(harness.gateway, response_seconds=ON_AWS)
    harness.openai.model.pause = pause = threading.Event()
    sent = invoke(request(stream=True))
    sent.prelude()
    assert b"response.created" in sent.chunk()
    harness.time.skip(MINUTES)
    pause.set()
    assert b"event: response.completed" in sent.rest()
    assert took_minutes(created(harness))


def test_a_response_that_takes_minutes_is_answered_in_local_mode(slow: GatewayHarness, red: OpenAI) -> None:
    slow.gateway = replace(slow.gateway, response_seconds=RESPONSE_SECONDS)
    assert red.responses.create(model=MODEL, input="hi").status == "completed"
    assert took_minutes(created(slow))


def test_a_response_that_takes_minutes_is_answered_on_aws(
    slow: GatewayHarness, invoke: Callable[..., Invocation]
) -> None:
    slow.gateway = replace(slow.gateway, response_seconds=ON_AWS)
    sent = invoke(request())
    assert sent.prelude()["statusCode"] == 200
    assert json.loads(sent.rest())["status"] == "completed"
    assert took_minutes(created(slow))


def test_a_stream_that_the_gateway_has_no_time_for_ends_with_an_error_event_and_is_charged(
    harness: GatewayHarness, invoke: Callable[..., Invocation]
) -> None:
    harness.gateway = replace(harness.gateway, response_seconds=ON_AWS)
    harness.openai.model.pause = steps = Steps()
    sent = invoke(request(stream=True))
    sent.prelude()
    sent.chunk()
    harness.time.skip(ON_AWS)
    steps.permits.release()
    *_, last = sent.rest().strip().split(b"\n\n")
    assert json.loads(last.partition(b"data: ")[2])["code"] == "provider_timeout"
    assert sent.done.wait(30)
    assert sent.trailers == {}
    steps.permits.release(100)
    row = created(harness)
    assert (row.state, row.error_code) == (State.UNCERTAIN, "provider_timeout")
    harness.time.skip(1_000)
    assert build_meter(harness.settings, harness.deps).reconciler.sweep() == {"done": 1}
    assert created(harness).output_tokens == harness.openai.model.counted[-1]["usage"]["output_tokens"]


def test_a_response_in_the_background_takes_as_long_as_it_needs_over_the_http_api(
    harness: GatewayHarness, red: OpenAI
) -> None:
    del red  # which adds the key

    def asked(event: dict[str, Any]) -> Any:
        result = harness.api(event)
        assert result["statusCode"] == 200
        return json.loads(str(result["body"]))

    made = asked(request(background=True))
    poll = request("GET", f"/v1/responses/{made['id']}")
    meter = build_meter(harness.settings, harness.deps).reconciler
    for _ in range(3):
        harness.time.skip(MINUTES)
        assert asked(poll)["id"] == made["id"]
        assert meter.sweep() == {"waiting": 1}
    assert made["status"] == "queued"
    harness.openai.model.finish(made["id"])
    assert asked(poll)["status"] == "completed"  # which charges it
    assert meter.sweep() == {}
    row = created(harness)
    assert (row.state, row.output_tokens) == (
        State.ANSWERED,
        harness.openai.model.counted[-1]["usage"]["output_tokens"],
    )
