"""Streams on AWS: the deployed function's own runtime loop, against a Lambda Runtime API on a loopback socket."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.openai_responses import event_bytes, events_of
from tests.harnesses.stream_function import request
from tests.helpers.waiting import within
from vectorgate.api.http import Body, Response
from vectorgate.bootstrap import build_meter
from vectorgate.entrypoints.runtime.failure import DEFECT
from vectorgate.entrypoints.runtime.loop import ENDED, Loop
from vectorgate.entrypoints.runtime.runtime_api import FINISH_SECONDS, RuntimeApi, RuntimeApiError
from vectorgate.entrypoints.stream import StreamFunction
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.lambda_runtime import FakeRuntimeApi, Invocation
    from tests.harnesses.gateway import GatewayHarness
    from vectorgate.entrypoints.runtime.loop import Function
    from vectorgate.ledger.entry import LedgerEntry


def created(harness: GatewayHarness) -> LedgerEntry:
    return [row for row in harness.rows() if row.operation == "responses.create"][-1]


def swept(harness: GatewayHarness) -> dict[str, int]:
    harness.time.skip(1_000)
    return dict(build_meter(harness.settings, harness.deps).reconciler.sweep())


def still_serves(invoke: Callable[..., Invocation]) -> bool:
    """Whether the loop answers the next invocation."""
    return bool(invoke(request("GET", "/v1/models")).prelude()["statusCode"] == 200)


def error_in(invocation: Invocation) -> dict[str, Any]:
    """The error with which a response broke off."""
    assert invocation.done.wait(30)
    found: dict[str, Any] = json.loads(base64.b64decode(invocation.trailers["Lambda-Runtime-Function-Error-Body"]))
    assert found["errorType"] == invocation.trailers["Lambda-Runtime-Function-Error-Type"]
    return found


def test_each_event_is_passed_on_before_the_provider_sends_the_next(
    harness: GatewayHarness, invoke: Callable[..., Invocation], traces: list[str | None]
) -> None:
    harness.openai.model.pause = pause = threading.Event()
    sent = invoke(request(stream=True))
    prelude = sent.prelude()
    first = sent.chunk()
    row = created(harness)  # its owner is known before Lambda has the first event
    assert (row.state, row.response_id) == (
        State.UNCERTAIN,
        json.loads(first.partition(b"data: ")[2])["response"]["id"],
    )
    assert sent.chunks.empty()  # and the provider waits with the second
    pause.set()
    (counted,) = harness.openai.model.counted
    events = [event_bytes(event) for event in events_of(counted)]
    assert [first, *iter(lambda: sent.chunks.get(timeout=10), None)] == events
    assert prelude["statusCode"] == 200
    assert prelude["headers"]["content-type"].startswith("text/event-stream")
    assert prelude["headers"]["x-litellm-call-id"] == row.id
    assert sent.done.wait(30)
    assert sent.trailers == {}
    row, usage = created(harness), counted["usage"]
    assert (row.state, row.input_tokens, row.output_tokens) == (
        State.ANSWERED,
        usage["input_tokens"],
        usage["output_tokens"],
    )
    assert traces == [f"Root={sent.request_id}"]


def test_a_response_has_the_form_that_lambda_reads(invoke: Callable[..., Invocation]) -> None:
    sent = invoke(request())
    prelude, body = sent.prelude(), sent.rest()
    assert set(prelude) == {"statusCode", "headers"}
    assert json.loads(body)["object"] == "response"
    assert sent.headers["Content-Type"] == "application/vnd.awslambda.http-integration-response"
    assert sent.headers["Lambda-Runtime-Function-Response-Mode"] == "streaming"
    assert sent.headers["Transfer-Encoding"] == "chunked"


@pytest.mark.parametrize(
    ("event", "status", "code"),
    [
        (request(key="sk-unknown", stream=True), 401, "invalid_api_key"),
        (request(stream=True, tools=[{"type": "file_search", "vector_store_ids": ["vs_foreign"]}]), 404, None),
        (request("GET", "/v1/responses/resp_foreign"), 404, None),
        ({"rawPath": 7}, 401, None),
    ],
)
def test_an_error_before_the_stream_is_an_ordinary_response(
    invoke: Callable[..., Invocation], event: Any, status: int, code: str | None
) -> None:
    sent = invoke(event)
    assert sent.prelude()["statusCode"] == status
    assert json.loads(sent.rest())["error"]["code"] == code
    assert still_serves(invoke)


def test_a_path_is_decoded_once_as_api_gateway_does_it(invoke: Callable[..., Invocation]) -> None:
    sent = invoke(request())
    sent.prelude()
    made = json.loads(sent.rest())
    escaped = made["id"].replace("_", "%5F")
    assert invoke(request("GET", f"/v1/responses/{escaped}")).prelude()["statusCode"] == 200
    twice = escaped.replace("%", "%25")
    assert invoke(request("GET", f"/v1/responses/{twice}")).prelude()["statusCode"] == 404


def test_a_page_of_a_named_origin_may_read_a_stream(
    harness: GatewayHarness, lambda_api: FakeRuntimeApi, run: Callable[[Function], None]
) -> None:
    origin = "https://app.example.com"
    settings = replace(harness.settings, cors_origins=(origin,))
    run(StreamFunction(lambda: harness.gateway, lambda: settings))
    asked, event = request("OPTIONS"), request(stream=True)
    asked["headers"] = {"origin": origin, "access-control-request-method": "POST"}
    event["headers"]["origin"] = origin
    for sent in (lambda_api.invoke(asked), lambda_api.invoke(event)):
        assert sent.prelude()["headers"]["access-control-allow-origin"] == origin
        sent.rest()
    assert created(harness).state is State.ANSWERED


def test_a_stream_that_the_provider_cuts_ends_with_an_error_event_and_is_found_out(
    harness: GatewayHarness, invoke: Callable[..., Invocation]
) -> None:
    harness.openai.model.cut_after = 3
    sent = invoke(request(stream=True))
    assert sent.prelude()["statusCode"] == 200
    *_, last = sent.rest().strip().split(b"\n\n")
    assert last.startswith(b"event: error")
    assert sent.trailers == {}
    row = created(harness)
    assert (row.state, row.error_code) == (State.UNCERTAIN, "provider_connection_lost")
    assert swept(harness) == {"done": 1}
    assert created(harness).output_tokens == harness.openai.model.counted[-1]["usage"]["output_tokens"]


def test_a_response_that_lambda_gives_up_ends_the_providers_call_while_it_is_silent(
    harness: GatewayHarness, invoke: Callable[..., Invocation]
) -> None:
    harness.openai.model.pause = pause = threading.Event()
    sent = invoke(request(stream=True))
    sent.prelude()
    sent.chunk()
    sent.cut()
    within(30, lambda: created(harness).error_code == "client_disconnected")
    pause.set()
    assert harness.openai.model.closed_streams.acquire(timeout=30)
    assert swept(harness) == {"done": 1}
    assert harness.telemetry.errors == []
    harness.openai.model.pause = None
    assert still_serves(invoke)


def test_a_stream_ends_before_lambda_ends_the_process(
    harness: GatewayHarness, invoke: Callable[..., Invocation]
) -> None:
    harness.openai.model.pause = pause = threading.Event()
    sent = invoke(request(stream=True), limit_ms=int(FINISH_SECONDS * 1000) + 200)
    sent.prelude()
    assert error_in(sent)["errorMessage"] == ENDED.message
    row = created(harness)
    assert (row.state, row.error_code) == (State.UNCERTAIN, "client_disconnected")
    pause.set()
    assert harness.openai.model.closed_streams.acquire(timeout=30)
    harness.openai.model.pause = None
    assert still_serves(invoke)


class Pieces:
    """A `ByteStream` that raises after its piece, and counts its closing."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield b"one"
        yield b""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed += 1


class Stub:
    """A function that answers with these bodies, one after the other, and raises an error among them."""

    def __init__(self, *bodies: Any) -> None:
        self._bodies = iter(bodies)

    def respond(self, event: object, context: object) -> Response:
        del event, context
        body = next(self._bodies)
        if isinstance(body, Exception):
            raise body
        return Response(status=200, body=body)


def test_a_defect_in_the_midst_of_a_stream_is_told_to_lambda_without_its_text(
    harness: GatewayHarness, lambda_api: FakeRuntimeApi, run: Callable[[Function], None]
) -> None:
    defect = ZeroDivisionError("sk-a-secret")
    broken, whole = Pieces(defect), Pieces()
    run(Stub(broken, whole))
    sent, after = lambda_api.invoke({}), lambda_api.invoke({})
    sent.prelude()
    assert sent.rest() == b"one"
    assert error_in(sent) == {"errorType": "ZeroDivisionError", "errorMessage": DEFECT, "stackTrace": []}
    assert after.prelude()["statusCode"] == 200
    assert (after.rest(), after.done.wait(30)) == (b"one", True)
    assert harness.telemetry.errors == [defect]
    within(30, lambda: whole.closed)
    assert (broken.closed, whole.closed) == (1, 1)


def test_a_defect_before_the_response_is_told_to_lambda_without_its_text(
    harness: GatewayHarness, lambda_api: FakeRuntimeApi, run: Callable[[Function], None]
) -> None:
    defect = ZeroDivisionError("sk-a-secret")
    run(Stub(defect, Pieces()))
    sent, after = lambda_api.invoke({}), lambda_api.invoke({})
    assert sent.done.wait(30)
    assert sent.error == {"errorType": "ZeroDivisionError", "errorMessage": DEFECT, "stackTrace": []}
    assert after.prelude()["statusCode"] == 200
    assert harness.telemetry.errors == [defect]


def test_a_body_that_is_larger_than_a_buffered_response_is_sent_in_pieces(
    lambda_api: FakeRuntimeApi, run: Callable[[Function], None]
) -> None:
    content = bytes(range(256)) * 4 * 8_000  # 8 MB; Lambda's buffered responses have 6
    run(Stub(Body.of(content)))
    sent = lambda_api.invoke({})
    sent.prelude()
    assert sent.rest() == content


def test_a_response_that_lambda_refuses_is_reported_and_the_next_one_is_answered(
    harness: GatewayHarness, lambda_api: FakeRuntimeApi, run: Callable[[Function], None]
) -> None:
    run(Stub(Pieces(), Pieces()))
    lambda_api.invoke({}, answer=413)
    assert lambda_api.invoke({}).prelude()["statusCode"] == 200
    (error,) = harness.telemetry.errors
    assert isinstance(error, RuntimeApiError)
    assert error.status == 413


def test_the_process_ends_when_lambda_says_that_it_must(harness: GatewayHarness, lambda_api: FakeRuntimeApi) -> None:
    lambda_api.invoke({}, answer=500)
    loop = Loop(RuntimeApi(lambda_api.address, harness.deps.clock), Stub(Pieces()), harness.telemetry, print)
    with pytest.raises(RuntimeApiError, match="500"):
        loop.serve_next()
