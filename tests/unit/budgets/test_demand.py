"""What a response may use at most, as its request says."""

from __future__ import annotations

from typing import Any

import pytest

from vectorgate.api.command import Command
from vectorgate.api.operations import BY_NAME
from vectorgate.api.references import named_in
from vectorgate.budgets.demand import (
    DEFAULT_RESULTS,
    EARLIER_TOKENS,
    MAX_RESULTS,
    RESULT_TOKENS,
    SEARCHES,
    demand_of,
)
from vectorgate.gateway.continuing import with_earlier
from vectorgate.ids import OperationId
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.pricing.book import Demand

SEARCH = {"type": "file_search", "vector_store_ids": ["vs_1"]}


def demand(**fields: Any) -> Demand:
    """The demand of a request that writes up to 64 tokens."""
    body = {"model": "m", "input": "q", **fields}
    named = named_in(body)
    references, features = tuple(named.references), tuple(named.features)
    operation = BY_NAME["responses.create"]
    return demand_of(Command(operation=operation, body=body, references=references, features=features), 64)


@pytest.mark.parametrize("place", ["tools", "input"])
def test_a_search_counts_wherever_its_tool_stands(place: str) -> None:
    """Its calls, and the results that are read after each of them."""
    item = {"type": "additional_tools", "role": "developer", "tools": [SEARCH]}
    found = demand(**({"tools": [SEARCH]} if place == "tools" else {"input": [item]}))
    assert (found.output_tokens, found.tool_calls) == (64, {"file_search": SEARCHES})
    assert found.input_tokens > DEFAULT_RESULTS * RESULT_TOKENS * SEARCHES


def test_fewer_calls_and_results_are_as_many_as_the_request_allows() -> None:
    found = demand(tools=[{**SEARCH, "max_num_results": 2}], max_tool_calls=1)
    assert found.tool_calls == {"file_search": 1}
    assert 2 * RESULT_TOKENS < found.input_tokens < 3 * RESULT_TOKENS


def test_what_an_earlier_response_brings_counts_and_what_it_used_stands_for_its_estimate() -> None:
    asked = Command(operation=BY_NAME["responses.create"], body={"previous_response_id": "resp_1"})
    earlier = LedgerEntry(
        id=OperationId("0" * 8 + "-0000-7000-8000-" + "0" * 12),
        operation="responses.create",
        state=State.SETTLED,
        started_ms=0,
        kept_stores=("vs_1",),
        kept_tools=("file_search",),
        ceiling=("input_tokens=700", "output_tokens=50", "file_search=4"),
    )
    with_ceiling, with_usage = (
        demand_of(with_earlier(asked, row), 64)
        for row in (earlier, earlier.changed(input_tokens=300, output_tokens=20))
    )
    assert with_ceiling.tool_calls == {"file_search": SEARCHES}
    assert with_ceiling.input_tokens - with_usage.input_tokens == (750 - 320) * (1 + SEARCHES)
    assert with_usage.input_tokens > 320 + SEARCHES * MAX_RESULTS * RESULT_TOKENS
    assert demand(previous_response_id="resp_1").input_tokens > EARLIER_TOKENS


def test_without_tools_it_is_no_more_than_the_bytes_of_the_request() -> None:
    assert demand() == Demand(input_tokens=len("modelm") + len("inputq") + 2, output_tokens=64, tool_calls={})
