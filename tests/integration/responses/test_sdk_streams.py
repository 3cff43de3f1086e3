"""Streams by our own SDK: each event as it arrives, through the gateway's socket, and every way that one can end."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx
import pytest

from tests.fakes.openai_responses import STREAM_HEAD, TEXT, event_bytes, events_of
from tests.fakes.upstream import FaultyUpstream, answer
from tests.helpers.waiting import within
from vectorgate.client.client import Client
from vectorgate.client.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APITimeoutError,
    NotFoundError,
    SettingsError,
)
from vectorgate.client.settings import ClientSettings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from openai import OpenAI

    from tests.fakes.upstream import Act, Received
    from tests.harnesses.gateway import GatewayHarness, GatewayServer
    from vectorgate.client.resources import ResponseStreamEvent

MODEL = "gpt-5-mini"
RED = "sk-red-responses"  # the key of `red`
DELTA = event_bytes({"type": "response.output_text.delta", "delta": "a "})
DONE = event_bytes({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": []}})


@pytest.fixture
def sdk(gateway_server: GatewayServer, red: OpenAI) -> Iterator[Client]:
    del red  # which adds the key
    with Client(base_url=gateway_server.url, api_key=RED) as client:
        yield client


def sending(*pieces: bytes | float, whole: bool = True) -> Act:
    """An act that streams these pieces, and pauses of so many seconds; without `whole` it breaks off."""

    def act(connection: socket.socket, received: Received) -> bool:
        connection.sendall(STREAM_HEAD)
        for piece in pieces:
            if isinstance(piece, float):
                received.ended.wait(piece)
            else:
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        if whole:
            connection.sendall(b"0\r\n\r\n")
        return whole

    return act


def read(client: Client, **options: Any) -> list[ResponseStreamEvent]:
    """The events, by the synchronous form."""
    with client.responses.create(model=MODEL, input="q", stream=True, **options) as stream:
        return list(stream)


def aread(client: Client, **options: Any) -> list[ResponseStreamEvent]:
    """The events, by the awaited form."""

    async def main() -> list[ResponseStreamEvent]:
        async with client, await client.responses.acreate(model=MODEL, input="q", stream=True, **options) as stream:
            return [event async for event in stream]

    return asyncio.run(main())


FORMS = pytest.mark.parametrize("form", [read, aread])
Form: TypeAlias = "Callable[..., list[ResponseStreamEvent]]"


@pytest.fixture
def server() -> Iterator[FaultyUpstream]:
    with FaultyUpstream(sending(DELTA, DONE)) as server:
        yield server


@pytest.fixture
def client(server: FaultyUpstream) -> Iterator[Client]:
    with Client(base_url=server.url, api_key="sk-gate", max_retries=0) as client:
        yield client


@FORMS
def test_a_stream_has_the_providers_events(harness: GatewayHarness, sdk: Client, store: str, form: Form) -> None:
    events = form(sdk, tools=[{"type": "file_search", "vector_store_ids": [store]}])
    assert [event.to_dict() for event in events] == events_of(harness.openai.model.counted[-1])
    assert "".join(str(event.delta) for event in events if event.type == "response.output_text.delta").strip() == TEXT
    assert events[-1].response is not None
    assert events[-1].response.output_text == TEXT


def test_an_event_arrives_before_the_server_sends_the_next(harness: GatewayHarness, sdk: Client) -> None:
    harness.openai.model.pause = pause = threading.Event()
    stream = sdk.responses.create(model=MODEL, input="q", stream=True)
    try:
        assert stream.call_id == harness.rows()[-1].id
        assert next(stream).type == "response.created"
    finally:
        pause.set()
    assert [event.type for event in stream][-1] == "response.completed"
    assert list(stream) == []


def test_a_stream_that_is_closed_ends_the_providers_call(harness: GatewayHarness, sdk: Client) -> None:
    harness.openai.model.pause = pause = threading.Event()
    with sdk.responses.create(model=MODEL, input="q", stream=True) as stream:
        next(stream)
    assert list(stream) == []
    within(30, lambda: harness.rows()[-1].error_code == "client_disconnected")
    pause.set()
    assert harness.openai.model.closed_streams.acquire(timeout=30)


def test_an_awaited_stream_that_is_closed_ends_too(harness: GatewayHarness, sdk: Client) -> None:
    harness.openai.model.pause = pause = threading.Event()

    async def main() -> list[ResponseStreamEvent]:
        async with sdk:
            stream = await sdk.responses.acreate(model=MODEL, input="q", stream=True)
            await anext(stream)
            await stream.close()
            return [event async for event in stream]

    assert asyncio.run(main()) == []
    within(30, lambda: harness.rows()[-1].error_code == "client_disconnected")
    pause.set()


@FORMS
@pytest.mark.parametrize("cut_after", [0, 1, 7, 13])
def test_a_stream_that_the_provider_cuts_is_an_error(
    harness: GatewayHarness, sdk: Client, cut_after: int, form: Form
) -> None:
    harness.openai.model.cut_after = cut_after
    with pytest.raises(APIError) as caught:
        form(sdk)
    assert caught.value.code == "provider_connection_lost"
    assert len(harness.openai.model.counted) == 1


@FORMS
def test_a_stream_whose_connection_is_lost_is_an_error(server: FaultyUpstream, client: Client, form: Form) -> None:
    server.always(sending(DELTA, whole=False))
    with pytest.raises(APIConnectionError) as caught:
        form(client)
    assert caught.value.outcome_unknown
    assert isinstance(caught.value.__cause__, httpx.RemoteProtocolError)


@FORMS
def test_a_stream_that_is_closed_in_order_before_its_last_event_is_an_error(
    server: FaultyUpstream, client: Client, form: Form
) -> None:
    server.always(sending(DELTA, b"data: [DONE]\n\n"))
    with pytest.raises(APIConnectionError, match="ended before the response did"):
        form(client)


@FORMS
def test_a_connection_that_is_lost_after_the_last_event_is_no_error(
    server: FaultyUpstream, client: Client, form: Form
) -> None:
    server.always(sending(DELTA, DONE, whole=False))
    assert [event.type for event in form(client)] == ["response.output_text.delta", "response.completed"]


@FORMS
@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "server_error", "message": "no", "param": None},
        {"type": "error", "error": {"type": "server_error", "code": "server_error", "message": "no"}},
        {"error": {"code": "server_error", "message": "no"}},
    ],
)
def test_an_error_event_is_raised(server: FaultyUpstream, client: Client, event: dict[str, object], form: Form) -> None:
    server.always(sending(DELTA, b"event: error\n" + event_bytes({"type": "error", **event}).partition(b"\n")[2]))
    with pytest.raises(APIError, match=r"^no$") as caught:
        form(client)
    assert caught.value.code == "server_error"


@FORMS
@pytest.mark.parametrize("content", [b"data: {tru\n\n", b"data: 1\n\n"])
def test_an_event_that_cannot_be_read_is_an_error(
    server: FaultyUpstream, client: Client, content: bytes, form: Form
) -> None:
    server.always(sending(content, DONE))
    with pytest.raises(APIError, match="cannot be read"):
        form(client)


@FORMS
def test_events_may_be_torn_anywhere_and_comments_between_them(
    server: FaultyUpstream, client: Client, form: Form
) -> None:
    content = (b": ping\n\n" + DELTA + b": ping\r\n\r\n" + DONE).replace(b"\n", b"\r\n")
    server.always(sending(*(content[at : at + 1] for at in range(len(content)))))
    assert [event.type for event in form(client)] == ["response.output_text.delta", "response.completed"]


@FORMS
def test_a_stream_may_last_longer_than_the_timeout_which_is_for_each_wait(
    server: FaultyUpstream, client: Client, form: Form
) -> None:
    server.always(sending(DELTA, 0.25, DELTA, 0.25, DELTA, 0.25, DONE))
    assert len(form(client, timeout=0.5)) == 4


@FORMS
def test_a_wait_that_is_longer_than_the_timeout_is_an_error(server: FaultyUpstream, client: Client, form: Form) -> None:
    server.always(sending(DELTA, 30.0, DONE))
    began = time.monotonic()
    with pytest.raises(APITimeoutError) as caught:
        form(client, timeout=0.3)
    assert caught.value.outcome_unknown
    assert time.monotonic() - began < 5


def test_a_program_may_take_longer_over_an_event_than_the_timeout(server: FaultyUpstream, client: Client) -> None:
    server.always(sending(DELTA, DELTA, 0.1, DONE))
    kinds = []
    for event in client.responses.create(model=MODEL, input="q", stream=True, timeout=0.3):
        kinds.append(event.type)
        time.sleep(0.2)
    assert len(kinds) == 3


@FORMS
def test_an_answer_that_is_no_stream_is_an_error(server: FaultyUpstream, client: Client, form: Form) -> None:
    server.always(answer(200, {"id": "resp_1"}))
    with pytest.raises(APIResponseValidationError):
        form(client)
    server.always(answer(404, {"error": {"message": "no", "code": "model_not_found"}}))
    with pytest.raises(NotFoundError):
        form(client)


def test_a_head_that_fails_is_asked_for_again_by_the_same_key(server: FaultyUpstream) -> None:
    server.will(answer(503, {}, {"retry-after-ms": "1"}))
    with Client(base_url=server.url, api_key="sk-gate") as client:
        assert len(read(client)) == 2
    keys = {received.headers["idempotency-key"] for received in server.received}
    assert (server.calls, len(keys)) == (2, 1)


def test_a_connection_is_used_again_after_a_stream(server: FaultyUpstream, client: Client) -> None:
    for _ in range(3):
        read(client)
    assert server.connections == 1


@pytest.mark.usefixtures("server")
def test_the_callers_own_client_may_send_it(client: Client) -> None:
    with httpx.Client() as own:
        assert len(read(client, http_client=own)) == 2


@FORMS
def test_a_mock_of_a_stream_is_its_bytes(form: Form) -> None:
    client = Client(settings=ClientSettings())
    assert [event.type for event in form(client, mock_response=DELTA + DONE)][-1] == "response.completed"
    with pytest.raises(TypeError, match="bytes"):
        form(client, mock_response={"id": "resp_1"})


def test_no_stream_is_invoked() -> None:
    with Client(function="gateway-invoke", api_key="sk") as client, pytest.raises(SettingsError, match="no streams"):
        read(client)
