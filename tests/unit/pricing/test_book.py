"""The price book: what was in force at a moment, and no price without an entry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.factories.ledger import answered_row
from vectorgate.ids import ProviderName
from vectorgate.pricing.book import (
    MOCK,
    NOT_EXECUTED,
    AnyPrice,
    MissingPrice,
    Price,
    PriceBook,
    prices_of_calls,
    prices_of_models,
    shipped_prices,
)
from vectorgate.pricing.money import NanoUSD
from vectorgate.pricing.tokens import TokenPrice

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


def test_the_prices_of_models_are_read_for_the_first_response_and_are_then_those_of_a_book_that_holds_them() -> None:
    read: list[AnyPrice] = []

    def models() -> list[AnyPrice]:
        read.extend(prices_of_models())
        return read

    book = PriceBook(prices_of_calls(), models=models)
    assert (book.charge_for(answered_row(1)).spend, read) == (0, [])
    whole = PriceBook(shipped_prices())
    for price in (each for each in prices_of_models() if isinstance(each, TokenPrice)):
        row = replace(answered_row(1), model=price.models[0], service_tier=price.tier, started_ms=10**13)
        row, tokens = replace(row, provider=ProviderName(price.provider)), price.above_input_tokens + 1
        assert book.by_id(price.id) == price
        assert book.token_price_of(row, tokens) == whole.token_price_of(row, tokens)
    assert len(read) == len(shipped_prices()) - len(prices_of_calls())


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
