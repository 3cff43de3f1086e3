"""In which sums a row counts, and how many rows are settled at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.ledger import answered, begun, settled
from vectorgate.ids import ObjectId
from vectorgate.ledger.ports import MAX_ACTIONS
from vectorgate.ledger.rollups import Scope, rollups_of, store_bucket
from vectorgate.ledger.settlement import chunks
from vectorgate.pricing.money import NanoUSD

if TYPE_CHECKING:
    from vectorgate.ledger.entry import LedgerEntry

COSTS: dict[str, Any] = {
    "tools_spend": NanoUSD(1),
    "byte_seconds": 1,
    "input_tokens": 1,
    "tool_calls": ("file_search=1",),
}


def row(number: int = 0, *, spend: int = 0, **fields: Any) -> LedgerEntry:
    """A settled row of a store."""
    return settled(
        answered(begun(number, end_user=None, tags=()), vector_store_id=ObjectId(f"vs_{number}")), spend
    ).changed(**fields)


def scopes(entry: LedgerEntry) -> list[Scope]:
    """Those of the sums in which a row counts."""
    return [rollup.bucket.scope for rollup in rollups_of([entry])]


@pytest.mark.parametrize("status_code", [200, 400, 502])
def test_a_creation_that_costs_nothing_counts_in_the_sums_of_its_key_and_tenant_alone(status_code: int) -> None:
    assert scopes(row(status_code=status_code)) == [Scope.KEY, Scope.TENANT]


def test_a_creation_that_costs_something_and_any_other_call_count_in_the_stores_sums() -> None:
    every = [Scope.KEY, Scope.STORE, Scope.TENANT]
    assert scopes(row(spend=1)) == scopes(row(spend=-1)) == scopes(row(operation="vector_stores.retrieve")) == every
    for name, value in COSTS.items():
        assert scopes(row(**{name: value})) == every, name


def test_a_chunk_has_a_place_for_each_new_store_whose_row_may_have_to_be_named() -> None:
    rows = [row(number) for number in range(130)]
    found = [*chunks(rows)]
    assert [entry for chunk in found for entry in chunk] == rows
    assert {len(chunk) for chunk in found[:-1]} == {(MAX_ACTIONS - 2) // 2}
    for chunk in found:
        named = {store_bucket(entry, str(entry.vector_store_id)) for entry in chunk}
        assert len(chunk) + len(rollups_of(chunk)) + len(named) <= MAX_ACTIONS
