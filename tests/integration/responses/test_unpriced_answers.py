"""Under a budget no response costs nothing for want of a price: it is refused, or charged by what is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.harnesses.gateway import PROVIDER
from vectorgate.auth.authenticate import key_id_of
from vectorgate.budgets.model import LIFETIME, Account, Balance, BudgetScope, Subject
from vectorgate.pricing.book import PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD
from vectorgate.pricing.tokens import TokenPrice

if TYPE_CHECKING:
    from openai import OpenAI

    from tests.harnesses.gateway import Connect, GatewayHarness

RATE = 3_000_000_000  # nano-dollars for a million tokens: 3,000 for each
SHORT = TokenPrice(
    id="own.short",
    provider=PROVIDER,
    models=("ours",),
    from_ms=0,
    source="a test",
    up_to_input_tokens=1_000,
    input=NanoUSD(RATE),
    cached_input=NanoUSD(RATE),
    cache_write=NanoUSD(RATE),
    output=NanoUSD(RATE),
)
BUDGET = NanoUSD(10**9)
KEY = "sk-with-a-budget"


@pytest.fixture
def limited(harness: GatewayHarness, connect: Connect) -> OpenAI:
    """A client under a budget; the model `ours` has no price for inputs of more than 1,000 tokens."""
    book = PriceBook(shipped_prices(), [SHORT])
    harness.gateway = harness.build(book)
    harness.settlement = replace(harness.settlement, book=book)
    return connect(harness.key(KEY, models=("*",), max_budget=BUDGET))


def used(input_tokens: int, output_tokens: int) -> dict[str, Any]:
    """What a provider counted."""
    return {"input_tokens": input_tokens, "output_tokens": output_tokens, "total_tokens": input_tokens + output_tokens}


def spent(harness: GatewayHarness) -> NanoUSD:
    """What the key has spent. Nothing is reserved any more."""
    account = Account(Subject(BudgetScope.KEY, key_id_of(KEY)), LIFETIME)
    balance = harness.stores.budgets.balances([account])[account]
    assert balance == Balance(reserved=0, spent=balance.spent)
    return NanoUSD(balance.spent)


def test_an_input_above_the_size_that_has_a_price_is_refused(
    harness: GatewayHarness, limited: OpenAI, red: OpenAI
) -> None:
    asked: dict[str, Any] = {"model": "ours", "input": "x" * 1_000, "max_output_tokens": 16}
    with pytest.raises(openai.BadRequestError, match=r"an input of up to 10[0-9]{2} tokens has no price") as caught:
        limited.responses.create(**asked)
    assert (caught.value.code, harness.upstream.calls) == ("model_unpriced", 0)
    red.responses.create(**asked)
    limited.responses.create(**{**asked, "input": "x" * 900})
    assert harness.upstream.calls == 2


@pytest.mark.parametrize(("tokens", "costs_more_than_reserved"), [(1_001, False), (100_000, True)])
def test_an_answer_above_that_size_costs_what_was_reserved_or_its_tokens(
    harness: GatewayHarness, limited: OpenAI, tokens: int, *, costs_more_than_reserved: bool
) -> None:
    harness.openai.model.usage = used(tokens, 10)
    limited.responses.create(model="ours", input="x" * 500, max_output_tokens=1_000)
    harness.settle()
    row = harness.rows()[-1]
    assert row.reserved is not None
    by_tokens = (tokens + 10) * RATE // 1_000_000
    assert (row.price_id, by_tokens > row.reserved) == ("vectorgate.reserved", costs_more_than_reserved)
    assert row.spend == max(row.reserved, by_tokens) == spent(harness)
    assert harness.telemetry.counts["Unpriced"] == 1


def test_an_answer_of_a_model_without_a_price_costs_what_the_model_asked_for_does(
    harness: GatewayHarness, limited: OpenAI, red: OpenAI
) -> None:
    harness.openai.model.answers_as = "surprise-1"
    harness.openai.model.usage = used(700, 30)
    for client in (limited, red):
        client.responses.create(model="ours", input="?", max_output_tokens=100)
    later = limited.responses.create(model="ours", input="?", max_output_tokens=100, background=True).id
    harness.openai.model.finish(later)
    limited.responses.retrieve(later)
    harness.settle()
    made = [row for row in harness.rows() if row.operation == "responses.create"]
    assert [(row.model, row.asked_model, row.price_id) for row in made] == [("surprise-1", "ours", "own.short")] * 3
    assert {row.spend for row in made} == {730 * RATE // 1_000_000}


def test_an_answer_in_a_tier_without_a_price_costs_what_was_reserved(
    harness: GatewayHarness, limited: OpenAI, red: OpenAI
) -> None:
    harness.openai.model.tier = "priority"
    for client in (limited, red):
        client.responses.create(model="gpt-5-mini", input="?", service_tier="auto", max_output_tokens=100)
    harness.settle()
    under_budget, free = harness.rows()
    assert (under_budget.price_id, under_budget.spend) == ("vectorgate.reserved", under_budget.reserved)
    assert (free.price_id, free.spend) == ("vectorgate.unpriced", 0)
    assert spent(harness) == under_budget.reserved


def test_an_answer_with_an_implausible_usage_costs_what_was_reserved(harness: GatewayHarness, limited: OpenAI) -> None:
    harness.openai.model.usage = used(-1, 5)
    limited.responses.create(model="ours", input="?", max_output_tokens=100)
    harness.settle()
    row = harness.rows()[-1]
    assert (row.quarantined, row.spend) == (("usage",), row.reserved)
    assert spent(harness) == row.reserved
