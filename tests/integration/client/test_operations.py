"""Every row of the operation table, in both forms, over every kind of destination."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.factories.sdk_calls import CALLS, acall, call
from tests.fakes.upstream import FaultyUpstream, answer
from vectorgate.api.operations import BY_NAME, OPERATIONS, Media
from vectorgate.api.safety import Safety
from vectorgate.client.client import Client
from vectorgate.client.lambda_function import LambdaFunction
from vectorgate.client.options import CallOptions, Options
from vectorgate.entrypoints.invoke.payload import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.upstream import Received

NAMES = list(BY_NAME)
VARYING = {"host", "idempotency-key"}


def essence(received: Received) -> tuple[object, ...]:
    """A request without what differs between two calls: the boundary and the idempotency key."""
    headers = {name: value for name, value in received.headers.items() if name not in VARYING}
    body, kind = received.body, headers.get("content-type", "")
    if kind.startswith("multipart"):
        boundary = kind.partition("boundary=")[2]
        headers["content-type"], body = "multipart", body.replace(boundary.encode(), b"BOUNDARY")
    return received.method, received.path, headers, body


def test_every_row_has_a_call() -> None:
    assert set(CALLS) == set(NAMES)


@pytest.mark.parametrize("operation", NAMES)
def test_both_forms_send_the_same_and_receive_the_same(operation: str, gateway: Client, server: FaultyUpstream) -> None:
    waited = call(gateway, operation)

    async def main() -> Any:
        async with Client(base_url=server.url, api_key="sk-gate") as client:
            return await acall(client, operation)

    awaited = asyncio.run(main())
    first, second = server.received
    row = BY_NAME[operation]
    assert essence(first) == essence(second)
    assert first.method == row.method
    assert first.path.partition("?")[0] == "/v1" + row.path.format(
        vector_store_id="vs_1",
        file_id="file-1",
        batch_id="vsfb_1",
        upload_id="upload_1",
        response_id="resp_1",
        model="gpt-5-mini",
    )
    assert first.headers["authorization"] == "Bearer sk-gate"
    assert ("idempotency-key" in first.headers) == (row.safety is Safety.CREATE)
    if row.binary:
        assert waited.content == awaited.content
    else:
        assert waited.to_dict() == awaited.to_dict()
    assert waited.request_id == "req_1"


@pytest.mark.parametrize("operation", NAMES)
def test_both_forms_have_the_same_parameters(operation: str) -> None:
    client: Any = Client()
    for group in operation.split(".")[:-1]:
        client = getattr(client, group)
    name = operation.rpartition(".")[2]
    sync, awaited = getattr(client, name), getattr(client, f"a{name}")
    assert inspect.signature(sync) == inspect.signature(awaited)
    assert (sync.__name__, awaited.__name__) == (name, f"a{name}")
    assert sync.__doc__ == awaited.__doc__


class NoSignature:
    """A signer that signs nothing."""

    endpoint = "http://lambda.invalid"

    def signed(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        del method, url, content
        return dict(headers)


@pytest.mark.parametrize("operation", NAMES)
def test_through_lambda_it_means_the_same_request_as_over_http(
    operation: str, gateway: Client, server: FaultyUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(gateway, operation, user="José", tags=["t"])
    (over_http,) = server.received
    lambda_ = LambdaFunction(name="vectorgate-invoke", api_key="sk-gate", signer=NoSignature())
    sent: list[bytes] = []

    def to_lambda(self: Client, options: Options) -> LambdaFunction:
        del self, options
        return lambda_

    def catch(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, json={"status": 200, "headers": {}, "body": {}})

    monkeypatch.setattr(Client, "destination", to_lambda)
    with httpx.Client(transport=httpx.MockTransport(catch)) as http_client:
        call(Client(http_client=http_client), operation, user="José", tags=["t"])
    invocation = read(json.loads(sent[0]), trusts_invoker=False, invocation_id=None)
    path, _, query = over_http.path.partition("?")
    row = invocation.operation
    assert (row.method, "/v1" + row.path.format_map(invocation.ids)) == (over_http.method, path)
    assert dict(invocation.query) == dict(pair.split("=") for pair in query.split("&") if pair)
    assert (invocation.api_key, invocation.options.end_user) == ("sk-gate", "José")
    if BY_NAME[operation].media is Media.JSON:
        over = {name: value for name, value in over_http.document.items() if name not in {"user", "tags"}}
        assert invocation.body == over
        assert over_http.document["user"] == "José"
    elif BY_NAME[operation].media is Media.MULTIPART:
        expiry = [b'name="expires_after[seconds]"\r\n\r\n3600'] if operation == "files.create" else []
        file = f'name="{BY_NAME[operation].file_field}"; filename="a b.txt"'.encode()
        for part in (file, b"\x00text", *expiry):
            assert part in over_http.body
        assert (invocation.body["filename"], invocation.body["content"]) == ("a b.txt", b"\x00text")
        seconds = {"anchor": "created_at", "seconds": 3600} if expiry else None
        assert invocation.body.get("expires_after") == seconds
    else:
        assert over_http.headers["x-litellm-end-user-id"].encode("latin-1").decode("utf-8") == "José"


def test_nothing_of_a_body_is_dropped(gateway: Client, server: FaultyUpstream) -> None:
    metadata: dict[str, Any] = {f"key {number}": number for number in range(17)}
    gateway.vector_stores.create(metadata=metadata, extra_body={"of_tomorrow": None})
    assert server.received[0].document == {"metadata": metadata, "of_tomorrow": None}
    gateway.vector_stores.files.create("vs_1", file_id="file-1", attributes={"a": [1], "b": None, "c": {"d": 1.5}})
    assert server.received[1].document["attributes"] == {"a": [1], "b": None, "c": {"d": 1.5}}
    for wrong in (float("nan"), object(), {1, 2}):
        with pytest.raises((TypeError, ValueError)):
            gateway.vector_stores.create(metadata={"a": wrong})
    assert server.calls == 2


def test_an_update_distinguishes_null_from_absent(gateway: Client, server: FaultyUpstream) -> None:
    gateway.vector_stores.update("vs_1", name=None)
    gateway.vector_stores.update("vs_1", metadata={"a": "b"})
    assert [received.document for received in server.received] == [{"name": None}, {"metadata": {"a": "b"}}]


def test_an_unknown_parameter_is_an_error_before_anything_is_sent(gateway: Client, server: FaultyUpstream) -> None:
    with pytest.raises(TypeError, match="nmae"):
        gateway.vector_stores.create(nmae="x")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="has no body"):
        gateway.vector_stores.retrieve("vs_1", extra_body={"a": 1})
    for bad in ("", ".", ".."):
        with pytest.raises(ValueError, match="non-empty"):
            gateway.vector_stores.retrieve(bad)
    with pytest.raises(ValueError, match="header"):
        gateway.vector_stores.create(extra_headers={"x-a": "b\r\nc: d"})
    assert server.calls == 0
    assert set(CallOptions.__annotations__) == set(Options.__dataclass_fields__)


def test_an_id_of_any_characters_stays_in_its_segment(gateway: Client, server: FaultyUpstream) -> None:
    gateway.vector_stores.retrieve("a/../b?c#d%2f")
    assert server.received[0].path == "/v1/vector_stores/a%2F..%2Fb%3Fc%23d%252f"


def test_extra_headers_and_query_are_sent(gateway: Client, server: FaultyUpstream) -> None:
    gateway.vector_stores.list(limit=1, extra_query={"x": True}, extra_headers={"X-One": "1", "User-Agent": "me"})
    received = server.received[0]
    assert received.path == "/v1/vector_stores?limit=1&x=true"
    assert (received.headers["x-one"], received.headers["user-agent"]) == ("1", "me")


def test_an_answer_of_a_later_api_is_kept_whole() -> None:
    act = answer(200, {"id": "vs_1", "new": {"deep": [1]}})
    with FaultyUpstream(act) as server, Client(base_url=server.url, api_key="k") as client:
        store = client.vector_stores.retrieve("vs_1")
    assert store.new == {"deep": [1]}
    assert store.to_dict() == {"id": "vs_1", "new": {"deep": [1]}}
    assert len(OPERATIONS) == 34
