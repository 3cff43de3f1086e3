"""The price book: what was in force at a moment, and no price without an entry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.factories.entries import answered_row
from vectorgate.pricing.book import MOCK, NOT_EXECUTED, MissingPrice, Price, PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD

OLD = Price(id="old", provider="p", operations=("a.*",), from_ms=1_000, per_call=NanoUSD(1), source="s")
NEW = replace(OLD, id="new", from_ms=2_000, per_call=NanoUSD(2))
BOOK = PriceBook([NEW, OLD])


@pytest.mark.parametrize(("at_ms", "price_id"), [(1_000, "old"), (1_999, "old"), (2_000, "new"), (10**15, "new")])
def test_the_newest_entry_that_has_begun_is_in_force(at_ms: int, price_id: str) -> None:
    assert BOOK.price("p", "a.b", at_ms).id == price_id


@pytest.mark.parametrize(
    ("provider", "operation", "at_ms"), [("p", "a.b", 999), ("q", "a.b", 5_000), ("p", "ab", 5_000), ("p", "a", 5_000)]
)
def test_a_missing_price_is_an_error_and_never_zero(provider: str, operation: str, at_ms: int) -> None:
    with pytest.raises(MissingPrice):
        BOOK.price(provider, operation, at_ms)


def test_two_entries_do_not_share_a_name() -> None:
    with pytest.raises(ValueError, match="share an id"):
        PriceBook([OLD, OLD])


def test_an_entry_is_found_by_its_name() -> None:
    assert BOOK.by_id("old") is OLD
    with pytest.raises(MissingPrice):
        BOOK.by_id("unknown")


def test_every_shipped_entry_says_where_it_comes_from() -> None:
    prices = shipped_prices()
    assert {NOT_EXECUTED, MOCK} <= {price.id for price in prices}
    assert all(price.source for price in prices)


def test_a_row_that_names_its_price_keeps_it() -> None:
    book = PriceBook(shipped_prices())
    assert book.charge_for(replace(answered_row(1), price_id=MOCK)).price_id == MOCK
    assert book.charge_for(answered_row(1)).price_id.startswith("openai.calls.")
