"""A payload is understood whole, or refused: nothing of it slips into a path, a key or a log."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.lambda_api import InvokeApi
from tests.harnesses.gateway import GatewayHarness
from vectorgate.api.errors import InvalidRequest, PermissionDenied
from vectorgate.api.http import MAX_LAMBDA_RESPONSE, Body, Response
from vectorgate.api.operations import BY_NAME
from vectorgate.api.router import route
from vectorgate.entrypoints.invoke import handler
from vectorgate.entrypoints.invoke.invocations import InvokeHandler, write
from vectorgate.entrypoints.invoke.payload import read

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
NASTY = st.sampled_from(["vs_1", "../x", "a/b", "a%2fb", "", "x" * 200, "a\r\nb: c", "ä", "vs_1#2", "\x00", "\ud800"])
PAYLOADS = st.fixed_dictionaries(
    {"operation": st.sampled_from([*BY_NAME, "x", ""])},
    optional={
        "api_key": NASTY,
        "tenant": NASTY,
        "provider": NASTY,
        "end_user": NASTY,
        "idempotency_key": NASTY,
        "tags": st.lists(NASTY, max_size=3),
        "vector_store_id": NASTY | JSON_VALUES,
        "file_id": NASTY,
        "batch_id": NASTY,
        "query": st.dictionaries(
            st.sampled_from(["limit", "after", "custom-llm-provider", "x"]), NASTY | st.integers()
        ),
        "body": JSON_VALUES,
        "headers": st.just({"a": "b"}),
    },
)


@given(PAYLOADS | JSON_VALUES, st.booleans())
def test_a_payload_is_one_operation_of_the_table_or_a_refusal(payload: Any, trusts: bool) -> None:  # noqa: FBT001
    try:
        invocation = read(payload, trusts_invoker=trusts, invocation_id="id")
    except (InvalidRequest, PermissionDenied):
        return
    matched = route(invocation.operation.method, "/v1" + invocation.operation.path.format_map(invocation.ids))
    assert matched.operation.name == invocation.operation.name == payload["operation"]
    assert all(invocation.ids[name] == payload[name] for name in matched.operation.parameters)
    assert set(invocation.ids) == set(matched.operation.parameters)
    options = invocation.options
    texts = [options.provider, options.end_user, *options.tags, invocation.idempotency_key, invocation.team]
    assert not any(character in text for text in texts if text for character in "\r\n\x00")
    assert set(invocation.query) <= {"limit", "order", "after", "before", "filter", "purpose"}
    assert (invocation.team is None) or trusts
    assert invocation.api_key is None or payload.get("api_key") is not None


@pytest.mark.parametrize(
    ("payload", "code", "param"),
    [
        ({}, "missing_required_parameter", "operation"),
        ({"operation": "vector_stores.nope"}, "invalid_value", "operation"),
        ({"operation": "vector_stores.list", "headers": {}}, "unknown_parameter", "headers"),
        ({"operation": "vector_stores.list", "file_id": "f"}, "unknown_parameter", "file_id"),
        ({"operation": "vector_stores.list", "body": {"a": 1}}, "unknown_parameter", "body"),
        ({"operation": "vector_stores.list", "query": {"x": "y"}}, "unknown_parameter", "query.x"),
        ({"operation": "vector_stores.create", "query": {"limit": 1}}, "unknown_parameter", "query.limit"),
        ({"operation": "vector_stores.retrieve"}, "missing_required_parameter", "vector_store_id"),
        ({"operation": "vector_stores.retrieve", "vector_store_id": 1}, "invalid_type", "vector_store_id"),
        ({"operation": "vector_stores.create", "tags": ["a,b"]}, None, "tags[0]"),
        ({"operation": "vector_stores.create", "body": {"a": float("nan")}}, None, None),
        ({"operation": "files.create", "body": {"purpose": "assistants"}}, "missing_required_parameter", "content"),
        ({"operation": "files.create", "body": {"content": "%%"}}, None, "body.content"),
        ({"operation": "files.create", "body": {"content": "", "host": "x"}}, "unknown_parameter", "host"),
    ],
)
def test_refusals(payload: dict[str, Any], code: str | None, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(payload, trusts_invoker=True, invocation_id=None)
    assert param is None or refused.value.param == param
    assert code is None or refused.value.code == code


def test_a_tenant_is_the_invoker_s_word_and_is_not_taken_by_default() -> None:
    payload = {"operation": "vector_stores.list", "tenant": "red"}
    with pytest.raises(PermissionDenied) as refused:
        read(payload, trusts_invoker=False, invocation_id=None)
    assert refused.value.code == "tenant_not_trusted"
    assert read(payload, trusts_invoker=True, invocation_id=None).team == "red"


def test_a_create_is_recognised_by_lambda_s_own_name_for_the_event() -> None:
    payload = {"operation": "vector_stores.create", "api_key": "k", "body": {}}
    for _ in range(2):  # a second delivery has the same id
        policy = read(payload, trusts_invoker=False, invocation_id="abc").policy()
        assert policy.idempotency_key == "lambda-abc"
    own = read({**payload, "idempotency_key": "mine"}, trusts_invoker=False, invocation_id="abc").policy()
    assert own.idempotency_key == "mine"
    retrieved = {"operation": "files.list", "api_key": "k"}
    assert read(retrieved, trusts_invoker=False, invocation_id="abc").policy().idempotency_key is None


def test_the_deployed_handler_answers_and_never_raises() -> None:
    with GatewayHarness() as harness:
        function = handler.bound_to(InvokeHandler(harness.gateway))
        key = harness.key("sk-Gh3kLm9QwErTyUiOpAsD")
        context = SimpleNamespace(aws_request_id="1-2-3")
        made = function({"operation": "vector_stores.create", "api_key": key, "body": {"name": "n"}}, context)
        assert made["status"] == 200
        assert harness.row().operation == "vector_stores.create"
        odd: object
        for odd in (None, [], "x", 1, {"operation": "x" * 300}, {"operation": {}}):
            assert function(odd, None)["status"] == 400
        refused = function({"operation": "vector_stores.list", "tenant": "red"}, None)
        assert (refused["status"], len(harness.rows())) == (403, 1)


def test_an_event_that_is_delivered_twice_is_executed_once() -> None:
    with GatewayHarness() as harness:
        function = handler.bound_to(InvokeHandler(harness.gateway, trusts_invoker=True))
        payload = {"operation": "vector_stores.create", "tenant": "red", "body": {"name": "n"}}
        first, again, other = (function(payload, SimpleNamespace(aws_request_id=name)) for name in ("1", "1", "2"))
        assert first["body"] == again["body"]
        assert first["body"] != other["body"]
        assert harness.upstream.calls == 2


def test_an_answer_that_lambda_cannot_carry_is_a_typed_refusal() -> None:
    binary = {"content-type": "application/octet-stream"}
    assert write(Response(status=200, headers=binary, body=Body.of(b"x" * 100)))["encoding"] == "base64"
    large = write(Response(status=200, headers=binary, body=Body.of(b"x" * (MAX_LAMBDA_RESPONSE * 3 // 4 + 3))))
    assert large["status"] == 413
    assert len(json.dumps(large)) < 1000


def test_a_handler_that_raises_is_a_function_error_and_an_event_is_delivered_again() -> None:
    seen: list[object] = []

    def failing(payload: object, context: Any) -> object:
        seen.append(context.aws_request_id)
        raise RuntimeError(f"cannot do {payload}")

    api = InvokeApi(failing)
    answers: list[tuple[str, dict[str, str]]] = []

    def ask(kind: str, address: str = "127.0.0.1") -> bytes:
        environ: Any = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/2015-03-31/functions/vectorgate-invoke/invocations",
            "REMOTE_ADDR": address,
            "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 ...",
            "HTTP_X_AMZ_INVOCATION_TYPE": kind,
        }
        return b"".join(api(environ, lambda status, headers: answers.append((status, dict(headers)))))  # type: ignore[arg-type]

    error = json.loads(ask("RequestResponse"))
    assert (error["errorType"], error["errorMessage"]) == ("RuntimeError", "cannot do {}")
    assert answers[-1][0] == "200 OK"
    assert answers[-1][1]["X-Amz-Function-Error"] == "Unhandled"
    assert ask("Event") == b""
    api.close()
    assert len(seen) == 1 + 3
    assert len(set(seen[1:])) == 1
    assert b"this machine only" in ask("RequestResponse", "192.0.2.1")
    assert answers[-1][0] == "403 Forbidden"
    assert b"Unsupported invocation type" in ask("Other")
