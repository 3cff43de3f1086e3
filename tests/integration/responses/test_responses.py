"""Responses over one gateway: forwarded as they came, owned by their tenant, recorded with what they used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.openai_responses import TEXT
from vectorgate.bootstrap import build_meter
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    from openai import OpenAI

    from tests.harnesses.gateway import Connect, GatewayHarness

MODEL = "gpt-5-mini"


def search(*stores: str) -> list[Any]:
    return [{"type": "file_search", "vector_store_ids": list(stores)}]


def test_a_response_searches_an_own_store_and_is_recorded_with_what_it_used(
    harness: GatewayHarness, red: OpenAI, store: str
) -> None:
    response = red.responses.create(model=MODEL, input="When?", tools=search(store))
    assert response.output_text == TEXT
    row, counted = harness.rows()[-1], harness.openai.model.counted[-1]
    assert row.state is State.ANSWERED
    assert (row.operation, row.response_id, row.model) == ("responses.create", response.id, f"{MODEL}-2025-08-07")
    assert (row.input_tokens, row.output_tokens) == (
        counted["usage"]["input_tokens"],
        counted["usage"]["output_tokens"],
    )
    assert (row.tool_calls, row.searched_stores) == (("file_search=1",), (store,))


def test_the_body_reaches_the_provider_as_it_came(harness: GatewayHarness, red: OpenAI, store: str) -> None:
    body = {
        "model": MODEL,
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "é\n"}]}],
        "tools": [*search(store), {"type": "function", "name": "f", "parameters": {"properties": {"file_id": {}}}}],
        "reasoning": {"effort": "low"},
        "user": "somebody",
        "metadata": {"file_id": "not an id"},
        "store": False,
        "temperature": 0.5,
        "instructions": None,
    }
    red.post("/responses", body=body, cast_to=object)
    assert harness.upstream.received[-1].document == body
    assert harness.rows()[-1].end_user == "somebody"


def test_a_safety_identifier_is_the_end_user_where_user_is_absent(harness: GatewayHarness, red: OpenAI) -> None:
    for given, expected in (
        ({"safety_identifier": "hash-1"}, "hash-1"),
        ({"safety_identifier": "hash-1", "user": "ann"}, "ann"),
    ):
        red.post("/responses", body={"model": MODEL, "input": "?", **given}, cast_to=object)
        assert harness.rows()[-1].end_user == expected
        assert harness.upstream.received[-1].document["safety_identifier"] == "hash-1"


def test_a_response_can_be_read_cancelled_and_deleted_by_its_tenant_alone(
    harness: GatewayHarness, red: OpenAI, blue: OpenAI
) -> None:
    made = red.responses.create(model=MODEL, input="hello")
    assert red.responses.retrieve(made.id, include=["file_search_call.results"]).id == made.id
    assert harness.upstream.received[-1].path.endswith("?include%5B%5D=file_search_call.results")
    assert red.responses.input_items.list(made.id).data[0].id == "msg_in"
    assert red.responses.cancel(made.id).status == "cancelled"
    calls = harness.upstream.calls
    for call in (
        blue.responses.retrieve,
        blue.responses.cancel,
        blue.responses.delete,
        blue.responses.input_items.list,
    ):
        messages = []
        for name in (made.id, "resp_absent"):
            with pytest.raises(openai.NotFoundError) as caught:
                call(name)
            messages.append(caught.value.message.replace(name, "ID"))
        assert messages[0] == messages[1]
    assert harness.upstream.calls == calls
    red.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError, match="not found"):
        red.responses.retrieve(made.id)


def test_input_tokens_are_counted_and_conversations_compacted(harness: GatewayHarness, red: OpenAI) -> None:
    assert red.responses.input_tokens.count(model=MODEL, input="hello").input_tokens > 0
    compacted = red.responses.compact(model=MODEL, input="hello")
    row = harness.rows()[-1]
    assert (row.operation, row.input_tokens) == ("responses.compact", compacted.usage.input_tokens)
    harness.settle()
    assert harness.rows()[-1].spend


def test_a_response_that_is_not_stored_leaves_its_record_and_its_owner(
    harness: GatewayHarness, red: OpenAI, blue: OpenAI
) -> None:
    made = red.responses.create(model=MODEL, input="hello", store=False)
    assert harness.rows()[-1].response_id == made.id
    with pytest.raises(openai.NotFoundError):
        blue.responses.retrieve(made.id)


@pytest.mark.parametrize("models", [(), ("gpt-4*", "gpt-5-nano")])
def test_a_key_runs_no_model_that_its_models_do_not_name(
    harness: GatewayHarness, connect: Connect, models: tuple[str, ...]
) -> None:
    harness.key("sk-few", team="few", models=models)
    with pytest.raises(openai.PermissionDeniedError) as caught:
        connect("sk-few").responses.create(model=MODEL, input="hello")
    assert caught.value.code == "model_not_allowed"
    assert harness.upstream.calls == 0
    assert harness.row().state is State.VOIDED


@pytest.mark.parametrize(
    ("models", "shown"),
    [((), []), (("*",), ["gpt-5", "gpt-5-mini", "gpt-5-nano"]), (("gpt-5-m*",), ["gpt-5-mini"])],
)
def test_the_models_that_a_key_may_use_are_listed(
    harness: GatewayHarness, connect: Connect, models: tuple[str, ...], shown: list[str]
) -> None:
    harness.key("sk-few", models=models)
    client = connect("sk-few")
    assert [model.id for model in client.models.list()] == shown
    if MODEL in shown:
        assert client.models.retrieve(MODEL).id == MODEL
    else:
        with pytest.raises(openai.PermissionDeniedError):
            client.models.retrieve(MODEL)


def test_a_repeated_create_with_one_key_is_answered_once(harness: GatewayHarness, red: OpenAI) -> None:
    headers = {"Idempotency-Key": "once"}
    first, second = (red.responses.create(model=MODEL, input="hi", extra_headers=headers) for _ in range(2))
    assert first.id == second.id
    assert len(harness.openai.model.counted) == 1


def test_a_background_response_is_charged_when_it_is_found_to_be_finished(harness: GatewayHarness, red: OpenAI) -> None:
    made = red.responses.create(model=MODEL, input="hello", background=True)
    assert (made.status, harness.rows()[-1].state) == ("queued", State.UNCERTAIN)
    assert red.responses.retrieve(made.id).id == made.id
    harness.time.skip(61)
    meter = build_meter(harness.settings, harness.deps).reconciler
    assert meter.sweep() == {"waiting": 1}
    harness.openai.model.finish(made.id)
    assert meter.sweep() == {"done": 1}
    row = next(row for row in harness.rows() if row.operation == "responses.create")
    assert (row.state, row.input_tokens) == (
        State.ANSWERED,
        harness.openai.model.counted[-1]["usage"]["input_tokens"],
    )


def test_an_unknown_field_is_refused_as_openai_refuses_it(red: OpenAI) -> None:
    for body, param in (({"surprise": 1}, "surprise"), ({"input": [{"store_id": "vs_1"}]}, "input[0].store_id")):
        with pytest.raises(openai.BadRequestError) as caught:
            red.responses.create(model=MODEL, extra_body=body)
        assert (caught.value.code, caught.value.param) == ("unknown_parameter", param)
    assert json.dumps(caught.value.body)
