"""A payload is parsed completely or refused; no part of it gets into a path, a key or a log unchecked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.api.errors import InvalidRequest, PermissionDenied
from vectorgate.api.http import MAX_LAMBDA_RESPONSE, Body, Response
from vectorgate.api.operations import BY_NAME
from vectorgate.api.router import route
from vectorgate.entrypoints.invoke.invocations import write
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


def test_an_answer_that_lambda_cannot_carry_is_a_typed_refusal() -> None:
    binary = {"content-type": "application/octet-stream"}
    assert write(Response(status=200, headers=binary, body=Body.of(b"x" * 100)))["encoding"] == "base64"
    large = write(Response(status=200, headers=binary, body=Body.of(b"x" * (MAX_LAMBDA_RESPONSE * 3 // 4 + 3))))
    assert large["status"] == 413
    assert len(json.dumps(large)) < 1000
