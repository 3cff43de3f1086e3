"""What responses cost: tokens and tools as lines of their own, to the stores that were searched, and within budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from vectorgate.auth.authenticate import key_id_of
from vectorgate.bootstrap import build_meter
from vectorgate.budgets.model import LIFETIME, Account, Balance, BudgetScope, Subject
from vectorgate.ledger.entry import State
from vectorgate.ledger.rollups import TOOLS, Scope
from vectorgate.pricing.money import NanoUSD, rounded_ratio

if TYPE_CHECKING:
    from openai import OpenAI

    from tests.harnesses.gateway import Connect, GatewayHarness

MODEL = "gpt-5-mini"
INPUT, CACHED, OUTPUT = 250_000_000, 25_000_000, 2_000_000_000  # nano-dollars for a million tokens
CALL = 2_500_000
MONTH = "2026-03"


def search(*stores: str) -> list[Any]:
    return [{"type": "file_search", "vector_store_ids": list(stores)}]


def tokens_cost(usage: Any) -> int:
    cached = usage["input_tokens_details"]["cached_tokens"]
    total = (usage["input_tokens"] - cached) * INPUT + cached * CACHED + usage["output_tokens"] * OUTPUT
    return rounded_ratio(total, 1_000_000)


def sums(harness: GatewayHarness, scope: Scope, name: str) -> dict[str, int]:
    found = harness.stores.reports.rollups(scope, name, MONTH)
    of_responses = [rollup for rollup in found if rollup.bucket.operation.startswith("responses")]
    lines = {rollup.bucket.operation: rollup.spend - rollup.tools_spend for rollup in of_responses}
    tools = sum(rollup.tools_spend for rollup in of_responses)
    return lines | {TOOLS: tools} if tools else lines


def balance(harness: GatewayHarness, key: str) -> Balance:
    account = Account(Subject(BudgetScope.KEY, key_id_of(key)), LIFETIME)
    return harness.stores.budgets.balances([account])[account]


def test_tokens_and_tools_are_lines_of_key_team_and_end_user(harness: GatewayHarness, red: OpenAI, store: str) -> None:
    answer = red.responses.with_raw_response.create(model=MODEL, input="?", tools=search(store), user="ada")
    tokens = tokens_cost(harness.openai.model.counted[-1]["usage"])
    assert float(answer.headers["x-litellm-response-cost"]) == pytest.approx((tokens + CALL) / 1e9)
    harness.settle()
    row = harness.rows()[-1]
    assert (row.spend, row.tools_spend, row.price_id) == (tokens + CALL, CALL, "openai.gpt-5-mini.2025-08-07")
    lines = {"responses.create": tokens, TOOLS: CALL}
    assert sums(harness, Scope.KEY, key_id_of("sk-red-responses")) == lines
    assert sums(harness, Scope.TENANT, "team:red") == lines
    assert sums(harness, Scope.END_USER, "ada") == lines


def test_the_stores_that_were_searched_share_the_cost_to_the_nano_dollar(
    harness: GatewayHarness, red: OpenAI, store: str
) -> None:
    other = red.vector_stores.create(name="other").id
    red.responses.create(model=MODEL, input="?", tools=search(store, other))
    harness.settle()
    row = harness.rows()[-1]
    shares = [sum(sums(harness, Scope.STORE, name).values()) for name in (store, other)]
    assert sum(shares) == row.spend
    assert abs(shares[0] - shares[1]) <= 2


def test_a_store_that_was_offered_but_not_searched_bears_nothing(
    harness: GatewayHarness, red: OpenAI, store: str
) -> None:
    red.responses.create(model=MODEL, input="?", tools=search(store), tool_choice="none")
    harness.settle()
    row = harness.rows()[-1]
    assert (row.state, row.tool_calls, row.searched_stores) == (State.SETTLED, (), ())
    assert sums(harness, Scope.STORE, store) == {}


# What the shipped book has no price of: a model, and tiers of one that it has.
UNPRICED: list[dict[str, Any]] = [
    {"model": "ft:gpt-5-mini:us::1"},
    *({"model": MODEL, "service_tier": tier} for tier in ("priority", "flex")),
]


@pytest.mark.parametrize("unpriced", UNPRICED)
def test_what_has_no_price_is_recorded_as_unpriced(
    harness: GatewayHarness, red: OpenAI, unpriced: dict[str, Any]
) -> None:
    red.responses.create(input="?", **unpriced)
    harness.settle()
    row = harness.rows()[-1]
    assert (row.state, row.spend, row.price_id) == (State.SETTLED, 0, "vectorgate.unpriced")
    assert row.output_tokens


def test_each_response_without_a_price_is_counted_for_the_alarm_however_it_ended(
    harness: GatewayHarness, red: OpenAI
) -> None:
    asked: dict[str, Any] = {"model": "ft:gpt-5-mini:us::1", "input": "?"}
    red.responses.create(**asked)
    list(red.responses.create(**asked, stream=True))
    later = red.responses.create(**asked, background=True).id
    harness.openai.model.finish(later)
    assert red.responses.retrieve(later).status == "completed"
    harness.openai.model.cut_after = 3
    with pytest.raises(openai.APIError):
        list(red.responses.create(**asked, stream=True))
    harness.settle()
    assert harness.telemetry.counts["Unpriced"] == 3
    harness.time.skip(1_000)
    build_meter(harness.settings, harness.deps).reconciler.sweep()
    while harness.settle():
        pass
    assert harness.telemetry.counts["Unpriced"] == 4


@pytest.mark.parametrize("unpriced", UNPRICED)
def test_what_has_no_price_is_refused_where_a_budget_counts(
    harness: GatewayHarness, connect: Connect, unpriced: dict[str, Any]
) -> None:
    harness.key("sk-poor", models=("*",), max_budget=NanoUSD(10**9))
    with pytest.raises(openai.BadRequestError) as caught:
        connect("sk-poor").responses.create(input="?", **unpriced)
    assert (caught.value.code, harness.upstream.calls) == ("model_unpriced", 0)


def test_the_tiers_auto_and_default_have_the_price_of_the_model(harness: GatewayHarness, red: OpenAI) -> None:
    for asked in ("auto", "default"):
        red.responses.create(model=MODEL, input="?", service_tier=asked)
    harness.settle()
    assert {row.price_id for row in harness.rows()} == {"openai.gpt-5-mini.2025-08-07"}


def test_a_budget_reserves_by_the_most_output_and_settles_by_the_usage(
    harness: GatewayHarness, connect: Connect
) -> None:
    harness.key("sk-poor", models=("*",), max_budget=NanoUSD(10**9))
    client = connect("sk-poor")
    client.responses.create(model=MODEL, input="?", max_output_tokens=1_000)
    assert balance(harness, "sk-poor").reserved >= 1_000 * OUTPUT // 1_000_000
    harness.settle()
    spent = tokens_cost(harness.openai.model.counted[-1]["usage"])
    assert balance(harness, "sk-poor") == Balance(reserved=NanoUSD(0), spent=NanoUSD(spent))
    with pytest.raises(openai.RateLimitError) as caught:
        client.responses.create(model=MODEL, input="?", max_output_tokens=500_000)
    assert caught.value.code == "insufficient_quota"


def test_a_limit_is_put_into_the_request_of_a_key_that_has_one(harness: GatewayHarness, connect: Connect) -> None:
    harness.key("sk-short", models=("*",), max_output_tokens=64)
    client = connect("sk-short")
    client.responses.create(model=MODEL, input="?")
    client.responses.create(model=MODEL, input="?", max_output_tokens=32)
    assert [received.document["max_output_tokens"] for received in harness.upstream.received] == [64, 32]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=MODEL, input="?", max_output_tokens=65)
    assert caught.value.code == "integer_above_max_value"


def test_an_implausible_usage_is_named_and_not_charged(harness: GatewayHarness, red: OpenAI) -> None:
    harness.openai.model.usage = {"input_tokens": -1, "output_tokens": 5}
    red.responses.create(model=MODEL, input="?")
    row = harness.rows()[-1]
    assert (row.quarantined, row.input_tokens, row.output_tokens) == (("usage",), None, None)


def test_a_key_that_used_its_tokens_of_a_minute_waits_for_the_next(harness: GatewayHarness, connect: Connect) -> None:
    harness.key("sk-slow", models=("*",), tpm_limit=50)
    client = connect("sk-slow")
    list(client.responses.create(model=MODEL, input="?", stream=True))
    client.responses.create(model=MODEL, input="?")
    with pytest.raises(openai.RateLimitError) as caught:
        client.responses.create(model=MODEL, input="?")
    used = sum(each["usage"]["input_tokens"] + each["usage"]["output_tokens"] for each in harness.openai.model.counted)
    wait = (used - 50 + 1) * 60 / 50  # what is owed comes back evenly, and one token more
    assert caught.value.code == "rate_limit_exceeded"
    assert wait - 5 < int(caught.value.response.headers["retry-after-ms"]) / 1_000 <= wait
    harness.time.skip(wait)
    client.responses.create(model=MODEL, input="?")
