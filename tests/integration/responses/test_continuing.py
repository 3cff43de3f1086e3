"""A response that continues another has its tools, searches its stores and reads its tokens without naming them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from vectorgate.ids import ObjectId
from vectorgate.ledger.rollups import Scope
from vectorgate.pricing.money import NanoUSD

if TYPE_CHECKING:
    from openai import OpenAI

    from tests.harnesses.gateway import Connect, GatewayHarness

MODEL = "gpt-5-mini"
INPUT, OUTPUT = 250, 2_000  # nano-dollars for a token
CALL = 2_500_000


def bringing(*tools: dict[str, Any]) -> list[Any]:
    """An input whose items bring tools."""
    item = {"type": "additional_tools", "role": "developer", "tools": list(tools)}
    return [item, {"role": "user", "content": "?"}]


def search(*stores: str) -> dict[str, Any]:
    return {"type": "file_search", "vector_store_ids": list(stores)}


def begin(client: OpenAI, harness: GatewayHarness, how: str, given: list[Any]) -> str:
    """The id of a response that has ended, however it was asked for."""
    asked: dict[str, Any] = {"model": MODEL, "input": given, "max_output_tokens": 100}
    if how == "stream":
        events = client.responses.create(**asked, stream=True)
        (ended,) = {str(event.response.id) for event in events if hasattr(event, "response")}
        return ended
    made = str(client.responses.create(**asked, background=how == "background").id)
    if how == "background":
        harness.openai.model.finish(made)
    return made


@pytest.mark.parametrize("how", ["plain", "stream", "background"])
def test_the_stores_of_an_earlier_input_bear_the_searches(
    harness: GatewayHarness, red: OpenAI, store: str, how: str
) -> None:
    first = begin(red, harness, how, bringing(search(store)))
    second = red.responses.create(model=MODEL, input="and?", previous_response_id=first).id
    other = red.vector_stores.create(name="other").id
    red.responses.create(model=MODEL, input="and?", previous_response_id=second, tools=[search(other)])  # type: ignore[list-item]
    assert all(document["output"][0]["type"] == "file_search_call" for document in harness.openai.model.counted)
    while harness.settle():
        pass
    *_, again, last = [row for row in harness.rows() if row.operation == "responses.create"]
    assert (again.searched_stores, again.tools_spend) == ((store,), CALL)
    assert set(last.searched_stores) == {store, other}
    found = harness.stores.reports.rollups(Scope.STORE, store, "2026-03")
    tools = sum(rollup.tools_spend for rollup in found)
    assert tools == CALL // 2 + CALL + (CALL if how != "background" else 0)  # that one is settled by the meter


def test_a_store_that_is_gone_or_out_of_reach_is_not_searched_through_an_earlier_response(
    harness: GatewayHarness, connect: Connect, red: OpenAI, store: str
) -> None:
    first = red.responses.create(model=MODEL, input=bringing(search(store))).id
    own = red.vector_stores.create(name="other").id
    harness.key("sk-one-store", team="red", models=("*",), vector_stores=(ObjectId(own),))
    calls = harness.upstream.calls
    refusals = []
    for client in (connect("sk-one-store"), red):
        with pytest.raises(openai.NotFoundError) as caught:
            client.responses.create(model=MODEL, input="and?", previous_response_id=first)
        refusals.append((caught.value.message, caught.value.param))
        if client is not red:
            assert harness.upstream.calls == calls
            red.vector_stores.delete(store)
            calls = harness.upstream.calls
    assert harness.upstream.calls == calls
    assert refusals[0] == refusals[1]
    assert refusals[0][1] == "previous_response_id"


def test_a_tool_of_an_earlier_input_needs_the_permission_of_the_key_that_continues(
    harness: GatewayHarness, connect: Connect, red: OpenAI
) -> None:
    harness.key("sk-any-tool", team="red", models=("*",), allowed_tools=("*",))
    client = connect("sk-any-tool")
    first = client.responses.create(model=MODEL, input=bringing({"type": "image_generation"})).id
    calls = harness.upstream.calls
    with pytest.raises(openai.PermissionDeniedError) as caught:
        red.responses.create(model=MODEL, input="and?", previous_response_id=first)
    assert (caught.value.code, caught.value.param) == ("tool_not_allowed", "previous_response_id")
    assert harness.upstream.calls == calls
    client.responses.create(model=MODEL, input="and?", previous_response_id=first)


@pytest.mark.parametrize("how", ["plain", "stream"])
def test_a_budget_reserves_what_the_earlier_response_read_and_wrote(
    harness: GatewayHarness, connect: Connect, red: OpenAI, how: str
) -> None:
    harness.openai.model.usage = {"input_tokens": 100_000, "output_tokens": 20_000, "total_tokens": 120_000}
    first = begin(red, harness, how, [{"role": "user", "content": "?"}])
    cost = 120_000 * INPUT + 100 * OUTPUT
    harness.key("sk-poor", team="red", models=("*",), max_budget=NanoUSD(cost - 1))
    harness.key("sk-rich", team="red", models=("*",), max_budget=NanoUSD(10 * cost))
    asked: dict[str, Any] = {"model": MODEL, "input": "?", "max_output_tokens": 100, "previous_response_id": first}
    with pytest.raises(openai.RateLimitError) as caught:
        connect("sk-poor").responses.create(**asked)
    assert caught.value.code == "insufficient_quota"
    connect("sk-rich").responses.create(**asked)
    reserved = harness.rows()[-1].reserved
    assert reserved is not None
    assert cost < reserved < cost + 1_000 * INPUT


def test_a_response_whose_row_is_not_kept_any_more_is_not_continued_for_nothing_tells_what_it_would_bring(
    harness: GatewayHarness, red: OpenAI, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = red.responses.create(model=MODEL, input=bringing(search(store))).id
    calls = harness.upstream.calls
    monkeypatch.setattr(type(harness.stores.ledger), "entry", lambda _self, _id: None)
    with pytest.raises(openai.BadRequestError) as caught:
        red.responses.create(model=MODEL, input="and?", previous_response_id=first)
    assert (caught.value.code, caught.value.param) == ("previous_response_not_found", "previous_response_id")
    with pytest.raises(openai.BadRequestError) as foreign:
        red.responses.create(model=MODEL, input="and?", previous_response_id="resp_" + "0" * 48)
    assert str(caught.value).replace(first, "") == str(foreign.value).replace("resp_" + "0" * 48, "")
    assert harness.upstream.calls == calls
    assert red.responses.retrieve(first).id == first  # what the provider keeps is its owner's all the same
    red.responses.delete(first)
    red.vector_stores.delete(store)


def test_more_stores_than_a_response_may_name_cannot_be_gathered_over_several(
    harness: GatewayHarness, red: OpenAI
) -> None:
    stores = [red.vector_stores.create(name=f"store {number}").id for number in range(33)]
    first = red.responses.create(model=MODEL, input=bringing(search(*stores[:32]))).id
    calls = harness.upstream.calls
    with pytest.raises(openai.BadRequestError) as caught:
        red.responses.create(model=MODEL, input=bringing(search(stores[32])), previous_response_id=first)
    assert (caught.value.code, harness.upstream.calls) == ("array_above_max_length", calls)
